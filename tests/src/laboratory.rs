//! A laboratory: HL7 v2 over MLLP, one connection, in order.
//!
//! Says what it is told to say, well formed or not, and never judges the answer.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an acknowledgement may take.
const ACK_MAX: Duration = Duration::from_secs(60);

/// A connection to a link.
pub struct Laboratory {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Laboratory {
    /// Connects.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn connect(link: SocketAddr) -> Result<Laboratory> {
        let stream = TcpStream::connect(link).await?;
        stream.set_nodelay(true)?;
        Ok(Laboratory { stream, read: Vec::new() })
    }

    /// Sends a message in its frame and waits for what comes back, without its frame.
    ///
    /// # Errors
    /// What the socket says; the end of the connection before an answer is `UnexpectedEof`.
    pub async fn send(&mut self, message: &str) -> Result<String> {
        self.write(&frame(message)).await?;
        self.answer().await
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next answer, without its frame.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn answer(&mut self) -> Result<String> {
        let exchange = async {
            loop {
                if let Some(end) = self.read.windows(2).position(|two| two == b"\x1c\r") {
                    let framed: Vec<u8> = self.read.drain(..end + 2).collect();
                    let text = framed.strip_prefix(b"\x0b").ok_or_else(|| Error::other("no start of a block"))?;
                    return Ok(String::from_utf8_lossy(&text[..text.len() - 2]).into_owned());
                }
                if self.stream.read_buf(&mut self.read).await? == 0 {
                    return Err(Error::from(ErrorKind::UnexpectedEof));
                }
            }
        };
        timeout(ACK_MAX, exchange).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
    }
}

/// A message between MLLP's marks.
pub fn frame(message: &str) -> Vec<u8> {
    [b"\x0b", message.as_bytes(), b"\x1c\r"].concat()
}

/// MSA-1 of an acknowledgement.
pub fn verdict(ack: &str) -> Option<&str> {
    let msa = ack.split('\r').find(|segment| segment.starts_with("MSA|"))?;
    msa.split('|').nth(1)
}

/// Whom a result is about, as the laboratory writes it.
#[derive(Debug, Clone)]
pub struct About {
    /// PID-3.1, the record number, and PID-3.4, who gave it.
    pub number: (String, String),
    /// PID-5: family name and given name.
    pub name: (String, String),
    /// PID-7: `YYYYMMDD`.
    pub birth_date: String,
    /// PID-8.
    pub sex: char,
}

/// A result of one test (ORU^R01 of 2.5.1), with `value` as its text, found again by its control id and numbers.
pub fn result(control: &str, about: &About, value: &str) -> String {
    version(control, &Version { of: control, status: 'F', minute: 15 }, about, value)
}

/// Which version of which result a message holds.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// The number that all versions share, behind `P` as the placer's and behind `F` as the filler's.
    pub of: &'a str,
    /// OBX-11: `F` for a first one, `C` for a correction.
    pub status: char,
    /// The minute of the hour in which it was reported and sent.
    pub minute: u32,
}

/// One version of a result.
pub fn version(control: &str, version: &Version<'_>, about: &About, value: &str) -> String {
    let Version { of, status, minute } = version;
    let ((number, authority), (family, given)) = (&about.number, &about.name);
    [
        format!("MSH|^~\\&|LAB|LABFAC|SLUICE|HOSP|2026112010{minute:02}00-0500||ORU^R01^ORU_R01|{control}|P|2.5.1"),
        format!("PID|1||{number}^^^{authority}^MR||{family}^{given}||{}|{}", about.birth_date, about.sex),
        format!("ORC|RE|P{of}^HIS|F{of}^LAB"),
        format!(
            "OBR|1|P{of}^HIS|F{of}^LAB|2345-7^Glucose^LN|||20261120090000-0500|||||||||||||||2026112010{minute:02}00-0500||LAB|{status}"
        ),
        format!("OBX|1|ST|2345-7^Glucose^LN||{value}||||||{status}|||20261120090000-0500"),
        String::new(),
    ]
    .join("\r")
}
