//! The authorization request: from a browser at the door to a flow under way.
//!
//! RFC 6749 section 4.1.1, RFC 7636, RFC 9207, SMART App Launch 2.2.0 ("Request authorization code"). Client and redirect
//! address come first: while either is in doubt the error is a page, and nobody is sent anywhere.

use crate::authority::Authority;
use crate::client::Client;
use crate::flow::Flow;
use crate::oauth_error::{ErrorCode, OauthError, error_uri, shown};
use crate::offer;
use crate::parameters::{Parameters, Unusable};
use crate::pkce;
use crate::ports::{Ports, Space};
use crate::purpose;
use crate::redirect;
use crate::settings::{FLOW_S, Settings};
use privacy::{Purpose, Scopes};

/// Bytes of `state` and `nonce`: they come back in addresses and tokens.
const ECHO_BYTES_MAX: usize = 2048;

/// Why no flow was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejected {
    /// To be shown as a page: it is not sure where the browser may be sent.
    Page(OauthError),
    /// Too many flows are under way; to be tried again later.
    NotNow,
    /// To be sent back to the app.
    Redirect {
        /// The whole address, the error in its query.
        location: String,
        /// The same error, for our log.
        why: OauthError,
    },
}

/// What an app asked for, checked.
pub(crate) struct Request {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: String,
    pub(crate) offered: Scopes,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) login_again: bool,
}

impl<P: Ports> Authority<P> {
    /// Opens a flow for a browser, and gives its id.
    ///
    /// `browser` is the browser's own random token, kept in a cookie: nobody else can go on with the flow. `admitted` is asked
    /// whether one more flow may be kept, once the request holds.
    ///
    /// # Errors
    /// A page or a redirect that says what was wrong, or `NotNow`.
    pub async fn begin(
        &self,
        parameters: &[(String, String)],
        browser: &str,
        now_s: i64,
        admitted: impl FnOnce() -> bool + Send,
    ) -> Result<String, Rejected> {
        let parameters = Parameters::new(parameters);
        let client_id = client_id(parameters).map_err(Rejected::Page)?;
        let client = self.client(client_id).await.map_err(|why| Rejected::Page(why.into()))?;
        let (client, redirect_uri) = known_client(self.as_if(client), parameters).map_err(Rejected::Page)?;
        let state = parameters.get("state").ok().flatten().filter(|state| state.len() <= ECHO_BYTES_MAX);
        let back = |why: OauthError| Rejected::Redirect {
            location: error_location(&self.settings, redirect_uri, state, &why),
            why,
        };
        let asked = request(&self.settings, &client, redirect_uri, parameters).map_err(back)?;
        if !admitted() {
            return Err(Rejected::NotNow);
        }
        // Last of all, so that a launch is not used up by a request that fails otherwise.
        let launch = parameters.get("launch").map_err(|why| back(unusable("launch", why)))?;
        let launched = self.take_up(&client, launch, &asked.offered, now_s).await.map_err(back)?;
        let own = (self.digest(browser), self.as_registered(&client).map_err(|why| back(why.into()))?);
        let flow = Flow::new(&client, asked, launched, own, now_s + FLOW_S);
        let id = self.ports.token();
        self.keep(Space::Flow, &id, &flow, flow.expires_s).await.map_err(|why| back(why.into()))?;
        Ok(id)
    }
}

/// The address that takes an error back to the app (RFC 6749 section 4.1.2.1, RFC 9207).
pub(crate) fn error_location(settings: &Settings, redirect_uri: &str, state: Option<&str>, why: &OauthError) -> String {
    let uri = error_uri(settings, why.code);
    let mut answer =
        vec![("error", why.code.as_str()), ("error_description", &*why.description), ("error_uri", uri.as_str())];
    answer.extend(state.map(|state| ("state", state)));
    answer.push(("iss", settings.issuer()));
    redirect::with_answer(redirect_uri, &answer)
}

fn client_id(parameters: Parameters<'_>) -> Result<&str, OauthError> {
    let missing = "The request names no client_id. Send the client_id that the app was registered with.";
    match parameters.get("client_id") {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(OauthError::new(ErrorCode::InvalidRequest, missing)),
        Err(why) => Err(unusable("client_id", why)),
    }
}

fn known_client(client: Option<Client>, parameters: Parameters<'_>) -> Result<(Client, &str), OauthError> {
    let client = client.filter(|client| client.enabled).ok_or_else(|| {
        let text =
            "No app is registered under this client_id, or it was switched off. Compare it with the registration.";
        OauthError::new(ErrorCode::UnknownClient, text)
    })?;
    let given = parameters.get("redirect_uri").map_err(|why| unusable("redirect_uri", why))?;
    let given = given.filter(|given| given.len() <= redirect::ADDRESS_BYTES_MAX).ok_or_else(|| {
        let text = "The request names no redirect_uri. Send one that the app was registered with.";
        OauthError::new(ErrorCode::InvalidRedirectUri, text)
    })?;
    if client.may_redirect_to(given) {
        return Ok((client, given));
    }
    let text = "This redirect_uri is not registered for the app. It must be the same, letter for letter; only a loopback \
                address may change its port.";
    Err(OauthError::new(ErrorCode::InvalidRedirectUri, text))
}

fn request(
    settings: &Settings,
    client: &Client,
    redirect_uri: &str,
    parameters: Parameters<'_>,
) -> Result<Request, OauthError> {
    let parameters = parameters.usable()?;
    let get = |name: &str| parameters.get(name).map_err(|why| unusable(name, why));
    let echoed = |name: &'static str| match get(name)? {
        Some(value) if value.len() > ECHO_BYTES_MAX => Err(unusable(name, Unusable::TooLong)),
        value => Ok(value.map(str::to_owned)),
    };
    no_request_object(parameters)?;
    response(get("response_type")?, get("response_mode")?)?;
    let state = echoed("state")?;
    let nonce = echoed("nonce")?;
    let challenge = challenge(get("code_challenge_method")?, get("code_challenge")?)?;
    audience(settings, get("aud")?)?;
    let purpose = purpose::asserted(get(purpose::PARAMETER)?, client)?;
    let offered = scopes(settings, client, get("scope")?)?;
    let login_again = prompt(get("prompt")?)?;
    Ok(Request { redirect_uri: redirect_uri.to_owned(), state, nonce, challenge, offered, purpose, login_again })
}

fn no_request_object(parameters: Parameters<'_>) -> Result<(), OauthError> {
    for (name, code) in
        [("request", ErrorCode::RequestNotSupported), ("request_uri", ErrorCode::RequestUriNotSupported)]
    {
        if parameters.get(name) != Ok(None) {
            let text = "Request objects are not read here. Send each parameter by itself.";
            return Err(OauthError::new(code, text));
        }
    }
    Ok(())
}

fn response(kind: Option<&str>, mode: Option<&str>) -> Result<(), OauthError> {
    match kind {
        Some("code") => {}
        Some(other) => {
            let text =
                format!("response_type was {}; this server supports code only. Send response_type=code.", shown(other));
            return Err(OauthError::new(ErrorCode::UnsupportedResponseType, text));
        }
        None => return Err(invalid("response_type is missing. Send response_type=code.")),
    }
    match mode {
        None | Some("query") => Ok(()),
        Some(other) => {
            let came = shown(other);
            Err(invalid(format!(
                "response_mode was {came}; answers are given in the query only. Leave response_mode out."
            )))
        }
    }
}

fn challenge(method: Option<&str>, challenge: Option<&str>) -> Result<String, OauthError> {
    let text = match (method, challenge) {
        (Some("S256"), Some(challenge)) if pkce::well_formed(challenge) => return Ok(challenge.to_owned()),
        (Some("S256"), Some(_)) => {
            "code_challenge must have 43 to 128 of the characters A-Z a-z 0-9 - . _ ~ . Send the unpadded base64url form \
             of the SHA-256 of the code_verifier."
                .to_owned()
        }
        (_, None) => "code_challenge is missing. PKCE is required here: send code_challenge and \
                      code_challenge_method=S256."
            .to_owned(),
        (Some(other), Some(_)) => {
            format!("code_challenge_method was {}; only S256 is accepted. Send code_challenge_method=S256.", shown(other))
        }
        (None, Some(_)) => {
            "code_challenge_method is missing, which would mean plain; only S256 is accepted. Send \
             code_challenge_method=S256."
                .to_owned()
        }
    };
    Err(invalid(text))
}

fn audience(settings: &Settings, aud: Option<&str>) -> Result<(), OauthError> {
    let base = &settings.fhir_base;
    match aud {
        Some(aud) if settings.is_audience(aud) => Ok(()),
        Some(other) => {
            Err(invalid(format!("aud was {}; this server's FHIR base is {base} . Send that as aud.", shown(other))))
        }
        None => Err(invalid(format!("aud is missing. Send this server's FHIR base, {base} , as aud."))),
    }
}

fn scopes(settings: &Settings, client: &Client, asked: Option<&str>) -> Result<Scopes, OauthError> {
    let asked = asked.unwrap_or("");
    let offered = offer::offer(&Scopes::parse(asked), &client.scopes, &settings.served);
    if !offer::is_nothing(&offered) {
        return Ok(offered);
    }
    let text = if asked.is_empty() {
        "scope is missing. Ask for what the app needs, for example launch/patient patient/Observation.rs.".to_owned()
    } else {
        format!(
            "scope was {}; none of it can be granted to this app. Compare it with the app's registration and with \
             scopes_supported in the server's smart-configuration.",
            shown(asked)
        )
    };
    Err(OauthError::new(ErrorCode::InvalidScope, text))
}

/// Whether the person must sign in anew. Consent is asked for every time, so `consent` and `select_account` ask no more.
fn prompt(prompt: Option<&str>) -> Result<bool, OauthError> {
    let words: Vec<&str> = prompt.unwrap_or("").split(' ').collect();
    if words.contains(&"none") {
        let text = "prompt was 'none', but consent is asked for at every launch. Leave prompt out.";
        return Err(OauthError::new(ErrorCode::InteractionRequired, text));
    }
    Ok(words.contains(&"login"))
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> OauthError {
    OauthError::new(ErrorCode::InvalidRequest, text)
}

/// A parameter that is there twice, or too long.
pub(crate) fn unusable(name: &str, why: Unusable) -> OauthError {
    let name = shown(name);
    invalid(match why {
        Unusable::Repeated => format!("{name} is there more than once. Send each parameter once."),
        Unusable::TooLong => format!("{name} is too long, or there are too many of them. Send less."),
    })
}
