//! The gate: nothing leaves unrecorded, and nothing that leaves can be readdressed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::fixtures::{Book, document, done, id, now, patient, permit, read, search};
use crate::judge::{Judging, Wanted};
use crate::look::{Operator, Reason, Whose};
use crate::permit::Subject;
use crate::source::{Chunk, Row};
use fhir::interaction::Interaction;

fn redacted(principal: Principal, question: Question, rows: &[&str]) -> Redacted<Page> {
    let mut judging = Judging::begin(permit(principal, question), Wanted { count: 10, total: false }, Cursor::Start);
    let rows = rows.iter().map(|text| Row {
        content: document((*text).to_owned()),
        standing: Standing::Match,
        after: Cursor::Start,
        evidence: Vec::new(),
    });
    judging.add(Phi::new(Chunk { rows: rows.collect(), next: None })).unwrap();
    judging.close()
}

fn observation(at: &str, of: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{at}","meta":{{"versionId":"3"}},"subject":{{"reference":"Patient/{of}"}}}}"#
    )
}

fn of_two() -> Principal {
    Principal { subject: Subject::Patients(vec![id("p"), id("q")]), ..patient("patient/*.rs") }
}

#[test]
fn the_entry_lists_exactly_the_rows_that_leave_each_under_its_patient() {
    let gate = Gate::new(Book::default());
    let question = Question { query: Some("code=1".to_owned()), ..search(ResourceType::Observation) };
    let rows = [
        observation("1", "q"),
        observation("2", "p"),
        observation("3", "r"),
        observation("4", "q").replace("\"3\"", "7"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let disclosure = done(gate.release(redacted(of_two(), question, &rows), now())).unwrap();
    assert_eq!(disclosure.about(), [id("q"), id("p")]);
    assert_eq!(disclosure.receipts(), [Receipt { block: 1, place: 0 }]);
    let entries = gate.ledger().entries.lock().unwrap();
    let [entry] = entries.as_slice() else { panic!("one answer, one entry") };
    let about = |patient: &str, resources: &[&str]| About {
        patient: patient.to_owned(),
        resources: resources.iter().map(|one| (*one).to_owned()).collect(),
    };
    assert_eq!(
        entry.about,
        [about("p", &["Observation/2/_history/3"]), about("q", &["Observation/1/_history/3", "Observation/4"]),]
    );
    assert_eq!((entry.event, entry.at()), (Event::Disclosed, now()));
    assert_eq!((entry.client.as_str(), entry.grant.as_str(), entry.account.as_str()), ("app", "grant", "account"));
    assert_eq!(
        (entry.purpose.as_str(), entry.policy.as_str(), entry.role.as_str()),
        ("PATRQT", "PATRQT@0123abcd", "patient")
    );
    assert_eq!(
        (entry.interaction.as_str(), entry.kind.as_str(), entry.id.as_deref()),
        ("search-type", "Observation", None)
    );
    assert_eq!((entry.query.as_deref(), entry.correlation.as_str()), (Some("code=1"), "c1"));
    assert_eq!((entry.fhir_user.as_deref(), entry.refusal.as_deref()), (Some("Patient/p"), None));
}

#[test]
fn what_cannot_be_recorded_is_not_disclosed() {
    let gate = Gate::new(Book { down: true, ..Book::default() });
    let page = redacted(patient("patient/*.rs"), search(ResourceType::Observation), &[&observation("1", "p")]);
    let refusal = done(gate.release(page, now())).err().unwrap();
    assert_eq!((refusal.kind(), refusal.retry_after_s()), (Kind::LedgerDown, Some(5)));
    assert!(!refusal.public().contains("disk") && refusal.private().unwrap().contains("disk"));
}

#[test]
fn an_answer_that_holds_nothing_is_recorded_too() {
    let gate = Gate::new(Book::default());
    let page = redacted(patient("patient/*.rs"), search(ResourceType::Observation), &[&observation("1", "q")]);
    let disclosure = done(gate.release(page, now())).unwrap();
    assert!(disclosure.about().is_empty());
    let entries = gate.ledger().entries.lock().unwrap();
    assert_eq!((entries.len(), entries[0].about.len()), (1, 0));
}

#[test]
fn a_refusal_of_a_known_principal_is_recorded_with_its_kind() {
    let gate = Gate::new(Book::default());
    let question = read(ResourceType::Observation, "1");
    let refused = done(gate.refuse(&patient(""), &question, Refusal::not_found(), now()));
    assert_eq!(refused.why().kind(), Kind::NotFound);
    let entries = gate.ledger().entries.lock().unwrap();
    assert_eq!((entries[0].event, entries[0].refusal.as_deref()), (Event::Refused, Some("NotFound")));
    assert_eq!((entries[0].id.as_deref(), entries[0].policy.as_str(), entries[0].about.len()), (Some("1"), "", 0));
}

#[test]
fn a_refusal_that_cannot_be_recorded_says_so_instead() {
    let gate = Gate::new(Book { down: true, ..Book::default() });
    for why in [Refusal::not_found(), Refusal::new(Kind::LedgerDown, "x")] {
        assert_eq!(
            done(gate.refuse(&patient(""), &read(ResourceType::Patient, "p"), why, now())).why().kind(),
            Kind::LedgerDown
        );
    }
}

#[test]
fn a_disclosure_goes_to_the_one_who_asked_whatever_becomes_of_it() {
    let gate = Gate::new(Book::default());
    let who = patient("patient/*.rs");
    let page = redacted(who.clone(), search(ResourceType::Observation), &[&observation("1", "p")]);
    let disclosure = done(gate.release(page, now())).unwrap();
    let shaped = disclosure.map(&2_usize, |page, more| page.rows.len() + more);
    let shaped = shaped.try_map(&(), |count, ()| Ok(count + 1)).unwrap();
    assert!(shaped.to().is(&who));
    assert_eq!(shaped.about(), [id("p")]);
    let (to, content) = shaped.deliver();
    assert_eq!((to == who.recipient(), content), (true, 4));
}

#[test]
fn two_disclosures_are_joined_for_one_recipient_and_never_for_two() {
    let gate = Gate::new(Book::default());
    let to = |who: Principal, row: &str| {
        done(gate.release(redacted(who, search(ResourceType::Observation), &[row]), now())).unwrap()
    };
    let both = to(of_two(), &observation("1", "p")).join(to(of_two(), &observation("2", "q"))).unwrap();
    assert_eq!((both.about().len(), both.receipts().len()), (2, 2));
    for other in
        [Principal { client: "other".to_owned(), ..of_two() }, Principal { grant: "other".to_owned(), ..of_two() }]
    {
        let joined = to(of_two(), &observation("1", "p")).join(to(other, &observation("2", "p")));
        assert_eq!(joined.err().unwrap().kind(), Kind::Fault);
    }
}

#[test]
fn credentials_of_the_same_client_under_another_grant_are_not_the_recipient() {
    let recipient = patient("").recipient();
    assert!(recipient.is(&patient("patient/*.rs")));
    assert!(!recipient.is(&Principal { grant: "g2".to_owned(), ..patient("") }));
    assert!(!recipient.is(&Principal { client: "c2".to_owned(), ..patient("") }));
}

#[test]
fn an_entry_reads_back_as_it_was_written() {
    let gate = Gate::new(Book::default());
    let question = Question { interaction: Interaction::Vread, ..read(ResourceType::Observation, "1") };
    let page = redacted(patient("patient/*.rs"), question, &[&observation("1", "p")]);
    drop(done(gate.release(page, now())).unwrap());
    let entries = gate.ledger().entries.lock().unwrap();
    let text = serde_json::to_string(&entries[0]).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entries[0]);
    assert!(text.contains(r#""event":"disclosed""#) && !text.contains("refusal"), "{text}");
}

fn look(patients: &[&str], others: bool) -> Look {
    Look {
        operator: Operator::new("root"),
        reason: Reason::parse("its sender asked").unwrap(),
        link: "lab".to_owned(),
        sequence: 12,
        whose: Whose { patients: patients.iter().map(|patient| id(patient)).collect(), others },
        correlation: "c1".to_owned(),
    }
}

#[test]
fn a_message_is_shown_to_the_operator_who_asked_once_the_look_is_recorded() {
    let gate = Gate::new(Book::default());
    for (patients, others, unknown) in
        [(&["p", "q"][..], false, false), (&["p"][..], true, true), (&[][..], false, true)]
    {
        let shown = done(gate.show_message(look(patients, others), Phi::new("MSH|".into()), now())).unwrap();
        assert_eq!(shown.about().len(), patients.len());
        let entry = gate.ledger().entries.lock().unwrap().pop().unwrap();
        let told: Vec<&str> = entry.about.iter().map(|about| about.patient.as_str()).collect();
        assert_eq!(told, patients);
        assert_eq!(
            (entry.account.as_str(), entry.role.as_str(), entry.purpose.as_str()),
            ("root", "operator", "HOPERAT")
        );
        assert_eq!((entry.kind.as_str(), entry.id.as_deref()), ("message", Some("12")));
        let looked = entry.looked.unwrap();
        assert_eq!((looked.reason.as_str(), looked.link.as_str()), ("its sender asked", "lab"));
        assert_eq!(looked.patient_unknown, unknown);
        let (to, content) = shown.deliver();
        assert_eq!(&content[..], b"MSH|");
        assert!(to.is_operator(&Operator::new("root")) && !to.is_operator(&Operator::new("other")));
        assert!(!to.is(&patient("patient/*.rs")));
    }
}

#[test]
fn a_message_is_not_shown_while_nothing_can_be_recorded() {
    let gate = Gate::new(Book { down: true, ..Book::default() });
    let refusal = done(gate.show_message(look(&["p"], false), Phi::new("MSH|".into()), now())).err().unwrap();
    assert_eq!(refusal.kind(), Kind::LedgerDown);
}
