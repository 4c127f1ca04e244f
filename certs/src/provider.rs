//! The one provider of TLS cryptography: rustls on aws-lc.
//!
//! Our own configurations name it outright; installing it as the default serves what others build beside us.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// Makes aws-lc the default of the whole process. First line of `main`; calling it again changes nothing.
pub fn install() {
    // An error here says that a default is already installed, by an earlier call of ours.
    aws_lc_rs::default_provider().install_default().ok();
}

/// The provider that every configuration of this crate uses.
pub(crate) fn own() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
