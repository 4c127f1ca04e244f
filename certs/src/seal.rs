//! Sealed values: what we hand out and want back unread and unchanged (page links, cookies, rows at rest).
//!
//! AES-256-GCM with a random 96-bit nonce in front. A key may seal 2^32 values (NIST SP 800-38D, 8.3); whoever seals
//! more derives fresh keys with [`hkdf`]. The `aad` says what a value is for, and a value sealed for one use does not
//! open for another. Never tells why it refused.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use zeroize::Zeroize;

use crate::{Error, Result, random};

/// Bytes that sealing adds: the nonce before, the tag after.
pub const OVERHEAD_BYTES: usize = NONCE_LEN + 16;

/// A key that seals and opens. Has no way to be printed or copied out.
pub struct SealKey(LessSafeKey);

impl SealKey {
    /// Takes 256 secret bits.
    #[must_use]
    pub fn new(mut key: [u8; 32]) -> Self {
        // The only error is a wrong length, and the type has the right one.
        let unbound = UnboundKey::new(&AES_256_GCM, &key).expect("AES-256 takes 32 bytes");
        key.zeroize();
        Self(LessSafeKey::new(unbound))
    }

    /// Seals `plain` for the use that `aad` names. Two seals of one value differ.
    #[must_use]
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random::bytes();
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut sealed[NONCE_LEN..],
        );
        // The only error is a plaintext beyond 64 GiB, which does not fit into our bounds on anything.
        sealed.extend_from_slice(tag.expect("AES-GCM seals up to 64 GiB").as_ref());
        sealed
    }

    /// Opens what [`SealKey::seal`] made under this key and this `aad`; anything else is [`Error::Sealed`].
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Sealed)?;
        let mut plain = body.to_vec();
        let length = self.0.open_in_place(nonce, Aad::from(aad), &mut plain).map_err(|_| Error::Sealed)?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey")
    }
}

/// Another 256-bit key from `key`, for the use that `info` names (HKDF-SHA256 without salt, RFC 5869).
#[must_use]
pub fn hkdf(key: &[u8], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    // Errors only beyond 255 blocks of output; this is one.
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(key)
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out))
        .expect("HKDF gives 32 bytes");
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{OVERHEAD_BYTES, SealKey, hkdf};
    use crate::Error;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_no_single_changed_bit_does(
            key: [u8; 32], aad in prop::collection::vec(any::<u8>(), 0..40),
            plain in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index,
        ) {
            let key = SealKey::new(key);
            let sealed = key.seal(&aad, &plain);
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD_BYTES);
            prop_assert_eq!(key.open(&aad, &sealed).unwrap(), plain);
            let bit = at.index(sealed.len() * 8);
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(key.open(&aad, &changed), Err(Error::Sealed));
            prop_assert_eq!(key.open(&aad, &sealed[..at.index(sealed.len())]), Err(Error::Sealed));
            let mut other = aad.clone();
            other.push(0);
            prop_assert_eq!(key.open(&other, &sealed), Err(Error::Sealed));
        }
    }

    #[test]
    fn every_bit_of_a_sealed_value_counts() {
        let key = SealKey::new([7; 32]);
        let sealed = key.seal(b"page", b"a cursor");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(b"page", &changed), Err(Error::Sealed));
        }
        assert_eq!(SealKey::new([8; 32]).open(b"page", &sealed), Err(Error::Sealed));
    }

    #[test]
    fn one_value_never_seals_to_the_same_bytes() {
        let key = SealKey::new([7; 32]);
        assert_ne!(key.seal(b"", b"x"), key.seal(b"", b"x"));
    }

    #[test]
    fn openssl_opens_what_we_seal() {
        let sealed = SealKey::new([9; 32]).seal(b"for", b"hello");
        let (nonce, rest) = sealed.split_at(12);
        let (body, tag) = rest.split_at(rest.len() - 16);
        let cipher = openssl::symm::Cipher::aes_256_gcm();
        let plain = openssl::symm::decrypt_aead(cipher, &[9; 32], Some(nonce), b"for", body, tag).unwrap();
        assert_eq!(plain, b"hello");
    }

    #[test]
    fn hkdf_agrees_with_rfc_5869_test_case_3() {
        let hex: String = hkdf(&[0x0b; 22], b"").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
        assert_ne!(hkdf(b"key", b"pages"), hkdf(b"key", b"cookies"));
    }
}
