//! What an app says of itself to be registered (RFC 7591 section 2), and whether it may be so.
//!
//! Members that are not known are passed over, as the RFC wants it; those that are known must be of their kind and within
//! their bounds. Nothing that an app names is fetched here.

use crate::oauth_error::{ErrorCode, OauthError, shown};
use crate::offer;
use crate::ports::Ports;
use crate::redirect;
use crate::register::allowed;
use fhir::ResourceType;
use privacy::Scopes;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Characters of a name.
pub const NAME_CHARACTERS_MAX: usize = 60;
/// Addresses at which one app is answered.
pub const REDIRECTS_MAX: usize = 10;
/// Bytes of a set of public keys.
pub const KEYS_BYTES_MAX: usize = 16 * 1024;

/// What an app says of itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Its name for people.
    pub client_name: Option<String>,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// How it will prove itself.
    pub token_endpoint_auth_method: Option<String>,
    /// What it will use at the token endpoint.
    pub grant_types: Option<Vec<String>>,
    /// What it will ask for at the authorization endpoint.
    pub response_types: Option<Vec<String>>,
    /// What it would like to be granted.
    pub scope: Option<String>,
    /// Its public keys.
    pub jwks: Option<Map<String, Value>>,
    /// Where it publishes them.
    pub jwks_uri: Option<String>,
    /// Its terms of use.
    pub tos_uri: Option<String>,
    /// Its id, where it is registered already.
    pub client_id: Option<String>,
}

/// How an app will prove itself.
pub(crate) enum Way {
    Nothing,
    Secret,
    Set(String),
    At(String),
}

/// What an app says of itself, within the rules.
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) way: Way,
    pub(crate) secret_in_form: bool,
    pub(crate) scopes: Scopes,
    pub(crate) terms_uri: Option<String>,
}

/// What keeps an app from being registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has no name, or none that could be shown.
    Name,
    /// It names no address, or too many.
    NoAddress,
    /// An address is not exact, or not one that a code may be sent to.
    Address,
    /// It would prove itself in a way that is not known.
    Method,
    /// Its keys cannot be read, or there are none.
    Keys,
    /// It asks for a flow that is not offered.
    Flow,
    /// Nothing that it would like can be granted.
    Scope,
    /// Its terms stand at no https address.
    Terms,
}

impl Fault {
    /// Which member it is about.
    pub fn member(self) -> &'static str {
        match self {
            Fault::Name => "client_name",
            Fault::NoAddress | Fault::Address => "redirect_uris",
            Fault::Method => "token_endpoint_auth_method",
            Fault::Keys => "jwks",
            Fault::Flow => "grant_types",
            Fault::Scope => "scope",
            Fault::Terms => "tos_uri",
        }
    }

    fn code(self) -> ErrorCode {
        match self {
            Fault::NoAddress | Fault::Address => ErrorCode::InvalidRedirectUri,
            Fault::Name | Fault::Method | Fault::Keys | Fault::Flow | Fault::Scope | Fault::Terms => {
                ErrorCode::InvalidClientMetadata
            }
        }
    }

    fn error(self, came: Option<&str>) -> OauthError {
        let expected = match self {
            Fault::Name => "client_name must be there, with letters that people can read and 60 characters at most.",
            Fault::NoAddress => "redirect_uris must name 1 to 10 addresses at which the app is answered.",
            Fault::Address => {
                "Each of redirect_uris must be a whole https address, or http on 127.0.0.1, [::1] or localhost, written as it \
                 will be sent: no fragment, no wildcard, no user, nothing that climbs."
            }
            Fault::Method => {
                "token_endpoint_auth_method must be none, client_secret_basic, client_secret_post or private_key_jwt."
            }
            Fault::Keys => {
                "With private_key_jwt, and only then, send either jwks, public keys for RS384 or ES384 with a kid, or jwks_uri, \
                 an https address."
            }
            Fault::Flow => "grant_types may be authorization_code and refresh_token, and response_types code.",
            Fault::Scope => {
                "scope holds nothing that an app can get that registers itself: openid, fhirUser, launch/patient, \
                 offline_access and patient/ scopes that read."
            }
            Fault::Terms => "tos_uri must be an https address.",
        };
        let text = match came {
            Some(came) => format!("{} was {}. {expected}", self.member(), shown(came)),
            None => expected.to_owned(),
        };
        OauthError::new(self.code(), text)
    }
}

impl Metadata {
    /// Reads what came.
    ///
    /// # Errors
    /// `invalid_client_metadata`, without what was found.
    pub fn read(body: &[u8]) -> Result<Metadata, OauthError> {
        // A list would be read as the members in their order.
        let body = if body.trim_ascii_start().starts_with(b"{") { body } else { b"" };
        serde_json::from_slice(body).map_err(|why| {
            let text = format!(
                "The body must be a JSON object as of RFC 7591 section 2, each member once and of its kind; look at line {} \
                 column {}.",
                why.line(),
                why.column()
            );
            OauthError::new(ErrorCode::InvalidClientMetadata, text)
        })
    }

    /// What keeps it from being registered, if anything does.
    pub fn fault(&self, ports: &impl Ports, served: &[ResourceType]) -> Option<Fault> {
        self.held(ports, served).err().map(|(fault, _)| fault)
    }

    pub(crate) fn checked(&self, ports: &impl Ports, served: &[ResourceType]) -> Result<Checked, OauthError> {
        self.held(ports, served).map_err(|(fault, came)| fault.error(came.as_deref()))
    }

    fn held(&self, ports: &impl Ports, served: &[ResourceType]) -> Result<Checked, (Fault, Option<String>)> {
        let name = self.client_name.as_deref().map(str::trim).filter(|name| is_name(name));
        let name = name.ok_or((Fault::Name, None))?.to_owned();
        if !(1..=REDIRECTS_MAX).contains(&self.redirect_uris.len()) {
            return Err((Fault::NoAddress, None));
        }
        if let Some(odd) = self.redirect_uris.iter().find(|uri| !redirect::is_exact(uri)) {
            return Err((Fault::Address, Some(odd.clone())));
        }
        let (way, secret_in_form) = self.way(ports)?;
        let is_one_of = |asked: &Option<Vec<String>>, known: &[&str]| {
            asked.iter().flatten().find(|asked| !known.contains(&asked.as_str())).cloned()
        };
        let odd = is_one_of(&self.grant_types, &["authorization_code", "refresh_token"]);
        if let Some(odd) = odd.or_else(|| is_one_of(&self.response_types, &["code"])) {
            return Err((Fault::Flow, Some(odd)));
        }
        let scopes = match self.scope.as_deref().filter(|scope| !scope.is_empty()) {
            None => allowed(),
            Some(asked) => offer::offer(&Scopes::parse(asked), &allowed(), served),
        };
        if offer::is_nothing(&scopes) {
            return Err((Fault::Scope, self.scope.clone()));
        }
        let terms_uri = self.tos_uri.clone().filter(|uri| !uri.is_empty());
        if terms_uri.as_ref().is_some_and(|uri| !redirect::is_web_address(uri)) {
            return Err((Fault::Terms, None));
        }
        Ok(Checked { name, redirect_uris: self.redirect_uris.clone(), way, secret_in_form, scopes, terms_uri })
    }

    /// How it will prove itself, and whether by a secret in the form.
    fn way(&self, ports: &impl Ports) -> Result<(Way, bool), (Fault, Option<String>)> {
        let method = self.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
        let keyless = self.jwks.is_none() && self.jwks_uri.is_none();
        match (method, &self.jwks, &self.jwks_uri) {
            ("none", ..) if keyless => Ok((Way::Nothing, false)),
            ("client_secret_basic", ..) if keyless => Ok((Way::Secret, false)),
            ("client_secret_post", ..) if keyless => Ok((Way::Secret, true)),
            ("private_key_jwt", Some(set), None) => {
                let set = serde_json::to_string(set).map_err(|_| (Fault::Keys, None))?;
                let good = set.len() <= KEYS_BYTES_MAX && ports.is_key_set(&set);
                if good { Ok((Way::Set(set), false)) } else { Err((Fault::Keys, None)) }
            }
            ("private_key_jwt", None, Some(uri)) if ports.may_publish_at(uri) => Ok((Way::At(uri.clone()), false)),
            ("none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt", ..) => Err((Fault::Keys, None)),
            (other, ..) => Err((Fault::Method, Some(other.to_owned()))),
        }
    }
}

/// Whether people can read it, and it cannot pass for more than a name.
fn is_name(name: &str) -> bool {
    let sound = |letter: char| letter.is_alphanumeric() || " .,:;!?'’&+-_()/#@".contains(letter);
    (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count())
        && name.chars().all(sound)
        && name.chars().any(char::is_alphanumeric)
}
