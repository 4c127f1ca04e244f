//! Judging: who sees which row, and that what nobody sees shows nowhere.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::fixtures::{
    Book, document, done, id, now, patient, permit, permit_about, permit_under, policies, policy, read, search, service,
};
use crate::permit::{Question, Subject};
use crate::policy::Policies;
use crate::principal::Principal;
use crate::{Gate, Kind, Purpose, Role};
use proptest::prelude::*;
use std::sync::Arc;

#[path = "judge_parts_tests.rs"]
mod parts;
#[path = "judge_user_tests.rs"]
mod user;

const ALL: Wanted = Wanted { count: 100, total: false };

fn row(text: &str, standing: Standing, evidence: &[&str]) -> Row {
    Row {
        content: document(text.to_owned()),
        standing,
        after: Cursor::Start,
        evidence: evidence.iter().map(|text| document((*text).to_owned())).collect(),
    }
}

/// Whom a single match is shown for, if it is shown.
fn shown(principal: Principal, question: Question, text: &str, evidence: &[&str]) -> Option<Vec<String>> {
    shown_under(&policies(), principal, question, text, evidence)
}

fn shown_under(
    policies: &Policies,
    principal: Principal,
    question: Question,
    text: &str,
    evidence: &[&str],
) -> Option<Vec<String>> {
    let mut judging = Judging::begin(permit_under(principal, question, policies), ALL, Cursor::Start);
    judging.add(Phi::new(Chunk { rows: vec![row(text, Standing::Match, evidence)], next: None })).unwrap();
    let page = page(judging.close());
    assert_eq!(page.total, Some(page.rows.len() as u64));
    page.rows.first().map(|row| row.about.iter().map(Id::to_string).collect())
}

/// The page as it leaves the gate.
fn page(page: Redacted<Page>) -> Page {
    done(Gate::new(Book::default()).release(page, now())).unwrap().deliver().1
}

fn seen(text: &str, evidence: &[&str]) -> bool {
    let kind = Resource::of(document(text.to_owned()).root()).unwrap().kind();
    shown(patient("patient/*.rs"), search(kind), text, evidence).is_some()
}

fn is_for_p(shown: Option<Vec<String>>) -> bool {
    shown.is_some_and(|patients| patients == ["p"])
}

#[test]
fn a_row_is_shown_to_the_one_it_is_about_and_to_nobody_else() {
    assert!(is_for_p(shown(
        patient("patient/*.rs"),
        search(ResourceType::Observation),
        r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/p"}}"#,
        &[],
    )));
    for hidden in [
        r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/q"}}"#,
        r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/q"},"performer":[{"reference":"Patient/p"}]}"#,
        r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/P"}}"#,
        r#"{"resourceType":"Observation","id":"1"}"#,
        r#"{"resourceType":"Observation","id":"1","subject":[{"reference":"Patient/p"},{"reference":"Patient/q"}]}"#,
        r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/p"},"contained":[{"resourceType":"Condition","subject":{"reference":"Patient/q"}}]}"#,
        r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/p"},"contained":[{"resourceType":"Patient","id":"q"}]}"#,
        r#"{"resourceType":"Patient","id":"q"}"#,
    ] {
        assert!(!seen(hidden, &[]), "{hidden}");
    }
}

#[test]
fn a_row_of_several_patients_needs_every_one_of_them_in_context() {
    let judging =
        Judging::begin(permit(patient("patient/*.rs"), search(ResourceType::Observation)), ALL, Cursor::Start);
    assert!(judging.holds(&[id("p")]));
    assert!(!judging.holds(&[id("p"), id("q")]) && !judging.holds(&[id("q")]) && !judging.holds(&[]));
}

#[test]
fn a_clinician_sees_the_patients_in_their_care_and_no_other() {
    let clinician = || Principal {
        role: Role::Clinician,
        purpose: Purpose::Treatment,
        subject: Subject::Patients(vec![id("p"), id("q")]),
        ..patient("patient/*.rs")
    };
    let of = |who: &str| {
        let text = format!(r#"{{"resourceType":"Condition","id":"1","subject":{{"reference":"Patient/{who}"}}}}"#);
        shown(clinician(), search(ResourceType::Condition), &text, &[])
    };
    assert_eq!((of("p"), of("q"), of("r")), (Some(vec!["p".to_owned()]), Some(vec!["q".to_owned()]), None));
}

#[test]
fn a_service_sees_every_patients_rows_and_what_is_nobodys_by_evidence_alone() {
    let of = |kind, text: &str, evidence: &[&str]| shown(service("system/*.rs"), search(kind), text, evidence);
    let observation = |rest: &str| format!(r#"{{"resourceType":"Observation","id":"1","status":"final"{rest}}}"#);
    for who in ["p", "q"] {
        let text = observation(&format!(r#","subject":{{"reference":"Patient/{who}"}}"#));
        assert_eq!(of(ResourceType::Observation, &text, &[]), Some(vec![who.to_owned()]));
    }
    let noted = r#","meta":{"security":[{"code":"PSYTHPN"}]},"subject":{"reference":"Patient/p"}"#;
    let mixed = r#","subject":{"reference":"Patient/p"},"contained":[{"resourceType":"Patient","id":"q"}]"#;
    for hidden in ["", noted, mixed, r#","subject":{"reference":"Group/g"}"#] {
        assert_eq!(of(ResourceType::Observation, &observation(hidden), &[]), None, "{hidden}");
    }
    let doctor = r#"{"resourceType":"Practitioner","id":"d"}"#;
    let by = observation(r#","subject":{"reference":"Patient/q"},"performer":[{"reference":"Practitioner/d"}]"#);
    assert_eq!(of(ResourceType::Practitioner, doctor, &[]), None);
    assert_eq!(of(ResourceType::Practitioner, doctor, &[&by]), Some(vec!["q".to_owned()]));
}

#[test]
fn a_binary_of_one_patient_is_not_seen_by_a_record_of_another() {
    let binary = r#"{"resourceType":"Binary","id":"b","securityContext":{"reference":"Patient/p"}}"#;
    let document = |who: &str| {
        format!(
            r#"{{"resourceType":"DocumentReference","id":"of-{who}","subject":{{"reference":"Patient/{who}"}},"content":[{{"attachment":{{"url":"Binary/b"}}}}]}}"#
        )
    };
    let of = |evidence: &[&str]| shown(service("system/*.rs"), read(ResourceType::Binary, "b"), binary, evidence);
    let (own, others) = (document("p"), document("q"));
    assert_eq!(of(&[&others]), None);
    assert_eq!(of(&[&others, &own]), Some(vec!["p".to_owned()]));
}

#[test]
fn a_psychotherapy_note_is_hidden_wherever_its_label_stands() {
    let note = |meta: &str, contained: &str| {
        seen(
            &format!(
                r#"{{"resourceType":"DocumentReference","id":"1","meta":{meta},"subject":{{"reference":"Patient/p"}},"contained":{contained}}}"#
            ),
            &[],
        )
    };
    assert!(note("{}", "[]"));
    assert!(note(r#"{"security":[{"code":"PSY"},{"code":"R"}]}"#, "[]"));
    for meta in [
        r#"{"security":[{"code":"PSYTHPN"}]}"#,
        r#"{"security":[{"code":"N"},{"system":"other","code":"PSYTHPN"}]}"#,
        r#"{"security":{"code":"PSYTHPN"}}"#,
        r#"{"security":[{"code":"PSYTHP\u004e"}]}"#,
        r#"{"security":[{"display":"psychotherapy note"}]}"#,
        r#""PSYTHPN""#,
    ] {
        assert!(!note(meta, "[]"), "{meta}");
        assert!(!note("{}", &format!(r#"[{{"resourceType":"Condition","meta":{meta}}}]"#)), "contained {meta}");
        assert!(!note("{}", &format!(r#"{{"resourceType":"Device","meta":{meta}}}"#)), "contained alone {meta}");
    }
}

const PRACTITIONER: &str = r#"{"resourceType":"Practitioner","id":"dr"}"#;
const VISIT: &str = r#"{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/p"},"participant":[{"individual":{"reference":"Practitioner/dr"}}]}"#;
const ROLE: &str = r#"{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/dr"}}"#;
const VISIT_BY_ROLE: &str = r#"{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/p"},"participant":[{"individual":{"reference":"PractitionerRole/r"}}]}"#;

#[test]
fn a_shared_row_is_seen_only_while_a_record_that_may_be_seen_refers_to_it() {
    assert!(!seen(PRACTITIONER, &[]));
    assert!(seen(PRACTITIONER, &[VISIT]));
    assert!(seen(PRACTITIONER, &[ROLE, VISIT_BY_ROLE]));
    assert!(!seen(PRACTITIONER, &[ROLE]), "a shared row is nobody's and vouches for nothing");
    assert!(!seen(PRACTITIONER, &[VISIT_BY_ROLE]));
    let foreign = VISIT.replace("Patient/p", "Patient/q");
    assert!(!seen(PRACTITIONER, &[&foreign]));
    assert!(seen(PRACTITIONER, &[&foreign, VISIT]), "one that may not be seen does not stand in the way");
    assert!(!seen(PRACTITIONER, &[&VISIT.replace("Practitioner/dr", "Practitioner/drx")]));
    assert!(!seen(PRACTITIONER, &[&VISIT.replace("Practitioner/dr", "https://there/fhir/Practitioner/dr")]));
    let barred = |text: &str| text.replacen(r#","id""#, r#","meta":{"security":[{"code":"PSYTHPN"}]},"id""#, 1);
    assert!(!seen(PRACTITIONER, &[&barred(VISIT)]));
    assert!(!seen(PRACTITIONER, &[&barred(ROLE), VISIT_BY_ROLE]));
    assert!(!seen(&barred(PRACTITIONER), &[VISIT]));
}

#[test]
fn evidence_outside_the_scopes_is_none() {
    let with = |scopes: &str, evidence: &[&str]| {
        shown(patient(scopes), search(ResourceType::Practitioner), PRACTITIONER, evidence).is_some()
    };
    assert!(with("patient/Practitioner.rs patient/Encounter.rs", &[VISIT]));
    assert!(!with("patient/Practitioner.rs patient/Observation.rs", &[VISIT]));
    assert!(with("patient/Practitioner.rs patient/Encounter.r patient/PractitionerRole.r", &[ROLE, VISIT_BY_ROLE]));
    assert!(!with("patient/Practitioner.rs patient/Encounter.rs", &[ROLE, VISIT_BY_ROLE]));
}

#[test]
fn a_reference_that_the_purpose_cuts_away_is_no_evidence() {
    let head = "purpose = \"HPAYMT\"\nlaw = \"x\"\nnever = []\n[allow]\nPractitioner = \"every element\"\n";
    let with = |encounter: &str| {
        let policies = Policies::read(&[&format!("{head}Encounter = {encounter}\n")], crate::fixtures::digest).unwrap();
        let payer = Principal { role: Role::Clinician, purpose: Purpose::Payment, ..patient("patient/*.rs") };
        shown_under(&policies, payer, search(ResourceType::Practitioner), PRACTITIONER, &[VISIT]).is_some()
    };
    assert!(with(r#"["status", "participant"]"#));
    assert!(!with(r#"["status", "subject"]"#));
    assert!(policy(&format!("{head}Encounter = [\"status\"]\n")).cut(ResourceType::Observation).is_none());
}

#[test]
fn a_provenance_is_seen_when_every_target_is() {
    let provenance =
        r#"{"resourceType":"Provenance","id":"v","target":[{"reference":"Observation/1"},{"reference":"Patient/p"}]}"#;
    let observation = r#"{"resourceType":"Observation","id":"1","subject":{"reference":"Patient/p"}}"#;
    let person = r#"{"resourceType":"Patient","id":"p"}"#;
    assert!(seen(provenance, &[observation, person]));
    assert!(!seen(provenance, &[observation]));
    assert!(!seen(provenance, &[person]));
    assert!(!seen(provenance, &[&observation.replace("Patient/p", "Patient/q"), person]));
    assert!(!seen(provenance, &[&observation.replace("\"1\"", "\"2\""), person]));
    assert!(!seen(r#"{"resourceType":"Provenance","id":"v","target":[]}"#, &[person]));
    let scopes = patient("patient/Provenance.rs patient/Patient.rs");
    assert!(shown(scopes, search(ResourceType::Provenance), provenance, &[observation, person]).is_none());
}

#[test]
fn a_binary_is_seen_through_its_owner() {
    let binary = r#"{"resourceType":"Binary","id":"b"}"#;
    let document = r#"{"resourceType":"DocumentReference","id":"d","subject":{"reference":"Patient/p"},"content":[{"attachment":{"url":"Binary/b"}}]}"#;
    assert!(!seen(binary, &[]));
    assert!(seen(binary, &[document]));
    assert!(!seen(binary, &[&document.replace("Patient/p", "Patient/q")]));
    assert!(!seen(binary, &[&document.replace("Binary/b", "Binary/c")]));
    let owned =
        |owner: &str| format!(r#"{{"resourceType":"Binary","id":"b","securityContext":{{"reference":"{owner}"}}}}"#);
    assert!(seen(&owned("DocumentReference/d"), &[document]));
    assert!(!seen(&owned("DocumentReference/other"), &[document]), "another owns it, whoever refers to it");
    assert!(!seen(&owned("Patient/q"), &[document]));
    assert!(seen(&owned("Patient/p"), &[document]));
    assert!(!seen(&owned("Patient/p"), &[]));
    assert!(!seen(&owned("https://there/fhir/Patient/p"), &[document]));
    let scopes = || patient("patient/DocumentReference.r");
    assert!(shown(scopes(), read(ResourceType::Binary, "b"), binary, &[document]).is_some());
    let report = r#"{"resourceType":"DiagnosticReport","id":"d","subject":{"reference":"Patient/p"},"presentedForm":[{"url":"Binary/b"}]}"#;
    assert!(seen(binary, &[report]));
    assert!(shown(scopes(), read(ResourceType::Binary, "b"), binary, &[report]).is_none());
}

#[test]
fn ones_own_fhir_user_is_read_without_evidence_and_opens_nothing_else() {
    let own = || Principal {
        role: Role::Clinician,
        purpose: Purpose::Treatment,
        fhir_user: Some((ResourceType::Practitioner, id("dr"))),
        ..patient("fhirUser")
    };
    let asked = || read(ResourceType::Practitioner, "dr");
    assert!(shown(own(), asked(), PRACTITIONER, &[]).is_some());
    assert!(shown(own(), asked(), &PRACTITIONER.replace("dr", "other"), &[]).is_none());
    let parent = Principal { subject: Subject::Patient(id("child")), ..patient("fhirUser") };
    assert!(is_for_p(shown(parent, read(ResourceType::Patient, "p"), r#"{"resourceType":"Patient","id":"p"}"#, &[])));
    let nobody = Principal { subject: Subject::Nobody, ..patient("fhirUser") };
    assert!(is_for_p(shown(nobody, read(ResourceType::Patient, "p"), r#"{"resourceType":"Patient","id":"p"}"#, &[])));

    let scoped = Principal { scopes: crate::Scopes::parse("fhirUser patient/*.rs"), ..own() };
    let mut judging = Judging::begin(permit(scoped, asked()), ALL, Cursor::Start);
    let other = row(&PRACTITIONER.replace("dr", "other"), Standing::Include, &[]);
    let rows = vec![row(PRACTITIONER, Standing::Match, &[]), other];
    judging.add(Phi::new(Chunk { rows, next: None })).unwrap();
    assert_eq!(page(judging.close()).rows.len(), 1);
}

#[test]
fn a_read_shows_the_row_that_was_asked_for_or_nothing() {
    let mine =
        |text: &str| format!(r#"{{"resourceType":"Observation","id":"{text}","subject":{{"reference":"Patient/p"}}}}"#);
    let asked = || read(ResourceType::Observation, "1");
    assert!(shown(patient("patient/*.rs"), asked(), &mine("1"), &[]).is_some());
    assert!(shown(patient("patient/*.rs"), asked(), &mine("2"), &[]).is_none());
    let close_one = |rows: Vec<Row>| {
        let mut judging = Judging::begin(permit(patient("patient/*.rs"), asked()), ALL, Cursor::Start);
        judging.add(Phi::new(Chunk { rows, next: None })).unwrap();
        judging.close_one()
    };
    let hidden =
        close_one(vec![row(&mine("1").replace("Patient/p", "Patient/q"), Standing::Match, &[])]).err().unwrap();
    let absent = close_one(vec![]).err().unwrap();
    assert_eq!(format!("{hidden:?}"), format!("{absent:?}"), "hidden is absent, to the last word");
    assert_eq!(hidden.kind(), Kind::NotFound);
    assert!(close_one(vec![row(&mine("1"), Standing::Match, &[])]).is_ok());
}

#[test]
fn companions_need_a_visible_match_before_them_and_a_scope_of_their_own() {
    let ids = |scopes: &str, rows: Vec<Row>| {
        let mut judging =
            Judging::begin(permit(patient(scopes), search(ResourceType::Observation)), ALL, Cursor::Start);
        judging.add(Phi::new(Chunk { rows, next: None })).unwrap();
        let page = page(judging.close());
        page.rows.iter().map(|row| format!("{}/{}", row.kind.as_str(), row.id)).collect::<Vec<_>>().join(" ")
    };
    let observation =
        |of: &str| format!(r#"{{"resourceType":"Observation","id":"o","subject":{{"reference":"Patient/{of}"}}}}"#);
    let person = r#"{"resourceType":"Patient","id":"p"}"#;
    let include = || row(person, Standing::Include, &[]);
    let matched = |of: &str| row(&observation(of), Standing::Match, &[]);
    assert_eq!(ids("patient/*.rs", vec![matched("p"), include()]), "Observation/o Patient/p");
    assert_eq!(ids("patient/*.rs", vec![matched("p"), include(), include()]), "Observation/o Patient/p");
    assert_eq!(ids("patient/*.rs", vec![matched("q"), include()]), "");
    assert_eq!(ids("patient/*.rs", vec![include(), matched("p")]), "Observation/o");
    assert_eq!(ids("patient/Observation.rs", vec![matched("p"), include()]), "Observation/o");
    let foreign = row(r#"{"resourceType":"Patient","id":"q"}"#, Standing::Include, &[]);
    assert_eq!(ids("patient/*.rs", vec![matched("p"), foreign]), "Observation/o");
    let shared = |evidence: &[&str]| row(PRACTITIONER, Standing::Include, evidence);
    assert_eq!(ids("patient/*.rs", vec![matched("p"), shared(&[VISIT])]), "Observation/o Practitioner/dr");
    assert_eq!(ids("patient/*.rs", vec![matched("p"), shared(&[])]), "Observation/o");
    let later = row(&observation("p").replace("\"o\"", "\"o2\""), Standing::Include, &[]);
    let again = row(&observation("p").replace("\"o\"", "\"o2\""), Standing::Match, &[]);
    assert_eq!(ids("patient/*.rs", vec![matched("p"), later, again, matched("p")]), "Observation/o Observation/o2");
}

#[test]
fn a_match_of_another_type_is_not_what_was_asked_for() {
    let mine = r#"{"resourceType":"Condition","id":"1","subject":{"reference":"Patient/p"}}"#;
    assert!(shown(patient("patient/*.rs"), search(ResourceType::Observation), mine, &[]).is_none());
}

#[test]
fn an_untouched_row_is_a_slice_of_the_page_it_came_in() {
    let whole = document(r#"{"entry":[{"resource":{"resourceType":"Patient","id":"p","x":1.50}}]}"#);
    let buffer = whole.bytes().as_ptr_range();
    let entry = whole.root().get("entry").unwrap().items().next().unwrap().get("resource").unwrap();
    let mut judging =
        Judging::begin(permit(patient("patient/*.rs"), search(ResourceType::Patient)), ALL, Cursor::Start);
    let row = Row { content: entry.detach(), standing: Standing::Match, after: Cursor::Start, evidence: Vec::new() };
    judging.add(Phi::new(Chunk { rows: vec![row], next: None })).unwrap();
    let page = page(judging.close());
    assert_eq!(page.rows[0].content.as_ref(), br#"{"resourceType":"Patient","id":"p","x":1.50}"#);
    assert!(buffer.contains(&page.rows[0].content.as_ptr()), "it was copied");
}

#[test]
fn what_is_no_resource_is_the_sources_failure_and_is_not_quoted() {
    for odd in ["[]", "{}", r#"{"resourceType":"Observation"}"#, r#"{"resourceType":"Secret","id":"1"}"#] {
        let mut judging =
            Judging::begin(permit(patient("patient/*.rs"), search(ResourceType::Observation)), ALL, Cursor::Start);
        let chunk = Chunk { rows: vec![row(odd, Standing::Match, &[])], next: None };
        let refusal = judging.add(Phi::new(chunk)).unwrap_err();
        assert_eq!(refusal.kind(), Kind::UpstreamDown);
        assert!(!format!("{refusal:?}").contains("Secret"));
    }
}

/// One row of a made-up world.
#[derive(Clone, Debug, PartialEq)]
enum Made {
    Mine,
    Foreign,
    Note,
    OfTwo,
    OtherType,
    OutOfScope,
    Companion { mine: bool },
}

/// Under which the worlds are looked at: of Observations, results of laboratories alone.
const LABS: &str = "patient/Observation.rs?category=laboratory patient/Encounter.rs";

impl Made {
    fn row(&self, at: usize) -> Row {
        let of = |who: &str, more: &str| {
            let category = r#""category":[{"coding":[{"code":"laboratory"}]}]"#;
            format!(
                r#"{{"resourceType":"Observation","id":"{at}",{more}{category},"subject":{{"reference":"Patient/{who}"}}}}"#
            )
        };
        let (text, standing) = match self {
            Made::Mine => (of("p", ""), Standing::Match),
            Made::Foreign => (of("q", ""), Standing::Match),
            Made::Note => (of("p", r#""meta":{"security":[{"code":"PSYTHPN"}]},"#), Standing::Match),
            Made::OfTwo => (
                of("p", r#""contained":[{"resourceType":"Condition","subject":{"reference":"Patient/q"}}],"#),
                Standing::Match,
            ),
            Made::OtherType => (of("p", "").replace("Observation", "Procedure"), Standing::Match),
            Made::OutOfScope => (of("p", "").replace("laboratory", "vital-signs"), Standing::Match),
            Made::Companion { mine } => {
                (of(if *mine { "p" } else { "q" }, "").replace("Observation", "Encounter"), Standing::Include)
            }
        };
        Row { after: Cursor::Store((at + 1).to_string()), ..row(&text, standing, &[]) }
    }
}

/// A world, its rows by their place; `sizes` says how many rows each chunk brings.
struct World {
    rows: Vec<(usize, Made)>,
    sizes: Vec<usize>,
}

impl World {
    /// The rows from a place on. A chunk never parts a match from its companions.
    fn chunk(&self, from: &Cursor, nth: usize) -> Chunk {
        let from = match from {
            Cursor::Store(place) => place.parse().unwrap(),
            Cursor::Start | Cursor::Upstream { .. } => 0,
        };
        let rest: Vec<&(usize, Made)> = self.rows.iter().filter(|(at, _)| *at >= from).collect();
        let mut take = self.sizes[nth % self.sizes.len()].min(rest.len());
        while rest.get(take).is_some_and(|(_, made)| matches!(made, Made::Companion { .. })) {
            take += 1;
        }
        let rows = rest[..take].iter().map(|(at, made)| made.row(*at)).collect();
        Chunk { rows, next: rest.get(take).map(|(at, _)| Cursor::Store(at.to_string())) }
    }

    fn page(&self, principal: &Arc<Principal>, from: Cursor, wanted: Wanted) -> Page {
        let permit = permit(Principal::clone(principal), search(ResourceType::Observation));
        let mut judging = Judging::begin(permit, wanted, from);
        let mut nth = 0;
        while let Some(from) = judging.wants() {
            judging.add(Phi::new(self.chunk(&from, nth))).unwrap();
            nth += 1;
        }
        page(judging.close())
    }

    /// Every page, one after the other.
    fn pages(&self, wanted: Wanted) -> Vec<Page> {
        let principal = Arc::new(patient(LABS));
        let mut pages = vec![self.page(&principal, Cursor::Start, wanted)];
        while let Some(next) = pages.last().unwrap().next.clone() {
            assert!(pages.len() <= self.rows.len() + 1, "the pages never end");
            pages.push(self.page(&principal, next, wanted));
        }
        pages
    }

    /// What may be seen, by the book: my matches, and my companions behind one of them.
    fn visible(&self) -> Vec<String> {
        let mut behind = false;
        let seen = self.rows.iter().filter(|(_, made)| match made {
            Made::Companion { mine } => behind && *mine,
            Made::Mine => {
                behind = true;
                true
            }
            Made::Foreign | Made::Note | Made::OfTwo | Made::OtherType | Made::OutOfScope => {
                behind = false;
                false
            }
        });
        seen.map(|(at, _)| at.to_string()).collect()
    }

    /// The same world without the rows that nobody here may see.
    fn without_hidden(&self, sizes: Vec<usize>) -> World {
        let visible = self.visible();
        let rows = self.rows.iter().filter(|(at, _)| visible.contains(&at.to_string())).cloned().collect();
        World { rows, sizes }
    }
}

fn any_world() -> impl Strategy<Value = Vec<(usize, Made)>> {
    let made = prop_oneof![
        4 => Just(Made::Mine),
        2 => Just(Made::Foreign),
        1 => Just(Made::Note),
        1 => Just(Made::OfTwo),
        1 => Just(Made::OtherType),
        2 => Just(Made::OutOfScope),
        1 => Just(Made::Companion { mine: true }),
        1 => Just(Made::Companion { mine: false }),
    ];
    prop::collection::vec(made, 0..24).prop_map(|rows| rows.into_iter().enumerate().collect())
}

fn any_sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..6, 1..4)
}

fn matches_of(page: &Page) -> usize {
    page.rows.iter().filter(|row| row.standing == Standing::Match).count()
}

proptest! {
    #[test]
    fn the_pages_together_are_all_that_may_be_seen(rows in any_world(), sizes in any_sizes(), count in 1usize..5, total in any::<bool>()) {
        let world = World { rows, sizes };
        let pages = world.pages(Wanted { count, total });
        let together: Vec<String> = pages.iter().flat_map(|page| page.rows.iter().map(|row| row.id.to_string())).collect();
        prop_assert_eq!(together, world.visible());
        let all: usize = pages.iter().map(matches_of).sum();
        for (at, page) in pages.iter().enumerate() {
            let last = at + 1 == pages.len();
            prop_assert_eq!(page.next.is_none(), last);
            prop_assert!(last || matches_of(page) == count, "only the last page is not full");
            prop_assert!(all == 0 || matches_of(page) > 0, "no page is empty, for one more row proved it");
            let told = at == 0 && (total || last);
            prop_assert_eq!(page.total, told.then_some(all as u64));
        }
    }

    /// Two worlds that differ only in what may not be seen answer alike, however their rows come in.
    #[test]
    fn hidden_rows_leave_no_trace(rows in any_world(), sizes in any_sizes(), others in any_sizes(), count in 0usize..5, total in any::<bool>()) {
        let world = World { rows, sizes };
        let bare = world.without_hidden(others);
        let told = |world: &World| {
            let page = world.page(&Arc::new(patient(LABS)), Cursor::Start, Wanted { count, total });
            let rows: Vec<_> = page.rows.iter().map(|row| (row.content.clone(), row.standing)).collect();
            (rows, page.next, page.total)
        };
        prop_assert_eq!(told(&world), told(&bare));
    }
}

#[test]
fn a_page_of_nothing_counts_and_shows_no_row() {
    let world = World { rows: vec![(0, Made::Mine), (1, Made::Foreign), (2, Made::Mine)], sizes: vec![1] };
    let page = world.page(&Arc::new(patient(LABS)), Cursor::Start, Wanted { count: 0, total: true });
    assert_eq!((page.rows.len(), page.total), (0, Some(2)));
}

#[test]
fn work_is_bounded_and_a_page_cut_short_says_where_to_go_on() {
    let mut rows: Vec<_> = (0..CHUNKS_MAX + 5).map(|at| (at, Made::Foreign)).collect();
    rows.push((CHUNKS_MAX + 5, Made::Mine));
    let world = World { rows, sizes: vec![1] };
    let pages = world.pages(Wanted { count: 10, total: true });
    assert_eq!((pages.len(), pages[0].rows.len(), pages[0].total), (2, 0, None));
    assert_eq!((pages[1].rows.len(), pages[1].total), (1, None));
}

#[test]
fn past_the_most_that_is_counted_no_total_is_told() {
    let count = |matches: usize| {
        let mine = (0..matches).map(|at| (at, Made::Mine));
        let world = World { rows: mine.chain([(matches, Made::Foreign)]).collect(), sizes: vec![1_000] };
        world.page(&Arc::new(patient(LABS)), Cursor::Start, Wanted { count: 1, total: true }).total
    };
    assert_eq!(count(COUNTED_MAX), Some(COUNTED_MAX as u64));
    assert_eq!(count(COUNTED_MAX + 1), None);
}
