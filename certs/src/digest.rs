//! SHA-256, HMAC, comparison in constant time, and base64url.
//!
//! One digest on purpose: a second would need a reason, as the codes of authenticator apps are one.

use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use crate::{Error, Result};

/// SHA-256 (FIPS 180-4) of all bytes at once.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 of bytes that come in pieces.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Begins with nothing read.
    #[must_use]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Reads on.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything read.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        array(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

/// HMAC with SHA-256 (RFC 2104). Compare tags with [`equal`].
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    array(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

/// HMAC with SHA-1 (RFC 2104), for the codes of authenticator apps alone (RFC 6238): they know no other by heart, and there
/// nothing rests on collisions.
#[must_use]
pub fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    out.copy_from_slice(hmac::sign(&key, message).as_ref()); // the length is that of the algorithm
    out
}

/// Whether two secrets are equal, in a time that depends on their lengths alone.
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// base64url without padding (RFC 4648, 5).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url; padding, other alphabets and stray trailing bits are [`Error::Base64`], so each value has one spelling.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Base64)
}

/// The 32 bytes of a SHA-256 output.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes); // the length is that of the algorithm named above
    out
}

#[cfg(test)]
mod tests {
    use super::{Sha256, base64url, base64url_decode, equal, hmac_sha256, sha256};
    use crate::Error;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn sha256_agrees_with_the_vectors_of_fips_180() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(&sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let mut pieces = Sha256::new();
        for _ in 0..1_000 {
            pieces.update(&[b'a'; 1_000]);
        }
        assert_eq!(hex(&pieces.finish()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }

    #[test]
    fn hmac_agrees_with_the_vectors_of_rfc_4231() {
        assert_eq!(
            hex(&hmac_sha256(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn only_equal_bytes_are_equal() {
        assert!(equal(b"secret", b"secret"));
        assert!(!equal(b"secret", b"secres"));
        assert!(!equal(b"secret", b"secret "));
    }

    #[test]
    fn a_value_has_one_spelling() {
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(base64url_decode("-_8"), Ok(vec![0xfb, 0xff]));
        for other in ["-_9", "-_8=", "+/8", "-_8 ", "-_8\n"] {
            assert_eq!(base64url_decode(other), Err(Error::Base64));
        }
    }
}
