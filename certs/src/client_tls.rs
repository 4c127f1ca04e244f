//! Whom we trust when we call out: an upstream FHIR server, a key set, a partner.
//!
//! Only roots that the caller hands in; there is no built-in list and no way to switch verification off. Sets no ALPN,
//! because the HTTP client sets its own.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

use crate::{Error, Result, provider};

/// A configuration that trusts the roots in `extra_roots_pem` (configured: each must be readable) and in
/// `system_roots_pem` (the contents of the system's bundle, where odd ones are passed over).
///
/// [`Error::CertificatePem`] for an unreadable configured root, [`Error::NoRoots`] if none is left to trust.
pub fn config(extra_roots_pem: Option<&str>, system_roots_pem: Option<&str>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = extra_roots_pem {
        let before = roots.len();
        for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(root.map_err(|_| Error::CertificatePem)?).map_err(|_| Error::CertificatePem)?;
        }
        if roots.len() == before {
            return Err(Error::CertificatePem);
        }
    }
    if let Some(pem) = system_roots_pem {
        roots.add_parsable_certificates(
            CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(std::result::Result::ok),
        );
    }
    if roots.is_empty() {
        return Err(Error::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(provider::own())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| Error::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
