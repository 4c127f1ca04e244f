//! Who people are, on the built program: roles and what each may do, representatives, no account under 13, a hospital's own OpenID
//! provider as login, and another password by an operator's code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certs::digest::{base64url, sha256};
use fhir::Instant;
use privacy::Role;
use serde_json::{Value, json};
use tests::app::{self, Browser, asking, buttons, field, fill, pairs};
use tests::gateway::{Folder, Gateway, Other, PASSWORD, Person, Plan, Program, REDIRECT, Registered};
use tests::provider::{Lie, Provider, SECRET};

const SCOPE: &str = "openid fhirUser launch/patient offline_access patient/*.rs";
/// A password that is set by a code.
const NEW: &str = "another long enough password";

fn records() -> Vec<String> {
    let patient = |id: &str, family: &str, born: Value| {
        let mut patient = json!({"resourceType": "Patient", "id": id, "name": [{"family": family, "given": ["Given"]}],
            "generalPractitioner": [{"reference": "Practitioner/d1"}]});
        if !born.is_null() {
            patient["birthDate"] = born;
        }
        patient
    };
    let observation = |id: &str, of: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": id},
            "subject": {"reference": format!("Patient/{of}")}})
    };
    let kin = |id: &str, of: &str| json!({"resourceType": "RelatedPerson", "id": id, "patient": {"reference": format!("Patient/{of}")}});
    let all = [
        patient("p1", "Doe", json!("1980-02-03")),
        patient("p2", "Kid", json!("2022-05-06")),
        patient("p3", "Nodate", Value::Null),
        patient("p4", "Other", json!("2021")),
        observation("o1", "p1"),
        observation("o2", "p2"),
        observation("o4", "p4"),
        kin("r2", "p2"),
        kin("r1", "p1"),
        json!({"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Roe", "given": ["Dora"]}]}),
    ];
    all.iter().map(Value::to_string).collect()
}

fn plan() -> Plan {
    let person = |username: &str, fhir_user: &str| Person { username: username.into(), fhir_user: fhir_user.into() };
    let other = |username: &str, role, patients: &[&str]| Other {
        username: username.into(),
        role,
        patients: patients.iter().map(|patient| (*patient).to_owned()).collect(),
    };
    let app = |client_id: &str| Registered {
        client_id: client_id.into(),
        secret: None,
        scopes: "openid fhirUser launch launch/patient offline_access patient/*.rs user/*.rs".into(),
    };
    Plan {
        records: records(),
        people: vec![person("ann", "Patient/p1"), person("roe", "Practitioner/d1")],
        others: vec![
            other("mia", Role::Representative, &["p2", "p4"]),
            other("leo", Role::Representative, &["p1"]),
            other("otto", Role::Administrator, &[]),
            other("petra", Role::PrivacyOfficer, &[]),
        ],
        apps: vec![app("reader"), app("other")],
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    }
}

async fn world(more: &str) -> (Folder, Gateway) {
    let folder = Folder::prepare(&Plan { more: more.to_owned(), ..plan() }).await;
    let gateway = folder.start_with(Program::Shipped, &[("RUST_LOG", "debug"), ("NO_COLOR", "1")]).await;
    (folder, gateway)
}

async fn sluice(folder: &Folder, words: &[&str]) -> Result<String, String> {
    folder.command(Program::Shipped, words, &[]).await
}

/// The token of a page's forms.
fn form(page: &str) -> String {
    field(page, "form").unwrap_or_else(|| panic!("no form: {page}"))
}

/// None of these stands in the log.
fn is_silent(gateway: &Gateway, secrets: &[&str]) {
    let log = String::from_utf8_lossy(&gateway.log()).into_owned();
    for secret in secrets {
        assert!(!secret.is_empty() && !log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_adds_people_by_their_roles_and_nobody_under_thirteen() {
    let (folder, _gateway) = world("").await;
    let add = async |words: &[&str]| {
        // No password is handed over: whatever is wrong beside it is what must be said, and it is asked for on no terminal.
        let mut command = std::process::Command::new(Program::Shipped.path());
        command.args(["account", "add", "--password-fd", "0", "-c"]).arg(folder.config()).args(words);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, PASSWORD.as_bytes()).unwrap();
        drop(input);
        let done = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
        let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if done.status.success() { Ok(said(done.stdout)) } else { Err(said(done.stderr)) }
    };
    for (words, said) in [
        (&["a1", "--fhir-user", "Patient/p1"][..], "as the patient Patient/p1."),
        (&["a2", "--role", "representative", "--patient", "p2", "--patient", "p4"], "for Patient/p2, Patient/p4."),
        (
            &["a3", "--role", "representative", "--patient", "p2", "--fhir-user", "RelatedPerson/r2"],
            "RelatedPerson/r2 for",
        ),
        (&["a4", "--role", "clinician", "--fhir-user", "Practitioner/d1"], "as the clinician Practitioner/d1."),
        (&["a5", "--role", "privacy-officer"], "as the privacy-officer."),
        (&["a6", "--role", "administrator"], "as the administrator."),
        (&["a7", "--role", "integrator"], "as the integrator."),
        (&["a8", "--fhir-user", "Patient/p3", "--thirteen-or-older"], "as the patient Patient/p3."),
    ] {
        let told = add(words).await.unwrap();
        assert!(told.contains(said), "{words:?}: {told}");
    }
    for (words, said) in [
        (&["b1", "--fhir-user", "Patient/p2"][..], "is under 13"),
        (&["b1", "--fhir-user", "Patient/p2", "--thirteen-or-older"], "--role representative --patient p2"),
        (&["b1", "--fhir-user", "Patient/p4", "--thirteen-or-older"], "is under 13"),
        (&["b1", "--fhir-user", "Patient/p3"], "--thirteen-or-older"),
        (&["b1", "--fhir-user", "Patient/nobody"], "it is not known whether"),
        (&["b1", "--role", "representative"], "--patient ID"),
        (&["b1", "--role", "patient", "--fhir-user", "Patient/p1", "--patient", "p2"], "--role representative"),
        (
            &["b1", "--role", "representative", "--patient", "p2", "--fhir-user", "RelatedPerson/r1"],
            "does not stand in",
        ),
        (&["b1", "--role", "administrator", "--patient", "p2"], "sees no patient's record"),
        (&["b1", "--role", "owner"], "--role is"),
        (&["b1"], "--role"),
        (&["b1", "--fhir-user", "Patient/p1", "--provider-subject", "7"], "[login.provider]"),
        (&["mia", "--role", "integrator"], "already"),
    ] {
        let told = add(words).await.unwrap_err();
        assert!(told.contains(said), "{words:?}: {told}");
    }
    let listed = sluice(&folder, &["account", "list"]).await.unwrap();
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| listed.iter().find(|line| line["username"] == name).unwrap_or(&Value::Null);
    assert_eq!((&of("a3")["role"], &of("a3")["acts_for"]), (&json!("representative"), &json!(["Patient/p2"])));
    assert_eq!((&of("a5")["fhir_user"], &of("b1")), (&Value::Null, &&Value::Null));
    let refused = sluice(&folder, &["account", "act-for", "ann", "--patient", "p2"]).await.unwrap_err();
    assert!(refused.contains("no representative ann"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_representative_opens_an_app_for_one_patient_at_a_time_and_the_ledger_names_them_as_that() {
    let (folder, gateway) = world("").await;
    let reader = &plan().apps[0];
    let mut connection = gateway.peer().connect().await.unwrap();
    let mut mia = Browser::open(gateway.peer()).await;
    let kid = mia.launch(reader, "mia", SCOPE, Some("p2")).await;
    assert_eq!(kid.patient.as_deref(), Some("p2"));
    for (target, due) in [
        ("Patient/p2", 200),
        ("Observation/o2", 200),
        ("RelatedPerson/r2", 200),
        ("Patient/p4", 404),
        ("Observation/o4", 404),
        ("Patient/p1", 404),
        ("Observation/o1", 404),
        ("RelatedPerson/r1", 404),
    ] {
        assert_eq!(app::get(&mut connection, &kid, &format!("/fhir/{target}")).await.status, due, "{target}");
    }
    let user = mia.launch(reader, "mia", "openid user/*.rs", Some("p4")).await;
    assert_eq!(user.patient.as_deref(), Some("p4"));
    let found = app::get(&mut connection, &user, "/fhir/Observation").await.json();
    assert_eq!((&found["total"], &found["entry"][0]["resource"]["id"]), (&json!(1), &json!("o4")), "{found}");
    assert_eq!(app::get(&mut connection, &user, "/fhir/Patient/p2").await.status, 404);
    // Nobody is chosen who is not among them: the choice is shown again.
    let (request, _) = asking(&gateway.peer().origin, reader, SCOPE);
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
    let chooser = mia.open_page(&format!("/oauth/authorize?{query}")).await.text();
    assert!(
        chooser.contains("Given Kid") && chooser.contains("Given Other") && !chooser.contains("Given Doe"),
        "{chooser}"
    );
    let (action, mut fields) = fill(&chooser, "mia", Some("p2"));
    fields.iter_mut().filter(|(name, _)| name == "patient").for_each(|(_, value)| "p1".clone_into(value));
    let again = mia.post(&action, &fields).await.text();
    assert!(again.contains("Given Kid") && !again.contains("Given Doe"), "{again}");
    // The ledger and the patient's list.
    let exported = sluice(&folder, &["ledger", "export"]).await.unwrap();
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_kid = |event: &&Value| event.to_string().contains("\"Patient/p2\"") && event.to_string().contains("reader");
    let told = events.iter().find(of_kid).unwrap();
    let person = told["agent"].as_array().unwrap().iter().find(|agent| agent["requestor"] == true).unwrap();
    assert_eq!(person["role"], json!([{ "text": "representative" }]), "{told}");
    let page = mia.open_page("/account/disclosures").await.text();
    assert!(page.contains("Given Kid") && page.contains("Given Other") && page.contains("patient=p2"), "{page}");
    let page = mia.open_page("/account/disclosures?patient=p2").await.text();
    assert!(page.contains("A representative") && page.contains("By the app reader"), "{page}");
    for not_theirs in ["p1", "p3", "nobody", ""] {
        let page = mia.open_page(&format!("/account/disclosures?patient={not_theirs}")).await.text();
        assert!(page.contains("patient=p2") && !page.contains("By the app reader"), "{not_theirs}: {page}");
    }
    let file = mia.go("/account/disclosures/file?patient=p2", None).await;
    assert!(file.status == 200 && file.text().contains("representative") && !file.text().contains("Patient/p4"));
    // Whoever acts for one patient comes to that one's list at once.
    let mut leo = Browser::open(gateway.peer()).await;
    let about_ann = leo.launch(reader, "leo", SCOPE, None).await;
    assert!(leo.open_page("/account/disclosures").await.text().contains("Who saw the record"));
    // The patient herself sees what was allowed about her, and stops it.
    let mut ann = Browser::open(gateway.peer()).await;
    ann.sign_in("ann").await;
    let page = ann.open_page("/account/apps").await.text();
    assert_eq!(buttons(&page, "app"), ["reader".to_owned()], "{page}");
    ann.post("/account/apps", &pairs(&[("form", &form(&page)), ("app", "reader")])).await;
    assert_eq!(app::get(&mut connection, &about_ann, "/fhir/Patient/p1").await.status, 401);
    assert_eq!(app::get(&mut connection, &kid, "/fhir/Patient/p2").await.status, 200);
    // Whoever is to be acted for no longer is out of reach at once, and stays so.
    let told = sluice(&folder, &["account", "act-for", "mia", "--patient", "p4"]).await.unwrap();
    assert!(told.contains("acts for one patient") && told.contains("1 grants"), "{told}");
    assert_eq!(app::get(&mut connection, &kid, "/fhir/Patient/p2").await.status, 401);
    assert_eq!(app::get(&mut connection, &user, "/fhir/Observation/o4").await.status, 200);
    let form_of_token = [("grant_type", "refresh_token"), ("refresh_token", kid.refresh_token.as_deref().unwrap())];
    assert!(app::token(&mut connection, reader, &form_of_token).await.is_err());
    is_silent(&gateway, &[&kid.access_token, PASSWORD]);
}

#[tokio::test]
async fn who_looks_after_the_server_opens_no_record_and_is_told_so() {
    let (folder, gateway) = world("").await;
    let reader = &plan().apps[0];
    for name in ["otto", "petra"] {
        let mut browser = Browser::open(gateway.peer()).await;
        let page = browser.sign_in(name).await.text();
        assert!(page.contains("open no patient’s record here") && page.contains("/account/sessions"), "{page}");
        for target in ["/account/apps", "/account/disclosures", "/account/disclosures/file", "/account/launch"] {
            let answer = browser.go(target, None).await;
            assert_eq!(answer.status, 403, "{name} {target}");
            assert!(answer.text().contains("This account sees no patient’s record"), "{name} {target}");
            let spanish = browser.go(&format!("{target}?lang=es"), None).await;
            assert!(spanish.text().contains("no ve el expediente de ningún paciente"), "{name} {target}");
        }
        for target in ["/account/sessions", "/account/second-factor"] {
            assert_eq!(browser.go(target, None).await.status, 200, "{name} {target}");
        }
        let own = form(&page);
        let typed = pairs(&[("form", &own), ("app", "reader"), ("patient", "p1")]);
        assert_eq!(browser.go("/account/launch", Some(&typed)).await.status, 403);
        let (request, _) = asking(&gateway.peer().origin, reader, SCOPE);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
        let page = browser.open_page(&format!("/oauth/authorize?{query}")).await.text();
        assert!(page.contains("Your account looks after this server and opens none"), "{page}");
        let refused = folder.launch("reader", &["--user", name, "--patient", "p1"]).await.unwrap_err();
        assert!(refused.contains("privacy officers, administrators and integrators"), "{refused}");
    }
    let mut mia = Browser::open(gateway.peer()).await;
    mia.sign_in("mia").await;
    assert_eq!(mia.go("/account/launch", None).await.status, 403, "a representative opens apps from the app");
    let mut roe = Browser::open(gateway.peer()).await;
    roe.sign_in("roe").await;
    assert_eq!(roe.go("/account/apps", None).await.status, 403);
}

/// From a sign-in page to the provider: the address that the browser is sent to.
async fn away(browser: &mut Browser, page: &str) -> String {
    let link =
        page.split("href=\"").find(|rest| rest.starts_with("/oauth/provider?")).unwrap_or_else(|| panic!("{page}"));
    let link = link.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let answer = browser.go(&link, None).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_sign_in_at_the_hospitals_own_provider_for_their_pages_and_for_apps() {
    let provider = Provider::start().await;
    let (folder, gateway) = world(&provider.sections()).await;
    let link = ["account", "add", "una", "--fhir-user", "Patient/p1", "--provider-subject", "subject-of-una"];
    let told = sluice(&folder, &link).await.unwrap();
    assert!(told.contains("as the patient Patient/p1."), "{told}");
    let twice = ["account", "add", "ulf", "--fhir-user", "Patient/p1", "--provider-subject", "subject-of-una"];
    assert!(sluice(&folder, &twice).await.unwrap_err().contains("belongs to this subject already"));

    let mut una = Browser::open(gateway.peer()).await;
    let page = una.open_page("/account/login?to=sessions").await.text();
    assert!(page.contains("Sign in with General Hospital") && page.contains("name=\"password\""), "{page}");
    assert!(una.open_page("/account/login?lang=es").await.text().contains("Iniciar sesión con General Hospital"));
    let location = away(&mut una, &page).await;
    let planted = "planted";
    una.plant_session(planted);
    let back = una.go(&provider.authorize(&location, "subject-of-una"), None).await;
    assert_eq!((back.status, back.header("location")), (303, Some("/account/sessions?lang=en")), "{}", back.text());
    let first = una.session();
    assert_ne!(first, planted);
    assert!(una.open_page("/account").await.text().contains("Signed in as una"));
    // Once more, signed RS256: another session, and the one before is over.
    provider.sign_rs256();
    let page = una.open_page("/account/login").await.text();
    let location = away(&mut una, &page).await;
    una.go(&provider.authorize(&location, "subject-of-una"), None).await;
    let second = una.session();
    assert!(!second.is_empty() && second != first);
    // Who comes for another sign-in is not signed in by a session that stands there, which may be another's.
    provider.lie(Lie::StoodBefore);
    let page = una.open_page("/account/login").await.text();
    let location = away(&mut una, &page).await;
    assert_eq!(una.go(&provider.authorize(&location, "subject-of-una"), None).await.status, 400);
    assert_eq!(una.session(), second);
    provider.lie(Lie::Nothing);
    // Whom the provider knows an account as can be said anew, and nobody is signed in by what was said before.
    let linked = ["account", "link", "una", "--provider-subject", "subject-of-una-anew"];
    assert!(sluice(&folder, &linked).await.unwrap().contains("have to sign in again"));
    assert!(!una.open_page("/account").await.text().contains("Signed in as"));
    assert!(sluice(&folder, &["account", "unlink", "una"]).await.unwrap_err().contains("has no password"));
    let page = una.open_page("/account/login").await.text();
    let location = away(&mut una, &page).await;
    assert_eq!(una.go(&provider.authorize(&location, "subject-of-una"), None).await.status, 403);
    let back = ["account", "link", "una", "--provider-subject", "subject-of-una"];
    sluice(&folder, &back).await.unwrap();
    let mut thief = Browser::open(gateway.peer()).await;
    thief.plant_session(&first);
    assert!(!thief.open_page("/account").await.text().contains("Signed in as"));

    // Pages are in the language that an account is kept with, unless their address names another.
    let uma = [
        "account",
        "add",
        "uma",
        "--fhir-user",
        "Patient/p1",
        "--provider-subject",
        "subject-of-uma",
        "--locale",
        "es",
    ];
    sluice(&folder, &uma).await.unwrap();
    let mut uma = Browser::open(gateway.peer()).await;
    let page = uma.open_page("/account/login").await.text();
    let location = away(&mut uma, &page).await;
    uma.go(&provider.authorize(&location, "subject-of-uma"), None).await;
    assert!(uma.open_page("/account").await.text().contains("Sesión iniciada como uma"));
    assert!(uma.open_page("/account?lang=en").await.text().contains("Signed in as uma"));

    // An app's launch, from its sign-in page on.
    let reader = &plan().apps[0];
    let mut phone = Browser::open(gateway.peer()).await;
    let (request, verifier) = asking(&gateway.peer().origin, reader, "launch/patient patient/*.rs");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request).finish();
    let page = phone.open_page(&format!("/oauth/authorize?{query}")).await.text();
    let location = away(&mut phone, &page).await;
    let consent = phone.open_page(&provider.authorize(&location, "subject-of-una")).await.text();
    let (action, fields) = fill(&consent, "una", None);
    assert_eq!(action, "/oauth/consent", "{consent}");
    let answer = phone.go(&action, Some(&fields)).await;
    let query = answer.header("location").unwrap().strip_prefix(REDIRECT).unwrap().trim_start_matches('?').to_owned();
    let code = app::value_of(&query, "code").unwrap();
    let mut connection = gateway.peer().connect().await.unwrap();
    let redeeming = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier.as_str()),
    ];
    let grant = app::token(&mut connection, reader, &redeeming).await.unwrap();
    assert_eq!(app::get(&mut connection, &grant, "/fhir/Patient/p1").await.status, 200);

    // Someone to whom no account belongs, and one whose account was switched off, are told the same.
    let mut told = Vec::new();
    for (name, subject) in [("nobody", "someone"), ("a name", "una"), ("off", "subject-of-una")] {
        if name == "off" {
            sluice(&folder, &["account", "disable", "una"]).await.unwrap();
        }
        let mut browser = Browser::open(gateway.peer()).await;
        let page = browser.open_page("/account/login").await.text();
        let location = away(&mut browser, &page).await;
        let answer = browser.go(&provider.authorize(&location, subject), None).await;
        assert_eq!((answer.status, browser.session().as_str()), (403, ""), "{name}");
        told.push(answer.text());
    }
    assert!(told[0].contains("it is not set up for this server"), "{}", told[0]);
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
    is_silent(&gateway, &[SECRET, &first, &second, &grant.access_token, "subject-of-una"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t51_t52_t57_a_provider_that_lies_and_an_answer_of_another_browser_sign_nobody_in() {
    let provider = Provider::start().await;
    let (folder, gateway) = world(&provider.sections()).await;
    for (name, subject) in [("una", "subject-of-una"), ("eve", "subject-of-eve")] {
        let link = ["account", "add", name, "--fhir-user", "Patient/p1", "--provider-subject", subject];
        sluice(&folder, &link).await.unwrap();
    }
    let mut una = Browser::open(gateway.peer()).await;
    let mut refusals = Vec::new();
    for lie in Lie::ALL {
        provider.lie(lie);
        let page = una.open_page("/account/login").await.text();
        let location = away(&mut una, &page).await;
        let answer = una.go(&provider.authorize(&location, "subject-of-una"), None).await;
        assert_eq!((answer.status, una.session().as_str()), (400, ""), "{lie:?}: {}", answer.text());
        refusals.push(answer.text());
    }
    provider.lie(Lie::Nothing);
    let (mut eve, mut ways) = (Browser::open(gateway.peer()).await, Vec::new());
    for browser in [&mut una, &mut eve] {
        let page = browser.open_page("/account/login").await.text();
        ways.push(away(browser, &page).await);
    }
    let [of_una, of_eve] = &ways[..] else { panic!() };
    // Eve signs in, and has una's browser take her answer: with her state, and with una's.
    let answer = una.go(&provider.authorize(of_eve, "subject-of-eve"), None).await;
    assert_eq!((answer.status, una.session().as_str()), (400, ""), "the state of another browser");
    refusals.push(answer.text());
    let (stolen, own) = (provider.authorize(of_eve, "subject-of-eve"), provider.authorize(of_una, "subject-of-una"));
    let of = |answer: &str, name: &str| app::value_of(answer.split_once('?').unwrap().1, name).unwrap();
    let with = |state: &str, code: &str, iss: &str| {
        let answer = [("state", state), ("code", code), ("iss", iss)];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
        format!("/oauth/provider/answer?{query}")
    };
    let injected = with(&of(&own, "state"), &of(&stolen, "code"), &provider.issuer);
    let answer = una.go(&injected, None).await;
    assert_eq!((answer.status, una.session().as_str()), (400, ""), "the code of another");
    refusals.push(answer.text());
    // A state counts once, and only with the issuer that it was for.
    let answer = una.go(&own, None).await;
    assert_eq!(answer.status, 400, "a state that was used");
    refusals.push(answer.text());
    for iss in ["https://login.example", ""] {
        let page = una.open_page("/account/login").await.text();
        let own = provider.authorize(&away(&mut una, &page).await, "subject-of-una");
        let answer = una.go(&with(&of(&own, "state"), &of(&own, "code"), iss), None).await;
        assert_eq!((answer.status, una.session().as_str()), (400, ""), "the issuer {iss}");
        refusals.push(answer.text());
    }
    assert!(refusals.iter().all(|answer| *answer == refusals[0]) && refusals[0].contains("Nobody was signed in"));
    // A link of another site leads to the sign-in page, and not away.
    let cookies = una.cookies();
    let foreign = [("cookie", cookies.as_str()), ("sec-fetch-site", "cross-site")];
    let mut connection = gateway.peer().connect().await.unwrap();
    let answer = connection.send("GET", "/oauth/provider?to=account", &foreign, None).await.unwrap();
    assert!(answer.header("location").unwrap().starts_with("/account/login?"), "{answer:?}");
    // And all this was no accident of the test: an honest answer still signs in.
    let page = una.open_page("/account/login").await.text();
    let location = away(&mut una, &page).await;
    una.go(&provider.authorize(&location, "subject-of-una"), None).await;
    assert!(una.open_page("/account").await.text().contains("Signed in as una"));
}

#[tokio::test]
async fn where_people_sign_in_elsewhere_alone_no_password_opens_anything() {
    let provider = Provider::start().await;
    let (folder, gateway) = world(&format!("{}instead = true\n", provider.sections())).await;
    let mut ann = Browser::open(gateway.peer()).await;
    let page = ann.open_page("/account/login").await.text();
    assert!(!page.contains("name=\"password\"") && !page.contains("/account/recover"), "{page}");
    // Whoever has the browser can still make the form that is no longer shown.
    let cookies = ann.cookies();
    let own = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("__Host-sluice-browser=")).unwrap();
    let token = base64url(&sha256(format!("form {own}").as_bytes()));
    let typed = pairs(&[("form", &token), ("to", ""), ("username", "ann"), ("password", PASSWORD)]);
    let answer = ann.go("/account/login", Some(&typed)).await;
    assert!(answer.status == 200 && answer.text().contains("is not right"), "{}", answer.text());
    assert_eq!(ann.session(), "");
    assert_eq!(ann.go("/account/recover", None).await.status, 404);
    assert!(sluice(&folder, &["account", "recover", "ann"]).await.unwrap_err().contains("the provider recovers it"));
}

/// What someone types who has forgotten their password.
fn forgotten(token: &str, username: &str, code: &str, password: &str, second: &str) -> Vec<(String, String)> {
    pairs(&[("form", token), ("username", username), ("recovery", code), ("new", password), ("code", second)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t62_a_forgotten_password_is_set_by_an_operators_code_once_and_every_session_ends() {
    let (folder, gateway) = world("").await;
    let mut ann = Browser::open(gateway.peer()).await;
    ann.sign_in("ann").await;
    let told = sluice(&folder, &["account", "recover", "ann"]).await.unwrap();
    let code = told.lines().next().unwrap().to_owned();
    assert!(told.contains("/account/recover, once, until 20"), "{told}");
    assert!(sluice(&folder, &["account", "recover", "nobody"]).await.is_err());

    let mut lost = Browser::open(gateway.peer()).await;
    let page = lost.open_page("/account/login").await.text();
    assert!(page.contains("/account/recover?lang=en") && page.contains("I forgot my password"), "{page}");
    let page = lost.open_page("/account/recover?lang=es").await.text();
    assert!(page.contains("Establecer otra contraseña") && page.contains("Código que le dieron"), "{page}");
    let token = form(&lost.open_page("/account/recover").await.text());
    let mut refusals = Vec::new();
    for (username, code) in
        [("ann", "aaaa-bbbb-cccc-dddd"), ("nobody", code.as_str()), ("otto", code.as_str()), ("roe", "x")]
    {
        let answer = lost.go("/account/recover", Some(&forgotten(&token, username, code, NEW, ""))).await;
        // The name that was typed stands in the page again, and nothing else tells one from another.
        refusals.push((answer.status, answer.text().replace(&format!("value=\"{username}\""), "")));
    }
    assert!(refusals.iter().all(|answer| *answer == refusals[0]), "{refusals:?}");
    assert!(refusals[0].1.contains("the code has run out or was used"));
    let short = lost.go("/account/recover", Some(&forgotten(&token, "ann", &code, "too short", ""))).await.text();
    assert!(short.contains("needs at least 12 characters") && !short.contains(&code), "{short}");
    let mut other = Browser::open(gateway.peer()).await;
    other.open_page("/account/recover").await;
    let foreign = other.go("/account/recover", Some(&forgotten(&token, "ann", &code, NEW, ""))).await;
    assert_eq!(foreign.status, 403, "a form of another browser");
    assert!(ann.open_page("/account").await.text().contains("Signed in as ann"));

    let done = lost.go("/account/recover", Some(&forgotten(&token, "Ann", &code.to_uppercase(), NEW, ""))).await;
    assert!(done.status == 200 && done.text().contains("Your password was changed"), "{}", done.text());
    assert_eq!(lost.session(), "", "nobody is signed in by it");
    assert!(!ann.open_page("/account").await.text().contains("Signed in as ann"), "every session is over");
    let again = lost.go("/account/recover", Some(&forgotten(&token, "ann", &code, NEW, ""))).await.text();
    assert!(again.contains("the code has run out or was used"));
    let page = lost.open_page("/account/login").await.text();
    let (action, mut fields) = fill(&page, "ann", None);
    let before = lost.post(&action, &fields).await.text();
    assert!(before.contains("is not right"), "the password before opens nothing");
    fields.iter_mut().filter(|(name, _)| name == "password").for_each(|(_, value)| NEW.clone_into(value));
    assert!(lost.post(&action, &fields).await.text().contains("Signed in as ann"));
    is_silent(&gateway, &[&code, &code.to_uppercase(), NEW, PASSWORD]);

    // Tries count with sign-ins.
    let mut tries = 0;
    let last = loop {
        tries += 1;
        let token = form(&other.open_page("/account/recover").await.text());
        let answer = other.go("/account/recover", Some(&forgotten(&token, "roe", "x", NEW, ""))).await;
        if answer.status != 200 || tries > 40 {
            break answer;
        }
    };
    assert_eq!(last.status, 429, "after {tries}");
    assert!(last.header("retry-after").is_some());
    let page = other.open_page("/account/login").await.text();
    let (action, fields) = fill(&page, "roe", None);
    assert_eq!(
        other.go(&action, Some(&fields)).await.status,
        429,
        "the sign-in of that account from there waits as well"
    );
}
