//! The character sets of MSH-18 (HL7 table 0211), decoded without ever losing a byte.
//!
//! A web browser's idea of ISO 8859-1 is Windows-1252, which is wrong for a laboratory: 8859/1, /9 and /11 are decoded by
//! their own tables here. What cannot be decoded is kept byte for byte as Latin-1 and reported.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::Encoding;

/// How a message's bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// ASCII and its superset UTF-8.
    Utf8,
    /// ISO 8859-1: every byte is its own code point.
    Latin1,
    /// ISO 8859-9: Latin-1 with six Turkish letters.
    Latin5,
    /// ISO 8859-11: Latin-1's lower half, Thai above.
    Thai,
    /// One that `encoding_rs` decodes as HL7 means it.
    Other(&'static Encoding),
}

impl Charset {
    /// The charset that a code of table 0211 names, common misspellings included; `None` for one we cannot read.
    pub(crate) fn named(code: &str) -> Option<Charset> {
        use Charset::Other;
        let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        Some(match plain.as_str() {
            "" | "ASCII" | "ISOIR6" | "UNICODEUTF8" | "UTF8" | "UNICODE" => Charset::Utf8,
            "88591" | "ISO88591" | "ISOIR100" | "LATIN1" => Charset::Latin1,
            "88599" | "ISO88599" | "ISOIR148" => Charset::Latin5,
            "885911" | "ISO885911" => Charset::Thai,
            "88592" | "ISO88592" | "ISOIR101" => Other(encoding_rs::ISO_8859_2),
            "88593" | "ISO88593" => Other(encoding_rs::ISO_8859_3),
            "88594" | "ISO88594" => Other(encoding_rs::ISO_8859_4),
            "88595" | "ISO88595" => Other(encoding_rs::ISO_8859_5),
            "88596" | "ISO88596" => Other(encoding_rs::ISO_8859_6),
            "88597" | "ISO88597" => Other(encoding_rs::ISO_8859_7),
            "88598" | "ISO88598" => Other(encoding_rs::ISO_8859_8),
            "885910" | "ISO885910" => Other(encoding_rs::ISO_8859_10),
            "885913" | "ISO885913" => Other(encoding_rs::ISO_8859_13),
            "885914" | "ISO885914" => Other(encoding_rs::ISO_8859_14),
            "885915" | "ISO885915" => Other(encoding_rs::ISO_8859_15),
            "885916" | "ISO885916" => Other(encoding_rs::ISO_8859_16),
            "WINDOWS1252" | "CP1252" | "WIN1252" => Other(encoding_rs::WINDOWS_1252),
            "GB180302000" | "GB18030" => Other(encoding_rs::GB18030),
            "BIG5" => Other(encoding_rs::BIG5),
            "KSX1001" => Other(encoding_rs::EUC_KR),
            "ISOIR14" | "ISOIR87" | "ISOIR159" | "ISOIR1487" => Other(encoding_rs::ISO_2022_JP),
            _unknown => return None,
        })
    }

    /// Decodes; the second is whether every byte was understood. What was not stays as Latin-1, byte for byte.
    pub(crate) fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        match self {
            Charset::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => (Cow::Borrowed(text), true),
                Err(_not) => (by_line(bytes), false),
            },
            Charset::Latin1 => (encoding_rs::mem::decode_latin1(bytes), true),
            Charset::Latin5 => (Cow::Owned(bytes.iter().map(|byte| latin5(*byte)).collect()), true),
            Charset::Thai => {
                let understood = !bytes.iter().any(|byte| matches!(byte, 0xdb..=0xde | 0xfc..=0xff));
                (Cow::Owned(bytes.iter().map(|byte| thai(*byte)).collect()), understood)
            }
            Charset::Other(encoding) => match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) => (text, true),
                None => (encoding_rs::mem::decode_latin1(bytes), false),
            },
        }
    }
}

impl Charset {
    /// Where the text of bytes stands that were not understood, in order. What stands there in ASCII was.
    pub(crate) fn doubtful(self, bytes: &[u8]) -> Vec<Range<usize>> {
        match self {
            Charset::Utf8 => {
                let mut at = 0;
                let line = |line| {
                    let doubtful = std::str::from_utf8(line).is_err();
                    let from = at;
                    at += if doubtful { encoding_rs::mem::decode_latin1(line).len() } else { line.len() };
                    doubtful.then_some(from..at)
                };
                lines(bytes).filter_map(line).collect()
            }
            Charset::Latin1 | Charset::Latin5 | Charset::Thai | Charset::Other(_) => {
                std::iter::once(0..usize::MAX).collect()
            }
        }
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n'))
}

/// UTF-8 where a segment is, Latin-1 where it is not: one bad segment must not spoil the others.
fn by_line(bytes: &[u8]) -> Cow<'_, str> {
    let mut text = String::with_capacity(bytes.len());
    for line in lines(bytes) {
        match std::str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_not) => text.push_str(&encoding_rs::mem::decode_latin1(line)),
        }
    }
    Cow::Owned(text)
}

fn latin5(byte: u8) -> char {
    match byte {
        0xd0 => 'Ğ',
        0xdd => 'İ',
        0xde => 'Ş',
        0xf0 => 'ğ',
        0xfd => 'ı',
        0xfe => 'ş',
        other => char::from(other),
    }
}

fn thai(byte: u8) -> char {
    match byte {
        0xa1..=0xda | 0xdf..=0xfb => char::from_u32(0x0e00 + u32::from(byte - 0xa0)).unwrap_or(char::from(byte)),
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_is_latin_1_and_not_windows() {
        assert_eq!(Charset::named("8859/1").map(|own| own.decode(b"\xb5\x80").0.into_owned()), Some("µ\u{80}".into()));
        assert_eq!(Charset::named("8859/9").map(|own| own.decode(b"\xdd\xfe\xc7").0.into_owned()), Some("İşÇ".into()));
        assert_eq!(Charset::named("8859/11").map(|own| own.decode(b"\xa1\xfb").0.into_owned()), Some("ก๛".into()));
    }

    #[test]
    fn misspelt_names_are_read_and_unknown_ones_are_not() {
        for name in ["UNICODE UTF-8", "UTF-8", "utf8", "", "ASCII"] {
            assert_eq!(Charset::named(name), Some(Charset::Utf8));
        }
        assert_eq!(Charset::named("8859-1"), Some(Charset::Latin1));
        assert_eq!(Charset::named("UNICODE UTF-16"), None, "not legal in MLLP");
    }

    #[test]
    fn a_trail_byte_that_looks_like_a_separator_is_none() {
        // The second byte of this Big5 character is 0x7c, a vertical bar.
        assert_eq!(Charset::named("BIG-5").map(|own| own.decode(b"\xa6\x7c|").0.into_owned()), Some("帆|".into()));
    }

    #[test]
    fn one_bad_segment_does_not_spoil_the_others() {
        let (text, understood) = Charset::Utf8.decode("PID|ñ\rOBX|".as_bytes());
        assert!(understood);
        assert_eq!(text, "PID|ñ\rOBX|");
        let (text, understood) = Charset::Utf8.decode(b"PID|\xc3\xb1\rOBX|\xb5g\r");
        assert!(!understood);
        assert_eq!(text, "PID|ñ\rOBX|µg\r");
        let doubtful = Charset::Utf8.doubtful(b"PID|\xc3\xb1\rOBX|\xb5g\r");
        assert_eq!(doubtful.iter().map(|range| text.get(range.clone())).collect::<Vec<_>>(), [Some("OBX|µg\r")]);
    }
}
