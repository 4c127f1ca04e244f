//! How we answer a TLS handshake.
//!
//! TLS 1.2 and 1.3 only. For browsers and apps HTTP/2 is offered before HTTP/1.1 and no client certificate is asked for; a
//! partner's link speaks its own protocol, and nobody gets past the handshake without a certificate. The caller carries the
//! bytes.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};

use crate::{Error, Result, provider};

/// A configuration that serves this chain (leaf first) and its key (PKCS#8, SEC1 or PKCS#1) for good.
///
/// [`Error::CertificatePem`], [`Error::KeyPem`], [`Error::KeyMismatch`], or [`Error::Tls`] for a key too weak to use.
/// To exchange certificates while running, see [`crate::reload`].
pub fn config(cert_pem: &str, key_pem: &str) -> Result<Arc<ServerConfig>> {
    let served = certified(cert_pem, key_pem)?;
    serving(Arc::new(rustls::sign::SingleCertAndKey::from(served)))
}

/// A configuration for a link: serves this chain and its key, and lets in only those who show a certificate that an authority
/// in `client_ca_pem` issued for clients.
///
/// As [`config`], and [`Error::ClientAuthority`].
pub fn config_for_partners(cert_pem: &str, key_pem: &str, client_ca_pem: &str) -> Result<Arc<ServerConfig>> {
    let served = certified(cert_pem, key_pem)?;
    let mut authorities = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(client_ca_pem.as_bytes()) {
        authorities.add(authority.map_err(|_| Error::ClientAuthority)?).map_err(|_| Error::ClientAuthority)?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider::own())
        .build()
        .map_err(|_| Error::ClientAuthority)?;
    let config = ServerConfig::builder_with_provider(provider::own())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| Error::Tls)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(served)));
    Ok(Arc::new(config))
}

/// A configuration that asks `resolver` for the certificate at each handshake.
pub(crate) fn serving(resolver: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(provider::own())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| Error::Tls)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A chain and its key, read and held against each other.
pub(crate) fn certified(cert_pem: &str, key_pem: &str) -> Result<CertifiedKey> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(cert_pem.as_bytes())
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| Error::CertificatePem)?;
    if chain.is_empty() {
        return Err(Error::CertificatePem);
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| Error::KeyPem)?;
    let key = provider::own().key_provider.load_private_key(key).map_err(|_| Error::Tls)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(Error::KeyMismatch),
        Err(_) => Err(Error::CertificatePem),
    }
}
