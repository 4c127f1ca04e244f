//! Proof Key for Code Exchange (RFC 7636), S256 only.

use crate::ports::Crypto;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Whether the text has the form of a challenge or a verifier: 43 to 128 unreserved characters.
pub(crate) fn well_formed(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// Whether the verifier is the one that the challenge was made from.
pub(crate) fn holds(crypto: &impl Crypto, verifier: &str, challenge: &str) -> bool {
    let made = URL_SAFE_NO_PAD.encode(crypto.sha256(verifier.as_bytes()));
    well_formed(verifier) && crypto.equal(made.as_bytes(), challenge.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Trial;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_holds() {
        assert!(holds(&Trial::default(), VERIFIER, CHALLENGE));
    }

    #[test]
    fn the_challenge_itself_proves_nothing() {
        assert!(!holds(&Trial::default(), CHALLENGE, CHALLENGE));
        assert!(!holds(&Trial::default(), "", CHALLENGE));
    }

    #[test]
    fn a_short_or_odd_verifier_is_none() {
        assert!(!well_formed(&"a".repeat(42)));
        assert!(well_formed(&"a".repeat(128)));
        assert!(!well_formed(&"a".repeat(129)));
        assert!(!well_formed(&format!("{}+", "a".repeat(50))));
    }
}
