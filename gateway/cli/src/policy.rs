//! `sluice policy apply`: what of a resource would leave for a purpose, without recording or sending anything.
//!
//! It judges labels and cuts elements as the gate does. It knows no asker, so it does not judge whose record it is; a
//! resource that the gate could take for nobody's is refused here as there. Only for files one has already.

use crate::args::PolicyCommand;
use crate::out;
use fhir::resource::Resource;
use fhir::subject::{self, About};
use json::{Document, Limits};
use privacy::{Left, Policies, Policy, Purpose, label, redact};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Runs one command.
///
/// # Errors
/// One sentence: the file cannot be read, or what it holds would not leave.
pub(crate) fn run(command: &PolicyCommand) -> Result<(), String> {
    match command {
        PolicyCommand::Apply { purpose, file } => {
            let purpose: Purpose = purpose.parse().map_err(|why| format!("--purpose: {why}"))?;
            let policies =
                Policies::shipped(server::short_digest).map_err(|why| format!("a shipped policy is wrong: {why}"))?;
            let policy =
                policies.of(purpose).ok_or_else(|| format!("there is no policy for {purpose}, so nothing leaves"))?;
            out::document(&leaves(policy, &read(file)?).map_err(|why| format!("{}: {why}", file.display()))?)
        }
    }
}

/// Reads a file, whole, up to the longest document that is taken.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |why| format!("{} cannot be read ({why}); name a file with one FHIR resource as JSON", path.display());
    let mut bytes = Vec::new();
    let bound = Limits::DEFAULT.bytes_max as u64 + 1;
    File::open(path).map_err(failed)?.take(bound).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The bytes that would leave, or why none would.
fn leaves(policy: &Policy, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let document = Document::parse(bytes.to_vec().into(), &Limits::DEFAULT)
        .map_err(|why| format!("{}, at byte {}; correct the JSON", why.fault.sentence(), why.at))?;
    let resource = Resource::of(document.root()).map_err(|why| format!("{why}; give one FHIR R4 resource"))?;
    let version = policy.version();
    if policy.bars(&label::labels(&resource)) {
        return Err(format!(
            "withheld by {version}: it, or something contained in it, carries a label that this policy never lets leave"
        ));
    }
    match subject::about(&resource) {
        About::Patients(_) | About::Shared | About::Owner | About::Targets(_) => {}
        About::Unknown => {
            return Err(
                "withheld: it cannot be told whose it is; it must name its patient by a plain reference".to_owned()
            );
        }
    }
    match redact(&resource, policy) {
        Left::Whole => Ok(resource.value().raw().to_vec()),
        Left::Cut(bytes) => Ok(bytes),
        Left::Nothing => Err(format!("withheld by {version}: this policy does not allow the type {}", resource.kind())),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn applied(purpose: Purpose, text: &str) -> Result<String, String> {
        let policies = Policies::shipped(|_| "0".to_owned()).unwrap();
        leaves(policies.of(purpose).unwrap(), text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    const RESULT: &str = r#"{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/1"},"valueQuantity":{"value":1.50}}"#;

    #[test]
    fn what_a_policy_gives_whole_is_printed_byte_for_byte() {
        assert_eq!(applied(Purpose::Treatment, RESULT).as_deref(), Ok(RESULT));
    }

    #[test]
    fn what_a_payer_does_not_need_is_cut_or_withheld() {
        let visit = r#"{"resourceType":"Encounter","text":{"div":"x"},"status":"finished","subject":{"reference":"Patient/1"}}"#;
        let left = applied(Purpose::Payment, visit).unwrap();
        assert!(left.contains("\"finished\"") && left.contains("SUBSETTED") && !left.contains("div"), "{left}");
    }

    #[test]
    fn a_psychotherapy_note_is_withheld_and_the_refusal_quotes_nothing_of_it() {
        let note = RESULT.replace("\"status\"", r#""meta":{"security":[{"code":"PSYTHPN"}]},"status""#);
        let refusal = applied(Purpose::PatientRequest, &note).unwrap_err();
        assert_eq!(
            refusal,
            "withheld by PATRQT@0: it, or something contained in it, carries a label that this policy never lets leave"
        );
    }

    #[test]
    fn a_type_that_no_policy_names_and_a_record_of_nobody_are_withheld() {
        assert_eq!(
            applied(Purpose::Payment, r#"{"resourceType":"Goal","subject":{"reference":"Patient/1"}}"#).unwrap_err(),
            "withheld by HPAYMT@0: this policy does not allow the type Goal"
        );
        let nobodys = r#"{"resourceType":"Observation","status":"final"}"#;
        assert!(
            applied(Purpose::Treatment, nobodys).unwrap_err().starts_with("withheld: it cannot be told whose it is")
        );
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place() {
        let twice = r#"{"resourceType":"Patient","id":"1","id":"2"}"#;
        assert!(
            applied(Purpose::Treatment, twice).unwrap_err().contains("at byte"),
            "{:?}",
            applied(Purpose::Treatment, twice)
        );
    }
}
