//! The house's own OpenID provider, as the configuration names it.

use super::check::{Checking, Provider};
use super::file;
use smart::settings::ProviderSettings;

/// Characters of a label: a button has room for a few words.
const LABEL_CHARS_MAX: usize = 60;
/// Bytes of what the provider knows us as.
const CLIENT_ID_BYTES_MAX: usize = 255;

impl Checking<'_> {
    /// The provider, with all that is wrong said.
    pub(super) fn provider(&mut self, provider: &file::Provider) -> Provider {
        let issuer = provider.issuer.get_ref();
        if let Err(why) = server::published::read_uri(issuer) {
            let hint = format!("{why}; write the `issuer` of its /.well-known/openid-configuration, letter for letter");
            self.fault(&provider.issuer, "nobody can sign in there", hint);
        } else if issuer.contains('?') {
            let hint = "an issuer has no query (OpenID Connect Discovery 1.0, 3); leave it out";
            self.fault(&provider.issuer, "this is no issuer", hint);
        }
        let client_id = provider.client_id.get_ref();
        let sound = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if client_id.is_empty() || client_id.len() > CLIENT_ID_BYTES_MAX || !client_id.bytes().all(sound) {
            let hint = "write the client id that the provider gave this gateway";
            self.fault(&provider.client_id, "this is no client id", hint);
        }
        let label = provider.label.get_ref().trim();
        if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX || label.chars().any(char::is_control) {
            let hint = format!("write 1 to {LABEL_CHARS_MAX} characters, as people call it: \"General Hospital\"");
            self.fault(&provider.label, "people could not tell where the button leads", hint);
        }
        Provider {
            settings: ProviderSettings {
                issuer: issuer.clone(),
                client_id: client_id.clone(),
                label: label.to_owned(),
                instead: provider.instead,
            },
            secret_file: self.file(&provider.client_secret_file),
        }
    }
}
