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

/// A number and what it counts.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Writes a piece of a message: as it is, but for a person's eyes each segment on a line of its own.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn message(content: &[u8]) -> Result<(), String> {
    if !io::stdout().is_terminal() {
        return bytes(content);
    }
    bytes(&content.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect::<Vec<u8>>())
}

/// Writes bytes as they are, and for a person's eyes a line's end.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn document(content: &[u8]) -> Result<(), String> {
    bytes(content)?;
    if io::stdout().is_terminal() { bytes(b"\n") } else { Ok(()) }
}
