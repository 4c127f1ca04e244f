//! A file of messages: bare, concatenated, in batches (FHS, BHS), in MLLP frames, with any line ends.

use std::ops::Range;

/// Cuts a file into its messages, each from its `MSH` to the byte before what follows it.
///
/// Envelope segments (FHS, BHS, BTS, FTS) and frame bytes are no message and end the one before them.
pub fn messages(file: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut begun: Option<usize> = None;
    for line in lines(file) {
        let text = file.get(line.clone()).unwrap_or_default();
        let header = text.starts_with(b"MSH") && text.get(3).is_some_and(u8::is_ascii_punctuation);
        let envelope = [&b"FHS"[..], b"BHS", b"BTS", b"FTS"]
            .iter()
            .any(|name| text.starts_with(name) && text.get(3).is_none_or(u8::is_ascii_punctuation));
        if header || envelope {
            if let Some(from) = begun.take() {
                found.push(trimmed(file, from..line.start));
            }
            begun = header.then_some(line.start);
        }
    }
    if let Some(from) = begun {
        found.push(trimmed(file, from..file.len()));
    }
    found
}

/// The lines of a file, without the bytes of framing that may stand before their first letter.
fn lines(file: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = file.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr3(b'\r', b'\n', 0x1c, rest).unwrap_or(rest.len());
        let lead = rest.iter().take(length).take_while(|byte| matches!(byte, 0x0b | b' ' | b'\t' | 0xef | 0xbb | 0xbf));
        let line = at + lead.count()..at + length;
        at += length + 1;
        Some(line)
    })
}

/// Without framing and blank lines at its end; the last segment keeps its carriage return.
fn trimmed(file: &[u8], range: Range<usize>) -> &[u8] {
    let from = range.start;
    let mut message = file.get(range).unwrap_or_default();
    while let Some((last, before)) = message.split_last()
        && matches!(last, b'\r' | b'\n' | b' ' | 0x0b | 0x1c | 0x1a | 0)
    {
        message = before;
    }
    let end = from + message.len();
    let kept = if file.get(end) == Some(&b'\r') { end + 1 } else { end };
    file.get(from..kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_batched_and_framed_messages_are_found() {
        let one: &[u8] = b"MSH|^~\\&|A\rPID|1\r";
        assert_eq!(messages(b"MSH|^~\\&|A\rPID|1\rMSH|^~\\&|A\rPID|1\r"), [one, one]);
        assert_eq!(messages(b"FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|A\rPID|1\rBTS|1\rFTS|1\r"), [one]);
        assert_eq!(messages(b"\x0bMSH|^~\\&|A\rPID|1\r\x1c\r\x0bMSH|^~\\&|A\rPID|1\r\x1c\r"), [one, one]);
        assert_eq!(messages(b"MSH|^~\\&|A\nPID|1\n\n"), [&b"MSH|^~\\&|A\nPID|1"[..]]);
        assert!(messages(b"nothing here").is_empty());
    }
}
