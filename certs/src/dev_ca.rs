//! A throwaway certificate authority, so that a demo or a test speaks real TLS without asking anyone.
//!
//! EC P-256 throughout. Whoever trusts such an authority trusts whoever holds its key: it lives two years at most and
//! signs servers, and clients for trying a link. No key of it is ever committed; the caller keeps the key with mode 0600 or throws it away.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

use crate::sign::pem_of;
use crate::{Error, Result, random};

/// Days that an authority lasts: long for a demo, short for something that people put into their trust store.
pub const CA_DAYS: u32 = 730;
/// Days that a server certificate may last; browsers refuse more than 398.
pub const LEAF_DAYS_MAX: u32 = 397;
/// Seconds by which certificates begin early, for clocks that lag.
const EARLY_SECS: i64 = 3600;
const DAY_SECS: i64 = 86_400;

/// An authority: its certificate and its private key.
pub struct Ca {
    /// The self-signed certificate, for others to trust.
    pub cert_pem: String,
    /// The private key, PKCS#8; wiped when dropped.
    pub key_pem: Zeroizing<String>,
}

/// The server certificate to be issued.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// DNS names, lower-case ASCII; a wildcard may stand as the first label.
    pub dns: &'a [&'a str],
    /// IP addresses.
    pub ips: &'a [IpAddr],
    /// What people see; of 1 to 64 characters. Nobody verifies it.
    pub common_name: &'a str,
    /// 1 to [`LEAF_DAYS_MAX`]; ends no later than the authority does.
    pub days: u32,
}

impl Leaf<'static> {
    /// For this machine alone: `localhost`, 127.0.0.1 and ::1, as long as browsers allow.
    pub const LOCALHOST: Self = Self {
        dns: &["localhost"],
        ips: &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
        common_name: "localhost",
        days: LEAF_DAYS_MAX,
    };
}

/// A server certificate and its private key.
pub struct Issued {
    /// The leaf; its authority is not repeated in it.
    pub cert_pem: String,
    /// The private key, PKCS#8; wiped when dropped.
    pub key_pem: Zeroizing<String>,
}

impl Ca {
    /// A new authority that begins an hour before `now_unix` (seconds since 1970) and lasts [`CA_DAYS`].
    pub fn new(now_unix: i64) -> Result<Self> {
        let key = new_key()?;
        // A name of its own, or two authorities in one trust store would be taken for each other.
        let mark = random::bytes::<4>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let name = name(&format!("Sluice throwaway CA {mark}"))?;
        let mut cert = begin(&name, &name, &key, &time(now_unix, -EARLY_SECS)?)?;
        cert.set_not_after(time(now_unix, i64::from(CA_DAYS) * DAY_SECS)?.as_ref())?;
        cert.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        cert.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let identifier = SubjectKeyIdentifier::new().build(&cert.x509v3_context(None, None))?;
        cert.append_extension(identifier)?;
        cert.sign(&key, MessageDigest::sha256())?;
        Ok(Self { cert_pem: text(&cert.build())?, key_pem: pem_of(&key)? })
    }

    /// An authority read back from its two files.
    ///
    /// [`Error::CertificatePem`], [`Error::KeyPem`], [`Error::NotAnAuthority`] or [`Error::KeyMismatch`].
    pub fn load(cert_pem: &str, key_pem: &str) -> Result<Self> {
        read(cert_pem, key_pem)?;
        Ok(Self { cert_pem: cert_pem.to_owned(), key_pem: Zeroizing::new(key_pem.to_owned()) })
    }

    /// Issues a server certificate with a new key, beginning an hour before `now_unix` (seconds since 1970).
    ///
    /// [`Error::CertificateName`] or [`Error::CertificateDays`] for a leaf that no client would take.
    pub fn issue(&self, leaf: &Leaf<'_>, now_unix: i64) -> Result<Issued> {
        self.sign(leaf, ExtendedKeyUsage::new().server_auth(), now_unix)
    }

    /// Issues a certificate with which a client shows who it is; otherwise as [`Ca::issue`].
    pub fn issue_client(&self, leaf: &Leaf<'_>, now_unix: i64) -> Result<Issued> {
        self.sign(leaf, ExtendedKeyUsage::new().client_auth(), now_unix)
    }

    fn sign(&self, leaf: &Leaf<'_>, usage: &ExtendedKeyUsage, now_unix: i64) -> Result<Issued> {
        let (ca, ca_key) = read(&self.cert_pem, &self.key_pem)?;
        if !(1..=LEAF_DAYS_MAX).contains(&leaf.days) {
            return Err(Error::CertificateDays);
        }
        let named = !leaf.dns.is_empty() || !leaf.ips.is_empty();
        if !named || !leaf.dns.iter().all(|name| is_dns_name(name)) || !(1..=64).contains(&leaf.common_name.len()) {
            return Err(Error::CertificateName);
        }
        let key = new_key()?;
        // Counted from the early beginning, so that the whole span stays within the days asked for.
        let end = time(now_unix, i64::from(leaf.days) * DAY_SECS - EARLY_SECS)?;
        let mut cert = begin(name(leaf.common_name)?.as_ref(), ca.subject_name(), &key, &time(now_unix, -EARLY_SECS)?)?;
        cert.set_not_after(if end.compare(ca.not_after())?.is_gt() { ca.not_after() } else { end.as_ref() })?;
        cert.append_extension(BasicConstraints::new().critical().build()?)?;
        cert.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        cert.append_extension(usage.build()?)?;
        let mut names = SubjectAlternativeName::new();
        leaf.dns.iter().for_each(|dns| {
            names.dns(dns);
        });
        leaf.ips.iter().for_each(|ip| {
            names.ip(&ip.to_string());
        });
        let context = cert.x509v3_context(Some(&ca), None);
        let extensions = [
            names.build(&context)?,
            SubjectKeyIdentifier::new().build(&context)?,
            AuthorityKeyIdentifier::new().keyid(true).build(&context)?,
        ];
        for extension in extensions {
            cert.append_extension(extension)?;
        }
        cert.sign(&ca_key, MessageDigest::sha256())?;
        Ok(Issued { cert_pem: text(&cert.build())?, key_pem: pem_of(&key)? })
    }
}

/// The parsed authority, after checking that it is one and that the key is its own.
fn read(cert_pem: &str, key_pem: &str) -> Result<(X509, PKey<Private>)> {
    let cert = X509::from_pem(cert_pem.as_bytes()).map_err(|_| Error::CertificatePem)?;
    // Not openssl's own PEM reader: that one asks the terminal for the passphrase of an encrypted key.
    let der = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| Error::KeyPem)?;
    let key = PKey::private_key_from_der(der.secret_der()).map_err(|_| Error::KeyPem)?;
    // Only an authority has a path length, and ours has always one.
    if cert.pathlen().is_none() {
        return Err(Error::NotAnAuthority);
    }
    if !cert.public_key()?.public_eq(&key) {
        return Err(Error::KeyMismatch);
    }
    Ok((cert, key))
}

fn new_key() -> Result<PKey<Private>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}

/// A version 3 certificate with names, key, beginning and a random serial number of 127 bits (RFC 5280, 4.1.2.2).
fn begin(subject: &X509NameRef, issuer: &X509NameRef, key: &PKey<Private>, from: &Asn1Time) -> Result<X509Builder> {
    let mut serial: [u8; 16] = random::bytes();
    serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and always 16 bytes long
    let mut cert = X509Builder::new()?;
    cert.set_version(2)?; // counted from 0
    cert.set_serial_number(Asn1Integer::from_bn(BigNum::from_slice(&serial)?.as_ref())?.as_ref())?;
    cert.set_subject_name(subject)?;
    cert.set_issuer_name(issuer)?;
    cert.set_pubkey(key)?;
    cert.set_not_before(from)?;
    Ok(cert)
}

fn name(common_name: &str) -> Result<X509Name> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}

fn time(now_unix: i64, shift_secs: i64) -> Result<Asn1Time> {
    match now_unix.checked_add(shift_secs) {
        Some(at @ 0..=253_402_300_799) => Ok(Asn1Time::from_unix(at)?),
        Some(_) | None => Err(Error::Time),
    }
}

fn text(cert: &X509) -> Result<String> {
    String::from_utf8(cert.to_pem()?).map_err(|_| Error::Library)
}

/// A DNS name as certificates want it: labels of lower-case letters, digits and hyphens, perhaps a wildcard in front.
fn is_dns_name(name: &str) -> bool {
    let rest = name.strip_prefix("*.").unwrap_or(name);
    name.len() <= 253
        && rest.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        })
}
