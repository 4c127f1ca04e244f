//! The escapes of a JSON string: decoded for readers, written by the writer (RFC 8259, section 7).

/// Decodes the inside of a string that the scanner has already accepted.
pub(crate) fn decode(inside: &[u8]) -> String {
    let mut out = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&letter, after)) = rest.split_first() else { break };
        rest = after;
        match letter {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let (scalar, after) = unicode(rest);
                rest = after;
                out.extend_from_slice(scalar.encode_utf8(&mut [0; 4]).as_bytes());
            }
            itself => out.push(itself),
        }
    }
    // The scanner checked the whole document as UTF-8, and every escape adds whole characters.
    String::from_utf8(out).unwrap_or_default()
}

/// The scalar behind `\u`, taking the second half of a pair with it.
fn unicode(rest: &[u8]) -> (char, &[u8]) {
    let Some((first, after)) = unit(rest) else { return (char::REPLACEMENT_CHARACTER, rest) };
    if !(0xD800..0xE000).contains(&first) {
        return (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), after);
    }
    let second = after.strip_prefix(b"\\u").and_then(unit);
    let Some((second, after)) = second else { return (char::REPLACEMENT_CHARACTER, after) };
    let scalar = 0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF);
    (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), after)
}

/// Four hexadecimal digits as one UTF-16 unit.
pub(crate) fn unit(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = bytes.split_at_checked(4)?;
    let mut unit = 0;
    for &digit in digits {
        unit = unit << 4 | char::from(digit).to_digit(16)?;
    }
    Some((unit, after))
}

/// Writes `text` between quotes, escaping what must be and nothing else.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}
