//! Exchanges with a scripted server on loopback: what is asked, what is believed, what is refused.

use super::*;
use fhir::Interaction;
use fhir::search::Handling;
use privacy::{Facts, Judging, Policies, Principal, Purpose, Question, Role, Scopes, Subject, Trace, Wanted, decide};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A server that answers by path and query, and remembers what it was asked.
struct Scripted {
    upstream: Upstream,
    base: String,
    server: MockServer,
}

impl Scripted {
    async fn new(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Scripted {
        let server = MockServer::start().await;
        let base = format!("{}/fhir", server.uri());
        let own = base.clone();
        let scripted = move |request: &Request| {
            let (status, body) = answer(&place(request), &own);
            ResponseTemplate::new(status).set_body_string(body)
        };
        Mock::given(header("accept", "application/fhir+json")).respond_with(scripted).mount(&server).await;
        let upstream = Upstream::new(Url::parse(&base).unwrap(), None).unwrap();
        Scripted { upstream, base, server }
    }

    async fn asked(&self) -> Vec<String> {
        self.server.received_requests().await.unwrap().iter().map(place).collect()
    }
}

/// Path and query; of a search that is sent as a form, with the form for its query.
fn place(request: &Request) -> String {
    let query = request.url.query().map(str::to_owned);
    let form = (!request.body.is_empty()).then(|| String::from_utf8_lossy(&request.body).into_owned());
    let query = query.or(form).map_or(String::new(), |query| format!("?{query}"));
    format!("{}{query}", request.url.path())
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

fn permit_for(patients: Subject, kind: ResourceType, read: Option<&str>) -> Permit {
    let principal = Principal {
        client: "app".to_owned(),
        grant: "grant".to_owned(),
        account: "account".to_owned(),
        fhir_user: None,
        role: Role::Patient,
        purpose: Purpose::PatientRequest,
        scopes: Scopes::parse("patient/*.rs"),
        subject: patients,
    };
    let interaction = if read.is_some() { Interaction::Read } else { Interaction::Search };
    let question = Question { interaction, kind, id: read.map(id), query: None, trace: Trace::default() };
    let policies = Policies::shipped(|_| "0123abcd".to_owned()).unwrap();
    decide(Facts { principal: &Arc::new(principal), question, reach: Subject::Nobody, policies: &policies }).unwrap()
}

fn permit(kind: ResourceType, read: Option<&str>) -> Permit {
    permit_for(Subject::Patient(id("p1")), kind, read)
}

fn query(kind: ResourceType, asked: &[(&str, &str)]) -> Query {
    let asked: Vec<_> = asked.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Query::parse(kind, &asked, Handling::Strict, "https://here/fhir").unwrap()
}

fn observation(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"code":"c"}}]}},"subject":{{"reference":"Patient/{patient}"}},"performer":[{{"reference":"Practitioner/d1"}}]}}"#
    )
}

fn set(rows: &[String], next: Option<&str>) -> String {
    let entries: Vec<String> = rows.iter().map(|row| format!(r#"{{"resource":{row}}}"#)).collect();
    let link = next.map_or(String::new(), |next| format!(r#","link":[{{"relation":"next","url":"{next}"}}]"#));
    format!(r#"{{"resourceType":"Bundle","type":"searchset"{link},"entry":[{}]}}"#, entries.join(","))
}

fn names(chunk: &Phi<Chunk>) -> Vec<String> {
    chunk.expose().rows.iter().filter_map(|row| Some(name(&row.content)?.1.to_string())).collect()
}

const START: &Cursor = &Cursor::Start;

#[tokio::test]
async fn a_search_is_narrowed_followed_and_continued_in_the_middle_of_a_page() {
    let server = Scripted::new(|place, own| match place {
        "/fhir?_getpages=x" => (200, set(&[observation("o4", "p1")], None)),
        _ => {
            let rows = [observation("o1", "p1"), observation("o2", "p1"), observation("o3", "p1")];
            (200, set(&rows, Some(&format!("{own}?_getpages=x"))))
        }
    })
    .await;
    let (permit, query) = (permit(ResourceType::Observation, None), query(ResourceType::Observation, &[("code", "c")]));
    let first = server.upstream.find(&permit, &query, START, 2).await.unwrap();
    assert_eq!(names(&first), ["o1", "o2"]);
    assert_eq!(server.asked().await, ["/fhir/Observation?patient=Patient%2Fp1&code=c&_count=2"]);
    let next = first.expose().next.clone().unwrap();
    assert!(matches!(&next, Cursor::Upstream { skip: 2, .. }));
    let second = server.upstream.find(&permit, &query, &next, 2).await.unwrap();
    assert_eq!(names(&second), ["o3"]);
    let next = second.expose().next.clone().unwrap();
    assert_eq!(next, Cursor::Upstream { link: format!("{}?_getpages=x", server.base), skip: 0 });
    let third = server.upstream.find(&permit, &query, &next, 2).await.unwrap();
    assert_eq!((names(&third), third.expose().next.clone()), (vec!["o4".to_owned()], None));
}

#[tokio::test]
async fn rows_that_do_not_meet_the_question_are_dropped() {
    let server = Scripted::new(|_, _| (200, set(&[observation("o1", "p1")], None))).await;
    let query = query(ResourceType::Observation, &[("code", "another")]);
    let found = server.upstream.find(&permit(ResourceType::Observation, None), &query, START, 9).await.unwrap();
    assert!(names(&found).is_empty());
}

#[tokio::test]
async fn another_patients_row_comes_no_further_than_the_gate() {
    for (patient, shown) in [("p1", true), ("p2", false)] {
        let server = Scripted::new(move |_, _| (200, set(&[observation("o1", patient)], None))).await;
        let (permit, query) = (permit(ResourceType::Observation, None), query(ResourceType::Observation, &[]));
        let found = server.upstream.find(&permit, &query, START, 9).await.unwrap();
        let mut page = Judging::begin(permit, Wanted { count: 9, total: false }, Cursor::Start);
        page.add(found).unwrap();
        assert_eq!(page.close_one().is_ok(), shown, "{patient}");
    }
}

#[tokio::test]
async fn an_answer_with_any_fault_is_refused_whole_and_nothing_of_it_is_told() {
    let nobody = r#"{"resourceType":"Observation","id":"o1","subject":{"reference":"Group/g"}}"#;
    let foreign = set(&[observation("o1", "p1")], Some("http://evil.example/fhir?_getpages=x"));
    let answers = [
        (500, "SECRET".to_owned()),
        (404, "SECRET".to_owned()),
        (401, "SECRET".to_owned()),
        (204, String::new()),
        (302, String::new()),
        (200, String::new()),
        (200, "<html>SECRET</html>".to_owned()),
        (200, r#"{"resourceType":"OperationOutcome"}"#.to_owned()),
        (200, set(&[observation("o1", "p1"), "{}".to_owned()], None)),
        (200, set(&[nobody.to_owned()], None)),
        (200, set(&[observation("o1", "p1").replace("Observation", "Condition")], None)),
        (200, set(&[nobody.replace("\"id\":\"o1\",", "")], None)),
        (200, foreign),
        (200, format!("{} ", set(&[], None)).repeat(2)),
    ];
    for (status, body) in answers {
        let told = format!("{status} {body}");
        let server = Scripted::new(move |_, _| (status, body.clone())).await;
        let query = query(ResourceType::Observation, &[]);
        let found = server.upstream.find(&permit(ResourceType::Observation, None), &query, START, 9).await;
        let why = found.err().unwrap_or_else(|| panic!("{told}"));
        assert_eq!(why.kind(), Kind::UpstreamDown, "{told}");
        assert!(!format!("{why:?}").contains("SECRET"));
    }
}

#[tokio::test]
async fn a_page_that_is_no_more_is_gone_and_another_servers_page_is_never_asked() {
    let server = Scripted::new(|_, _| (410, String::new())).await;
    let (permit, query) = (permit(ResourceType::Observation, None), query(ResourceType::Observation, &[]));
    for link in [format!("{}?_getpages=x", server.base), "http://127.0.0.1:9/fhir?_getpages=x".to_owned()] {
        let from = Cursor::Upstream { link, skip: 0 };
        let why = server.upstream.find(&permit, &query, &from, 9).await.err().unwrap();
        assert_eq!(why.kind(), Kind::Gone);
    }
    assert_eq!(server.asked().await.len(), 1);
}

#[tokio::test]
async fn nobody_listening_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    drop(listener);
    let upstream = Upstream::new(Url::parse(&base).unwrap(), None).unwrap();
    assert!(!upstream.ready().await);
    let why = upstream.fetch(&permit(ResourceType::Patient, Some("p1")), ResourceType::Patient, &id("p1"), None).await;
    assert_eq!(why.err().unwrap().kind(), Kind::UpstreamDown);
}

#[tokio::test]
async fn a_read_gives_the_resource_asked_for_or_none() {
    let server = Scripted::new(|place, _| match place {
        "/fhir/Observation/o1" => (200, observation("o1", "p1")),
        "/fhir/Observation/o2" => (410, String::new()),
        "/fhir/Observation/o3" => (200, observation("o4", "p1")),
        _ => (404, String::new()),
    })
    .await;
    let read = async |of: &str| {
        let permit = permit(ResourceType::Observation, Some(of));
        server.upstream.fetch(&permit, ResourceType::Observation, &id(of), None).await.map(|chunk| names(&chunk))
    };
    assert_eq!(read("o1").await.unwrap(), ["o1"]);
    assert!(read("o2").await.unwrap().is_empty());
    assert!(read("o5").await.unwrap().is_empty());
    assert_eq!(read("o3").await.unwrap_err().kind(), Kind::UpstreamDown);
}

#[tokio::test]
async fn earlier_versions_of_what_was_taken_back_are_as_if_they_had_never_been() {
    let version = |number: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"o1","meta":{{"versionId":"{number}"}},"subject":{{"reference":"Patient/p1"}}}}"#
        )
    };
    let Scripted { upstream, server: _server, .. } = Scripted::new(move |place, _| match place {
        "/fhir/Observation/o1" | "/fhir/Observation/o1/_history/2" => (200, version("2")),
        "/fhir/Observation/o1/_history/1" => (200, version("1")),
        _ => (404, String::new()),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = store::Store::open(folder.path(), store::Options::new(crate::clock::now())).await.unwrap();
    let records = crate::records::Records::Upstream(upstream, store.clone());
    let read = async |version: Option<&str>| {
        let permit = permit(ResourceType::Observation, Some("o1"));
        names(&records.fetch(&permit, ResourceType::Observation, &id("o1"), version).await.unwrap()).len()
    };
    assert_eq!((read(Some("1")).await, read(Some("2")).await, read(None).await), (1, 1, 1));
    store.withhold_earlier(&[(ResourceType::Observation, id("o1"))]).await.unwrap();
    assert_eq!((read(Some("1")).await, read(Some("2")).await, read(None).await), (0, 1, 1));
}

#[tokio::test]
async fn a_practitioner_comes_with_a_record_of_the_patient_that_names_them() {
    let server = Scripted::new(|place, _| match place {
        "/fhir/Practitioner/d1" => (200, r#"{"resourceType":"Practitioner","id":"d1"}"#.to_owned()),
        _ if place.starts_with("/fhir/Observation?patient=Patient%2Fp1&performer=Practitioner%2Fd1") => {
            (200, set(&[observation("o1", "p1")], None))
        }
        _ => (200, set(&[], None)),
    })
    .await;
    let permit = permit(ResourceType::Practitioner, Some("d1"));
    let found = server.upstream.fetch(&permit, ResourceType::Practitioner, &id("d1"), None).await.unwrap();
    let mut page = Judging::begin(permit, Wanted { count: 1, total: false }, Cursor::Start);
    page.add(found).unwrap();
    assert!(page.close_one().is_ok());
    assert!(
        server.asked().await.iter().skip(1).all(|asked| asked.contains("Patient%2Fp1") || asked.contains("_id=p1"))
    );
}

#[tokio::test]
async fn a_practitioner_whom_no_record_names_comes_without_evidence() {
    let server = Scripted::new(|place, _| match place {
        "/fhir/Practitioner/d1" => (200, r#"{"resourceType":"Practitioner","id":"d1"}"#.to_owned()),
        _ => (200, set(&[], None)),
    })
    .await;
    let permit = permit(ResourceType::Practitioner, Some("d1"));
    let found = server.upstream.fetch(&permit, ResourceType::Practitioner, &id("d1"), None).await.unwrap();
    let mut page = Judging::begin(permit, Wanted { count: 1, total: false }, Cursor::Start);
    page.add(found).unwrap();
    assert!(page.close_one().is_err());
}

#[tokio::test]
async fn a_server_that_passes_over_what_is_asked_puts_nobody_into_care() {
    let by = |id: &str, patient: &str, who: &str, status: &str| {
        format!(
            r#"{{"resourceType":"Encounter","id":"{id}","status":"{status}","subject":{{"reference":"Patient/{patient}"}},"participant":[{{"individual":{{"reference":"{who}"}}}}]}}"#
        )
    };
    let server = Scripted::new(move |place, base| {
        let rows = match place.split_once('?').map_or(place, |(path, _)| path) {
            "/fhir/PractitionerRole" => vec![
                r#"{"resourceType":"PractitionerRole","id":"r1","practitioner":{"reference":"Practitioner/d1"}}"#
                    .to_owned(),
                r#"{"resourceType":"PractitionerRole","id":"r2","practitioner":{"reference":"Practitioner/d2"}}"#
                    .to_owned(),
            ],
            "/fhir/Encounter" => vec![
                by("e1", "p1", "Practitioner/d1", "finished"),
                by("e2", "p2", &format!("{base}/PractitionerRole/r1"), "finished"),
                by("e3", "p3", "Practitioner/d2", "finished"),
                by("e4", "p4", "PractitionerRole/r2", "finished"),
                by("e5", "p5", "Practitioner/d1", "entered-in-error"),
            ],
            "/fhir/Patient" => vec![r#"{"resourceType":"Patient","id":"p6"}"#.to_owned()],
            _ => Vec::new(),
        };
        (200, set(&rows, None))
    })
    .await;
    let patients = server.upstream.patients_in_care_of(&id("d1")).await.unwrap();
    assert_eq!(patients, [id("p1"), id("p2")]);
}

#[tokio::test]
async fn a_question_about_very_many_patients_is_sent_as_a_form() {
    let server = Scripted::new(|_, _| (200, set(&[observation("o1", "p1")], None))).await;
    let many = (0..600).map(|number| id(&format!("p{number}"))).collect();
    let permit = permit_for(Subject::Patients(many), ResourceType::Observation, None);
    let found = server.upstream.find(&permit, &query(ResourceType::Observation, &[]), START, 9).await.unwrap();
    assert_eq!(names(&found), ["o1"]);
    assert!(server.asked().await[0].starts_with("/fhir/Observation/_search?patient=Patient%2Fp0%2CPatient%2Fp1"));
}

#[tokio::test]
async fn companions_stand_behind_their_match() {
    let row = |mode: &str, row: &str| format!(r#"{{"resource":{row},"search":{{"mode":"{mode}"}}}}"#);
    let request = |id: &str, of: &str| {
        format!(
            r#"{{"resourceType":"MedicationRequest","id":"{id}","subject":{{"reference":"Patient/p1"}},"medicationReference":{{"reference":"Medication/{of}"}}}}"#
        )
    };
    let entries = [
        row("match", &request("r1", "m1")),
        row("match", &request("r2", "m2")),
        row("include", r#"{"resourceType":"Medication","id":"m2"}"#),
        row("include", r#"{"resourceType":"Medication","id":"m1"}"#),
        row("include", r#"{"resourceType":"Medication","id":"m3"}"#),
    ];
    let body = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","));
    let server = Scripted::new(move |_, _| (200, body.clone())).await;
    let query = query(ResourceType::MedicationRequest, &[("_include", "MedicationRequest:medication")]);
    let found = server.upstream.find(&permit(ResourceType::MedicationRequest, None), &query, START, 9).await.unwrap();
    assert_eq!(names(&found), ["r1", "m1", "r2", "m2"]);
    assert_eq!(server.asked().await.len(), 1, "the match is evidence enough");
}

#[tokio::test]
async fn a_server_is_the_demos_to_fill_when_it_is_empty_or_carries_the_mark_and_no_total_is_believed() {
    const MARK: &str = "/fhir/Basic/sluice-demo";
    let tagged =
        r#"{"resourceType":"Basic","id":"sluice-demo","meta":{"tag":[{"system":"urn:sluice","code":"demo"}]}}"#;
    let other = r#"{"resourceType":"Basic","id":"sluice-demo"}"#;
    let (mark, row) = (tagged.to_owned(), observation("o1", "p1"));
    let none = || set(&[], None).replacen("\"type\"", "\"total\":7,\"type\"", 1);
    for (mark, observations, expected) in [
        (None, none(), Claim::Empty),
        (None, set(std::slice::from_ref(&row), None).replacen("\"type\"", "\"total\":0,\"type\"", 1), Claim::Foreign),
        (Some(mark), set(&[row], None), Claim::Ours(None)),
        (Some(other.to_owned()), none(), Claim::Foreign),
    ] {
        let told = format!("{mark:?} {observations}");
        let server = Scripted::new(move |place, _| match (&mark, place) {
            (Some(mark), MARK) => (200, mark.clone()),
            (None, MARK) => (404, String::new()),
            (_, place) if place.starts_with("/fhir/Observation?") => (200, observations.clone()),
            _ => (200, set(&[], None)),
        })
        .await;
        assert_eq!(server.upstream.claim().await.unwrap(), expected, "{told}");
        assert!(server.asked().await.iter().all(|asked| !asked.contains("_total") && !asked.contains("_summary")));
    }
    let empty_page = Scripted::new(|place, own| match place {
        MARK => (404, String::new()),
        _ => (200, set(&[], Some(&format!("{own}?_getpages=x")))),
    })
    .await;
    assert_eq!(empty_page.upstream.claim().await.unwrap(), Claim::Foreign, "more may stand on the next page");
    let down = Scripted::new(|_, _| (500, String::new())).await;
    assert_eq!(down.upstream.claim().await.unwrap_err().kind(), Kind::UpstreamDown);
}

/// Answers each question as told, raw, and keeps the connection; the connection of each question.
async fn raw(answers: Vec<String>) -> (Upstream, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::new(Url::parse(&format!("http://{}/fhir", listener.local_addr().unwrap())).unwrap(), None);
    let (answers, came) = (Arc::new(Mutex::new(answers.into_iter())), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&came);
    tokio::spawn(async move {
        for number in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
            tokio::spawn(async move {
                let mut read = Vec::new();
                while socket.read_buf(&mut read).await.is_ok_and(|count| count > 0) {
                    if read.ends_with(b"\r\n\r\n") {
                        read.clear();
                        log.lock().unwrap().push(number);
                        let answer = answers.lock().unwrap().next().unwrap();
                        socket.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    (upstream.unwrap(), came)
}

#[tokio::test]
async fn a_connection_on_which_anything_was_odd_is_not_used_again() {
    let good = set(&[observation("o1", "p1")], None);
    let text =
        |body: &str, fields: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n{body}", body.len());
    let odd = [
        text(&good, "Content-Encoding: gzip\r\n"),
        text(&good, &format!("Content-Length: {}\r\n", good.len())),
        text(&good, "Transfer-Encoding: chunked\r\n"),
        text(&good, "Connection: close\r\n"),
        text(&good, "") + "HTTP/1.1 200 OK\r\n",
        text(&good, "").repeat(2),
        text(&format!("{good}}}"), ""),
        text("<html></html>", ""),
        text("", ""),
        text(&good.replace("searchset", "history"), ""),
        text(&good.replace("\"Observation\"", "\"Condition\""), ""),
        text(&good.replace("Patient/p1", "Patient/p2"), ""),
        text(&good.replace("Patient/p1", "Group/p1"), ""),
        text(&set(&[], Some("http://evil.example/fhir?_getpages=x")), ""),
        format!("HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n{good}", good.len()),
    ];
    let (permit, query) = (permit(ResourceType::Observation, None), query(ResourceType::Observation, &[]));
    for answer in odd {
        let (upstream, came) = raw(vec![text(&good, ""), answer.clone(), text(&good, ""), text(&good, "")]).await;
        assert_eq!(names(&upstream.find(&permit, &query, START, 9).await.unwrap()), ["o1"]);
        let spoiled = upstream.find(&permit, &query, START, 9).await.map(|chunk| names(&chunk));
        assert!(spoiled.is_err() || spoiled.is_ok_and(|names| names == ["o1"]), "{answer}");
        for _ in 0..2 {
            assert_eq!(names(&upstream.find(&permit, &query, START, 9).await.unwrap()), ["o1"], "{answer}");
        }
        assert_eq!(*came.lock().unwrap(), [0, 0, 1, 1], "{answer}");
    }
}
