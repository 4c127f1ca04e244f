//! Finding canaries: in the bytes themselves, in base64 within them, and in gzip within that.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::GzDecoder;
use std::collections::HashSet;
use std::io::Read;

/// A canary's digits as a number.
pub type Canary = u128;

/// The shortest run of letters that is tried as base64: a canary's own 36 letters take 48.
const BASE64_LETTERS_MIN: usize = 16;
/// Bytes that are unpacked of one run.
const UNPACKED_MAX: u64 = 1024 * 1024;

/// Decodes whatever of a run can be decoded: its last bits may belong to something else.
const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const LOOSE_URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Every canary in some bytes; one that was cut short is told by what is left of it.
pub fn canaries(bytes: &[u8], found: &mut impl FnMut(Result<Canary, String>)) {
    plain(bytes, found);
    if bytes.windows(2).any(|two| two == b"\\u")
        && let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes)
    {
        plain(value.to_string().as_bytes(), found);
    }
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    for run in bytes.split(|byte| !letter(byte)).filter(|run| run.len() >= BASE64_LETTERS_MIN) {
        decoded(run, found);
    }
}

fn decoded(run: &[u8], found: &mut impl FnMut(Result<Canary, String>)) {
    let run: Vec<u8> = run.iter().copied().filter(|byte| *byte != b'=').collect();
    // Four letters make three bytes; a lone last letter says nothing.
    let run = if run.len() % 4 == 1 { &run[..run.len() - 1] } else { &run[..] };
    let Ok(bytes) = LOOSE.decode(run).or_else(|_| LOOSE_URL.decode(run)) else { return };
    plain(&bytes, found);
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        if GzDecoder::new(bytes.as_slice()).take(UNPACKED_MAX).read_to_end(&mut unpacked).is_ok() {
            plain(&unpacked, found);
        }
    }
}

/// A canary that was cut short still says whose it is and which. Fewer digits stand in the random letters of a sealed page
/// link by chance, once in some ten thousand links.
const PART_DIGITS_MIN: usize = 8;

fn plain(bytes: &[u8], found: &mut impl FnMut(Result<Canary, String>)) {
    for at in memchr::memmem::find_iter(bytes, b"cnry") {
        let digits = &bytes[at + 4..];
        let length = digits.iter().take(32).take_while(|digit| digit.is_ascii_hexdigit()).count();
        let text = String::from_utf8_lossy(&digits[..length]);
        if length < PART_DIGITS_MIN {
            continue;
        }
        found(match length {
            32 => Ok(u128::from_str_radix(&text, 16).unwrap()),
            _ => Err(text.into_owned()),
        });
    }
}

/// The first canary in an answer that is not among those allowed and was not in the question.
pub fn foreign(bytes: &[u8], allowed: &HashSet<Canary>, question: &str) -> Option<String> {
    let mut first = None;
    canaries(bytes, &mut |canary| {
        let spelled = match &canary {
            Ok(whole) if allowed.contains(whole) => return,
            Ok(whole) => format!("{whole:032x}"),
            Err(part) => part.clone(),
        };
        if first.is_none() && !question.contains(&format!("cnry{spelled}")) {
            first = Some(spelled);
        }
    });
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::canary;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn finds(bytes: &[u8]) -> bool {
        foreign(bytes, &HashSet::new(), "").is_some()
    }

    #[test]
    fn a_canary_is_found_wherever_it_hides() {
        let canary = canary(1, 2, 3);
        assert!(finds(canary.as_bytes()));
        assert!(finds(&canary.as_bytes()[..20]));
        for shift in ["", "a", "ab"] {
            let hidden = STANDARD_NO_PAD.encode(format!("{shift}{canary} and more"));
            assert!(finds(format!("{{\"data\":\"{hidden}\"}}").as_bytes()), "{shift}");
            assert!(finds(URL_SAFE_NO_PAD.encode(format!("{shift}{canary}\u{ff}")).as_bytes()), "{shift}");
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(canary.as_bytes()).unwrap();
        assert!(finds(STANDARD_NO_PAD.encode(packed.finish().unwrap()).as_bytes()));
        assert!(finds(format!("\"\\u0063{}\"", &canary[1..]).as_bytes()));
        assert!(!finds(b"nothing at all, not even with many-letters-in-a-run"));
    }

    #[test]
    fn what_is_allowed_or_was_asked_is_not_foreign() {
        let canary = canary(1, 2, 3);
        let number = u128::from_str_radix(&canary[4..], 16).unwrap();
        assert_eq!(foreign(canary.as_bytes(), &HashSet::from([number]), ""), None);
        assert_eq!(foreign(canary.as_bytes(), &HashSet::new(), &format!("/fhir/Patient/{canary}")), None);
    }
}
