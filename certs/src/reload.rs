//! A served certificate that can be exchanged while the server runs.
//!
//! Handshakes begun before the exchange end with the old one, later ones get the new one; open connections stay. Who
//! decides when is the caller: never watches files.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::{Result, server_tls};

/// What is served now. Keep one handle, and [`Served::exchange`] what is behind it.
pub struct Served(RwLock<Arc<CertifiedKey>>);

/// A configuration as [`server_tls::config`] makes, and the handle by which to exchange its certificate.
pub fn config(cert_pem: &str, key_pem: &str) -> Result<(Arc<ServerConfig>, Arc<Served>)> {
    let served = Arc::new(Served(RwLock::new(Arc::new(server_tls::certified(cert_pem, key_pem)?))));
    Ok((server_tls::serving(served.clone())?, served))
}

impl Served {
    /// Serves this chain and key from now on. On an error the old ones stay.
    pub fn exchange(&self, cert_pem: &str, key_pem: &str) -> Result<()> {
        let next = Arc::new(server_tls::certified(cert_pem, key_pem)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Served")
    }
}
