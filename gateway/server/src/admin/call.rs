//! Asking a running gateway from a command: the other end of its admin socket.

use super::line::{Told, bytes, read, write};
use super::{Command, socket};
use std::io;
use std::path::Path;
use tokio::io::BufReader;
use tokio::net::UnixStream;

/// A question that a running gateway is answering.
pub struct Call {
    answer: BufReader<UnixStream>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The gateway cannot be reached, though its socket is there.
    #[error("the gateway that runs on this data folder cannot be asked ({0}); run this as the user that it runs as")]
    Unreachable(io::Error),
    /// It broke off.
    #[error("the gateway broke off ({0}); look at its log")]
    BrokeOff(io::Error),
    /// It said why not.
    #[error("{0}")]
    Failed(String),
}

impl Call {
    /// Asks the gateway that runs on this data folder; `None` when none does.
    ///
    /// # Errors
    /// `Unreachable`.
    pub async fn ask(data: &Path, command: &Command) -> Result<Option<Call>, CallError> {
        let mut stream = match socket::connect(data).await {
            Ok(stream) => stream,
            // No socket, or one that a process left behind when it was killed.
            Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            Err(why) => return Err(CallError::Unreachable(why)),
        };
        write(&mut stream, command).await.map_err(CallError::Unreachable)?;
        Ok(Some(Call { answer: BufReader::new(stream) }))
    }

    /// The next piece of the answer; `None` when that was all.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        match read(&mut self.answer).await.map_err(CallError::BrokeOff)? {
            Some(Told::Bytes(piece)) => bytes(&piece).map(Some).map_err(CallError::BrokeOff),
            Some(Told::End) => Ok(None),
            Some(Told::Failed(why)) => Err(CallError::Failed(why)),
            None => Err(CallError::BrokeOff(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}
