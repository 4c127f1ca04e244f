//! Randomness from aws-lc's generator, in the shapes we need: bytes, secret tokens, UUIDs.
//!
//! Without randomness no answer of ours is safe, so a failing generator ends the thread rather than returning an error.

use crate::digest::base64url;

/// Fills `out` with random bytes. Panics if the system has no randomness to give.
pub fn fill(out: &mut [u8]) {
    // Going on with predictable bytes would be worse than stopping; aws-lc itself aborts on most such failures.
    aws_lc_rs::rand::fill(out).expect("the system gives no randomness");
}

/// `N` random bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

/// A secret of 256 bits as 43 base64url characters: a session id, a code, a client secret.
#[must_use]
pub fn token() -> String {
    base64url(&bytes::<32>())
}

/// A random UUID, version 4 (RFC 9562, 5.4), lower case with hyphens.
#[must_use]
pub fn uuid_v4() -> String {
    uuid(bytes(), 4)
}

/// A UUID that sorts by time, version 7 (RFC 9562, 5.7); `now_ms` are milliseconds since 1970, a negative one counts as 0.
#[must_use]
pub fn uuid_v7(now_ms: i64) -> String {
    let mut raw: [u8; 16] = bytes();
    let time = u64::try_from(now_ms).unwrap_or(0).to_be_bytes();
    raw[..6].copy_from_slice(&time[2..]); // 48 bits last until the year 10889
    uuid(raw, 7)
}

/// Sets version and variant and writes the 36 characters.
fn uuid(mut raw: [u8; 16], version: u8) -> String {
    raw[6] = (raw[6] & 0x0f) | (version << 4);
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in raw.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for nibble in [byte >> 4, byte & 0x0f] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{bytes, token, uuid, uuid_v4, uuid_v7};

    #[test]
    fn version_7_carries_the_time_and_sorts_by_it() {
        // RFC 9562, appendix A.6: 2022-02-22T19:22:22Z.
        assert!(uuid_v7(0x017F_22E2_79B0).starts_with("017f22e2-79b0-7"));
        assert!(uuid_v7(1_000) < uuid_v7(2_000));
        assert!(uuid_v7(-5).starts_with("00000000-0000-7"));
    }

    #[test]
    fn version_and_variant_stand_where_the_rfc_wants_them() {
        assert_eq!(uuid([0xff; 16], 4), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16], 7), "00000000-0000-7000-8000-000000000000");
        assert_eq!(uuid_v4().len(), 36);
    }

    #[test]
    fn nothing_is_given_twice() {
        let mut tokens: Vec<String> = (0..1_000).map(|_| token()).collect();
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), 1_000);
        assert!(tokens.iter().all(|token| token.len() == 43));
        assert_ne!(bytes::<16>(), bytes::<16>());
    }
}
