//! A small OpenID provider of a hospital's own, over TLS on this machine: discovery, keys, and a token endpoint that holds client,
//! code, address and verifier against what was authorized. It can lie about one thing at a time.
//!
//! What a browser would see there is one step here: [`Provider::authorize`] takes the address that the gateway sent it to, and gives
//! the one that the browser is sent back to.

use crate::app::value_of;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::dev_ca::{Ca, Leaf};
use certs::digest::{base64url, hmac_sha256, sha256};
use certs::server_tls;
use certs::sign::SigningKey;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What it knows the gateway as.
pub const CLIENT_ID: &str = "the gateway";
/// What the gateway proves itself with.
pub const SECRET: &str = "a secret: with+signs & spaces";
/// Bytes of a request.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// What it lies about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    Nothing,
    /// The nonce is another's.
    Nonce,
    /// The token is for somebody else.
    Audience,
    /// The token is for several, and says that another asked for it.
    AuthorizedParty,
    /// The token is of another issuer.
    Issuer,
    /// It has run out.
    Expired,
    /// It is not signed.
    AlgNone,
    /// It is signed by the public key, as if that were a shared secret.
    PublicKeyAsSecret,
    /// It says that it was signed by a key that is not published.
    UnknownKey,
    /// It was changed after it was signed.
    Changed,
    /// It is an access token.
    AnotherKind,
    /// Nobody was asked to sign in anew, as the gateway wanted.
    StoodBefore,
}

impl Lie {
    /// All but none, and but what matters only to who is signed in already.
    pub const ALL: [Lie; 10] = [
        Lie::Nonce,
        Lie::Audience,
        Lie::AuthorizedParty,
        Lie::Issuer,
        Lie::Expired,
        Lie::AlgNone,
        Lie::PublicKeyAsSecret,
        Lie::UnknownKey,
        Lie::Changed,
        Lie::AnotherKind,
    ];
}

/// What was authorized under a code.
struct Authorized {
    subject: String,
    nonce: String,
    challenge: String,
    redirect_uri: String,
    /// Whether a session that stands there does not count.
    anew: bool,
}

struct Inside {
    issuer: String,
    keys: [SigningKey; 2],
    /// By which of them it signs.
    signs: usize,
    stranger: SigningKey,
    lie: Lie,
    codes: HashMap<String, Authorized>,
}

/// A running provider; it stops when dropped.
pub struct Provider {
    /// Its issuer.
    pub issuer: String,
    folder: TempDir,
    inside: Arc<Mutex<Inside>>,
    serving: JoinHandle<()>,
}

impl Provider {
    /// One at a free port.
    pub async fn start() -> Provider {
        let now_s = server::clock::now().seconds();
        let ca = Ca::new(now_s).unwrap();
        let issued = ca.issue(&Leaf::LOCALHOST, now_s).unwrap();
        let tls = TlsAcceptor::from(server_tls::config(&issued.cert_pem, &issued.key_pem).unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let issuer = format!("https://localhost:{}/realm", listener.local_addr().unwrap().port());
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), &ca.cert_pem).unwrap();
        fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let inside = Arc::new(Mutex::new(Inside {
            issuer: issuer.clone(),
            keys: [SigningKey::generate_es256().unwrap(), SigningKey::generate_rs256().unwrap()],
            signs: 0,
            stranger: SigningKey::generate_es256().unwrap(),
            lie: Lie::Nothing,
            codes: HashMap::new(),
        }));
        let serving = tokio::spawn(serve(listener, tls, Arc::clone(&inside)));
        Provider { issuer, folder, inside, serving }
    }

    /// The sections of a gateway's configuration that lead here.
    pub fn sections(&self) -> String {
        let file = |name: &str| -> PathBuf { self.folder.path().join(name) };
        format!(
            "[network]\nallow = [\"127.0.0.1\"]\nca_file = \"{}\"\n[login.provider]\nissuer = \"{}\"\nclient_id = \"{CLIENT_ID}\"\n\
             client_secret_file = \"{}\"\nlabel = \"General Hospital\"\n",
            file("ca.pem").display(),
            self.issuer,
            file("secret").display()
        )
    }

    /// From now on it lies about this.
    pub fn lie(&self, lie: Lie) {
        self.inside.lock().unwrap().lie = lie;
    }

    /// From now on it signs RS256.
    pub fn sign_rs256(&self) {
        self.inside.lock().unwrap().signs = 1;
    }

    /// Signs this subject in, at the address that a browser was sent to; gives path and query of the address that it is sent
    /// back to.
    ///
    /// # Panics
    /// Where what is asked for is not what a gateway asks for.
    pub fn authorize(&self, location: &str, subject: &str) -> String {
        let query = location.strip_prefix(&format!("{}/authorize?", self.issuer));
        let query = query.unwrap_or_else(|| panic!("not sent to the provider: {location}"));
        let of = |name: &str| value_of(query, name).unwrap_or_else(|| panic!("no {name}: {location}"));
        assert_eq!(
            (of("response_type"), of("scope"), of("client_id")),
            ("code".into(), "openid".into(), CLIENT_ID.into())
        );
        assert_eq!(of("code_challenge_method"), "S256");
        let code = certs::random::token();
        let authorized = Authorized {
            subject: subject.to_owned(),
            nonce: of("nonce"),
            challenge: of("code_challenge"),
            redirect_uri: of("redirect_uri"),
            anew: value_of(query, "prompt").as_deref() == Some("login")
                && value_of(query, "max_age").as_deref() == Some("0"),
        };
        self.inside.lock().unwrap().codes.insert(code.clone(), authorized);
        let redirect_uri = of("redirect_uri");
        let (_, rest) = redirect_uri.split_once("://").unwrap();
        let path = &rest[rest.find('/').unwrap()..];
        let state = of("state");
        let answer = [("code", code.as_str()), ("state", state.as_str()), ("iss", self.issuer.as_str())];
        format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, inside: Arc<Mutex<Inside>>) {
    let mut open = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let (tls, inside) = (tls.clone(), Arc::clone(&inside));
        open.spawn(async move {
            if let Ok(mut stream) = tls.accept(socket).await
                && let Some((head, body)) = read(&mut stream).await
            {
                let (status, answer) = inside.lock().unwrap().answer(&head, &body);
                write(&mut stream, status, &answer.to_string()).await;
            }
        });
    }
}

/// Head and body of one request.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = header(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return Some((head.to_owned(), body.to_owned()));
        }
        if bytes.len() > REQUEST_BYTES_MAX {
            return None;
        }
    }
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), status: u16, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Whoever asked may have gone.
    drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
    drop(stream.shutdown().await);
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

impl Inside {
    fn answer(&mut self, head: &str, body: &str) -> (u16, Value) {
        let mut words = head.split(' ');
        match (words.next(), words.next()) {
            (Some("GET"), Some("/realm/.well-known/openid-configuration")) => {
                let at = |path: &str| format!("{}/{path}", self.issuer);
                let told = json!({
                    "issuer": self.issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
                    "jwks_uri": at("keys"), "authorization_response_iss_parameter_supported": true,
                });
                (200, told)
            }
            (Some("GET"), Some("/realm/keys")) => {
                (200, json!({ "keys": self.keys.iter().map(SigningKey::public_jwk).collect::<Vec<_>>() }))
            }
            (Some("POST"), Some("/realm/token")) => match self.token(head, body) {
                Some(token) => (200, json!({ "access_token": "x", "token_type": "Bearer", "id_token": token })),
                None => (400, json!({ "error": "invalid_grant" })),
            },
            _ => (404, Value::Null),
        }
    }

    fn token(&mut self, head: &str, body: &str) -> Option<String> {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let due = format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(CLIENT_ID), encoded(SECRET))));
        let own = header(head, "authorization") == Some(due.as_str());
        let is_form = header(head, "content-type") == Some("application/x-www-form-urlencoded");
        let of = |name: &str| value_of(body, name).unwrap_or_default();
        // A code counts once, whoever brings it.
        let authorized = self.codes.remove(&of("code"))?;
        let fits = of("grant_type") == "authorization_code"
            && of("redirect_uri") == authorized.redirect_uri
            && base64url(&sha256(of("code_verifier").as_bytes())) == authorized.challenge;
        (own && is_form && fits).then(|| self.id_token(&authorized))
    }

    fn id_token(&self, authorized: &Authorized) -> String {
        let now_s = server::clock::now().seconds();
        let mut claims = json!({ "iss": self.issuer, "aud": CLIENT_ID, "sub": authorized.subject, "nonce": authorized.nonce,
            "iat": now_s, "exp": now_s + 300, "email": "ann@example.org" });
        if authorized.anew {
            let before_s = if self.lie == Lie::StoodBefore { 3600 } else { 0 };
            claims["auth_time"] = json!(now_s - before_s);
        }
        match self.lie {
            Lie::Nonce => claims["nonce"] = json!(certs::random::token()),
            Lie::Audience => claims["aud"] = json!("another"),
            Lie::AuthorizedParty => {
                claims["aud"] = json!([CLIENT_ID, "another"]);
                claims["azp"] = json!("another");
            }
            Lie::Issuer => claims["iss"] = json!("https://login.example"),
            Lie::Expired => (claims["iat"], claims["exp"]) = (json!(now_s - 400), json!(now_s - 100)),
            _ => {}
        }
        let key = &self.keys[self.signs];
        let typ = if self.lie == Lie::AnotherKind { "at+jwt" } else { "JWT" };
        let honest = key.sign_jwt(typ, &claims).unwrap();
        let unsigned = |alg: &str| {
            let header = json!({ "alg": alg, "typ": "JWT", "kid": key.kid() }).to_string();
            format!("{}.{}", base64url(header.as_bytes()), base64url(claims.to_string().as_bytes()))
        };
        match self.lie {
            Lie::AlgNone => format!("{}.", unsigned("none")),
            Lie::PublicKeyAsSecret => {
                let signed = unsigned("HS256");
                let mac = hmac_sha256(key.public_jwk().to_string().as_bytes(), signed.as_bytes());
                format!("{signed}.{}", base64url(&mac))
            }
            Lie::UnknownKey => self.stranger.sign_jwt(typ, &claims).unwrap(),
            Lie::Changed => {
                let parts: Vec<&str> = honest.split('.').collect();
                claims["sub"] = json!("subject-of-una");
                claims["jti"] = json!("changed");
                format!("{}.{}.{}", parts[0], base64url(claims.to_string().as_bytes()), parts[2])
            }
            _ => honest,
        }
    }
}
