//! A SMART app with its own browser: authorize, sign in, choose, consent, token; then FHIR requests.
//!
//! Fills in the pages as a person would who allows what is asked. One session of a browser serves many launches.

use crate::gateway::{PASSWORD, REDIRECT, Registered};
use crate::http::{Answer, Connection, Peer};
use base64::Engine;
use certs::digest::{base64url, sha256};
use form_urlencoded::Serializer;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Where a person says what they allow.
const CONSENT: &str = "/oauth/consent";

/// Pages of one launch, at most: sign in, choose, consent, and once more each.
const PAGES_MAX: usize = 6;

/// The cookie of a session.
const SESSION: &str = "__Host-sluice-session";

/// What an app was granted.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The token for requests.
    pub access_token: String,
    /// The token for the next one, when the app may stay.
    pub refresh_token: Option<String>,
    /// The patient in context.
    pub patient: Option<String>,
    /// What was granted.
    pub scope: String,
    /// The app's id.
    pub client_id: String,
    /// All that the app was answered.
    pub answer: Value,
}

impl Grant {
    /// The header that goes with each request.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.access_token)
    }
}

/// A person's browser: its connection and its cookies.
pub struct Browser {
    peer: Peer,
    connection: Connection,
    cookies: Vec<(String, String)>,
}

impl Browser {
    /// A browser without cookies.
    pub async fn open(peer: &Peer) -> Browser {
        Browser::open_from(peer, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// A browser at another address of this machine: sign-ins are limited by address.
    pub async fn open_from(peer: &Peer, from: SocketAddr) -> Browser {
        let connection = peer.connect_from(from).await.unwrap();
        Browser { peer: peer.clone(), connection, cookies: Vec::new() }
    }

    /// Its cookies, as it sends them.
    pub fn cookies(&self) -> String {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    /// Its session's token; empty where it has none.
    pub fn session(&self) -> String {
        let found = self.cookies.iter().find(|(name, _)| name == SESSION);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Puts another session's token among its cookies, as someone who can reach them would.
    pub fn plant_session(&mut self, token: &str) {
        self.cookies.retain(|(name, _)| name != SESSION);
        self.cookies.push((SESSION.to_owned(), token.to_owned()));
    }

    /// Signs this person in for their own pages; the page that they come to.
    pub async fn sign_in(&mut self, username: &str) -> Answer {
        let page = self.open_page("/account/login").await;
        let (action, fields) = fill(&page.text(), username, None);
        self.post(&action, &fields).await
    }

    /// A page, wherever its address leads on our side.
    pub async fn open_page(&mut self, target: &str) -> Answer {
        let answer = self.go(target, None).await;
        self.follow(answer).await
    }

    /// A form, and the page that it leads to.
    pub async fn post(&mut self, action: &str, fields: &[(String, String)]) -> Answer {
        let answer = self.go(action, Some(fields)).await;
        self.follow(answer).await
    }

    async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..PAGES_MAX {
            let Some(location) = answer.header("location").map(path_of) else { return answer };
            answer = self.go(&location, None).await;
        }
        panic!("an address that leads in circles")
    }

    /// One request of the browser, with its cookies.
    pub async fn go(&mut self, target: &str, form: Option<&[(String, String)]>) -> Answer {
        let cookies = self.cookies();
        let mut headers = vec![("accept-language", "en"), ("sec-fetch-site", "same-origin")];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let body = form.map(|pairs| Serializer::new(String::new()).extend_pairs(pairs).finish());
        if body.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let method = if body.is_some() { "POST" } else { "GET" };
        let answer = self.connection.send(method, target, &headers, body.as_deref().map(str::as_bytes)).await.unwrap();
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(own, _)| own != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        answer
    }

    /// A whole launch of an app for this person, about `patient` where there is a choice (the first, if none is named).
    ///
    /// # Panics
    /// With the page that led no further.
    pub async fn launch(&mut self, app: &Registered, username: &str, scope: &str, patient: Option<&str>) -> Grant {
        self.launch_ticking(app, username, scope, patient, None).await
    }

    /// As [`Browser::launch`], where the person leaves these boxes ticked and no others.
    ///
    /// # Panics
    /// With the page that led no further, or has not these boxes.
    pub async fn launch_ticking(
        &mut self,
        app: &Registered,
        username: &str,
        scope: &str,
        patient: Option<&str>,
        ticks: Option<&[&str]>,
    ) -> Grant {
        let (request, verifier) = asking(&self.peer.origin, app, scope);
        let location = self.answered(&request, username, patient, ticks).await;
        self.redeem(app, &location, &verifier).await
    }

    /// The app as an EHR opened it, at the address that the EHR was given: it takes the launch up for this person.
    ///
    /// # Panics
    /// With the page that led no further.
    pub async fn launch_from_ehr(&mut self, app: &Registered, username: &str, scope: &str, opened: &str) -> Grant {
        let (mut request, verifier) = asking(&self.peer.origin, app, scope);
        request.push(("launch".to_owned(), launch_of(opened)));
        let location = self.answered(&request, username, None, None).await;
        self.redeem(app, &location, &verifier).await
    }

    /// The address of an app's authorization request, with the launch that it was opened with.
    pub fn asking(&self, app: &Registered, scope: &str, verifier: &str, launch: Option<&str>) -> String {
        let request = request_of(&self.peer.origin, app, scope, verifier);
        let query = Serializer::new(String::new())
            .extend_pairs(&request)
            .extend_pairs(launch.map(|launch| ("launch", launch)))
            .finish();
        format!("/oauth/authorize?{query}")
    }

    /// The tokens for the code in the address that the browser was sent back to.
    async fn redeem(&mut self, app: &Registered, location: &str, verifier: &str) -> Grant {
        let query = location.strip_prefix(REDIRECT).unwrap_or_else(|| panic!("elsewhere: {location}"));
        let code = value_of(query.trim_start_matches('?'), "code").unwrap_or_else(|| panic!("no code: {location}"));
        self.token(app, &code, verifier).await
    }

    /// From an authorization request to the address with which the browser is sent back to the app.
    ///
    /// # Panics
    /// As [`Browser::launch_ticking`].
    pub async fn answered(
        &mut self,
        request: &[(String, String)],
        username: &str,
        patient: Option<&str>,
        ticks: Option<&[&str]>,
    ) -> String {
        let query = Serializer::new(String::new()).extend_pairs(request).finish();
        let mut answer = self.go(&format!("/oauth/authorize?{query}"), None).await;
        for _ in 0..PAGES_MAX {
            let location =
                answer.header("location").unwrap_or_else(|| panic!("no way on: {}", answer.text())).to_owned();
            if location.starts_with(REDIRECT) {
                return location;
            }
            let page = self.go(&path_of(&location), None).await;
            let (action, mut fields) = fill(&page.text(), username, patient);
            if let Some(ticks) = ticks.filter(|_| action == CONSENT) {
                let boxes = boxes(&page.text());
                fields.retain(|(name, _)| name != "item");
                for tick in ticks {
                    assert!(boxes.iter().any(|own| own == tick), "no box {tick}: {}", page.text());
                    fields.push(("item".to_owned(), (*tick).to_owned()));
                }
            }
            answer = self.go(&action, Some(&fields)).await;
        }
        panic!("a launch that does not end")
    }

    async fn token(&mut self, app: &Registered, code: &str, verifier: &str) -> Grant {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        token(&mut self.connection, app, &form).await.unwrap_or_else(|why| panic!("no token: {}", why.text()))
    }
}

/// What an app sends to the authorization endpoint, and the verifier that it keeps for itself.
pub fn asking(origin: &str, app: &Registered, scope: &str) -> (Vec<(String, String)>, String) {
    let verifier = certs::random::token();
    (request_of(origin, app, scope, &verifier), verifier)
}

fn request_of(origin: &str, app: &Registered, scope: &str, verifier: &str) -> Vec<(String, String)> {
    let challenge = base64url(&sha256(verifier.as_bytes()));
    let aud = format!("{origin}/fhir");
    pairs(&[
        ("response_type", "code"),
        ("client_id", &app.client_id),
        ("redirect_uri", REDIRECT),
        ("scope", scope),
        ("state", "state"),
        ("aud", &aud),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ])
}

/// The launch in the address that an EHR opens.
pub fn launch_of(opened: &str) -> String {
    let query = opened.trim().split_once('?').map_or("", |(_, query)| query);
    value_of(query, "launch").unwrap_or_else(|| panic!("no launch: {opened}"))
}

/// The token endpoint: a grant, or the answer that is none.
///
/// # Errors
/// The answer.
pub async fn token(connection: &mut Connection, app: &Registered, form: &[(&str, &str)]) -> Result<Grant, Answer> {
    granted(&app.client_id, as_client(connection, app, "/oauth/token", form).await)
}

/// The grant that an answer of the token endpoint tells of, or the answer.
pub(crate) fn granted(client_id: &str, answer: Answer) -> Result<Grant, Answer> {
    let text = |name: &str| answer.json().get(name).and_then(|value| value.as_str()).map(str::to_owned);
    match text("access_token") {
        Some(access_token) => Ok(Grant {
            access_token,
            refresh_token: text("refresh_token"),
            patient: text("patient"),
            scope: text("scope").unwrap_or_default(),
            client_id: client_id.to_owned(),
            answer: answer.json(),
        }),
        None => Err(answer),
    }
}

/// Ends a grant by one of its tokens.
pub async fn revoke(connection: &mut Connection, app: &Registered, token: &str) -> Answer {
    as_client(connection, app, "/oauth/revoke", &[("token", token)]).await
}

/// What a token stands for, as the app is told.
pub async fn introspect(connection: &mut Connection, app: &Registered, token: &str) -> Answer {
    as_client(connection, app, "/oauth/introspect", &[("token", token)]).await
}

/// A form as the app that it says it is: with its secret, or with its id alone.
async fn as_client(connection: &mut Connection, app: &Registered, target: &str, form: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    let basic = app.secret.as_ref().map(|secret| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{}:{secret}", app.client_id)))
    });
    let own = match &basic {
        Some(basic) => {
            headers.push(("authorization", basic));
            None
        }
        None => Some(("client_id", app.client_id.as_str())),
    };
    let body = Serializer::new(String::new()).extend_pairs(form.iter().copied().chain(own)).finish();
    connection.send("POST", target, &headers, Some(body.as_bytes())).await.unwrap()
}

/// Asks for a FHIR resource or search under a token; `target` begins with `/fhir`.
pub async fn get(connection: &mut Connection, grant: &Grant, target: &str) -> Answer {
    connection.send("GET", target, &[("authorization", &grant.bearer())], None).await.unwrap()
}

/// The value of a page's first field with this name.
pub fn field(page: &str, name: &str) -> Option<String> {
    tags(page, "<input")
        .into_iter()
        .find(|tag| attribute(tag, "name").as_deref() == Some(name))
        .and_then(|tag| attribute(tag, "value"))
}

/// The values of a page's buttons with this name.
pub fn buttons(page: &str, name: &str) -> Vec<String> {
    let named = tags(page, "<button").into_iter().filter(|tag| attribute(tag, "name").as_deref() == Some(name));
    named.filter_map(|tag| attribute(tag, "value")).collect()
}

/// Names and values as a form has them.
pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The first form of a page as a person fills it in: its address and its fields.
pub fn fill(page: &str, username: &str, patient: Option<&str>) -> (String, Vec<(String, String)>) {
    let form = between(page, "<form", "</form>").unwrap_or_else(|| panic!("no form: {page}"));
    let action = attribute(form, "action").unwrap();
    let mut fields: Vec<(String, String)> = Vec::new();
    for tag in tags(form, "<input") {
        let Some(name) = attribute(tag, "name") else { continue };
        let value = attribute(tag, "value").unwrap_or_default();
        if attribute(tag, "type").as_deref() == Some("checkbox") && !tag.ends_with(" checked") {
            continue;
        }
        if attribute(tag, "type").as_deref() == Some("radio") {
            let wanted = patient.is_none_or(|patient| patient == value);
            if !wanted || fields.iter().any(|(own, _)| *own == name) {
                continue;
            }
        }
        let value = match name.as_str() {
            "username" => username.to_owned(),
            "password" => PASSWORD.to_owned(),
            _ => value,
        };
        fields.push((name, value));
    }
    let button =
        tags(form, "<button").into_iter().find_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)));
    fields.extend(button);
    (action, fields)
}

/// The values of the boxes of a consent page, ticked or not.
pub fn boxes(page: &str) -> Vec<String> {
    let tags = tags(page, "<input").into_iter().filter(|tag| attribute(tag, "type").as_deref() == Some("checkbox"));
    tags.filter_map(|tag| attribute(tag, "value")).collect()
}

fn tags<'a>(form: &'a str, start: &str) -> Vec<&'a str> {
    form.split(start).skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = between(tag, &format!(" {name}=\""), "\"")?;
    Some(
        value
            .replace("&amp;", "&")
            .replace("&#38;", "&")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">"),
    )
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.split_once(open)?.1.split_once(close).map(|(inside, _)| inside)
}

/// The value of a name in a query.
pub fn value_of(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// An address of the gateway as path and query.
fn path_of(location: &str) -> String {
    match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]).to_owned(),
        None => location.to_owned(),
    }
}

/// The claims of an id_token, by a library not written here, under the key that its header names in the published set.
pub fn id_token(id_token: &str, set: &Value, issuer: &str, client: &str) -> Value {
    let header = jsonwebtoken::decode_header(id_token).unwrap();
    assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256);
    let keys = set["keys"].as_array().unwrap();
    let named: Vec<&Value> = keys.iter().filter(|key| key["kid"] == json!(header.kid)).collect();
    let [key] = named[..] else { panic!("{set} has not one key {:?}", header.kid) };
    assert!(["d", "p", "q", "x5c"].iter().all(|member| key.get(member).is_none()), "a bare public key");
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.clone()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.set_audience(&[client]);
    rules.set_issuer(&[issuer]);
    rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    jsonwebtoken::decode(id_token, &jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap(), &rules).unwrap().claims
}
