//! Granular scopes as certification tries them ((g)(10) kit 9.23 to 9.28): two launches over the categories of Condition
//! and Observation, whose answers are exactly those of their categories, and a person who allows a part of what was asked
//! for as a whole. On the embedded store and on a server behind the gateway.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fhir::Instant;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::app::{self, Browser, Grant};
use tests::gateway::{Folder, Person, Plan, Program, Registered};
use tests::http::{Answer, Connection};
use tests::oracle::list;
use tests::upstream::Upstream;

const CONDITION: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
const CONDITION_US: &str = "http://hl7.org/fhir/us/core/CodeSystem/condition-category";
const OBSERVATION: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const OBSERVATION_US: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category";

/// Every category: its type, system and code, and in which of the kit's two launches it is granted.
const CATEGORIES: [(&str, &str, &str, usize); 8] = [
    ("Condition", CONDITION, "encounter-diagnosis", 1),
    ("Condition", CONDITION_US, "health-concern", 1),
    ("Condition", CONDITION, "problem-list-item", 2),
    ("Observation", OBSERVATION, "laboratory", 1),
    ("Observation", OBSERVATION, "social-history", 1),
    ("Observation", OBSERVATION, "vital-signs", 2),
    ("Observation", OBSERVATION, "survey", 2),
    ("Observation", OBSERVATION_US, "sdoh", 2),
];

/// A record of the patient's, with the practitioner who made it and the Provenance that tells of it.
fn record(kind: &str, id: &str, categories: &[(&str, &str)]) -> [Value; 3] {
    let category = |(system, code): &(&str, &str)| json!({"coding": [{"system": system, "code": code}]});
    let categories: Vec<Value> = categories.iter().map(category).collect();
    let doctor = json!({"reference": format!("Practitioner/dr-{id}")});
    let mut made =
        json!({"resourceType": kind, "id": id, "subject": {"reference": "Patient/p1"}, "category": categories});
    match kind {
        "Condition" => made["asserter"] = doctor,
        _ => {
            made["status"] = json!("final");
            made["performer"] = json!([doctor]);
        }
    }
    let told = json!({"resourceType": "Provenance", "id": format!("pv-{id}"), "target": [{"reference": format!("{kind}/{id}")}]});
    [made, json!({"resourceType": "Practitioner", "id": format!("dr-{id}")}), told]
}

/// One record of each category, one of two at once, and one that is within none.
fn records() -> Vec<Value> {
    let mut all = vec![json!({"resourceType": "Patient", "id": "p1", "active": true, "name": [{"family": "Doe"}]})];
    for (kind, system, code, _) in CATEGORIES {
        all.extend(record(kind, &format!("{code}-1"), &[(system, code)]));
        all.extend(record(kind, &format!("{code}-2"), &[("urn:other", "x"), (system, code)]));
    }
    all.extend(record("Observation", "both", &[(OBSERVATION, "vital-signs"), (OBSERVATION, "laboratory")]));
    for kind in ["Condition", "Observation"] {
        all.extend(record(kind, &format!("{kind}-bare"), &[]));
        all.extend(record(
            kind,
            &format!("{kind}-like"),
            &[("urn:other", "laboratory"), (CONDITION_US, "problem-list-item")],
        ));
    }
    all
}

/// The scopes of one of the two launches.
fn scopes_of(launch: usize) -> String {
    let granted = CATEGORIES.iter().filter(|category| category.3 == launch);
    let scopes = granted.map(|(kind, system, code, _)| format!(" patient/{kind}.rs?category={system}|{code}"));
    format!(
        "launch/patient patient/Patient.rs patient/Practitioner.rs patient/Provenance.rs{}",
        scopes.collect::<String>()
    )
}

/// Whether a record is within a launch.
fn is_within(row: &Value, launch: usize) -> bool {
    let has = |system: &str, code: &str| {
        let coded =
            |category: &Value| category["coding"][0]["system"] == system && category["coding"][0]["code"] == code;
        list(row, "category").iter().any(coded)
    };
    let granted = CATEGORIES.iter().filter(|category| category.3 == launch && row["resourceType"] == category.0);
    granted.into_iter().any(|(_, system, code, _)| has(system, code))
}

fn registered() -> Registered {
    let scopes = "launch/patient offline_access patient/*.rs".into();
    Registered { client_id: "app".into(), secret: Some("a secret".into()), scopes }
}

fn plan(upstream: Option<String>) -> Plan {
    let records = if upstream.is_none() { records().iter().map(Value::to_string).collect() } else { Vec::new() };
    let people = vec![Person { username: "ann".into(), fhir_user: "Patient/p1".into() }];
    let at = Instant::parse("2026-01-01T00:00:00Z").unwrap();
    Plan { records, upstream, people, apps: vec![registered()], ..Plan::new(at) }
}

/// Asks, and waits where a client was too quick.
async fn send(connection: &mut Connection, grant: &Grant, method: &str, target: &str, form: Option<&str>) -> Answer {
    let bearer = grant.bearer();
    let mut headers = vec![("authorization", bearer.as_str())];
    if form.is_some() {
        headers.push(("content-type", "application/x-www-form-urlencoded"));
    }
    loop {
        let answer = connection.send(method, target, &headers, form.map(str::as_bytes)).await.unwrap();
        if answer.status != 429 {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// The rows of all pages of a search, as `Type/id`, matches and companions.
async fn found(connection: &mut Connection, grant: &Grant, target: &str) -> (Vec<String>, BTreeSet<String>) {
    let (mut matches, mut beside, mut next) = (Vec::new(), BTreeSet::new(), Some(target.to_owned()));
    while let Some(target) = next {
        let answer = send(connection, grant, "GET", &target, None).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let bundle = answer.json();
        for entry in list(&bundle, "entry") {
            let name = format!(
                "{}/{}",
                entry["resource"]["resourceType"].as_str().unwrap(),
                entry["resource"]["id"].as_str().unwrap()
            );
            if entry["search"]["mode"] == "match" {
                matches.push(name);
            } else {
                beside.insert(name);
            }
        }
        let link = list(&bundle, "link").iter().find(|link| link["relation"] == "next").cloned();
        next = link
            .map(|link| link["url"].as_str().unwrap().split_once("/fhir").unwrap().1.to_owned())
            .map(|rest| format!("/fhir{rest}"));
    }
    matches.sort();
    (matches, beside)
}

/// Everything that the kit tries under the token of one launch, and what it leaves untried.
async fn launch_is_exact(connection: &mut Connection, grant: &Grant, launch: usize) {
    let rows = records();
    let name = |row: &Value| format!("{}/{}", row["resourceType"].as_str().unwrap(), row["id"].as_str().unwrap());
    for kind in ["Condition", "Observation"] {
        let within = |of: &dyn Fn(&Value) -> bool| -> Vec<String> {
            let own = rows.iter().filter(|row| row["resourceType"] == kind && is_within(row, launch) && of(row));
            let mut names: Vec<String> = own.map(name).collect();
            names.sort();
            names
        };
        let all = within(&|_| true);
        for more in ["", "&_count=1", "&_count=2&_sort=_id"] {
            let (matches, _) = found(connection, grant, &format!("/fhir/{kind}?patient=p1{more}")).await;
            assert_eq!(matches, all, "{kind}{more}");
        }
        let told = send(connection, grant, "GET", &format!("/fhir/{kind}?_total=accurate&_count=1"), None).await.json();
        assert!(told.get("total").is_none_or(|total| *total == all.len()), "{told}");
        let form = send(connection, grant, "POST", &format!("/fhir/{kind}/_search"), Some("patient=p1&_count=100"))
            .await
            .json();
        assert_eq!(list(&form, "entry").len(), all.len());
        let mut union = BTreeSet::new();
        for (_, system, code, granted) in CATEGORIES.iter().filter(|category| category.0 == kind) {
            let coded = |row: &Value| {
                row["category"].to_string().contains(&format!("\"code\":\"{code}\""))
                    && row["category"].to_string().contains(system)
            };
            let (matches, _) =
                found(connection, grant, &format!("/fhir/{kind}?patient=p1&category={system}%7C{code}")).await;
            let due: Vec<String> = within(&coded);
            assert_eq!(matches, due, "{kind} {code}");
            assert!(*granted == launch || matches.iter().all(|name| name.ends_with("/both")), "{kind} {code}");
            union.extend(matches);
        }
        assert_eq!(union.into_iter().collect::<Vec<_>>(), all, "the union over the categories is everything");
        let (_, beside) = found(connection, grant, &format!("/fhir/{kind}?_revinclude=Provenance:target")).await;
        let told: BTreeSet<String> =
            all.iter().map(|name| format!("Provenance/pv-{}", name.split_once('/').unwrap().1)).collect();
        assert_eq!(beside, told);
    }
    for row in rows.iter().filter(|row| ["Condition", "Observation"].contains(&row["resourceType"].as_str().unwrap())) {
        let id = row["id"].as_str().unwrap();
        for target in [
            name(row),
            format!("{}/_history/1", name(row)),
            format!("Provenance/pv-{id}"),
            format!("Practitioner/dr-{id}"),
        ] {
            let answer = send(connection, grant, "GET", &format!("/fhir/{target}"), None).await;
            if is_within(row, launch) {
                assert_eq!(answer.status, 200, "{target}: {}", answer.text());
                continue;
            }
            let absent = send(connection, grant, "GET", &format!("/fhir/{}", target.replace(id, "absent")), None).await;
            let said = |answer: &Answer| {
                let own = ["date", "x-request-id", "x-correlation-id"];
                let headers = answer
                    .headers
                    .iter()
                    .filter(|(name, _)| !own.contains(&name.as_str()) && !name.starts_with("ratelimit"));
                (answer.status, answer.text(), headers.cloned().collect::<Vec<_>>())
            };
            assert_eq!(said(&answer), said(&absent), "{target}");
            assert_eq!(answer.status, 404, "{target}");
        }
        let (matches, _) =
            found(connection, grant, &format!("/fhir/{}?_id={id}", row["resourceType"].as_str().unwrap())).await;
        assert_eq!(matches.len(), usize::from(is_within(row, launch)), "{id}");
    }
}

async fn certified(folder: &Folder) {
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut browser = Browser::open(gateway.peer()).await;
    for launch in [1, 2] {
        let scopes = scopes_of(launch);
        let grant = browser.launch(&registered(), "ann", &scopes, None).await;
        assert_eq!(grant.scope, scopes, "what is granted is what was asked for");
        launch_is_exact(&mut connection, &grant, launch).await;
    }
    assert!(gateway.stop().success());
}

#[tokio::test]
async fn the_two_launches_are_exact_on_the_embedded_store() {
    certified(&Folder::prepare(&plan(None)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_launches_are_exact_on_a_server_behind() {
    let upstream = Upstream::start().await;
    let at = Instant::parse("2026-01-01T00:00:00Z").unwrap();
    records().iter().for_each(|row| upstream.put(&row.to_string(), at));
    certified(&Folder::prepare(&plan(Some(upstream.base()))).await).await;
}

#[tokio::test]
async fn a_person_allows_parts_where_the_whole_was_asked_for() {
    let folder = Folder::prepare(&plan(None)).await;
    let gateway = folder.start(Program::Shipped).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut browser = Browser::open(gateway.peer()).await;
    let part = |kind: &str, system: &str, code: &str| format!("{kind}?category={system}|{code}");
    let labs = part("Observation", OBSERVATION, "laboratory");
    let problems = part("Condition", CONDITION, "problem-list-item");
    for (asked, first) in [
        (
            "launch/patient offline_access patient/Patient.rs patient/Condition.rs patient/Observation.rs",
            "patient/Patient.rs",
        ),
        ("launch/patient offline_access patient/*.rs", "patient/Patient.rs"),
        ("launch/patient offline_access patient/*.read", "patient/Patient.read"),
    ] {
        let ticks = ["Patient", "offline", &labs, &problems];
        let grant = browser.launch_ticking(&registered(), "ann", asked, None, Some(&ticks)).await;
        let parts = [&problems, &labs].map(|part| format!("patient/{}", part.replacen('?', ".rs?", 1)));
        let mut granted: Vec<&str> = grant.scope.split(' ').collect();
        granted.sort_unstable();
        let mut due = vec!["launch/patient", "offline_access", first, &parts[0], &parts[1]];
        due.sort_unstable();
        assert_eq!(granted, due, "{asked}");
        let told = app::introspect(&mut connection, &registered(), &grant.access_token).await.json();
        assert_eq!(told["scope"], grant.scope.as_str());
        let (matches, _) = found(&mut connection, &grant, "/fhir/Observation").await;
        assert_eq!(matches, ["Observation/both", "Observation/laboratory-1", "Observation/laboratory-2"]);
        let refresh = grant.refresh_token.clone().unwrap();
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let whole = [form.clone(), vec![("scope", "patient/Observation.rs")]].concat();
        let refused = app::token(&mut connection, &registered(), &whole).await.unwrap_err();
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_scope")));
        form.push(("scope", &parts[1]));
        let fewer = app::token(&mut connection, &registered(), &form).await.unwrap();
        assert_eq!(fewer.scope, parts[1]);
        assert_eq!(send(&mut connection, &fewer, "GET", "/fhir/Condition", None).await.status, 403);
    }
    assert!(gateway.stop().success());
}
