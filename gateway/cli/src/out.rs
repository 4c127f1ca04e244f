//! Standard output, with its errors: a full disk or a closed pipe is told, not ignored.

use std::io::{self, IsTerminal, Write};

/// Writes bytes as they are.
///
/// # Errors
/// One sentence. A reader that went away (`| head`) is none: the process then ends quietly.
pub(crate) fn bytes(content: &[u8]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(content).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(why) => Err(format!("standard output cannot be written ({why}); make room, or send it elsewhere")),
    }
}

/// Writes a line.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn line(text: &str) -> Result<(), String> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes bytes as they are, and for a person's eyes a line's end.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn document(content: &[u8]) -> Result<(), String> {
    bytes(content)?;
    if io::stdout().is_terminal() { bytes(b"\n") } else { Ok(()) }
}
