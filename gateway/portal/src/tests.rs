//! Pages as sentences: what stands on them, what cannot get onto them, and what makes them usable by everyone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use crate::{
    App, AppReadForm, AppsForm, Begun, Call, CallsForm, CallsOutcome, ChooseForm, CodeFault, CodeForm, ConsentForm,
    DemoClient, DemoUser, Ended, ErrorDoc, Exchange, Frame, Html, LaunchForm, LoginFault, LoginForm, Message, Own,
    OwnLoginForm, Proof, RecoverFault, RecoverForm, RegisterFault, RegisterForm, STYLESHEET, SandboxForm,
    SandboxOutcome, SeenForm, SignedIn, Start, TriedForm, TryForm, Ways, WhoseForm, account, app_read, app_read_file,
    apps, apps_alone, apps_file, apps_file_alone, calls, choose, code, consent_of_patient, consent_own, error_doc,
    launch, launch_alone, login, message, own_login, recover, register, registered, sandbox, second, second_on, seen,
    seen_of_unnamed, sessions, start, stylesheet_path, tried, tried_in_vain, try_it, unfit, whose,
};
use bytes::Bytes;
use fhir::outcome::IssueCode;
use fhir::{Id, Instant, ResourceType};
use privacy::{Page, Purpose, Role, Scopes, Shown, Standing};
use smart::apps::Allowed;
use smart::backend::System;
use smart::flow::{Asking, Unfit};
use smart::metadata::Fault;
use smart::register::Registration;
use smart::rights::rights;
use smart::second::{Standing as Factor, TakenOff};
use smart::sessions::Living;
use smart::settings::{ACCOUNT_DISCLOSURES, ProviderSettings};
use smart::{Client, ClientKind, ErrorCode, Item, Itself, Locale, Mishap, OauthError, Settings, Whence};

fn frame(locale: Locale) -> Frame {
    let signed_in = SignedIn { username: "ana<b>".to_owned(), form: "form-token".to_owned() };
    Frame { locale, here: Some("/oauth/login?flow=f-1".to_owned()), signed_in: Some(signed_in) }
}

fn app(name: &str) -> App {
    let client = Client {
        client_id: "reader".to_owned(),
        name: name.to_owned(),
        proof: ClientKind::Public,
        redirect_uris: Vec::new(),
        launch_uri: None,
        scopes: Scopes::default(),
        purposes: vec![Purpose::PatientRequest],
        owner: Some("Example Health Ltd".to_owned()),
        terms_uri: Some("javascript:alert(1)".to_owned()),
        resource_server: false,
        by_itself: None,
        enabled: true,
    };
    App::new(&Asking { client, answers_to: Some("http://127.0.0.1:8000".to_owned()) })
}

fn login_form(locale: Locale, fault: Option<LoginFault>) -> LoginForm {
    let username = "\"><script>alert(1)</script>".to_owned();
    let ways = ways(true, false);
    let (flow, test_users) = ("f-1".to_owned(), Vec::new());
    LoginForm { frame: frame(locale), app: app("Reader"), flow, username, ways, test_users, fault }
}

/// Ways to sign in: with a login provider or without one, and with it alone.
fn ways(there: bool, instead: bool) -> Ways {
    let own = ProviderSettings {
        issuer: "https://login.example".to_owned(),
        client_id: "sluice".to_owned(),
        label: "General <b> Hospital".to_owned(),
        instead,
    };
    let settings = Settings { provider: Some(own).filter(|_| there), ..Settings::new("https://localhost:8443", &[]) };
    Ways::of(&settings, "flow=f-1")
}

fn recover_form(locale: Locale, fault: Option<RecoverFault>) -> RecoverForm {
    let username = "\"><script>alert(1)</script>".to_owned();
    RecoverForm { frame: frame(locale), token: "form-token".to_owned(), username, fault }
}

fn consent_form(locale: Locale, name: &str, items: &[Item]) -> ConsentForm {
    let (flow, items, instead) = ("f-1".to_owned(), items.to_vec(), Vec::new());
    ConsentForm {
        frame: frame(locale),
        app: app(name),
        flow,
        items,
        in_care: Vec::new(),
        instead,
        purpose: Purpose::Treatment,
        tells_context: true,
        can_choose_again: true,
    }
}

const ITEMS: [Item; 5] = [
    Item::Records(ResourceType::Observation),
    Item::Records(ResourceType::Patient),
    Item::Records(ResourceType::Account),
    Item::Identity,
    Item::Offline,
];

fn patients(all: &[(&str, &str)]) -> Page {
    let row = |(id, content): &(&str, &str)| Shown {
        kind: ResourceType::Patient,
        id: Id::parse(id).unwrap(),
        version: None,
        updated: None,
        standing: Standing::Match,
        about: Vec::new(),
        content: Bytes::from((*content).to_owned()),
    };
    Page { rows: all.iter().map(row).collect(), next: None, total: None }
}

/// An app that asks for everyone in a clinician's care: of all that it asks for, or of some of it.
fn in_care_form(locale: Locale, some: &[Item]) -> ConsentForm {
    let items = [&ITEMS[..], &[Item::InCare]].concat();
    let in_care = if some.is_empty() { ITEMS.to_vec() } else { some.to_vec() };
    ConsentForm { in_care, ..consent_form(locale, "Reader", &items) }
}

fn choose_form(locale: Locale) -> ChooseForm {
    ChooseForm { frame: frame(locale), app: app("Reader"), flow: "f-1".to_owned() }
}

fn launch_form(locale: Locale) -> LaunchForm {
    let client = |client_id: &str, launch_uri: &str| Client {
        client_id: client_id.to_owned(),
        name: "Chart <i>".to_owned(),
        proof: ClientKind::Public,
        redirect_uris: Vec::new(),
        launch_uri: Some(launch_uri.to_owned()),
        scopes: Scopes::parse("launch"),
        purposes: vec![Purpose::Treatment],
        owner: Some("Example Health Ltd".to_owned()),
        terms_uri: None,
        resource_server: false,
        by_itself: None,
        enabled: true,
    };
    let apps = vec![client("chart", "https://app.example/launch"), client("dose", "https://dose.example/open?x=1")];
    LaunchForm { frame: frame(locale), apps, failed: true }
}

fn living(digest: &str, [browser, system]: &[&str; 2]) -> Living {
    let whence = Whence {
        browser: Some((*browser).to_owned()),
        system: Some((*system).to_owned()),
        network: Some("192.0.2.0/24".to_owned()),
    };
    Living { digest: digest.to_owned(), created_s: 100, used_s: 160, whence }
}

fn own_login_form(locale: Locale, fault: Option<LoginFault>) -> OwnLoginForm {
    let (token, to, username) = ("form-token".to_owned(), "sessions".to_owned(), "\"><b>".to_owned());
    OwnLoginForm { frame: frame(locale), token, to, username, ways: ways(true, false), fault }
}

/// An event of the ledger about `p-1`, as it is released.
fn event(nth: usize, at: &str, purpose: &str, client: Option<&str>, person: &str, resources: &[&str]) -> Shown {
    let entities: Vec<String> = resources
        .iter()
        .map(|reference| format!(r#"{{"what":{{"reference":"{reference}"}},"role":{{"code":"4"}}}}"#))
        .chain([r#"{"what":{"reference":"Patient/p-1"},"role":{"code":"1"}}"#.to_owned()])
        .collect();
    let client = client.map_or_else(String::new, |client| {
        format!(
            r#"{{"type":{{"coding":[{{"code":"110152"}}]}},"who":{{"identifier":{{"value":"{client}"}}}},"requestor":false}},"#
        )
    });
    let content = format!(
        r#"{{"resourceType":"AuditEvent","id":"e{nth}","recorded":"{at}","purposeOfEvent":[{{"coding":[{{"code":"{purpose}"}}]}}],"agent":[{client}{{"who":{person},"requestor":true}}],"entity":[{}]}}"#,
        entities.join(",")
    );
    Shown {
        kind: ResourceType::AuditEvent,
        id: Id::parse(&format!("e{nth}")).unwrap(),
        version: None,
        updated: None,
        standing: Standing::Match,
        about: vec![Id::parse("p-1").unwrap()],
        content: content.into(),
    }
}

const OWN: &str = r#"{"reference":"Patient/p-1","identifier":{"value":"account"}}"#;
const DOCTOR: &str = r#"{"reference":"Practitioner/d-1"}"#;
const ROOT: &str = r#"{"identifier":{"value":"root"}}"#;

fn history() -> Page {
    let rows = vec![
        event(
            0,
            "2026-11-27T09:00:00Z",
            "PATRQT",
            Some("reader"),
            OWN,
            &["Observation/o1", "Observation/o2/_history/1"],
        ),
        event(1, "2026-11-27T08:00:00Z", "TREAT", Some("portal"), DOCTOR, &["Patient/p-1/_history/3"]),
        event(
            2,
            "2026-11-26T08:00:00Z",
            "TREAT",
            Some("chart<b>"),
            r#"{"reference":"Practitioner/d-2"}"#,
            &["Condition/c1"],
        ),
        event(3, "2026-11-25T08:00:00Z", "HOPERAT", None, ROOT, &[]),
        event(4, "2026-11-25T07:00:00Z", "PATRQT", Some("reader"), OWN, &["Patient/p-1", "AuditEvent/x"]),
    ];
    Page { rows, next: None, total: None }
}

fn people() -> Page {
    let content = r#"{"resourceType":"Practitioner","id":"d-1","name":[{"given":["Dora"],"family":"Roe & Co"}]}"#;
    let row = Shown {
        kind: ResourceType::Practitioner,
        id: Id::parse("d-1").unwrap(),
        version: None,
        updated: None,
        standing: Standing::Match,
        about: Vec::new(),
        content: Bytes::from_static(content.as_bytes()),
    };
    Page { rows: vec![row], next: None, total: None }
}

fn seen_form(locale: Locale, from: Option<&str>) -> SeenForm {
    let apps = vec![("reader".to_owned(), "Reader <i>".to_owned(), false)];
    let from = from.map(str::to_owned);
    SeenForm { frame: frame(locale), apps, acts_for: false, patient: None, from, file_max: 1000 }
}

fn apps_form(locale: Locale) -> AppsForm {
    let allowed = |client_id: &str, client| Allowed {
        client,
        client_id: client_id.to_owned(),
        items: ITEMS.to_vec(),
        since_s: 1_700_000_000,
        until_s: 1_800_000_000,
    };
    let client = Client {
        client_id: "reader".to_owned(),
        name: "Reader <i>".to_owned(),
        proof: ClientKind::Public,
        redirect_uris: Vec::new(),
        launch_uri: None,
        scopes: Scopes::default(),
        purposes: Vec::new(),
        owner: Some("Example Health Ltd".to_owned()),
        terms_uri: None,
        resource_server: false,
        by_itself: None,
        enabled: true,
    };
    let apps = vec![allowed("reader", Some(client)), allowed("quiet", None)];
    let systems = vec![System {
        name: "Billing <x>".to_owned(),
        owner: Some("House".to_owned()),
        purposes: vec![Purpose::Payment],
    }];
    AppsForm { frame: frame(locale), apps, systems, patient: None, stopped: true }
}

fn taken_off() -> TakenOff {
    TakenOff { at_s: 0, by: "root".to_owned(), reason: "lost <b>".to_owned() }
}

fn begun() -> Factor {
    let link = "otpauth://totp/Sluice:ana?secret=ABCDEFGH&issuer=Sluice".to_owned();
    Factor::Begun { secret: "ABCDEFGH".to_owned(), link, has_password: true }
}

fn code_form(locale: Locale, fault: Option<CodeFault>) -> CodeForm {
    let fields = vec![("flow", "f-1".to_owned()), ("half", "h-1".to_owned())];
    CodeForm { frame: frame(locale), action: "/oauth/login", fields, app: Some(app("Reader")), fault }
}

const ANA: &str = r#"{"resourceType":"Patient","name":[{"use":"nickname","given":["Anita"]},{"use":"official","given":["Ana","María"],"family":"Ruiz & Sons"}],"birthDate":"1980-02-03"}"#;
const NOBODY: &str = r#"{"resourceType":"Patient"}"#;

fn register_form(locale: Locale, fault: Option<RegisterFault>) -> RegisterForm {
    let typed = "\"></textarea><script>".to_owned();
    let (name, addresses, keys) = (typed.clone(), typed.clone(), typed);
    RegisterForm {
        frame: frame(locale),
        token: "form-token".to_owned(),
        name,
        addresses,
        proof: Proof::Keys,
        keys,
        fault,
    }
}

fn registration() -> Registration {
    Registration {
        client_id: "c-1".to_owned(),
        client_id_issued_at: 0,
        client_secret: Some("the secret".to_owned()),
        client_secret_expires_at: Some(0),
        registration_access_token: "the token".to_owned(),
        registration_client_uri: "https://here/oauth/register/c-1".to_owned(),
        client_name: "Reader <i>".to_owned(),
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        token_endpoint_auth_method: "client_secret_basic",
        grant_types: Vec::new(),
        response_types: Vec::new(),
        scope: "patient/*.rs".to_owned(),
        jwks: None,
        jwks_uri: None,
        tos_uri: None,
    }
}

fn test_user() -> DemoUser {
    DemoUser { username: "ana".to_owned(), password: "pw".to_owned(), fhir_user: "Patient/p-1".to_owned() }
}

fn call(status: u16, error: Option<&'static str>) -> Call {
    let (method, correlation) = ("GET".to_owned(), "c-1".to_owned());
    Call { at: Instant::from_seconds(0), method, route: "/fhir/{type}/{id}", status, error, correlation }
}

fn calls_form(locale: Locale, outcome: CallsOutcome) -> CallsForm {
    let (client_id, registration_token) = ("\"><b>".to_owned(), "the token".to_owned());
    CallsForm { frame: frame(locale), token: "form-token".to_owned(), client_id, registration_token, outcome }
}

fn sandbox_form(locale: Locale, chosen: Option<Mishap>, outcome: SandboxOutcome) -> SandboxForm {
    let (client_id, registration_token) = ("\"><b>".to_owned(), "the token".to_owned());
    SandboxForm { frame: frame(locale), token: "form-token".to_owned(), client_id, registration_token, chosen, outcome }
}

fn try_form(locale: Locale, begun: Option<Begun>) -> TryForm {
    let (token, scope) = ("form-token".to_owned(), "\"><b>".to_owned());
    TryForm { frame: frame(locale), token, scope, begun, over: false }
}

fn begun_try(error: Option<&str>) -> Begun {
    let text = |text: &str| text.to_owned();
    let exchange = Exchange { request: text("POST <x>"), curl: text("curl"), answer: Some(text("HTTP 200")) };
    Begun {
        authorize: text("GET /oauth/authorize"),
        go: text("/oauth/authorize?x=1"),
        verifier: text("the verifier"),
        challenge: text("the challenge"),
        answer: Some(text("code=abc")),
        error: error.map(text),
        can_redeem: error.is_none(),
        can_read: error.is_none(),
        redeemed: error.is_none().then_some(exchange),
    }
}

fn tried_form(locale: Locale) -> TriedForm {
    let (fhir_base, bearer) = ("https://localhost/fhir".to_owned(), "abc…".to_owned());
    TriedForm { frame: frame(locale), fhir_base, bearer }
}

fn app_read_form(locale: Locale) -> AppReadForm {
    let (client_id, name) = ("reader&x".to_owned(), Some("Reader <i>".to_owned()));
    AppReadForm {
        frame: frame(locale),
        client_id,
        name,
        by_itself: true,
        patient: None,
        from: Some("here-1".to_owned()),
        reads_max: 1000,
    }
}

/// Every page there is, in a language.
fn all(locale: Locale) -> Vec<(&'static str, Html)> {
    let own = Own { username: "ana", patient: Some("p-1") };
    let why = OauthError::new(ErrorCode::InvalidRedirectUri, "<b>what came</b>");
    let user = test_user();
    let client =
        DemoClient { client_id: "reader".to_owned(), client_secret: None, redirect_uris: vec!["http://a".to_owned()] };
    let (users, clients) = (&[user], &[client]);
    let first =
        Start { frame: frame(locale), fhir_base: "https://localhost/fhir", open: true, sandbox: true, users, clients };
    let mut pages = vec![
        ("login", login(&login_form(locale, None))),
        ("login again", login(&login_form(locale, Some(LoginFault::Wrong)))),
        ("choose", choose(patients(&[("p-1", ANA), ("p-2", NOBODY)]), &choose_form(locale))),
        ("choose none", choose(patients(&[]), &choose_form(locale))),
        ("consent", consent_own(&consent_form(locale, "Reader", &ITEMS), &own)),
        ("consent once", consent_own(&consent_form(locale, "Reader", &[Item::WhichPatient]), &own)),
        (
            "consent for a patient",
            consent_of_patient(patients(&[("p-1", ANA)]), &consent_form(locale, "Reader", &ITEMS)),
        ),
        ("consent for all in care", consent_own(&in_care_form(locale, &[]), &Own { patient: None, ..own })),
        ("consent for one and all", consent_of_patient(patients(&[("p-1", ANA)]), &in_care_form(locale, &ITEMS[..1]))),
        ("app error", message(&frame(locale), &Message::App(&why))),
        ("start", start(&first)),
        ("register", register(&register_form(locale, None))),
        ("register again", register(&register_form(locale, Some(RegisterFault::Unfit(Fault::Address))))),
        ("registered", registered(&frame(locale), &registration())),
        ("calls", calls(&calls_form(locale, CallsOutcome::NotAsked))),
        ("calls of another", calls(&calls_form(locale, CallsOutcome::Unknown))),
        ("calls none", calls(&calls_form(locale, CallsOutcome::Found(Vec::new())))),
        (
            "calls found",
            calls(&calls_form(locale, CallsOutcome::Found(vec![call(200, None), call(403, Some("forbidden"))]))),
        ),
        ("sandbox", sandbox(&sandbox_form(locale, None, SandboxOutcome::NotAsked))),
        ("sandbox of another", sandbox(&sandbox_form(locale, None, SandboxOutcome::Unknown))),
        ("sandbox chosen", sandbox(&sandbox_form(locale, Some(Mishap::Throttled), SandboxOutcome::Done))),
        ("try", try_it(&try_form(locale, None))),
        ("try over", try_it(&TryForm { over: true, ..try_form(locale, None) })),
        ("try begun", try_it(&try_form(locale, Some(begun_try(None))))),
        ("try refused", try_it(&try_form(locale, Some(begun_try(Some("access_denied")))))),
        ("tried", tried(patients(&[("p-1", ANA)]), &tried_form(locale))),
        ("tried in vain", tried_in_vain(&tried_form(locale), &Id::parse("p-1").unwrap(), "HTTP 403\n{\"x\":1}")),
        ("app read", app_read((history(), Some("next-1".to_owned())), &app_read_form(locale))),
        ("app read nothing", app_read((patients(&[]), None), &app_read_form(locale))),
        ("login in a sandbox", login(&LoginForm { test_users: vec![test_user()], ..login_form(locale, None) })),
        ("own sign-in", own_login(&own_login_form(locale, None))),
        ("own sign-in again", own_login(&own_login_form(locale, Some(LoginFault::Stale)))),
        ("account", account(&frame(locale), &rights(Role::Patient))),
        ("account of a clinician", account(&frame(locale), &rights(Role::Clinician))),
        ("account of an administrator", account(&frame(locale), &rights(Role::Administrator))),
        ("login elsewhere", login(&LoginForm { ways: ways(true, true), ..login_form(locale, None) })),
        ("login here alone", login(&LoginForm { ways: ways(false, false), ..login_form(locale, None) })),
        ("own sign-in elsewhere", own_login(&OwnLoginForm { ways: ways(true, true), ..own_login_form(locale, None) })),
        ("recover", recover(&recover_form(locale, None))),
        ("recover again", recover(&recover_form(locale, Some(RecoverFault::Wrong)))),
        ("recover with a short password", recover(&recover_form(locale, Some(RecoverFault::Short)))),
        (
            "whose",
            whose(
                patients(&[("p-1", ANA), ("p-2", NOBODY)]),
                &WhoseForm { frame: frame(locale), to: format!("{ACCOUNT_DISCLOSURES}?patient=") },
            ),
        ),
        ("seen of another", {
            let form =
                SeenForm { acts_for: true, patient: Some("p-1".to_owned()), ..seen_form(locale, Some("here-1")) };
            seen(((history(), Some("next-1".to_owned())), people()), &form)
        }),
        ("launch", launch(patients(&[("p-1", ANA), ("p-2", NOBODY)]), &launch_form(locale))),
        ("launch without patients", launch_alone(&launch_form(locale))),
        ("launch without apps", launch_alone(&LaunchForm { apps: Vec::new(), ..launch_form(locale) })),
        ("apps", apps(history(), &apps_form(locale))),
        ("apps alone", apps_alone(&apps_form(locale))),
        ("no apps", apps_alone(&AppsForm { apps: Vec::new(), ..apps_form(locale) })),
        ("seen", seen(((history(), Some("next-1".to_owned())), people()), &seen_form(locale, Some("here-1")))),
        ("seen nothing", seen_of_unnamed((patients(&[]), None), &seen_form(locale, None))),
        ("second factor", second(&frame(locale), &Factor::Off(None), None)),
        ("second factor taken off", second(&frame(locale), &Factor::Off(Some(taken_off())), None)),
        ("second factor begun", second(&frame(locale), &begun(), Some(CodeFault::Wrong))),
        ("second factor on", second(&frame(locale), &Factor::On { since_s: 0, recovery: 9 }, Some(CodeFault::TooMany))),
        ("second factor just on", second_on(&frame(locale), &["abcde-fghij".to_owned()])),
        ("code", code(&code_form(locale, None))),
        ("code again", code(&code_form(locale, Some(CodeFault::Wrong)))),
        (
            "sessions",
            sessions(
                &frame(locale),
                &[living("own", &["a", "b"]), living("d", &["c", "d"])],
                "own",
                Some(Ended::Others),
            ),
        ),
    ];
    for said in [
        Message::Lost,
        Message::Unavailable,
        Message::SignedOut,
        Message::ForeignForm,
        Message::NoPage,
        Message::ForPatients,
        Message::ForClinicians,
        Message::SeesNoRecords,
        Message::Stranger,
        Message::ProviderFailed,
        Message::Recovered,
    ] {
        pages.push(("message", message(&frame(locale), &said)));
    }
    for why in [
        Unfit::NotForPatients,
        Unfit::NotForClinicians,
        Unfit::NotTheirPurpose,
        Unfit::NobodyInCare,
        Unfit::SeesNoRecords,
        Unfit::NoRecord,
        Unfit::OtherPerson,
        Unfit::LaunchOver,
    ] {
        pages.push(("unfit", unfit(&frame(locale), &app("Reader"), "f-1", why)));
    }
    pages.extend(ErrorCode::ALL.map(|code| ("error code", error_doc(&frame(locale), ErrorDoc::Oauth(code)))));
    let issues = IssueCode::ALL.iter().filter_map(|code| ErrorDoc::of(code.as_str()));
    pages.extend(issues.map(|doc| ("issue code", error_doc(&frame(locale), doc))));
    pages
}

/// The opening tags of a kind.
fn tags<'a>(body: &'a str, name: &str) -> Vec<&'a str> {
    body.split(&format!("<{name}")).skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag)).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split_once('"').map(|(value, _)| value)
}

#[test]
fn every_page_is_whole_and_has_its_language_its_landmarks_and_one_heading() {
    for locale in Locale::ALL {
        for (name, page) in all(locale) {
            let body = &page.body;
            assert!(
                body.starts_with("<!DOCTYPE html>") && body.ends_with("</html>\n") || body.ends_with("</html>"),
                "{name}"
            );
            assert!(body.contains(&format!("<html lang=\"{}\">", locale.tag())), "{name}");
            for once in ["<h1", "<main", "<header", "<footer", "<title>"] {
                assert_eq!(body.matches(once).count(), 1, "{name}: {once}");
            }
            assert!(body.contains("name=\"viewport\""));
            assert!(!body.contains("{}"), "{name}: a word was not filled in");
        }
    }
}

#[test]
fn no_page_has_a_script_a_style_of_its_own_or_anything_from_elsewhere() {
    for (name, page) in all(Locale::English) {
        let body = page.body.to_lowercase();
        for never in ["<script", "style=", "<style", "javascript:", "<iframe", "<img", "onload", "onclick", "src="] {
            assert!(!body.contains(never), "{name}: {never}");
        }
        assert!(body.contains(&format!("href=\"{}\"", stylesheet_path())));
    }
}

#[test]
fn every_control_has_a_label_and_every_id_is_there_once() {
    for (name, page) in all(Locale::English) {
        let body = &page.body;
        for tag in tags(body, "input") {
            if attribute(tag, "type") == Some("hidden") {
                continue;
            }
            let labelled = match attribute(tag, "id") {
                Some(id) => body.contains(&format!("<label for=\"{id}\">")),
                None => body.contains(&format!("<label class=\"tick\"><input{tag}>")),
            };
            assert!(labelled, "{name}: {tag}");
        }
        let ids: Vec<&str> = body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for id in &ids {
            assert_eq!(ids.iter().filter(|other| other == &id).count(), 1, "{name}: {id}");
        }
        for link in ["href=\"#", "aria-labelledby=\"", "aria-describedby=\""] {
            for target in body.split(link).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(ids.contains(&target), "{name}: {link}{target}");
            }
        }
    }
}

#[test]
fn every_form_is_posted_with_its_language_and_with_what_proves_that_it_is_ours() {
    for (name, page) in all(Locale::Spanish) {
        for form in page.body.split("<form").skip(1).filter_map(|rest| rest.split("</form>").next()) {
            assert!(form.contains(" method=\"post\""), "{name}");
            assert_eq!(form.matches("name=\"lang\" value=\"es\"").count(), 1, "{name}");
            let action = attribute(form, "action").unwrap();
            let (flow, own) = ("name=\"flow\" value=\"f-1\"", "name=\"form\" value=\"form-token\"");
            let proof = if action.starts_with("/oauth/") { flow } else { own };
            let ours =
                ["/oauth/", "/account/", "/register", "/sandbox", "/try"].iter().any(|path| action.starts_with(path));
            assert!(ours, "{name}: {action}");
            assert_eq!(form.matches(proof).count(), 1, "{name}: {form}");
        }
    }
}

#[test]
fn every_page_says_who_is_signed_in_and_lets_them_sign_out() {
    for (name, page) in all(Locale::English) {
        assert!(page.body.contains("<a class=\"me\" href=\"/account\">Signed in as ana&#60;b&#62;</a>"), "{name}");
        assert!(page.body.contains("action=\"/account/logout\"") && page.body.contains(">Sign out</button>"), "{name}");
        let (before, after) = page.body.split_once("</main>").unwrap();
        assert!(
            after.contains("/account/logout") && !before.contains("/account/logout"),
            "{name}: first comes the page's own"
        );
    }
    let nobody = Frame { signed_in: None, ..frame(Locale::English) };
    let page = message(&nobody, &Message::NoPage);
    assert!(!page.body.contains("Signed in") && !page.body.contains("/account/logout"));
}

#[test]
fn who_saw_a_record_is_told_in_plain_words_day_by_day() {
    let page = seen(((history(), Some("next-1".to_owned())), people()), &seen_form(Locale::English, None)).body;
    assert_eq!(page.matches("<h2><time datetime=\"2026-11-2").count(), 3);
    for said in [
        "<b>You</b> · By the app Reader &#60;i&#62;",
        "At the patient’s request",
        "Results and measurements (2)",
        "<b>Dora Roe &#38; Co</b> · On the pages of this server",
        "<b>A clinician</b> · By the app chart&#60;b&#62;",
        "To treat you",
        "<b>Someone who runs this server</b>",
        "A message about you from a laboratory, whole",
        "Personal details, The list of who saw the record",
        "href=\"/account/disclosures?page=next-1&#38;lang=en\">Older",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("root") && !page.contains("Back to the newest"));
    let older = seen_of_unnamed((history(), None), &seen_form(Locale::Spanish, Some("here-1"))).body;
    assert!(older.contains("Volver a lo más reciente") && older.contains("/account/disclosures/file?page=here-1"));
    assert!(older.contains("<b>Un profesional de salud</b>") && !older.contains("Dora"));
}

#[test]
fn an_app_is_shown_with_what_it_may_see_and_what_it_read_last() {
    let page = apps(history(), &apps_form(Locale::English)).body;
    for said in [
        "<bdi>Reader &#60;i&#62;</bdi>",
        "From Example Health Ltd",
        "<b>Labs and measurements</b>: Results and measurements",
        "Keep access when I am not there",
        "<time datetime=\"2026-11-27\">November 27, 2026</time></dt><dd>Results and measurements</dd>",
        "<time datetime=\"2026-11-25\">November 25, 2026</time></dt><dd>Personal details, The list of who saw the record</dd>",
        "name=\"app\" value=\"reader\">Stop Reader",
        "What it already has stays with it.",
        "<bdi>quiet</bdi>",
        "This app is no longer registered here.",
        "Nothing lately.",
        "<b><bdi>Billing &#60;x&#62;</bdi></b>: To pay for your care",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("To treat you") && !page.contains("Health problems</dd>"), "of other apps nothing");
    let alone = apps_alone(&apps_form(Locale::English)).body;
    assert!(alone.contains("cannot be shown at the moment") && alone.contains("value=\"reader\">Stop"));
}

#[test]
fn all_that_an_app_read_is_counted_by_day_and_kind_on_the_page_and_in_the_file() {
    let page = app_read((history(), Some("next-1".to_owned())), &app_read_form(Locale::English)).body;
    for said in [
        "What Reader &#60;i&#62; read",
        "<time datetime=\"2026-11-27\">November 27, 2026</time>",
        "<dt>Results and measurements</dt><dd>2</dd>",
        "href=\"/account/apps/read?app=reader%26x&#38;page=next-1&#38;lang=en\"",
        "/account/apps/read/file?app=reader%26x&#38;page=here-1",
        "up to 1000 reads",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let file = app_read_file(history(), &app_read_form(Locale::English));
    assert_eq!(
        file.lines().next(),
        Some(r#"{"client_id":"reader&x","day":"2026-11-27","kind":"Patient","read":1}"#),
        "{file}"
    );
    assert!(file.contains(r#""day":"2026-11-27","kind":"Observation","read":2}"#), "{file}");
    let file = apps_file(history(), &apps_form(Locale::English));
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0]
            .starts_with(r#"{"client_id":"reader","name":"Reader <i>","owner":"Example Health Ltd","since":"2023-"#)
    );
    assert!(
        lines[0].contains(
            r#""read":[{"day":"2026-11-27","Observation":2},{"day":"2026-11-25","Patient":1,"AuditEvent":1}]"#
        )
    );
    assert!(lines[1].contains(r#""client_id":"quiet""#) && lines[1].ends_with(r#""read":[]}"#), "{}", lines[1]);
    assert!(!apps_file_alone(&apps_form(Locale::English)).contains("read\""));
}

#[test]
fn a_developer_sees_calls_with_their_errors_explained_and_what_was_chosen() {
    let found = CallsOutcome::Found(vec![call(403, Some("forbidden")), call(200, None)]);
    let page = calls(&calls_form(Locale::English, found)).body;
    assert!(page.contains("<code>GET /fhir/{type}/{id}</code>") && page.contains("1970-01-01 00:00:00Z"), "{page}");
    assert!(
        page.contains("<td>403 <a href=\"/docs/errors/forbidden\"><code>forbidden</code></a></td><td><code>c-1</code>")
    );
    assert!(page.contains("<td>200</td>") && page.contains("value=\"&#34;&#62;&#60;b&#62;\""));
    let page = sandbox(&sandbox_form(Locale::English, Some(Mishap::Throttled), SandboxOutcome::Done)).body;
    assert!(page.contains("role=\"status\">Done. The next calls of your app meet it."));
    assert!(page.contains("value=\"request_throttled\" checked>") && page.matches(" checked>").count() == 1);
    assert_eq!(page.matches("type=\"radio\"").count(), Mishap::ALL.len() + 1);
    let page = try_it(&try_form(Locale::English, Some(begun_try(None)))).body;
    assert!(page.contains("<dd><code>the verifier</code></dd>") && page.contains("value=\"redeem\""), "{page}");
    let page = tried(patients(&[("p-1", ANA)]), &tried_form(Locale::English)).body;
    assert!(page.contains("GET https://localhost/fhir/Patient/p-1\nAuthorization: Bearer abc…"), "{page}");
    let page = try_it(&try_form(Locale::English, Some(begun_try(Some("access_denied"))))).body;
    assert!(page.contains("href=\"/docs/errors/access_denied\"") && !page.contains("value=\"redeem\""));
}

#[test]
fn a_second_factor_shows_what_is_to_be_done_and_who_took_it_off_stays_inside() {
    let page = second(&frame(Locale::English), &begun(), None).body;
    assert!(
        page.contains("<code>ABCD EFGH</code>")
            && page.contains("href=\"otpauth://totp/Sluice:ana?secret=ABCDEFGH&#38;issuer=Sluice\"")
    );
    assert!(page.contains("value=\"confirm\"") && page.contains("name=\"password\""));
    let page = second(&frame(Locale::English), &Factor::Off(Some(taken_off())), None).body;
    assert!(page.contains("<q>lost &#60;b&#62;</q>") && !page.contains("root") && page.contains("value=\"begin\""));
    let page = second(&frame(Locale::English), &Factor::On { since_s: 0, recovery: 9 }, None).body;
    assert!(page.contains("Recovery codes left: 9") && page.contains("value=\"off\""));
    let asked = code(&code_form(Locale::English, Some(CodeFault::Wrong)));
    assert!(
        asked.body.contains("name=\"half\" value=\"h-1\"")
            && asked.body.contains("<a href=\"#code\">That is not right")
    );
    assert!(asked.content_security_policy().contains("form-action 'self' http://127.0.0.1:8000;"));
}

#[test]
fn a_session_can_be_told_from_the_others_and_ones_own_is_not_ended_from_its_line() {
    let own = living("own", &["Firefox", "Linux"]);
    let other = living("other", &["Safari", "iPhone"]);
    let unknown = Living { whence: Whence::default(), ..living("unknown", &["", ""]) };
    let page = sessions(&frame(Locale::English), &[other.clone(), unknown, own.clone()], "own", Some(Ended::One));
    let names: Vec<&str> =
        page.body.split("<h2 id=\"s").skip(1).filter_map(|rest| rest.get(3..)?.split('<').next()).collect();
    assert_eq!(names, ["Firefox on Linux", "Safari on iPhone", "Unknown browser"]);
    assert!(page.body.contains("role=\"status\">Done. That sign-in is over."));
    assert!(page.body.contains("<time datetime=\"1970-01-01T00:01:40Z\">January 1, 1970, 00:01 UTC</time>"));
    assert!(page.body.contains("value=\"other\"") && !page.body.contains("value=\"own\""));
    assert!(page.body.contains("name=\"others\" value=\"end\""));
    let alone = sessions(&frame(Locale::English), &[own], "own", None);
    assert!(!alone.body.contains("name=\"others\"") && alone.body.contains("You are signed in nowhere else."));
}

#[test]
fn an_app_is_opened_at_its_own_address_and_nowhere_else() {
    let page = launch(patients(&[("p-1", ANA)]), &launch_form(Locale::English));
    let policy = page.content_security_policy();
    assert!(policy.contains("form-action 'self' https://app.example https://dose.example;"), "{policy}");
    assert!(page.body.contains("<bdi>Chart &#60;i&#62;</bdi>") && page.body.contains("name=\"app\" value=\"dose\""));
    assert!(page.body.contains("name=\"patient\" value=\"p-1\"") && page.body.contains("Ana María Ruiz &#38; Sons"));
    assert!(page.body.contains("role=\"alert\""));
    let none = launch_alone(&LaunchForm { apps: Vec::new(), failed: false, ..launch_form(Locale::English) });
    assert!(none.body.contains("No app can be opened from here.") && !none.body.contains("role=\"alert\""));
    assert!(none.content_security_policy().contains("form-action 'self';"));
}

#[test]
fn everyone_in_care_is_one_box_that_says_what_of_them() {
    let body = |some: &[Item]| {
        let own = Own { username: "roe", patient: None };
        consent_own(&in_care_form(Locale::English, some), &own).body
    };
    let (all, some) = (body(&[]), body(&ITEMS[..1]));
    assert!(all.contains("name=\"item\" value=\"in-care\" checked><span><b>All patients in my care</b>"), "{all}");
    assert!(
        all.contains("all of the above of every patient in your care") && all.contains("it sees no patient’s record")
    );
    assert!(some.contains("this of every patient in your care: Results and measurements."), "{some}");
    assert!(!all.contains("name=\"patient\"") && !all.contains("the number by which this server knows the record"));
}

#[test]
fn the_other_language_is_one_link_away() {
    let page = login(&login_form(Locale::English, None));
    assert!(page.body.contains(r#"<a href="/oauth/login?flow=f-1&#38;lang=es" hreflang="es" lang="es">Español</a>"#));
    assert!(page.body.contains(r#"<span aria-current="true">English</span>"#));
}

#[test]
fn what_is_asked_for_is_ticked_and_named_in_plain_words() {
    let own = Own { username: "ana", patient: Some("p-1") };
    let page = consent_own(&consent_form(Locale::English, "Reader", &ITEMS), &own);
    for (value, words) in [
        ("Observation", "Results and measurements"),
        ("Patient", "Personal details"),
        ("Account", "Records of another kind</b> <small>Account"),
        ("identity", "Who I am"),
        ("offline", "Keep access when I am not there"),
    ] {
        assert!(
            page.body.contains(&format!(
                "<input type=\"checkbox\" name=\"item\" value=\"{value}\" checked><span><b>{words}"
            ))
        );
    }
    assert_eq!(page.body.matches("type=\"checkbox\"").count(), ITEMS.len());
    assert!(page.body.contains("name=\"patient\" value=\"p-1\""));
    assert!(page.body.contains("Signed in as ana"));
    for answer in ["allow", "deny", "choose"] {
        assert!(page.body.contains(&format!("name=\"answer\" value=\"{answer}\"")));
    }
}

const LABS: &str = "Observation?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

#[test]
fn a_part_can_be_ticked_in_place_of_the_whole() {
    let items = [Item::Records(ResourceType::Observation), Item::Records(ResourceType::Patient)];
    let form = |locale| {
        let instead = vec![Item::of(LABS).unwrap(), Item::of("Observation?status=final").unwrap()];
        ConsentForm { instead, ..consent_form(locale, "Reader", &items) }
    };
    let page = |locale| consent_own(&form(locale), &Own { username: "ana", patient: Some("p-1") }).body;
    let body = page(Locale::English);
    assert!(body.contains("<summary>Share only a part of this</summary>"));
    let labs =
        format!("value=\"{LABS}\"><span><b>Laboratory results</b> <small>Blood, urine and other samples</small>");
    assert!(body.contains(&labs), "{body}");
    assert!(
        body.contains("<b>A part that the app describes itself</b> <small>Results and measurements: status=final<")
    );
    assert_eq!((body.matches("<details").count(), body.matches(" checked>").count()), (1, 2), "only what is asked for");
    assert!(page(Locale::Spanish).contains("<b>Resultados de laboratorio</b>"));
}

#[test]
fn a_part_that_is_asked_for_is_ticked_and_stands_for_itself() {
    let items = [Item::of(LABS).unwrap()];
    let own = Own { username: "ana", patient: Some("p-1") };
    let body = consent_own(&consent_form(Locale::English, "Reader", &items), &own).body;
    let labs = format!(
        "value=\"{LABS}\" checked><span><b>Laboratory results</b> <small>Only this part of: Results and measurements<"
    );
    assert!(body.contains(&labs), "{body}");
    assert!(!body.contains("<details"));
    let both = [Item::Records(ResourceType::Observation), Item::of(LABS).unwrap()];
    let body = consent_own(&consent_form(Locale::English, "Reader", &both), &own).body;
    let details = body.split_once("<details").unwrap().1;
    assert!(details.contains("<b>Laboratory results</b>") && body.matches(" checked>").count() == 2);
}

#[test]
fn a_clinician_is_told_which_patient_it_is() {
    let page = consent_of_patient(patients(&[("p-1", ANA)]), &consent_form(Locale::English, "Reader", &ITEMS));
    assert!(page.body.contains("Patient: <b>Ana María Ruiz &#38; Sons</b>, born 1980-02-03"));
    assert!(page.body.contains("name=\"patient\" value=\"p-1\""));
    assert!(page.body.contains("What for: <b>Treatment</b>"));
    let for_payment = ConsentForm { purpose: Purpose::Payment, ..consent_form(Locale::Spanish, "Reader", &ITEMS) };
    assert!(
        consent_of_patient(patients(&[("p-1", ANA)]), &for_payment)
            .body
            .contains("Para qué: <b>Pago de la atención</b>")
    );
    let none = consent_of_patient(patients(&[]), &consent_form(Locale::English, "Reader", &ITEMS));
    assert!(!none.body.contains("name=\"patient\""), "without a patient the answer will be refused");
}

#[test]
fn patients_are_listed_by_name_and_nothing_of_them_is_chosen_beforehand() {
    let page = choose(patients(&[("p-1", ANA), ("p-2", NOBODY)]), &choose_form(Locale::English));
    assert!(page.body.contains("value=\"p-1\" required>\n<span><b>Ana María Ruiz &#38; Sons</b>"));
    assert!(page.body.contains("<b>No name on record</b>"));
    assert!(!page.body.contains("checked"));
}

#[test]
fn a_hostile_name_is_only_a_name() {
    let hostile = "\u{202e}kcattA\u{202c} <img src=x onerror=alert(1)>\r\n\u{0}\"'&";
    for locale in Locale::ALL {
        let own = Own { username: hostile, patient: None };
        let page = consent_own(&consent_form(locale, hostile, &ITEMS), &own);
        assert!(!page.body.contains('\u{202e}') && !page.body.contains('\u{0}'));
        assert!(!page.body.contains("<img"));
        assert!(page.body.contains("kcattA &#60;img src=x onerror=alert(1)&#62; &#34;&#39;&#38;"));
    }
    let nameless =
        consent_own(&consent_form(Locale::English, "\u{200b}\u{3164}", &ITEMS), &Own { username: "a", patient: None });
    assert!(nameless.body.contains("<bdi>reader</bdi>"));
    let typed = login(&login_form(Locale::English, Some(LoginFault::Empty)));
    assert!(typed.body.contains("value=\"&#34;&#62;&#60;script"));
}

#[test]
fn a_failed_sign_in_is_announced_and_leads_to_the_field() {
    let page = login(&login_form(Locale::English, Some(LoginFault::Wrong)));
    assert!(page.body.contains("role=\"alert\""));
    assert!(page.body.contains("<a href=\"#username\">The user name or the password is not right"));
    assert_eq!(page.body.matches("aria-invalid=\"true\"").count(), 2);
    assert!(page.body.contains("<title>Error: Sign in"));
}

#[test]
fn the_browser_is_told_to_load_nothing_and_to_answer_only_us_and_the_app() {
    let strict = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; \
                  base-uri 'none'";
    assert_eq!(message(&frame(Locale::English), &Message::Lost).content_security_policy(), strict);
    let page = login(&login_form(Locale::English, None));
    assert!(page.content_security_policy().contains("form-action 'self' http://127.0.0.1:8000;"));
}

#[test]
fn colours_can_be_told_apart() {
    for (scheme, block) in STYLESHEET.split(":root {").skip(1).map(|block| block.split_once('}').unwrap().0).enumerate()
    {
        let colour = |name: &str| {
            let value = block.split_once(&format!("--{name}: #")).unwrap().1.split_once(';').unwrap().0;
            let part = |at: usize| f64::from(u8::from_str_radix(value.get(at..at + 2).unwrap(), 16).unwrap()) / 255.0;
            let linear = |c: f64| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
            0.2126 * linear(part(0)) + 0.7152 * linear(part(2)) + 0.0722 * linear(part(4))
        };
        let contrast = |one: &str, other: &str| {
            let (one, other) = (colour(one), colour(other));
            (one.max(other) + 0.05) / (one.min(other) + 0.05)
        };
        // WCAG 2.2: 1.4.3 text 4.5 to 1; 1.4.11 edges of controls and focus 3 to 1.
        for (ink, ground) in [
            ("ink", "sheet"),
            ("ink", "page"),
            ("soft", "sheet"),
            ("soft", "page"),
            ("deep", "sheet"),
            ("deep", "page"),
            ("deeper", "sheet"),
            ("on-deep", "deep"),
            ("on-deep", "deeper"),
            ("bad", "bad-sheet"),
            ("ink", "care"),
        ] {
            assert!(contrast(ink, ground) >= 4.5, "{scheme}: {ink} on {ground} {}", contrast(ink, ground));
        }
        for (edge, ground) in [("edge", "sheet"), ("focus", "sheet"), ("focus", "page"), ("bad", "sheet")] {
            assert!(contrast(edge, ground) >= 3.0, "{scheme}: {edge} on {ground}");
        }
    }
}

#[test]
fn an_app_that_registered_itself_is_shown_as_checked_by_nobody() {
    let client = |by_itself| Client {
        client_id: "reader".to_owned(),
        name: "Reader".to_owned(),
        proof: ClientKind::Public,
        redirect_uris: Vec::new(),
        scopes: Scopes::default(),
        purposes: Vec::new(),
        owner: None,
        terms_uri: None,
        resource_server: false,
        by_itself,
        launch_uri: None,
        enabled: true,
    };
    let itself = Itself { at_s: 0, token_sha256: String::new(), secret_in_form: false };
    for (by_itself, told) in [(Some(itself), true), (None, false)] {
        let app = App::new(&Asking { client: client(by_itself), answers_to: None });
        let own = Own { username: "ana", patient: Some("p-1") };
        let consent = ConsentForm { app: app.clone(), ..consent_form(Locale::English, "", &ITEMS) };
        let login_form = LoginForm { app, ..login_form(Locale::English, None) };
        for page in [consent_own(&consent, &own), login(&login_form)] {
            assert_eq!(page.body.contains("was not checked by us"), told);
        }
    }
}

#[test]
fn a_login_provider_is_offered_beside_the_password_or_instead_of_it_and_is_only_a_name() {
    let beside = login(&login_form(Locale::English, None)).body;
    assert!(beside.contains("name=\"password\"") && beside.contains("/account/recover?lang=en"));
    assert!(
        beside.contains("href=\"/oauth/provider?flow=f-1&#38;lang=en\"")
            || beside.contains("href=\"/oauth/provider?flow=f-1&amp;lang=en\""),
        "{beside}"
    );
    assert!(beside.contains("Sign in with General") && !beside.contains("General <b>"));
    let instead = login(&LoginForm { ways: ways(true, true), ..login_form(Locale::English, None) }).body;
    assert!(
        !instead.contains("name=\"password\"")
            && !instead.contains("/account/recover")
            && instead.contains("/oauth/provider?")
    );
    let none = login(&LoginForm { ways: ways(false, false), ..login_form(Locale::English, None) }).body;
    assert!(none.contains("name=\"password\"") && !none.contains("/oauth/provider"));
}

#[test]
fn who_sees_no_record_is_told_so_and_shown_no_way_to_one() {
    let page = account(&frame(Locale::English), &rights(Role::Administrator)).body;
    assert!(page.contains("open no patient’s record here"));
    for way in ["/account/apps", "/account/disclosures", "/account/launch"] {
        assert!(!page.contains(way), "{way}");
    }
    assert!(page.contains("/account/sessions") && page.contains("/account/second-factor"));
}

#[test]
fn a_representative_is_told_of_the_patient_and_not_of_themselves() {
    let form =
        SeenForm { acts_for: true, patient: Some("p-1".to_owned()), ..seen_form(Locale::English, Some("here-1")) };
    let page = seen(((history(), Some("next-1".to_owned())), people()), &form).body;
    assert!(page.contains("The patient") && !page.contains("<b>You</b>"));
    for link in page.split("href=\"").filter(|link| link.starts_with("/account/disclosures")) {
        assert!(
            link.starts_with("/account/disclosures?patient=p-1&")
                || link.starts_with("/account/disclosures/file?patient=p-1&"),
            "{link}"
        );
    }
    let mother = r#"{"identifier":{"value":"account"}},"role":[{"text":"representative"}]"#;
    let row = event(9, "2026-11-27T09:00:00Z", "PATRQT", Some("reader"), mother, &["Observation/o1"]);
    let page = Page { rows: vec![row], next: None, total: None };
    let page = seen_of_unnamed((page, None), &seen_form(Locale::English, None)).body;
    assert!(page.contains("<b>A representative</b>"), "{page}");
}
