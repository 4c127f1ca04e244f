//! HTTP/1.1 over TLS, small enough that every byte that was sent and received can be looked at.
//!
//! Never pools, retries, follows or decodes anything. A connection of which the other side said `close` is made anew for the
//! next request.

use certs::client_tls;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// How long an answer may take; a gateway that is slower has failed.
const ANSWER_MAX: Duration = Duration::from_secs(90);
/// The head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Where a gateway listens, and whom to trust there.
#[derive(Clone)]
pub struct Peer {
    address: SocketAddr,
    /// Scheme, host and port under which it knows itself.
    pub origin: String,
    tls: Arc<ClientConfig>,
}

impl Peer {
    /// The gateway at `address` that calls itself `origin` and whose certificate the authority `ca_pem` signed.
    pub fn new(address: SocketAddr, origin: &str, ca_pem: &str) -> Peer {
        let tls = client_tls::config(Some(ca_pem), None).unwrap();
        Peer { address, origin: origin.to_owned(), tls }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new connection.
    ///
    /// # Errors
    /// What the socket or the handshake says.
    pub async fn connect(&self) -> Result<Connection> {
        self.connect_from(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// A new connection from another address of this machine: limits are kept by address.
    ///
    /// # Errors
    /// What the socket or the handshake says.
    pub async fn connect_from(&self, from: SocketAddr) -> Result<Connection> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(from)?;
        let socket = socket.connect(self.address).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(Error::other)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, socket).await?;
        let host = self.host().to_owned();
        Ok(Connection { stream, read: Vec::new(), host, peer: self.clone(), closes: false })
    }

    /// A handshake that offers this protocol alone, and nothing after it.
    ///
    /// # Errors
    /// What the socket or the handshake says.
    pub async fn offer(&self, protocol: &str) -> Result<TlsStream<TcpStream>> {
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("localhost").map_err(Error::other)?;
        TlsConnector::from(Arc::new(tls)).connect(name, TcpStream::connect(self.address).await?).await
    }

    /// What stands in `Host`.
    pub fn host(&self) -> &str {
        self.origin.strip_prefix("https://").unwrap_or(&self.origin)
    }
}

/// One connection, kept alive as long as the other side likes.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
    host: String,
    peer: Peer,
    /// The last answer said that none would follow.
    closes: bool,
}

/// An answer as it came.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Status line and headers, byte for byte.
    pub head: Vec<u8>,
    /// Names in lower case, and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    /// What stands in `Host`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A request with `Host`, these headers and this body; `target` is path and query.
    ///
    /// # Errors
    /// What the socket says, or that the answer is no HTTP/1.1 with a length.
    pub async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer> {
        if self.closes {
            *self = self.peer.connect().await?;
        }
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let bytes = [head.as_bytes(), body.unwrap_or_default()].concat();
        self.exchange(&bytes, method == "HEAD").await
    }

    /// Any bytes at all, and the answer to them; `bare` when it comes without a body (HEAD).
    ///
    /// # Errors
    /// As for [`Connection::send`].
    pub async fn exchange(&mut self, request: &[u8], bare: bool) -> Result<Answer> {
        let exchange = async {
            self.write(request).await?;
            self.answer(bare).await
        };
        timeout(ANSWER_MAX, exchange).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
    }

    /// Writes bytes and waits for nothing.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next answer on this connection.
    ///
    /// # Errors
    /// As for [`Connection::send`].
    pub async fn answer(&mut self, bare: bool) -> Result<Answer> {
        let mut answer = self.head().await?;
        if !bare && !matches!(answer.status, 100..=199 | 204 | 304) {
            self.body(&mut answer).await?;
        }
        Ok(answer)
    }

    /// Status line and headers of the next answer, as soon as they are there.
    ///
    /// # Errors
    /// As for [`Connection::send`].
    pub async fn head(&mut self) -> Result<Answer> {
        let end = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if self.read.len() > HEAD_BYTES_MAX => return Err(Error::other("a head without an end")),
                None => self.more().await?,
            }
        };
        let answer = read_head(self.read.drain(..end).collect())?;
        self.closes = answer.header("connection") == Some("close");
        Ok(answer)
    }

    /// The body that follows a head.
    ///
    /// # Errors
    /// As for [`Connection::send`].
    pub async fn body(&mut self, answer: &mut Answer) -> Result<()> {
        let length = answer.header("content-length").and_then(|length| length.parse::<usize>().ok());
        let length = length.ok_or_else(|| Error::other("an answer without a length"))?;
        while self.read.len() < length {
            self.more().await?;
        }
        answer.body = self.read.drain(..length).collect();
        Ok(())
    }

    async fn more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        Ok(())
    }
}

fn read_head(head: Vec<u8>) -> Result<Answer> {
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|rest| rest.get(..3));
    let status = status.and_then(|status| status.parse().ok()).ok_or_else(|| Error::other("no HTTP/1.1 answer"))?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Ok(Answer { status, head, headers, body: Vec::new() })
}
