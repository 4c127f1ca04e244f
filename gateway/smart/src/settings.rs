//! Where this server stands in the world, and how long its things live.

use fhir::ResourceType;
use serde::Serialize;

/// A launch must be finished within this time: ten minutes, long enough to look for a password.
pub const FLOW_S: i64 = 600;
/// A launch that an EHR made waits for its app for five minutes: the app asks as soon as it is opened.
pub const LAUNCH_S: i64 = 300;
/// An authorization code lives for a minute (RFC 6749 section 4.1.2 allows ten).
pub const CODE_S: i64 = 60;
/// An access token lives for an hour (SMART App Launch: at most).
pub const ACCESS_TOKEN_S: i64 = 3600;
/// An access token of an app that may go on while the person is signed in lives for a quarter of an hour: while it is used
/// it is renewed before the session would end for being idle, and when the session has ended so by itself it ends soon.
pub const ONLINE_TOKEN_S: i64 = 900;
/// An access token of a backend service lives for five minutes (SMART App Launch: should not live longer).
pub const SERVICE_TOKEN_S: i64 = 300;
/// An id_token is read at once; an hour is its usual life.
pub const ID_TOKEN_S: i64 = 3600;
/// A refresh token lives for 100 days after its last use: three months (45 CFR 170.315(g)(10)) may have 92.
pub const REFRESH_S: i64 = 100 * 24 * 3600;
/// The successor of a refresh token is told again for this long, so that a lost answer does not end a grant.
pub const REFRESH_RETRY_S: i64 = 60;
/// A session ends after half an hour without a request.
pub const SESSION_IDLE_S: i64 = 30 * 60;
/// A sign-in waits for its code for five minutes: long enough to find the telephone.
pub const HALF_WAY_S: i64 = 300;
/// A code with which an operator lets someone set another password is good for an hour: the length of a telephone call.
pub const RECOVERY_S: i64 = 3600;
/// Browsers that a person is signed in with at once; with one more, the oldest ends.
pub const SESSIONS_MAX: usize = 20;
/// A session ends after twelve hours whatever happens: a shift.
pub const SESSION_S: i64 = 12 * 3600;

/// The path of the authorization endpoint.
pub const AUTHORIZE: &str = "/oauth/authorize";
/// The path of the token endpoint.
pub const TOKEN: &str = "/oauth/token";
/// The path of the revocation endpoint.
pub const REVOKE: &str = "/oauth/revoke";
/// The path of the introspection endpoint.
pub const INTROSPECT: &str = "/oauth/introspect";
/// The path of the UserInfo endpoint.
pub const USER_INFO: &str = "/oauth/userinfo";
/// The path where apps register themselves; behind it, one of each.
pub const REGISTER: &str = "/oauth/register";
/// The path of the page where developers do so.
pub const REGISTER_PAGE: &str = "/register";
/// The path of the page where developers look at the recent calls of an app of theirs.
pub const REGISTER_CALLS: &str = "/register/calls";
/// The path of the page where developers choose what goes wrong for an app of theirs, in a sandbox.
pub const SANDBOX: &str = "/sandbox";
/// The path of the page that walks through a launch, in a sandbox.
pub const TRY: &str = "/try";
/// The path where that page is answered as an app.
pub const TRY_CALLBACK: &str = "/try/callback";
/// The path of the public keys.
pub const JWKS: &str = "/oauth/jwks";
/// The path of the sign-in page.
pub const LOGIN: &str = "/oauth/login";
/// The path from where a person is sent to the house's own OpenID provider to sign in.
pub const PROVIDER: &str = "/oauth/provider";
/// The path to which the provider sends them back.
pub const PROVIDER_ANSWER: &str = "/oauth/provider/answer";
/// The path of the page where a patient is chosen.
pub const CHOOSE: &str = "/oauth/choose";
/// The path of the page that asks for consent.
pub const CONSENT: &str = "/oauth/consent";
/// The path of a person's own pages.
pub const ACCOUNT: &str = "/account";
/// The path where a person signs in without an app.
pub const ACCOUNT_LOGIN: &str = "/account/login";
/// The path where a person who has forgotten a password sets another one, by a code of an operator's.
pub const ACCOUNT_RECOVER: &str = "/account/recover";
/// The path where a person signs out.
pub const ACCOUNT_LOGOUT: &str = "/account/logout";
/// The path of the browsers that a person is signed in with.
pub const ACCOUNT_SESSIONS: &str = "/account/sessions";
/// The path of the apps that a patient allowed.
pub const ACCOUNT_APPS: &str = "/account/apps";
/// The path of the same as a file.
pub const ACCOUNT_APPS_FILE: &str = "/account/apps/file";
/// The path of all that one of them read.
pub const ACCOUNT_APP_READ: &str = "/account/apps/read";
/// The path of the same as a file.
pub const ACCOUNT_APP_READ_FILE: &str = "/account/apps/read/file";
/// The path where a clinician opens an app for a patient.
pub const ACCOUNT_LAUNCH: &str = "/account/launch";
/// The path of a person's second factor.
pub const ACCOUNT_SECOND_FACTOR: &str = "/account/second-factor";
/// The path of the list of who saw a patient's record.
pub const ACCOUNT_DISCLOSURES: &str = "/account/disclosures";
/// The path of the same as a file.
pub const ACCOUNT_DISCLOSURES_FILE: &str = "/account/disclosures/file";
/// The path of the bundle of user-access brands.
pub const BRANDS: &str = "/brands";
/// The path under which each error code is explained.
pub const ERRORS: &str = "/docs/errors/";

/// The addresses of this server and what it serves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port, without a slash at the end: `https://localhost:8443`.
    pub origin: String,
    /// The FHIR base, without a slash at the end. It is the issuer too, so that one address finds everything.
    pub fhir_base: String,
    /// The resource types that are served; scopes for others are not granted.
    pub served: Vec<ResourceType>,
    /// The identifier of the brand under which people know this server, where its bundle of brands is published.
    pub brand: Option<BrandId>,
    /// Whether apps may register themselves.
    pub registration_open: bool,
    /// Whether this is a sandbox: nobody in it exists, and developers may choose what goes wrong for their apps.
    pub sandbox: bool,
    /// The path of the document that says how our pages look, for apps that are opened from here.
    pub style: String,
    /// The house's own OpenID provider, where people sign in there.
    pub provider: Option<ProviderSettings>,
}

/// The house's own OpenID provider, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Its issuer, letter for letter.
    pub issuer: String,
    /// What it knows this server as.
    pub client_id: String,
    /// What people call it.
    pub label: String,
    /// Whether people sign in there alone, and not with a password of ours.
    pub instead: bool,
}

/// What a brand is known by: a FHIR Identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrandId {
    /// Its namespace.
    pub system: String,
    /// Its value.
    pub value: String,
}

impl Settings {
    /// At this origin, serving these types, and nothing more.
    pub fn new(origin: &str, served: &[ResourceType]) -> Settings {
        let (origin, fhir_base) = (origin.to_owned(), format!("{origin}/fhir"));
        let (served, style) = (served.to_vec(), String::new());
        Settings {
            origin,
            fhir_base,
            served,
            brand: None,
            registration_open: false,
            sandbox: false,
            style,
            provider: None,
        }
    }

    /// The issuer of tokens (RFC 8414): the FHIR base.
    pub fn issuer(&self) -> &str {
        &self.fhir_base
    }

    /// The absolute address of one of the paths above.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Whether people sign in with a password of ours.
    pub fn takes_passwords(&self) -> bool {
        self.provider.as_ref().is_none_or(|provider| !provider.instead)
    }

    /// Whether an `aud` parameter means this server. A slash at its end is forgiven.
    pub(crate) fn is_audience(&self, aud: &str) -> bool {
        aud.strip_suffix('/').unwrap_or(aud) == self.fhir_base
    }
}
