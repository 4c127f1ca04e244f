//! One fetch of a published key set, or of what a login provider answers: https alone, to an address that may be called, bounded in
//! size and time, no redirect.

use super::network::Network;
use bytes::Bytes;
use certs::Zeroizing;
use certs::rustls::pki_types::ServerName;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Position, Url};

/// How long a fetch may take in all: the name, the connection, the answer.
const FETCH_MAX: Duration = Duration::from_secs(5);
/// Bytes of a key set: some keys and their certificates.
const SET_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Bytes of an address.
const URI_BYTES_MAX: usize = 2048;

/// What was fetched.
pub(super) struct Fetched {
    /// The body.
    pub(super) text: String,
    /// How long its publisher lets it be kept, where it says so.
    pub(super) max_age: Option<Duration>,
}

/// A form that is sent. Without `Debug`: it belongs in no log.
pub(super) struct Form {
    /// The credentials, as they stand in the header.
    pub(super) authorization: Zeroizing<String>,
    /// The body.
    pub(super) body: String,
}

/// Fetches.
pub(super) struct Wire {
    network: Network,
    /// None where nobody is trusted.
    tls: Option<TlsConnector>,
}

/// An address that can be a client's: https, a host, and nothing that would send anything else along.
///
/// # Errors
/// What is wrong with it.
pub fn read_uri(text: &str) -> Result<Url, &'static str> {
    let uri = Url::parse(text).map_err(|_| "it is no address")?;
    if uri.scheme() != "https" {
        return Err("it does not begin with https://");
    }
    let bare = uri.username().is_empty() && uri.password().is_none() && uri.fragment().is_none();
    if !bare || text.len() > URI_BYTES_MAX || uri.host_str().is_none_or(str::is_empty) {
        return Err("it has a user, a password or a fragment, or is too long");
    }
    Ok(uri)
}

impl Wire {
    pub(super) fn new(network: Network) -> Wire {
        let system = crate::upstream::system_roots();
        let config = certs::client_tls::config(network.extra_roots_pem.as_deref(), system.as_deref());
        Wire { network, tls: config.ok().map(TlsConnector::from) }
    }

    /// What stands at an address.
    pub(super) async fn get(&self, uri: &str) -> Result<Fetched, String> {
        self.bounded(uri, None).await
    }

    /// What an address answers to a form, with these credentials.
    pub(super) async fn post(&self, uri: &str, form: &Form) -> Result<Fetched, String> {
        self.bounded(uri, Some(form)).await
    }

    async fn bounded(&self, uri: &str, form: Option<&Form>) -> Result<Fetched, String> {
        let uri = read_uri(uri)?;
        let fetch = Box::pin(self.fetch(&uri, form));
        timeout(FETCH_MAX, fetch).await.unwrap_or_else(|_| Err("it did not come in time".to_owned()))
    }

    async fn fetch(&self, uri: &Url, form: Option<&Form>) -> Result<Fetched, String> {
        let stream = self.connect(uri).await?;
        let mut settings = hyper::client::conn::http1::Builder::new();
        settings.max_buf_size(HEAD_BYTES_MAX);
        let broken = |why: hyper::Error| why.to_string();
        let (mut sender, connection) = settings.handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let asked = async {
            let mut question = Request::builder()
                .method(if form.is_some() { Method::POST } else { Method::GET })
                .uri(&uri[Position::BeforePath..Position::AfterQuery])
                .header(HOST, &uri[Position::BeforeHost..Position::AfterPort])
                .header(ACCEPT, "application/json");
            if let Some(form) = form {
                let mut secret =
                    HeaderValue::try_from(form.authorization.as_str()).map_err(|_| "a credential is no header")?;
                secret.set_sensitive(true);
                question = question.header(AUTHORIZATION, secret);
                question = question.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            }
            let body = form.map_or_else(Bytes::new, |form| Bytes::from(form.body.clone()));
            let question = question.body(Full::new(body)).map_err(|why| why.to_string())?;
            let (head, body) = sender.send_request(question).await.map_err(broken)?.into_parts();
            if head.status != StatusCode::OK {
                return Err(format!(
                    "it answered with status {}, and redirects are not followed",
                    head.status.as_u16()
                ));
            }
            if head.headers.contains_key(CONTENT_ENCODING) {
                return Err("its answer is encoded, which was not asked for".to_owned());
            }
            Ok(Fetched { text: text(body).await?, max_age: max_age(&head.headers) })
        };
        // The connection is moved on beside the question; what it says of its own end is told by the answer.
        let moved = async {
            drop(connection.await);
            std::future::pending().await
        };
        tokio::select! {
            fetched = asked => fetched,
            never = moved => never,
        }
    }

    /// A connection to the first address of the host that may be called and answers.
    async fn connect(&self, uri: &Url) -> Result<TlsStream<TcpStream>, String> {
        let tls =
            self.tls.as_ref().ok_or("no authority is trusted; the system has none, and network.ca_file names none")?;
        let port = uri.port_or_known_default().ok_or("it has no port")?;
        let (found, name): (Vec<SocketAddr>, ServerName<'static>) = match uri.host().ok_or("it has no host")? {
            Host::Domain(host) => {
                let found = lookup_host((host, port)).await.map_err(|why| format!("its name is not known ({why})"))?;
                let name = host.to_owned().try_into().map_err(|_| "its host is no name that a certificate has")?;
                (found.collect(), name)
            }
            Host::Ipv4(address) => (vec![(address, port).into()], std::net::IpAddr::from(address).into()),
            Host::Ipv6(address) => (vec![(address, port).into()], std::net::IpAddr::from(address).into()),
        };
        let mut why = "none of its addresses is public or named in network.allow".to_owned();
        for address in found.into_iter().filter(|address| self.network.lets(address.ip())).take(ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(socket) => {
                    return tls.connect(name, socket).await.map_err(|why| format!("no TLS came about ({why})"));
                }
                Err(refused) => why = format!("no connection came about ({refused})"),
            }
        }
        Err(why)
    }
}

/// The whole body as text, if it is short enough.
async fn text(mut body: Incoming) -> Result<String, String> {
    let too_large = || format!("it is larger than {SET_BYTES_MAX} bytes");
    if body.size_hint().lower() > SET_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|why| why.to_string())?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
        if bytes.len() > SET_BYTES_MAX {
            return Err(too_large());
        }
    }
    String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())
}

/// How long an answer may be kept (RFC 9111, 5.2.2): nothing where that is not said; not at all where it must not be, or
/// where it cannot be understood.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut said = None;
    for line in headers.get_all(CACHE_CONTROL) {
        for word in line.to_str().unwrap_or("no-store").split(',') {
            let (name, value) = word.split_once('=').map_or((word, ""), |(name, value)| (name, value));
            let seconds = match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => 0,
                "max-age" => value.trim().trim_matches('"').parse().unwrap_or(0),
                _ => continue,
            };
            said = Some(said.map_or(seconds, |before: u64| before.min(seconds)));
        }
    }
    said.map(Duration::from_secs)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_kept_as_long_as_its_publisher_says() {
        let of = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CACHE_CONTROL, line.parse().unwrap());
            }
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["public"]), None);
        assert_eq!(of(&["public, max-age=60, must-revalidate"]), Some(60));
        assert_eq!(of(&["Max-Age=\"60\""]), Some(60));
        assert_eq!(of(&["max-age=60, no-store"]), Some(0));
        assert_eq!(of(&["max-age=60", "no-cache"]), Some(0));
        assert_eq!(of(&["max-age=soon"]), Some(0));
        assert_eq!(of(&["max-age=60, max-age=5"]), Some(5));
    }

    #[test]
    fn only_a_bare_https_address_is_a_clients() {
        for good in ["https://a.example.org/jwks", "https://a.example.org:8443/j?k=1", "https://8.8.8.8/"] {
            assert!(read_uri(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example.org/jwks",
            "file:///etc/passwd",
            "ftp://a.example.org/",
            "https://u:p@a.example.org/",
            "https://a.example.org/#x",
            "https:///",
            "jwks",
            "",
        ] {
            assert!(read_uri(bad).is_err(), "{bad}");
        }
        assert!(read_uri(&format!("https://a.example.org/{}", "a".repeat(URI_BYTES_MAX))).is_err());
    }
}
