//! What an operator does at the machine, on the built program: asking a running gateway and a stopped one, people who can
//! sign in, and a link that is spoken with in secret.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certs::dev_ca::{Ca, Issued, Leaf};
use certs::rustls::pki_types::pem::PemObject;
use certs::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use certs::rustls::{ClientConfig, RootCertStore};
use fhir::Instant;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tests::app::{self, Browser};
use tests::gateway::{Folder, Link, PASSWORD, Plan, Program, Registered};
use tests::laboratory::{About, Laboratory, frame, result, verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"identifier":[{"system":"urn:mrn","value":"7"}],"name":[{"family":"Doe","given":["Ann"]}],"birthDate":"1980-02-03","gender":"female"}"#;

fn plan() -> Plan {
    let scopes = "openid fhirUser launch/patient offline_access patient/*.rs".into();
    Plan {
        records: vec![PATIENT.to_owned()],
        apps: vec![Registered { client_id: "app".into(), secret: Some("a secret".into()), scopes }],
        links: vec![Link {
            name: "lab".into(),
            namespace: None,
            authority: ("HOSP".into(), "urn:mrn".into()),
            on_apply: true,
        }],
        ..Plan::new(Instant::parse("2026-01-01T00:00:00Z").unwrap())
    }
}

fn about(number: &str, family: &str) -> About {
    About {
        number: (number.into(), "HOSP".into()),
        name: (family.into(), "Ann".into()),
        birth_date: "19800203".into(),
        sex: 'F',
    }
}

/// Runs a command on the gateway of a folder, with something on its standard input; what it printed, or what it complained.
fn sluice(folder: &Folder, command: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(Program::Shipped.path())
        .args(command)
        .arg("-c")
        .arg(folder.config())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let ended = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if ended.status.success() { Ok(text(ended.stdout)) } else { Err(text(ended.stderr)) }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One result that is filed, and one of somebody who is not known.
async fn two_messages(link: SocketAddr) {
    let mut laboratory = Laboratory::connect(link).await.unwrap();
    for message in [result("c1", &about("7", "Doe"), "CANARYVALUE"), result("c2", &about("8", "Roe"), "CANARYVALUE")] {
        let ack = laboratory.send(&message).await.unwrap();
        assert_eq!(verdict(&ack), Some("AA"), "{ack}");
    }
}

#[tokio::test]
async fn a_running_gateway_and_a_stopped_one_answer_their_operator_alike() {
    let folder = Folder::prepare(&plan()).await;
    let gateway = folder.start(Program::Shipped).await;
    two_messages(gateway.links()[0]).await;
    let status = lines(&sluice(&folder, &["status"], "").unwrap());
    assert_eq!((status[0]["process"].as_u64(), &status[0]["ledger"]), (Some(gateway.id().into()), &"up".into()));
    let mut looks = 0;
    let mut look = |when: &str| {
        let list = lines(&sluice(&folder, &["journal", "list"], "").unwrap());
        let states: Vec<&str> = list.iter().map(|line| line["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["applied", "quarantined"], "{when}");
        let shown = sluice(&folder, &["journal", "show", "1"], "").unwrap();
        assert!(shown.contains("\"OBX-5\"") && shown.contains("Observation.valueString"), "{shown}");
        for value in ["CANARYVALUE", "Doe", "Ann", "19800203", "c1", "LABFAC"] {
            assert!(!shown.contains(value), "{when}: {value} in {shown}");
        }
        let refused = sluice(&folder, &["journal", "show", "--reveal", "1"], "").unwrap_err();
        assert!(refused.contains("--reason"), "{refused}");
        for sequence in ["1", "2"] {
            let reveal = ["journal", "show", "--reveal", "--reason", "the sender asked", sequence];
            assert!(sluice(&folder, &reveal, "").unwrap().contains("CANARYVALUE"), "{when}");
        }
        looks += 2;
        let events = lines(&sluice(&folder, &["ledger", "export"], "").unwrap());
        let own: Vec<String> = events.iter().map(Value::to_string).filter(|event| event.contains("HOPERAT")).collect();
        assert_eq!(own.len(), looks, "{when}");
        assert!(own.iter().all(|event| event.contains("the sender asked") && !event.contains("CANARYVALUE")));
        assert!(own[looks - 2].contains("Patient/p1") && !own[looks - 2].contains("not known"));
        assert!(!own[looks - 1].contains("Patient/") && own[looks - 1].contains("not known"));
        assert!(sluice(&folder, &["ledger", "verify"], "").unwrap().starts_with("The ledger holds"));
        let again = lines(&sluice(&folder, &["journal", "replay", "2"], "").unwrap());
        assert_eq!(again[0]["state"], "quarantined", "{when}");
        let done = sluice(&folder, &["journal", "replay", "1"], "").unwrap_err();
        assert!(done.contains("nothing to replay"), "{done}");
        assert!(sluice(&folder, &["journal", "show", "3"], "").unwrap_err().contains("there is no message 3"));
    };
    look("running");
    assert!(gateway.stop().success());
    look("stopped");
    assert!(sluice(&folder, &["status"], "").unwrap_err().contains("no gateway runs"));
    assert!(sluice(&folder, &["drain"], "").unwrap_err().contains("no gateway runs"));
    let gateway = folder.start(Program::Shipped).await;
    look("running again");
    gateway.kill();
    look("killed");
}

#[tokio::test]
async fn people_are_added_and_switched_off_while_the_gateway_runs() {
    let folder = Folder::prepare(&plan()).await;
    let add = ["account", "add", "ann", "--fhir-user", "Patient/p1", "--password-fd", "0"];
    assert!(sluice(&folder, &add, "too short\n").unwrap_err().contains("at least"));
    assert!(sluice(&folder, &add, &format!("{PASSWORD}\n")).unwrap().contains("as the patient Patient/p1"));
    let mut gateway = folder.start(Program::Shipped).await;
    assert!(sluice(&folder, &add, &format!("{PASSWORD}\n")).unwrap_err().contains("already"));
    let doctor = ["account", "add", "roe", "--fhir-user", "Practitioner/d1", "--password-fd", "0"];
    assert!(sluice(&folder, &doctor, PASSWORD).unwrap().contains("do not hold Practitioner/d1"));
    let listed = lines(&sluice(&folder, &["account", "list"], "").unwrap());
    let roles: Vec<&str> = listed.iter().map(|line| line["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["patient", "clinician"]);
    assert!(listed.iter().all(|line| !line.to_string().contains("argon2")));

    let app = &plan().apps[0];
    let ann = Browser::open(gateway.peer()).await.launch(app, "ann", "launch/patient patient/*.rs", None).await;
    let mut connection = gateway.peer().connect().await.unwrap();
    assert_eq!(app::get(&mut connection, &ann, "/fhir/Patient/p1").await.status, 200);
    assert!(sluice(&folder, &["account", "disable", "ann"], "").unwrap().contains("1 grants"));
    assert_eq!(app::get(&mut connection, &ann, "/fhir/Patient/p1").await.status, 401);
    assert!(sluice(&folder, &["account", "enable", "ann"], "").is_ok());
    assert_eq!(app::get(&mut connection, &ann, "/fhir/Patient/p1").await.status, 401, "what was ended stays so");
    let again = Browser::open(gateway.peer()).await.launch(app, "ann", "launch/patient patient/*.rs", None).await;
    assert_eq!(app::get(&mut connection, &again, "/fhir/Patient/p1").await.status, 200);
    assert!(gateway.is_running());
}

/// A link under TLS, with everyone who tries it.
struct Secret {
    folder: Folder,
    link: SocketAddr,
    own: Ca,
    partners: Ca,
}

async fn secret() -> Secret {
    let link = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let more = format!(
        "[[link]]\nname = \"secret\"\nlisten = \"{link}\"\noriginal_mode = true\nack = \"on-apply\"\n\
         authorities = [{{ namespace_id = \"HOSP\", system = \"urn:mrn\", patients = true }}]\n\
         [link.tls]\ncert_file = \"link.pem\"\nkey_file = \"link-key.pem\"\nclient_ca_file = \"partners.pem\"\n"
    );
    let folder = Folder::prepare(&Plan { links: Vec::new(), more, ..plan() }).await;
    let now_s = server::clock::now().seconds();
    let (own, partners) = (Ca::new(now_s).unwrap(), Ca::new(now_s).unwrap());
    let issued = own.issue(&Leaf::LOCALHOST, now_s).unwrap();
    let beside = |name: &str, content: &str| fs::write(folder.config().with_file_name(name), content).unwrap();
    beside("link.pem", &issued.cert_pem);
    beside("link-key.pem", &issued.key_pem);
    beside("partners.pem", &partners.cert_pem);
    Secret { folder, link, own, partners }
}

impl Secret {
    /// Connects, showing this certificate or none.
    async fn connect(&self, shown: Option<&Issued>) -> std::io::Result<TlsStream<TcpStream>> {
        certs::provider::install();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.own.cert_pem.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = match shown {
            None => config.with_no_client_auth(),
            Some(issued) => {
                let chain = vec![CertificateDer::from_pem_slice(issued.cert_pem.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(self.link).await?).await
    }
}

/// All that comes until the other end closes.
async fn rest(stream: &mut TlsStream<TcpStream>) -> std::io::Result<String> {
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await?;
    Ok(String::from_utf8_lossy(&read).into_owned())
}

#[tokio::test]
async fn a_link_under_tls_takes_messages_of_its_partner_alone_and_finishes_the_last_when_it_stops() {
    let secret = secret().await;
    let gateway = secret.folder.start(Program::Shipped).await;
    let now_s = server::clock::now().seconds();
    let partner = secret.partners.issue_client(&Leaf::LOCALHOST, now_s).unwrap();
    let stranger = Ca::new(now_s).unwrap().issue_client(&Leaf::LOCALHOST, now_s).unwrap();
    for (who, shown) in [("nobody", None), ("a stranger", Some(&stranger))] {
        // A client of TLS 1.3 may think that it is in until it hears otherwise.
        let answer = async {
            let mut stream = secret.connect(shown).await?;
            stream.write_all(&frame(&result("c1", &about("7", "Doe"), "5.5"))).await?;
            rest(&mut stream).await
        };
        assert!(answer.await.is_err(), "{who} was let in");
    }
    let mut plain = Laboratory::connect(secret.link).await.unwrap();
    assert!(plain.send(&result("c1", &about("7", "Doe"), "5.5")).await.is_err(), "without TLS");
    assert_eq!(sluice(&secret.folder, &["journal", "list"], "").unwrap(), "", "nothing of theirs was kept");

    let mut stream = secret.connect(Some(&partner)).await.unwrap();
    let message = frame(&result("c2", &about("7", "Doe"), "5.5"));
    let (begun, left) = message.split_at(message.len() / 2);
    stream.write_all(begun).await.unwrap();
    stream.flush().await.unwrap();
    let mut idle = secret.connect(Some(&partner)).await.unwrap();
    assert!(sluice(&secret.folder, &["drain"], "").unwrap().contains("finishes"));
    assert_eq!(rest(&mut idle).await.unwrap(), "", "whoever has begun nothing is told goodbye");
    assert!(secret.connect(Some(&partner)).await.is_err(), "nobody comes in any more");
    stream.write_all(left).await.unwrap();
    let answer = rest(&mut stream).await.unwrap();
    assert!(answer.contains("MSA|AA|c2") && answer.ends_with("\x1c\r"), "{answer}");
    assert!(gateway.stop().success());
    let list = lines(&sluice(&secret.folder, &["journal", "list", "--state", "applied"], "").unwrap());
    assert_eq!(list.len(), 1, "{list:?}");
}
