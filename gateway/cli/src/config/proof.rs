//! How a client proves itself, and whether it may act for itself, as the configuration says.

use super::check::Checking;
use super::file;
use certs::statement;
use privacy::scope::Level;
use smart::{Client, ClientKind, Keys};
use std::fs;
use toml::{Spanned, Value};

/// Bytes of a file with public keys.
const KEYS_BYTES_MAX: u64 = 64 * 1024;

impl Checking<'_> {
    /// How the client proves itself: in one way, or in none.
    pub(super) fn proof(&mut self, client: &file::Client) -> ClientKind {
        let ways = [
            client.secret_sha256.as_ref().map(Spanned::span),
            client.jwks.as_ref().map(Spanned::span),
            client.jwks_uri.as_ref().map(Spanned::span),
        ];
        if let Some(second) = ways.into_iter().flatten().nth(1) {
            let hint = "keep one of `secret_sha256`, `jwks` (its public keys) and `jwks_uri` (where it publishes them)";
            self.fault_at(second, "a client proves itself in one way", hint);
        }
        match (&client.secret_sha256, &client.jwks, &client.jwks_uri) {
            (Some(digest), _, _) => ClientKind::ConfidentialSymmetric { secret_sha256: self.secret(digest) },
            (None, Some(keys), _) => {
                let set = self.keys(keys).unwrap_or_default();
                ClientKind::ConfidentialAsymmetric { keys: Keys::Set(set) }
            }
            (None, None, Some(uri)) => {
                if let Err(why) = server::published::read_uri(uri.get_ref()) {
                    let hint = format!("{why}; write an https address without user, password and fragment");
                    self.fault(uri, "keys cannot be fetched from there", hint);
                }
                ClientKind::ConfidentialAsymmetric { keys: Keys::At(uri.get_ref().clone()) }
            }
            (None, None, None) => ClientKind::Public,
        }
    }

    /// Whether people can use the client, or it itself.
    pub(super) fn use_of(&mut self, written: &file::Client, client: &Client) {
        let for_itself = client.scopes.resources().any(|scope| scope.level == Level::System);
        if for_itself && !matches!(client.proof, ClientKind::ConfidentialAsymmetric { .. }) {
            let hint = "register its public keys with `jwks` or `jwks_uri`, or take the `system/` scopes out";
            self.fault(&written.scopes, "only a client with keys may act for itself", hint);
        }
        if for_itself && client.own_purposes().next().is_none() {
            let hint = "name a purpose beside \"PATRQT\": \"TREAT\" or \"HPAYMT\"; of several, each request for a token names one";
            self.fault(&written.scopes, "it is not said for what purpose this client acts for itself", hint);
        }
        if client.resource_server && !client.is_confidential() {
            let hint = "register a secret or its public keys, or take `resource_server` out";
            self.fault(
                &written.client_id,
                "only a client that proves itself may ask what others' tokens stand for",
                hint,
            );
        }
        if client.redirect_uris.is_empty() && !for_itself && !client.resource_server {
            let hint = "add `redirect_uris` for an app that people use, or `system/` scopes for a backend service";
            self.fault(&written.client_id, "nobody can use this client", hint);
        }
    }

    fn secret(&mut self, digest: &Spanned<String>) -> String {
        let hex = digest.get_ref().to_ascii_lowercase();
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let hint = "write the 64 digits that `printf %s \"$SECRET\" | sha256sum` prints; never the secret itself";
            self.fault(digest, "this is no SHA-256", hint);
        }
        hex
    }

    /// A set of public keys: a file, or as it is in a table.
    fn keys(&mut self, keys: &Spanned<Value>) -> Option<String> {
        let set = match keys.get_ref() {
            Value::String(name) => {
                let path = self.file(&Spanned::new(keys.span(), name.into()));
                let length = fs::metadata(&path).map_or(0, |file| file.len());
                if length > KEYS_BYTES_MAX {
                    let title = format!("this file has more than {KEYS_BYTES_MAX} bytes");
                    self.fault(
                        keys,
                        title,
                        "a set of public keys is a few thousand bytes; it is hardly the right file",
                    );
                    return None;
                }
                // A file that is not there is told of already.
                fs::read_to_string(&path).ok()?
            }
            Value::Table(set) => serde_json::to_string(set).ok()?,
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) => {
                let hint =
                    "name a file with a JSON Web Key Set, or write the set itself: { keys = [{ kty = \"EC\", … }] }";
                self.fault(keys, "this is no set of keys", hint);
                return None;
            }
        };
        match statement::read_keys(&set) {
            Ok(found) if !found.is_empty() => return Some(set),
            Ok(_) => {
                let hint = "register an RSA key of 2048 to 4096 bits or an EC key on P-384, public, with its `kid`";
                self.fault(keys, "no key of this set signs RS384 or ES384", hint);
            }
            Err(certs::Error::JwkPrivate) => {
                let hint = "take out `d` and what else is private, here and wherever it was sent; then make a new key";
                self.fault(keys, "this set tells a private key", hint);
            }
            Err(_) => {
                let hint = "write {\"keys\": [ … ]} with at most 32 keys (RFC 7517), no two of one `kid` and kind";
                self.fault(keys, "this is no JSON Web Key Set", hint);
            }
        }
        None
    }
}
