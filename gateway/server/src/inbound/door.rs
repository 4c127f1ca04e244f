//! Where one link's messages come in: a listening socket, plain or under TLS with a certificate of the sender's.

use bridge::{Adapter, Link};
use certs::rustls::ServerConfig;
use std::sync::Arc;
use tokio::net::TcpListener;

/// One link: how it is spoken with, and where it comes in.
pub struct Door {
    /// The link.
    pub link: Link,
    /// Its dialect.
    pub adapter: Arc<dyn Adapter>,
    /// Where it listens.
    pub listener: TcpListener,
    /// How it is spoken with in secret. Without it the network between is trusted, or there is none.
    pub tls: Option<Arc<ServerConfig>>,
}
