//! Configurations that hold, and every kind of mistake as it is drawn.

use super::*;
use bridge::{AckWhen, Processing};

/// `Cargo.toml` stands for the files that must be there.
const WHOLE: &str = r#"[server]
origin = "https://records.example.org"
listen = "127.0.0.1:8443"
cert_file = "Cargo.toml"
key_file = "Cargo.toml"

[store]
data = "data"

[[link]]
name = "lab"
listen = "10.0.0.5:2575"
zone = "America/New_York"
authorities = [{ namespace_id = "HOSP", system = "urn:oid:1.2.3", patients = true }]
ack = "on-apply"
trusted_network = true

[[client]]
client_id = "app"
name = "An app"
redirect_uris = ["https://app.example.org/cb", "org.example.app:/cb"]
scopes = "openid launch/patient patient/*.rs"
purposes = ["PATRQT"]
"#;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The drawn mistakes of [`WHOLE`] with one text in place of another.
fn drawn(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from));
    let text = WHOLE.replacen(from, to, 1);
    fault::draw(&read(&text, folder()).unwrap_err(), &text, "sluice.toml")
}

#[test]
fn a_whole_configuration_is_read() {
    let config = read(WHOLE, folder()).unwrap();
    assert_eq!(config.data, folder().join("data"));
    let ConfiguredLink { link, address, tls } = config.links.first().unwrap();
    assert_eq!((link.ack, link.processing, address.port()), (AckWhen::OnApply, Processing::Only('P'), 2575));
    assert!(tls.is_none());
    assert_eq!(link.authority("HOSP", "").unwrap().system, "urn:oid:1.2.3");
    assert_eq!(config.clients.first().unwrap().scopes.iter().count(), 3);
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    let golden = "\
error: unknown field `lisen`, expected one of `origin`, `listen`, `cert_file`, `key_file`
 --> sluice.toml:3:1
  |
3 | lisen = \"127.0.0.1:8443\"
  | ^^^^^
  |
  = help: did you mean `listen`?";
    assert_eq!(drawn("listen", "lisen"), golden);
}

#[test]
fn every_unknown_key_is_told_at_once() {
    let told = drawn("data = \"data\"", "data = \"data\"\nxyz = \"2\"\n[upstream]\nulr = \"https://ehr.example.org\"");
    assert!(told.contains("unknown field `xyz`") && told.contains("did you mean `url`?"), "{told}");
}

#[test]
fn a_key_like_no_other_is_refused_with_all_that_are_known() {
    assert!(drawn("data", "xyz").ends_with("= help: known here are `data`"));
}

#[test]
fn a_missing_key_is_asked_for_in_its_section() {
    let drawn = drawn("data = \"data\"\n", "");
    assert!(drawn.contains("missing field `data`") && drawn.contains("add `data` to [store]"), "{drawn}");
}

#[test]
fn a_value_that_cannot_be_is_drawn_with_its_line_and_what_to_write() {
    let golden = "\
error: messages would come over a network that nobody vouched for
  --> sluice.toml:12:10
   |
12 | listen = \"10.0.0.5:2575\"
   |          ^^^^^^^^^^^^^^^
   |
   = help: plain MLLP is not encrypted: add `tls`, listen at 127.0.0.1 behind a tunnel, or say `trusted_network = true`";
    assert_eq!(drawn("trusted_network = true", "trusted_network = false"), golden);
}

#[test]
fn a_link_under_tls_listens_anywhere_and_names_whom_it_lets_in() {
    let tls = "tls = { cert_file = \"Cargo.toml\", key_file = \"Cargo.toml\", client_ca_file = \"Cargo.toml\" }";
    let config = read(&WHOLE.replace("trusted_network = true", tls), folder()).unwrap();
    let tls = config.links.first().unwrap().tls.as_ref().unwrap();
    assert_eq!(tls.client_ca_file, folder().join("Cargo.toml"));
    let everyone = drawn("trusted_network = true", "[link.tls]\ncert_file = \"Cargo.toml\"\nkey_file = \"Cargo.toml\"");
    assert!(everyone.contains("missing field `client_ca_file`") && everyone.contains("[link.tls]"), "{everyone}");
    let golden = "\
error: unknown field `client_ca`, expected one of `cert_file`, `key_file`, `client_ca_file`
  --> sluice.toml:16:9
   |
16 | tls = { client_ca = \"Cargo.toml\" }
   |         ^^^^^^^^^
   |
   = help: did you mean `client_ca_file`?";
    assert_eq!(drawn("trusted_network = true", "tls = { client_ca = \"Cargo.toml\" }"), golden);
    let lost = drawn(
        "trusted_network = true",
        "tls = { cert_file = \"a.pem\", key_file = \"b.pem\", client_ca_file = \"c.pem\" }",
    );
    assert_eq!(lost.matches("there is no such file").count(), 3, "{lost}");
}

#[test]
fn every_mistake_is_named_in_its_own_words() {
    for (from, to, title) in [
        ("https://records.example.org", "https://records.example.org/", "this is no origin"),
        ("127.0.0.1:8443", "localhost:8443", "this is no address to listen at"),
        ("10.0.0.5:2575", "127.0.0.1:8443", "something else listens at this address"),
        ("key_file = \"Cargo.toml\"", "key_file = \"key.pem\"", "there is no such file"),
        ("\"lab\"", "\"The Lab\"", "this is no name for a link"),
        ("America/New_York", "Boston", "there is no such time zone"),
        ("namespace_id = \"HOSP\", ", "", "no message can name this authority"),
        ("on-apply", "now", "it is not known when to acknowledge"),
        ("https://app.example.org/cb", "http://app.example.org/cb", "codes cannot be sent there"),
        ("org.example.app:/cb", "javascript:alert(1)", "codes cannot be sent there"),
        ("patient/*.rs", "patient/*.rsx", "`patient/*.rsx` is no scope that is understood here"),
        ("PATRQT", "FUN", "this is no purpose of use"),
        ("purposes", "secret_sha256 = \"hunter2\"\npurposes", "this is no SHA-256"),
        (
            "[[link]]",
            "[upstream]\nurl = \"http://ehr.example.org/fhir\"\n[[link]]",
            "records would travel unprotected, or this is no address",
        ),
    ] {
        let drawn = drawn(from, to);
        assert!(drawn.starts_with(&format!("error: {title}\n")), "{title}: {drawn}");
        assert!(drawn.contains("\n   = help: ") || drawn.contains("\n  = help: "), "{drawn}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = WHOLE.replace("PATRQT", "FUN").replace("\"lab\"", "\"\"");
    assert_eq!(read(&text, folder()).unwrap_err().len(), 2);
}

#[test]
fn what_is_no_toml_is_drawn_where_it_breaks() {
    let drawn = drawn("[store]", "[store");
    assert!(drawn.contains("sluice.toml:7:"), "{drawn}");
}

/// A backend service with an RSA key of RFC 7638.
const SERVICE: &str = r#"
[network]
allow = ["10.1.0.0/16", "127.0.0.1"]

[[client]]
client_id = "service"
name = "A service"
scopes = "system/*.rs"
purposes = ["TREAT"]
jwks = { keys = [{ kty = "RSA", kid = "k", e = "AQAB", n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" }] }
"#;

#[test]
fn a_backend_service_is_read_with_its_keys_or_where_it_publishes_them() {
    let whole = format!("{WHOLE}{SERVICE}");
    let config = read(&whole, folder()).unwrap();
    assert_eq!(config.network.allow.len(), 2);
    let service = config.clients.last().unwrap();
    let smart::ClientKind::ConfidentialAsymmetric { keys: smart::Keys::Set(set) } = &service.proof else { panic!() };
    assert!(set.starts_with(r#"{"keys":["#), "{set}");
    assert!(service.redirect_uris.is_empty());
    let (before, _) = whole.split_once("jwks = ").unwrap();
    let published = format!("{before}jwks_uri = \"https://service.example.org/jwks\"\n");
    let config = read(&published, folder()).unwrap();
    let at = smart::Keys::At("https://service.example.org/jwks".to_owned());
    assert_eq!(config.clients.last().unwrap().proof, smart::ClientKind::ConfidentialAsymmetric { keys: at });
}

#[test]
fn a_service_that_cannot_be_is_refused_in_its_own_words() {
    let (_, keys) = SERVICE.split_once("jwks = ").unwrap();
    let keys = format!("jwks = {}", keys.trim());
    let keys = keys.as_str();
    for (from, to, title) in [
        (keys, "", "only a client with keys may act for itself"),
        (keys, "secret_sha256 = \"00\"", "this is no SHA-256"),
        (keys, "jwks = 7", "this is no set of keys"),
        (keys, "jwks = \"keys.json\"", "there is no such file"),
        (keys, "jwks = \"Cargo.toml\"", "this is no JSON Web Key Set"),
        (keys, "jwks = { keys = [] }", "no key of this set signs RS384 or ES384"),
        (keys, "jwks_uri = \"http://service.example.org/jwks\"", "keys cannot be fetched from there"),
        ("jwks = {", "jwks_uri = \"https://service.example.org/jwks\"\njwks = {", "a client proves itself in one way"),
        ("kid = \"k\"", "kid = \"k\", d = \"AA\"", "this set tells a private key"),
        ("kid = \"k\"", "kid = \"k\", alg = \"RS256\"", "no key of this set signs RS384 or ES384"),
        ("TREAT", "PATRQT", "it is not said for what purpose this client acts for itself"),
        ("system/*.rs", "patient/*.rs", "nobody can use this client"),
        ("10.1.0.0/16", "intranet", "this is no address"),
    ] {
        let text = format!("{WHOLE}{}", SERVICE.replacen(from, to, 1));
        let drawn = fault::draw(&read(&text, folder()).unwrap_err(), &text, "sluice.toml");
        assert!(drawn.starts_with(&format!("error: {title}\n")), "{title}: {drawn}");
    }
}

const BRAND: &str = r#"
[brand]
name = "General Hospital"
website = "https://www.general.example"
logo = "https://www.general.example/logo.svg"
identifiers = [{ system = "http://hl7.org/fhir/sid/us-npi", value = "1" }]
addresses = [{ city = "Springfield" }]
"#;

#[test]
fn apps_register_themselves_only_where_that_is_said() {
    assert!(!read(WHOLE, folder()).unwrap().registration_open);
    assert!(read(&format!("{WHOLE}[registration]\nopen = true\n"), folder()).unwrap().registration_open);
    assert!(!read(&format!("{WHOLE}[registration]\nopen = false\n"), folder()).unwrap().registration_open);
    assert!(read(&format!("{WHOLE}[registration]\n"), folder()).is_err());
}

#[test]
fn a_brand_is_read() {
    let brand = read(&format!("{WHOLE}{BRAND}"), folder()).unwrap().brand.unwrap();
    assert_eq!(
        (brand.name.as_str(), brand.identifier().value.as_str()),
        ("General Hospital", "https://general.example")
    );
    assert_eq!(brand.addresses.first().unwrap().city.as_deref(), Some("Springfield"));
    assert!(read(WHOLE, folder()).unwrap().brand.is_none());
}

#[test]
fn a_brand_that_nobody_could_find_is_refused_in_its_own_words() {
    for (from, to, title) in [
        ("General Hospital", " ", "this is no name for a brand"),
        ("\"https://www.general.example\"", "\"www.general.example\"", "this is no web address"),
        ("https://www.general.example/logo.svg", "http://www.general.example/logo.svg", "this is no web address"),
        ("value = \"1\"", "value = \"\"", "this identifies nothing"),
    ] {
        let text = format!("{WHOLE}{}", BRAND.replacen(from, to, 1));
        let drawn = fault::draw(&read(&text, folder()).unwrap_err(), &text, "sluice.toml");
        assert!(drawn.starts_with(&format!("error: {title}\n")), "{title}: {drawn}");
    }
}

#[test]
fn an_app_is_opened_at_an_address_of_the_web_and_only_with_the_scope_for_it() {
    let with = |uri: &str, scopes: &str| {
        let text = WHOLE.replace(
            "scopes = \"openid launch/patient patient/*.rs\"",
            &format!("launch_uri = \"{uri}\"\nscopes = \"{scopes}\""),
        );
        read(&text, folder()).map_err(|faults| fault::draw(&faults, &text, "sluice.toml"))
    };
    let config = with("https://app.example.org/launch", "launch patient/*.rs").unwrap();
    let client = config.clients.first().unwrap();
    assert_eq!(client.launch_address(), Some("https://app.example.org/launch"));
    assert!(with("http://127.0.0.1:3000/launch", "launch patient/*.rs").is_ok());
    for uri in ["http://app.example.org/launch", "org.example.app:/launch", "https://app.example.org/#x", "launch"] {
        assert!(with(uri, "launch patient/*.rs").unwrap_err().contains("an app cannot be opened there"), "{uri}");
    }
    assert!(with("https://app.example.org/launch", "patient/*.rs").unwrap_err().contains("add `launch` to its scopes"));
}

/// A hospital's own OpenID provider.
const PROVIDER: &str = r#"
[login.provider]
issuer = "https://login.example.org/realms/house"
client_id = "sluice"
client_secret_file = "Cargo.toml"
label = "General Hospital"
"#;

#[test]
fn a_login_provider_is_read_with_its_issuer_letter_for_letter() {
    let provider = read(&format!("{WHOLE}{PROVIDER}"), folder()).unwrap().provider.unwrap();
    let own = provider.settings;
    assert_eq!((own.issuer.as_str(), own.instead), ("https://login.example.org/realms/house", false));
    assert_eq!((own.client_id.as_str(), own.label.as_str()), ("sluice", "General Hospital"));
    assert!(provider.secret_file.ends_with("Cargo.toml"));
    assert!(read(&format!("{WHOLE}{PROVIDER}instead = true"), folder()).unwrap().provider.unwrap().settings.instead);
    assert!(read(WHOLE, folder()).unwrap().provider.is_none());
}

#[test]
fn a_login_provider_that_cannot_be_one_is_refused() {
    for (from, to, title) in [
        ("https://login", "http://login", "nobody can sign in there"),
        ("https://login.example.org/realms/house", "the house", "nobody can sign in there"),
        ("realms/house", "realms/house?tenant=1", "this is no issuer"),
        ("\"sluice\"", "\"\"", "this is no client id"),
        ("General Hospital", " ", "people could not tell where the button leads"),
        ("\"Cargo.toml\"", "\"secret\"", "there is no such file"),
        ("label =", "name =", "unknown field `name`"),
    ] {
        let text = format!("{WHOLE}{}", PROVIDER.replacen(from, to, 1));
        let drawn = fault::draw(&read(&text, folder()).unwrap_err(), &text, "sluice.toml");
        assert!(drawn.starts_with(&format!("error: {title}")), "{title}: {drawn}");
    }
}

const SANDBOX: &str = r#"
[sandbox]
enabled = true
users = [{ username = "ann", password = "ann-of-the-sandbox", fhir_user = "Patient/p1" }]
"#;

#[test]
fn a_sandbox_stands_alone_and_names_people_who_can_sign_in() {
    let (before, rest) = WHOLE.split_once("[[link]]").unwrap();
    let (_, after) = rest.split_once("[[client]]").unwrap();
    let alone = format!("{before}[[client]]{after}{SANDBOX}");
    let users = read(&alone, folder()).unwrap().sandbox.unwrap();
    assert_eq!((users[0].username.as_str(), users[0].fhir_user.as_str()), ("ann", "Patient/p1"));
    assert!(read(&alone.replace("enabled = true", "enabled = false"), folder()).unwrap().sandbox.is_none());
    assert!(read(WHOLE, folder()).unwrap().sandbox.is_none());
    let upstream = format!("{alone}[upstream]\nurl = \"https://ehr.example.org/fhir\"\n");
    for (text, title, hint) in [
        (format!("{WHOLE}{SANDBOX}"), "a sandbox stands beside what leads to real records", "take `[[link]]` out"),
        (upstream, "a sandbox stands beside what leads to real records", "take `[upstream]` out"),
        (alone.replace("Patient/p1", "Device/p1"), "this is no person", "\"Patient/ID\""),
        (alone.replace("\"ann\"", "\"an n\""), "nobody can type this as a user name", "without spaces"),
    ] {
        let drawn = fault::draw(&read(&text, folder()).unwrap_err(), &text, "sluice.toml");
        assert!(drawn.starts_with(&format!("error: {title}\n")) && drawn.contains(hint), "{title}: {drawn}");
    }
}
