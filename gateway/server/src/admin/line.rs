//! The lines that go over the admin socket: JSON, one object each, bounded both ways.
//!
//! One command a connection. It is answered by lines of bytes and closed by an end or by the one sentence why not.

use super::PIECE_BYTES_MAX;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of a line: a piece in base64, and what stands around it.
const LINE_BYTES_MAX: usize = PIECE_BYTES_MAX / 3 * 4 + 1024;

/// One line of an answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Told {
    /// A piece of it, base64.
    Bytes(String),
    /// That was all.
    End,
    /// It could not be answered, and why.
    Failed(String),
}

impl Told {
    pub(super) fn piece(bytes: &[u8]) -> Told {
        Told::Bytes(STANDARD.encode(bytes))
    }
}

/// A piece's bytes.
pub(super) fn bytes(piece: &str) -> io::Result<Vec<u8>> {
    STANDARD.decode(piece).map_err(|_| odd())
}

/// Writes a line.
pub(super) async fn write(to: &mut (impl AsyncWrite + Unpin), told: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(told).map_err(|_| odd())?;
    line.push(b'\n');
    to.write_all(&line).await
}

/// Reads a line; nothing at the end.
pub(super) async fn read<T: DeserializeOwned>(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let read = from.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(odd());
    }
    serde_json::from_slice(&line).map(Some).map_err(|_| odd())
}

/// Without what was read: it may be anything.
fn odd() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line that is none of this protocol")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::admin::Command;

    #[tokio::test]
    async fn a_line_is_read_as_it_was_written_and_the_largest_piece_fits() {
        let told = Told::piece(&[0xff; PIECE_BYTES_MAX]);
        let mut wire = Vec::new();
        write(&mut wire, &told).await.unwrap();
        write(&mut wire, &Told::End).await.unwrap();
        let mut from = wire.as_slice();
        let Some(Told::Bytes(piece)) = read(&mut from).await.unwrap() else { panic!() };
        assert_eq!(bytes(&piece).unwrap(), [0xff; PIECE_BYTES_MAX]);
        assert_eq!(read::<Told>(&mut from).await.unwrap(), Some(Told::End));
        assert_eq!(read::<Told>(&mut from).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_command_or_too_long_is_refused() {
        let long = format!("{{\"ask\":\"journal-list\",\"state\":\"{}\"}}\n", "x".repeat(LINE_BYTES_MAX));
        for odd in [
            "{}\n",
            "{\"ask\":\"open\"}\n",
            "{\"ask\":\"status\"",
            "{\"ask\":\"journal-show\",\"sequence\":1,\"raw\":true}\n",
            &long,
        ] {
            assert!(read::<Command>(&mut odd.as_bytes()).await.is_err(), "{odd:.40}");
        }
        let asked = read::<Command>(&mut &b"{\"ask\":\"journal-show\",\"sequence\":1}\n"[..]).await.unwrap();
        assert!(asked == Some(Command::JournalShow { sequence: 1 }));
    }
}
