//! A short tour on the terminal: what to open, what to send, what to look at.

use super::cast::Cast;
use super::ready::Ready;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The message in the data folder that the tour lets one send.
const EXAMPLE: &str = "example.hl7";

/// A result for the first patient, as a file of segments; nothing where there is no patient.
///
/// # Errors
/// One sentence: the file cannot be written.
pub(crate) fn example(data: &Path, cast: &Cast) -> Result<Option<PathBuf>, String> {
    let patient = cast.users.iter().find_map(|user| Some((user.pid_3.as_ref()?, user.born.as_ref()?)));
    let Some((number, born)) = patient else { return Ok(None) };
    let message = format!(
        "MSH|^~\\&|LAB|NORTH|SLUICE|HOSP|20261120101500-0500||ORU^R01^ORU_R01|tour-1|P|2.5.1\r\
         PID|1||{number}||{}||{}|{}\r\
         ORC|RE|P1^HIS|F1^LAB\r\
         OBR|1|P1^HIS|F1^LAB|2345-7^Glucose^LN|||20261120090000-0500|||||||||||||||20261120101000-0500||LAB|F\r\
         OBX|1|NM|2345-7^Glucose^LN||5.50|mmol/L^^UCUM|3.9-5.5|H|||F|||20261120090000-0500\r",
        born.name, born.date, born.sex
    );
    let path = data.join(EXAMPLE);
    fs::write(&path, message).map_err(|why| format!("{}: {why}; name another folder with --data", path.display()))?;
    Ok(Some(path))
}

/// Prints the tour; a closed terminal is no reason to stop serving.
pub(crate) fn print(ready: &Ready, data: &Path, example: Option<&Path>) {
    // The challenge is the example of RFC 7636, appendix B.
    let authorize = format!(
        "{}/oauth/authorize?response_type=code&client_id=demo-public&redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2Fcallback\
         &scope=launch%2Fpatient%20patient%2F*.rs&state=tour&aud={}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256",
        ready.text("/base_url"),
        ready.text("/fhir_base").replace(':', "%3A").replace('/', "%2F"),
    );
    let mllp = ready.text("/mllp");
    let send = example.map_or_else(String::new, |path| {
        let to = mllp.replace(':', "/");
        let path = path.display();
        format!("\x20     {{ printf '\\x0b'; cat '{path}'; printf '\\x1c\\r'; }} > /dev/tcp/{to}    # in bash\n")
    });
    let sluice = std::env::args().next().unwrap_or_else(|| "sluice".to_owned());
    let data = data.display();
    let mut text = format!(
        "\nSluice is up, with people who do not exist.\n\n\
         1. Trust its throwaway authority in your tools: {}\n\
         2. Open {} in a browser.\n\
         3. Authorize an app: sign in here as one of those below. The code is then in the address bar.\n\
         \x20     {authorize}\n\
         \x20  The FHIR base is {}; apps may be answered at the addresses on the first page, on any port.\n\
         4. See as that person who saw the record, and stop the app: {}/account\n\
         \x20  Whoever stands here as RelatedPerson acts for a patient, as a parent does for a child.\n\
         5. Send a laboratory's HL7 v2 message by MLLP to {mllp} (times without an offset are taken as {}).\n{send}\
         6. Look at what came and what was disclosed, while this runs, from another terminal:\n\
         \x20     {sluice} journal list --data '{data}'\n\
         \x20     {sluice} ledger export --data '{data}'\n\
         7. Let a backend service ask for itself: demo-service, under system/*.rs. Its key is told by --ready-file.\n\
         8. Build an app: {1}/register makes it known, {1}/try walks through a launch, {1}/sandbox lets things go wrong for it.\n\n\
         Who can sign in, and for patients what a message about them says (PID-3, PID-5, PID-7, PID-8):\n",
        ready.text("/ca_cert"),
        ready.text("/base_url"),
        ready.text("/fhir_base"),
        ready.text("/base_url"),
        super::ZONE,
    );
    for user in ready.document.get("users").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or("");
        let line = format!(
            "   {:<22} {:<16} {:<20} {:<25} {} {} {}",
            part("username"),
            part("password"),
            part("fhir_user"),
            part("pid_3"),
            part("pid_5"),
            part("pid_7"),
            part("pid_8"),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str("\nCtrl-C stops.\n");
    say(&text);
}

/// Says that it is stopping.
pub(crate) fn stopping() {
    say("\nStopping: open requests are finished first.\n");
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
