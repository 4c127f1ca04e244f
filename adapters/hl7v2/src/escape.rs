//! Escape sequences, decoded once, after splitting.

use std::borrow::Cow;

use crate::charset::Charset;
use crate::delimiters::Delimiters;

/// Text with its escapes decoded; the second is whether every sequence was known. Unknown ones stay as they came.
pub(crate) fn decode<'a>(text: &'a str, delimiters: &Delimiters, charset: Charset) -> (Cow<'a, str>, bool) {
    if delimiters.escape == 0 || memchr::memchr(delimiters.escape, text.as_bytes()).is_none() {
        return (Cow::Borrowed(text), true);
    }
    let mark = char::from(delimiters.escape);
    let (mut out, mut known, mut rest) = (String::with_capacity(text.len()), true, text);
    while let Some((before, after)) = rest.split_once(mark) {
        out.push_str(before);
        match after.split_once(mark) {
            Some((sequence, beyond)) if replace(&mut out, sequence, delimiters, charset) => rest = beyond,
            Some((_unknown, _beyond)) => {
                // Not a sequence: the mark is data, and what follows is looked at anew.
                known = false;
                out.push(mark);
                rest = after;
            }
            None => {
                known = false;
                out.push(mark);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    (Cow::Owned(out), known)
}

/// Writes what a sequence stands for; false when it is not one we know.
fn replace(out: &mut String, sequence: &str, delimiters: &Delimiters, charset: Charset) -> bool {
    let single = |byte: u8| char::from(byte);
    match sequence {
        "F" => out.push(single(delimiters.field)),
        "S" => out.push(single(delimiters.component)),
        "R" => out.push(single(delimiters.repetition)),
        "E" => out.push(single(delimiters.escape)),
        "T" => out.push(single(delimiters.subcomponent)),
        "P" => out.push(if delimiters.truncation == 0 { '#' } else { single(delimiters.truncation) }),
        "H" | "N" | ".fi" | ".nf" => {} // highlighting and filling: nothing to show in plain text
        ".br" | ".ce" => out.push('\n'),
        other => {
            if let Some(digits) = other.strip_prefix('X') {
                return hexadecimal(out, digits, charset);
            }
            return layout(out, other);
        }
    }
    true
}

fn hexadecimal(out: &mut String, digits: &str, charset: Charset) -> bool {
    let digits = digits.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| value(pair[0]) * 16 + value(pair[1])).collect();
    // A control character written as an escape is data, yet MLLP's own must not become real ones; nor is anything guessed.
    let (text, understood) = charset.decode(&bytes);
    let framing = text.contains(['\u{b}', '\u{1c}']);
    if understood && !framing {
        out.push_str(&text);
    }
    understood && !framing
}

/// Layout commands with a number: skipped lines, indents.
fn layout(out: &mut String, sequence: &str) -> bool {
    /// More lines or columns than a page has mean nothing.
    const COUNT_MAX: usize = 80;
    let (command, number) = match sequence.get(..3) {
        Some(command @ (".sp" | ".sk" | ".in" | ".ti")) => (command, sequence.get(3..).unwrap_or_default()),
        Some(_) | None => return false,
    };
    let number = number.trim().trim_start_matches('+');
    let count = if number.is_empty() { Some(1) } else { number.parse::<i32>().ok() };
    let Some(count) = count.map(|count| usize::try_from(count).unwrap_or(0).min(COUNT_MAX)) else {
        return false;
    };
    match command {
        ".sp" => out.extend(std::iter::repeat_n('\n', count)),
        ".sk" => out.extend(std::iter::repeat_n(' ', count)),
        _indent => {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> (String, bool) {
        let (text, known) = decode(text, &Delimiters::USUAL, Charset::Utf8);
        (text.into_owned(), known)
    }

    #[test]
    fn separators_come_back_as_characters() {
        assert_eq!(plain(r"a\F\b\S\c\T\d\R\e\E\f"), ("a|b^c&d~e\\f".into(), true));
    }

    #[test]
    fn bytes_are_decoded_in_the_charset_of_the_message() {
        assert_eq!(plain(r"\XC2B5\g"), ("µg".into(), true));
        assert_eq!(decode(r"\XB5\g", &Delimiters::USUAL, Charset::Latin1).0, "µg");
        assert_eq!(plain(r"\X0D\"), ("\r".into(), true));
    }

    #[test]
    fn unknown_and_unfinished_sequences_stay_as_they_came() {
        assert_eq!(plain(r"5\6"), (r"5\6".into(), false));
        assert_eq!(plain(r"a\Zfoo\b\F\"), (r"a\Zfoo\b|".into(), false));
        assert_eq!(plain(r"C:\dir\F\x"), (r"C:\dir|x".into(), false));
        assert_eq!(plain(r"\XZZ\"), (r"\XZZ\".into(), false));
        assert_eq!(plain(r"\XFC\"), (r"\XFC\".into(), false), "no character of UTF-8");
        assert_eq!(plain(r"1\X0B\2"), (r"1\X0B\2".into(), false), "what begins a frame");
    }

    #[test]
    fn layout_becomes_lines() {
        assert_eq!(plain(r"one\.br\two\.sp2\three\H\bold\N\"), ("one\ntwo\n\nthreebold".into(), true));
    }
}
