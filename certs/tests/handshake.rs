//! Certificates of the throwaway authority, in handshakes in memory and before other people's verifiers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::IpAddr;
use std::sync::Arc;

use certs::dev_ca::{Ca, Issued, LEAF_DAYS_MAX, Leaf};
use certs::rustls::pki_types::pem::PemObject;
use certs::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use certs::rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection};
use certs::{Error, client_tls, provider, reload, server_tls};
use openssl::x509::X509;

#[expect(clippy::disallowed_methods, reason = "rustls reads the clock itself")]
fn now() -> i64 {
    // These certificates must be in force on the day of the test.
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn localhost() -> (Ca, Issued) {
    let ca = Ca::new(now()).unwrap();
    let issued = ca.issue(&Leaf::LOCALHOST, now()).unwrap();
    (ca, issued)
}

/// Carries bytes between the two until both are done; then one message each way.
fn shake(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), String> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(client, name).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().map_err(|why| why.to_string())?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(|why| why.to_string())?;
        }
    }
    Ok((client, server))
}

/// Our client configuration, offering these protocols as an HTTP client would.
fn offering(config: &Arc<ClientConfig>, protocols: &[&str]) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

#[test]
fn a_client_that_trusts_the_authority_reaches_every_name_of_the_leaf() {
    provider::install();
    provider::install();
    let (ca, issued) = localhost();
    let server = server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap();
    let client = client_tls::config(Some(&ca.cert_pem), None).unwrap();
    for name in ["localhost", "127.0.0.1", "::1"] {
        let (client, server) = shake(client.clone(), server.clone(), name).unwrap();
        assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(server.alpn_protocol(), None);
    }
    for (offered, chosen) in [(&["http/1.1", "h2"][..], "h2"), (&["http/1.1"][..], "http/1.1")] {
        let (_, server) = shake(offering(&client, offered), server.clone(), "localhost").unwrap();
        assert_eq!(server.alpn_protocol(), Some(chosen.as_bytes()));
    }
    assert!(shake(offering(&client, &["spdy/3"]), server, "localhost").is_err());
}

#[test]
fn tls_1_2_is_spoken_with_those_who_need_it() {
    let (ca, issued) = localhost();
    let server = server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap();
    let mut roots = certs::rustls::RootCertStore::empty();
    roots.add(X509::from_pem(ca.cert_pem.as_bytes()).unwrap().to_der().unwrap().into()).unwrap();
    provider::install();
    let old = ClientConfig::builder_with_protocol_versions(&[&certs::rustls::version::TLS12])
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (client, _) = shake(Arc::new(old), server, "localhost").unwrap();
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_2));
}

#[test]
fn another_name_is_refused() {
    let (ca, issued) = localhost();
    let server = server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap();
    let client = client_tls::config(Some(&ca.cert_pem), None).unwrap();
    for name in ["example.org", "localhost.example.org", "a.localhost", "127.0.0.2", "::2"] {
        let why = shake(client.clone(), server.clone(), name).err().unwrap();
        assert!(why.contains("not valid for name"), "{name}: {why}");
    }
}

#[test]
fn another_authority_is_refused() {
    let (_, issued) = localhost();
    let (stranger, _) = localhost();
    let server = server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap();
    let client = client_tls::config(Some(&stranger.cert_pem), None).unwrap();
    assert!(shake(client, server, "localhost").err().unwrap().contains("UnknownIssuer"));
}

#[test]
fn a_leaf_out_of_its_time_is_refused() {
    let ca = Ca::new(now() - 400 * 86_400).unwrap();
    let client = client_tls::config(Some(&ca.cert_pem), None).unwrap();
    for (from, why) in [(now() - 398 * 86_400, "expired"), (now() + 2 * 86_400, "not valid yet")] {
        let issued = ca.issue(&Leaf::LOCALHOST, from).unwrap();
        let server = server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap();
        let said = shake(client.clone(), server, "localhost").err().unwrap();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_leaf_cannot_sign_others() {
    let (_, issued) = localhost();
    assert_eq!(Ca::load(&issued.cert_pem, &issued.key_pem).err(), Some(Error::NotAnAuthority));
}

#[test]
fn an_authority_is_read_back_and_goes_on_issuing() {
    let ca = Ca::new(now()).unwrap();
    let again = Ca::load(&ca.cert_pem, &ca.key_pem).unwrap();
    let leaf = Leaf { dns: &["gateway", "*.example.test"], ips: &[], common_name: "gateway", days: 30 };
    let issued = again.issue(&leaf, now()).unwrap();
    let server = server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap();
    let client = client_tls::config(Some(&ca.cert_pem), None).unwrap();
    for name in ["gateway", "a.example.test"] {
        assert!(shake(client.clone(), server.clone(), name).is_ok());
    }
    let other = Ca::new(now()).unwrap();
    assert_eq!(Ca::load(&ca.cert_pem, &other.key_pem).err(), Some(Error::KeyMismatch));
    assert_eq!(Ca::load("", &ca.key_pem).err(), Some(Error::CertificatePem));
    assert_eq!(Ca::load(&ca.cert_pem, "").err(), Some(Error::KeyPem));
}

#[test]
fn certificates_have_the_shape_that_browsers_want() {
    let (ca, issued) = localhost();
    let (root, leaf) =
        (X509::from_pem(ca.cert_pem.as_bytes()).unwrap(), X509::from_pem(issued.cert_pem.as_bytes()).unwrap());
    assert_eq!(root.pathlen(), Some(0));
    let span = leaf.not_before().diff(leaf.not_after()).unwrap();
    assert_eq!((span.days, span.secs), (i32::try_from(LEAF_DAYS_MAX).unwrap(), 0));
    let text = String::from_utf8(leaf.to_text().unwrap()).unwrap();
    for part in [
        "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
        "TLS Web Server Authentication",
        "CA:FALSE",
        "ecdsa-with-SHA256",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(root.subject_key_id().unwrap().as_slice(), leaf.authority_key_id().unwrap().as_slice());
    let serials: std::collections::BTreeSet<String> = (0..20)
        .map(|_| {
            let issued = ca.issue(&Leaf::LOCALHOST, now()).unwrap();
            let leaf = X509::from_pem(issued.cert_pem.as_bytes()).unwrap();
            leaf.serial_number().to_bn().unwrap().to_hex_str().unwrap().to_string()
        })
        .collect();
    assert!(serials.len() == 20 && serials.iter().all(|serial| serial.len() == 32));
}

#[test]
fn openssl_accepts_the_chain_in_its_strict_mode() {
    use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
    use openssl::x509::{X509PurposeId, X509StoreContext, store::X509StoreBuilder};
    let (ca, issued) = localhost();
    let verdict = |host: &str| {
        let mut rules = X509VerifyParam::new().unwrap();
        rules.set_flags(X509VerifyFlags::X509_STRICT | X509VerifyFlags::CHECK_SS_SIGNATURE).unwrap();
        rules.set_purpose(X509PurposeId::SSL_SERVER).unwrap();
        rules.set_host(host).unwrap();
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(X509::from_pem(ca.cert_pem.as_bytes()).unwrap()).unwrap();
        store.set_param(&rules).unwrap();
        let leaf = X509::from_pem(issued.cert_pem.as_bytes()).unwrap();
        let chain = openssl::stack::Stack::new().unwrap();
        let mut context = X509StoreContext::new().unwrap();
        let store = store.build();
        context
            .init(&store, &leaf, &chain, |context| Ok((context.verify_cert()?, context.error().to_string())))
            .unwrap()
    };
    assert_eq!(verdict("localhost"), (true, "ok".to_owned()));
    assert!(!verdict("example.org").0);
}

#[test]
fn leaves_that_no_client_would_take_are_not_issued() {
    let ca = Ca::new(now()).unwrap();
    let good = Leaf::LOCALHOST;
    for days in [0, LEAF_DAYS_MAX + 1, u32::MAX] {
        assert_eq!(ca.issue(&Leaf { days, ..good }, now()).err(), Some(Error::CertificateDays));
    }
    for dns in ["", "a,DNS:b", "a b", "Upper", "-a", "a-", "a..b", "*", "a.*.b", "ä.example", "a\0b"] {
        assert_eq!(ca.issue(&Leaf { dns: &[dns], ..good }, now()).err(), Some(Error::CertificateName), "{dns}");
    }
    let nobody: &[IpAddr] = &[];
    assert_eq!(ca.issue(&Leaf { dns: &[], ips: nobody, ..good }, now()).err(), Some(Error::CertificateName));
    assert_eq!(ca.issue(&Leaf { common_name: "", ..good }, now()).err(), Some(Error::CertificateName));
    for when in [i64::MIN, -1, i64::MAX] {
        assert_eq!(Ca::new(when).err(), Some(Error::Time));
        assert_eq!(ca.issue(&good, when).err(), Some(Error::Time));
    }
}

#[test]
fn a_leaf_never_outlives_its_authority() {
    let ca = Ca::new(now()).unwrap();
    let root = X509::from_pem(ca.cert_pem.as_bytes()).unwrap();
    let late = ca.issue(&Leaf::LOCALHOST, now() + 600 * 86_400).unwrap();
    assert!(X509::from_pem(late.cert_pem.as_bytes()).unwrap().not_after() == root.not_after());
}

#[test]
fn a_wrong_pair_or_unreadable_files_make_no_server() {
    let (ca, one) = localhost();
    let two = ca.issue(&Leaf::LOCALHOST, now()).unwrap();
    let error = |cert: &str, key: &str| server_tls::config(cert, key).err();
    assert_eq!(error(&one.cert_pem, &two.key_pem), Some(Error::KeyMismatch));
    assert_eq!(error("", &one.key_pem), Some(Error::CertificatePem));
    assert_eq!(error(&one.key_pem, &one.key_pem), Some(Error::CertificatePem));
    assert_eq!(error(&one.cert_pem, ""), Some(Error::KeyPem));
    assert_eq!(error(&one.cert_pem, &one.cert_pem), Some(Error::KeyPem));
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(error(junk, &one.key_pem), Some(Error::CertificatePem));
}

#[test]
fn without_roots_nobody_is_trusted() {
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let (ca, _) = localhost();
    assert_eq!(client_tls::config(None, None).err(), Some(Error::NoRoots));
    assert_eq!(client_tls::config(None, Some(junk)).err(), Some(Error::NoRoots));
    assert_eq!(client_tls::config(Some(""), Some(&ca.cert_pem)).err(), Some(Error::CertificatePem));
    assert_eq!(client_tls::config(Some(junk), Some(&ca.cert_pem)).err(), Some(Error::CertificatePem));
    assert!(client_tls::config(None, Some(&format!("{junk}{}", ca.cert_pem))).is_ok());
}

#[test]
fn an_exchanged_certificate_is_served_from_the_next_handshake_on() {
    let (first_ca, first) = localhost();
    let (second_ca, second) = localhost();
    let trusting = |ca: &Ca| client_tls::config(Some(&ca.cert_pem), None).unwrap();
    let (server, served) = reload::config(&first.cert_pem, &first.key_pem).unwrap();
    assert!(shake(trusting(&first_ca), server.clone(), "localhost").is_ok());
    assert_eq!(served.exchange(&second.cert_pem, &first.key_pem), Err(Error::KeyMismatch));
    assert!(shake(trusting(&first_ca), server.clone(), "localhost").is_ok());
    served.exchange(&second.cert_pem, &second.key_pem).unwrap();
    assert!(shake(trusting(&first_ca), server.clone(), "localhost").is_err());
    assert!(shake(trusting(&second_ca), server, "localhost").is_ok());
}

/// Our client configuration with a certificate of its own.
fn showing(ca: &Ca, own: &Issued) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.cert_pem.as_bytes()).unwrap()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(own.cert_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(own.key_pem.as_bytes()).unwrap();
    provider::install();
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap())
}

#[test]
fn a_link_is_open_to_those_whom_its_own_authority_knows_and_to_nobody_else() {
    let (ca, issued) = localhost();
    let (own, other) = (Ca::new(now()).unwrap(), Ca::new(now()).unwrap());
    let server = server_tls::config_for_partners(&issued.cert_pem, &issued.key_pem, &own.cert_pem).unwrap();
    let partner = own.issue_client(&Leaf::LOCALHOST, now()).unwrap();
    let (_, connection) = shake(showing(&ca, &partner), server.clone(), "localhost").unwrap();
    assert!(connection.peer_certificates().is_some() && connection.alpn_protocol().is_none());
    let nobody = client_tls::config(Some(&ca.cert_pem), None).unwrap();
    assert!(shake(nobody, server.clone(), "localhost").is_err(), "no certificate");
    let stranger = other.issue_client(&Leaf::LOCALHOST, now()).unwrap();
    assert!(shake(showing(&ca, &stranger), server.clone(), "localhost").is_err(), "another authority");
    let a_server = own.issue(&Leaf::LOCALHOST, now()).unwrap();
    assert!(shake(showing(&ca, &a_server), server.clone(), "localhost").is_err(), "a server's certificate");
    let ended = own.issue_client(&Leaf { days: 1, ..Leaf::LOCALHOST }, now() - 3 * 86_400).unwrap();
    assert!(shake(showing(&ca, &ended), server, "localhost").is_err(), "one that has run out");
}

#[test]
fn a_link_without_a_readable_authority_is_refused() {
    let (_, issued) = localhost();
    for authority in ["", "no certificate", &issued.key_pem] {
        let made = server_tls::config_for_partners(&issued.cert_pem, &issued.key_pem, authority);
        assert_eq!(made.err(), Some(Error::ClientAuthority), "{authority:.20}");
    }
}
