//! A client of HTTP/2 that writes its frames by hand (RFC 9113), in any order and with any fault.

use crate::http::Peer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
/// END_STREAM and END_HEADERS.
const WHOLE: u8 = 5;

/// One frame.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A whole request.
    pub fn headers(stream: u32, block: &[u8]) -> Frame {
        Frame { kind: HEADERS, flags: WHOLE, stream, payload: block.to_vec() }
    }

    /// Takes a request back.
    pub fn reset(stream: u32) -> Frame {
        Frame { kind: RESET, flags: 0, stream, payload: vec![0, 0, 0, 8] }
    }

    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.payload].concat()
    }
}

/// A header, spelt out (RFC 7541 section 6.2.2).
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        let length = text.len();
        match u8::try_from(length) {
            Ok(short @ 0..127) => bytes.push(short),
            Ok(_) | Err(_) => {
                let mut rest = length - 127;
                bytes.push(127);
                while rest >= 128 {
                    bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                bytes.push(u8::try_from(rest).unwrap());
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// A request's headers.
pub fn request(method: &str, path: &str, authority: &str, more: &[&Vec<u8>]) -> Vec<u8> {
    let first = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)];
    let mut block: Vec<u8> = first.iter().flat_map(|(name, value)| field(name, value)).collect();
    more.iter().for_each(|more| block.extend_from_slice(more));
    block
}

/// A connection.
pub struct Http2 {
    stream: TlsStream<TcpStream>,
}

impl Http2 {
    /// Connects and says what must be said first.
    pub async fn open(peer: &Peer) -> Http2 {
        let mut stream = peer.offer("h2").await.unwrap();
        let settings = Frame { kind: SETTINGS, flags: 0, stream: 0, payload: Vec::new() };
        stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings.bytes()].concat()).await.unwrap();
        Http2 { stream }
    }

    /// Asks, and the status of the answer where there is one: of those that stand in HPACK's table (200, 400, 404).
    pub async fn ask(&mut self, stream: u32, block: &[u8]) -> Option<u16> {
        self.stream.write_all(&Frame::headers(stream, block).bytes()).await.ok()?;
        self.stream.flush().await.ok()?;
        loop {
            let frame = self.next().await?;
            match frame.kind {
                HEADERS if frame.stream == stream => {
                    let first = frame.payload.into_iter().find(|byte| !(0x20..0x40).contains(byte))?;
                    return match first {
                        0x88 => Some(200),
                        0x8c => Some(400),
                        0x8d => Some(404),
                        other => panic!("an answer that begins with {other:#x}"),
                    };
                }
                RESET | GO_AWAY => return None,
                _other => {}
            }
        }
    }

    async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Sends so many turns of frames while reading what comes; whether the other side ended it.
    pub async fn flood(self, turns: u32, frames: &dyn Fn(u32) -> Vec<u8>) -> bool {
        let (read, mut write) = tokio::io::split(self.stream);
        let mut reading = tokio::spawn(async move {
            let (mut read, mut some) = (read, [0; 4096]);
            while matches!(read.read(&mut some).await, Ok(1..)) {}
        });
        for turn in 0..turns {
            if write.write_all(&frames(turn)).await.is_err() || reading.is_finished() {
                return true;
            }
        }
        tokio::select! {
            _ended = &mut reading => true,
            () = tokio::time::sleep(std::time::Duration::from_secs(40)) => {
                reading.abort();
                false
            }
        }
    }
}
