//! ROUTES: everything this server answers, in one table. The capability statement and the coverage tests read it too.

use fhir::Interaction;
use http::Method;
use matchit::Router;
use privacy::{Kind, Refusal};

/// Bytes of a body where none is expected beyond a form.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// How a route knows who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authn {
    /// Anyone may ask.
    Anyone,
    /// A bearer token (RFC 6750).
    Bearer,
    /// The session of a person who signed in; anyone else is led to the sign-in page.
    Session,
}

/// Whether browser apps of other origins may read the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cors {
    /// `*`, without credentials.
    Anyone,
    /// No other origin: pages, where cookies count (RFC 9700 section 2.6).
    Never,
}

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// One FHIR interaction over one type.
    Fhir(Interaction),
    /// `/metadata`.
    Capabilities,
    /// `/.well-known/smart-configuration`.
    SmartConfiguration,
    /// `/.well-known/openid-configuration`.
    OpenIdConfiguration,
    /// The public keys.
    Jwks,
    /// The bundle of user-access brands.
    Brands,
    /// The authorization endpoint.
    Authorize,
    /// The sign-in page.
    Login,
    /// The way to the house's own OpenID provider.
    Provider,
    /// The way back from there.
    ProviderAnswer,
    /// A choice of patient.
    Choose,
    /// The consent page.
    Consent,
    /// The token endpoint.
    Token,
    /// The revocation endpoint.
    Revoke,
    /// The introspection endpoint.
    Introspect,
    /// The UserInfo endpoint.
    UserInfo,
    /// Where apps register themselves.
    Register,
    /// Where one looks after its registration.
    Registration,
    /// The page where a developer registers an app.
    RegisterPage,
    /// The recent calls of an app, for whoever looks after it.
    ClientCalls,
    /// The page of the same.
    CallsPage,
    /// Where a developer chooses what goes wrong for an app, in a sandbox.
    Sandbox,
    /// The page that walks through a launch, in a sandbox.
    Try,
    /// Where that page is answered as an app.
    TryCallback,
    /// What an error code means.
    ErrorPage,
    /// The stylesheet.
    Stylesheet,
    /// The same look, for apps that are opened from here.
    SmartStyle,
    /// One of a person's own pages.
    Account(AccountPage),
    /// The first page.
    Start,
    /// Whether the process lives.
    Live,
    /// Whether it can serve.
    Ready,
}

/// A person's own pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountPage {
    /// What there is.
    Overview,
    /// Signing in without an app.
    Login,
    /// Setting another password by an operator's code.
    Recover,
    /// Signing out.
    Logout,
    /// The browsers that one is signed in with.
    Sessions,
    /// The apps that one allowed.
    Apps,
    /// The same as a file.
    AppsFile,
    /// All that one of them read.
    AppRead,
    /// The same as a file.
    AppReadFile,
    /// Who saw one's record.
    Disclosures,
    /// The same as a file.
    DisclosuresFile,
    /// One's second factor.
    SecondFactor,
    /// Opening an app for a patient.
    Launch,
}

impl AccountPage {
    /// Those that one can be led back to after the sign-in.
    const WANTED: [AccountPage; 6] = [
        AccountPage::Overview,
        AccountPage::Sessions,
        AccountPage::Apps,
        AccountPage::Disclosures,
        AccountPage::SecondFactor,
        AccountPage::Launch,
    ];

    /// Its path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            AccountPage::Overview => smart::settings::ACCOUNT,
            AccountPage::Login => smart::settings::ACCOUNT_LOGIN,
            AccountPage::Recover => smart::settings::ACCOUNT_RECOVER,
            AccountPage::Logout => smart::settings::ACCOUNT_LOGOUT,
            AccountPage::Sessions => smart::settings::ACCOUNT_SESSIONS,
            AccountPage::Apps => smart::settings::ACCOUNT_APPS,
            AccountPage::AppsFile => smart::settings::ACCOUNT_APPS_FILE,
            AccountPage::AppRead => smart::settings::ACCOUNT_APP_READ,
            AccountPage::AppReadFile => smart::settings::ACCOUNT_APP_READ_FILE,
            AccountPage::Disclosures => smart::settings::ACCOUNT_DISCLOSURES,
            AccountPage::DisclosuresFile => smart::settings::ACCOUNT_DISCLOSURES_FILE,
            AccountPage::SecondFactor => smart::settings::ACCOUNT_SECOND_FACTOR,
            AccountPage::Launch => smart::settings::ACCOUNT_LAUNCH,
        }
    }

    /// What it is called in an address: the end of its path.
    pub(crate) fn word(self) -> &'static str {
        self.path().rsplit('/').next().unwrap_or("")
    }

    /// The page that is wanted, by its word; the overview for any other.
    pub(crate) fn of_word(word: &str) -> AccountPage {
        AccountPage::WANTED.into_iter().find(|wanted| wanted.word() == word).unwrap_or(AccountPage::Overview)
    }
}

impl Act {
    /// The FHIR interaction that it is, if it is one.
    pub fn interaction(self) -> Option<Interaction> {
        if let Act::Fhir(interaction) = self { Some(interaction) } else { None }
    }
}

/// One row.
#[derive(Debug)]
pub struct Route {
    /// The methods it answers.
    pub methods: &'static [Method],
    /// The path, with `{type}` and the like.
    pub path: &'static str,
    /// How it knows who asks.
    pub authn: Authn,
    /// Whether other origins may read it.
    pub cors: Cors,
    /// Bytes of a body.
    pub body_bytes_max: usize,
    /// What it does.
    pub act: Act,
}

const GET: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const PAGE: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
const OWN: &[Method] = &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE];

const fn row(methods: &'static [Method], path: &'static str, authn: Authn, cors: Cors, act: Act) -> Route {
    Route { methods, path, authn, cors, body_bytes_max: FORM_BYTES_MAX, act }
}

/// Everything.
pub static ROUTES: &[Route] = &[
    row(GET, "/fhir/metadata", Authn::Anyone, Cors::Anyone, Act::Capabilities),
    row(GET, "/fhir/.well-known/smart-configuration", Authn::Anyone, Cors::Anyone, Act::SmartConfiguration),
    row(GET, "/.well-known/smart-configuration", Authn::Anyone, Cors::Anyone, Act::SmartConfiguration),
    row(GET, "/fhir/.well-known/openid-configuration", Authn::Anyone, Cors::Anyone, Act::OpenIdConfiguration),
    row(GET, smart::settings::JWKS, Authn::Anyone, Cors::Anyone, Act::Jwks),
    row(GET, smart::settings::BRANDS, Authn::Anyone, Cors::Anyone, Act::Brands),
    row(POST, "/fhir/{type}/_search", Authn::Bearer, Cors::Anyone, Act::Fhir(Interaction::Search)),
    row(GET, "/fhir/{type}", Authn::Bearer, Cors::Anyone, Act::Fhir(Interaction::Search)),
    row(GET, "/fhir/{type}/{id}", Authn::Bearer, Cors::Anyone, Act::Fhir(Interaction::Read)),
    row(GET, "/fhir/{type}/{id}/_history/{version}", Authn::Bearer, Cors::Anyone, Act::Fhir(Interaction::Vread)),
    row(PAGE, smart::settings::AUTHORIZE, Authn::Anyone, Cors::Never, Act::Authorize),
    row(PAGE, smart::settings::LOGIN, Authn::Anyone, Cors::Never, Act::Login),
    row(GET, smart::settings::PROVIDER, Authn::Anyone, Cors::Never, Act::Provider),
    row(GET, smart::settings::PROVIDER_ANSWER, Authn::Anyone, Cors::Never, Act::ProviderAnswer),
    row(PAGE, smart::settings::CHOOSE, Authn::Anyone, Cors::Never, Act::Choose),
    row(PAGE, smart::settings::CONSENT, Authn::Anyone, Cors::Never, Act::Consent),
    row(POST, smart::settings::TOKEN, Authn::Anyone, Cors::Anyone, Act::Token),
    row(POST, smart::settings::REVOKE, Authn::Anyone, Cors::Anyone, Act::Revoke),
    row(POST, smart::settings::INTROSPECT, Authn::Anyone, Cors::Anyone, Act::Introspect),
    row(PAGE, smart::settings::USER_INFO, Authn::Anyone, Cors::Anyone, Act::UserInfo),
    row(POST, smart::settings::REGISTER, Authn::Anyone, Cors::Anyone, Act::Register),
    row(OWN, "/oauth/register/{client}", Authn::Anyone, Cors::Anyone, Act::Registration),
    row(GET, "/oauth/register/{client}/calls", Authn::Anyone, Cors::Anyone, Act::ClientCalls),
    row(PAGE, smart::settings::REGISTER_PAGE, Authn::Anyone, Cors::Never, Act::RegisterPage),
    row(PAGE, smart::settings::REGISTER_CALLS, Authn::Anyone, Cors::Never, Act::CallsPage),
    row(PAGE, smart::settings::SANDBOX, Authn::Anyone, Cors::Never, Act::Sandbox),
    row(PAGE, smart::settings::TRY, Authn::Anyone, Cors::Never, Act::Try),
    row(GET, smart::settings::TRY_CALLBACK, Authn::Anyone, Cors::Never, Act::TryCallback),
    row(GET, smart::settings::ACCOUNT, Authn::Session, Cors::Never, Act::Account(AccountPage::Overview)),
    row(PAGE, smart::settings::ACCOUNT_LOGIN, Authn::Anyone, Cors::Never, Act::Account(AccountPage::Login)),
    row(PAGE, smart::settings::ACCOUNT_RECOVER, Authn::Anyone, Cors::Never, Act::Account(AccountPage::Recover)),
    row(PAGE, smart::settings::ACCOUNT_LOGOUT, Authn::Anyone, Cors::Never, Act::Account(AccountPage::Logout)),
    row(PAGE, smart::settings::ACCOUNT_SESSIONS, Authn::Session, Cors::Never, Act::Account(AccountPage::Sessions)),
    row(PAGE, smart::settings::ACCOUNT_APPS, Authn::Session, Cors::Never, Act::Account(AccountPage::Apps)),
    row(GET, smart::settings::ACCOUNT_APPS_FILE, Authn::Session, Cors::Never, Act::Account(AccountPage::AppsFile)),
    row(GET, smart::settings::ACCOUNT_APP_READ, Authn::Session, Cors::Never, Act::Account(AccountPage::AppRead)),
    row(
        GET,
        smart::settings::ACCOUNT_APP_READ_FILE,
        Authn::Session,
        Cors::Never,
        Act::Account(AccountPage::AppReadFile),
    ),
    row(PAGE, smart::settings::ACCOUNT_LAUNCH, Authn::Session, Cors::Never, Act::Account(AccountPage::Launch)),
    row(GET, smart::settings::ACCOUNT_DISCLOSURES, Authn::Session, Cors::Never, Act::Account(AccountPage::Disclosures)),
    row(
        PAGE,
        smart::settings::ACCOUNT_SECOND_FACTOR,
        Authn::Session,
        Cors::Never,
        Act::Account(AccountPage::SecondFactor),
    ),
    row(
        GET,
        smart::settings::ACCOUNT_DISCLOSURES_FILE,
        Authn::Session,
        Cors::Never,
        Act::Account(AccountPage::DisclosuresFile),
    ),
    row(GET, "/docs/errors/{code}", Authn::Anyone, Cors::Never, Act::ErrorPage),
    row(GET, portal::SMART_STYLE_PATH, Authn::Anyone, Cors::Anyone, Act::SmartStyle),
    row(GET, "/static/{name}", Authn::Anyone, Cors::Never, Act::Stylesheet),
    row(GET, "/", Authn::Anyone, Cors::Never, Act::Start),
    row(GET, "/livez", Authn::Anyone, Cors::Never, Act::Live),
    row(GET, "/readyz", Authn::Anyone, Cors::Never, Act::Ready),
];

/// The table, ready to be asked.
pub struct Routes {
    paths: Router<Vec<&'static Route>>,
}

/// A row found, with the values of its path.
pub struct Matched {
    /// The row.
    pub route: &'static Route,
    /// `{type}` and the like, in order.
    pub values: Vec<String>,
}

impl Routes {
    /// Compiles the table.
    ///
    /// # Errors
    /// What is wrong with it; a test rules that out.
    pub fn compile() -> Result<Routes, String> {
        let mut paths: Router<Vec<&'static Route>> = Router::new();
        for route in ROUTES {
            match paths.at_mut(route.path) {
                Ok(found) if found.value.iter().any(|other| other.path == route.path) => found.value.push(route),
                Ok(_) | Err(_) => paths.insert(route.path, vec![route]).map_err(|why| why.to_string())?,
            }
        }
        Ok(Routes { paths })
    }

    /// The row for a request.
    ///
    /// # Errors
    /// `NotFound` for an unknown path, `MethodNotAllowed` with the allowed methods for a known one. The row found by path
    /// alone comes with it, so that the refusal carries the right headers.
    pub fn find(&self, method: &Method, path: &str) -> Result<Matched, (Option<&'static Route>, Refusal)> {
        let Ok(found) = self.paths.at(path) else {
            return Err((None, Refusal::new(Kind::NotFound, "There is nothing at this address.")));
        };
        let first = found.value.first().copied();
        let Some(route) = found.value.iter().find(|route| route.methods.contains(method) || *method == Method::OPTIONS)
        else {
            let allowed: Vec<&str> =
                found.value.iter().flat_map(|route| route.methods).map(Method::as_str).chain(["OPTIONS"]).collect();
            let refusal = Refusal::new(Kind::MethodNotAllowed, "This method is not for this address; see Allow.");
            return Err((first, refusal.at(allowed.join(", "))));
        };
        Ok(Matched { route, values: found.params.iter().map(|(_, value)| value.to_owned()).collect() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_under_its_own_path() {
        let routes = Routes::compile().unwrap();
        for route in ROUTES {
            let path = route.path.replace("{type}", "Patient").replace("{id}", "p1").replace("{version}", "1");
            let path = path.replace("{code}", "invalid_grant").replace("{name}", "x.css").replace("{client}", "c1");
            let found = routes.find(route.methods.first().unwrap(), &path).ok().unwrap();
            assert_eq!(found.route.path, route.path);
        }
    }

    #[test]
    fn a_persons_own_pages_need_a_session_and_are_for_no_other_site() {
        for route in ROUTES {
            if let Act::Account(page) = route.act {
                let open = matches!(page, AccountPage::Login | AccountPage::Recover | AccountPage::Logout);
                assert_eq!(route.authn, if open { Authn::Anyone } else { Authn::Session }, "{}", route.path);
                assert_eq!((route.path, route.cors), (page.path(), Cors::Never));
            }
        }
        assert_eq!(AccountPage::of_word("sessions"), AccountPage::Sessions);
        for other in ["login", "logout", "recover", "", "account", "https://elsewhere", "//elsewhere"] {
            assert_eq!(AccountPage::of_word(other), AccountPage::Overview, "{other}");
        }
    }

    #[test]
    fn an_apps_own_registration_stands_below_where_it_registered() {
        let below = ROUTES.iter().find(|route| route.act == Act::Registration).unwrap();
        assert_eq!(below.path.strip_prefix(smart::settings::REGISTER), Some("/{client}"));
    }

    #[test]
    fn health_data_is_behind_a_token() {
        for route in ROUTES {
            assert_eq!(matches!(route.act, Act::Fhir(_)), route.authn == Authn::Bearer, "{}", route.path);
        }
    }
}
