//! Passwords, kept as argon2id hashes.
//!
//! Each call takes some 30 ms and 19 MiB on purpose: run it off the async threads and few at a time. For a user who
//! does not exist, verify against [`DUMMY`], so that the answer takes as long. Never normalises or trims a password.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::{Error, Result, random};

/// Memory in KiB: 19 MiB with two passes and one lane, as OWASP's password storage sheet has it.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes; one, because servers have other work for their cores.
const LANES: u32 = 1;
/// Bytes of a password: long passphrases fit (NIST SP 800-63B wants at least 64), and hashing stays bounded.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Stored hashes that ask for more memory or passes than this were not made by us and are not computed.
const COST_MAX: (u32, u32, u32) = (256 * 1024, 10, 8);

/// The hash of 256 random bits that nobody kept, at today's cost: [`verify`] against it takes its time and says no.
pub const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$v7wRaStBbsNLSKhSFj4G8w$3NfEb8VLxyKUtN49l0/pkpzIoSYFbtvbWZiFi0QNZDU";

/// Hashes a password with a fresh salt, as a PHC string (`$argon2id$v=19$...`). Blocks for some 30 ms.
///
/// [`Error::PasswordSize`] beyond [`PASSWORD_BYTES_MAX`].
pub fn hash(password: &str) -> Result<String> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Error::PasswordSize);
    }
    let salt: [u8; 16] = random::bytes();
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(|_| Error::Library)?;
    Ok(hash.to_string())
}

/// Whether the password is the one behind this PHC string. Blocks for some 30 ms. An unreadable string is a no.
#[must_use]
pub fn verify(password: &str, phc: &str) -> bool {
    let (Ok(argon2), Some(hash)) = (argon2(), read(phc)) else { return false };
    password.len() <= PASSWORD_BYTES_MAX && argon2.verify_password(password.as_bytes(), &hash).is_ok()
}

/// Whether it is no hash of today's cost, or none at all.
#[must_use]
pub fn is_outdated(phc: &str) -> bool {
    read(phc)
        .and_then(|hash| Params::try_from(&hash).ok())
        .is_none_or(|params| (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES))
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).map_err(|_| Error::Library)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A PHC string of argon2id whose cost we are willing to pay.
fn read(phc: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(phc).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let (memory, passes, lanes) = COST_MAX;
    let affordable = params.m_cost() <= memory && params.t_cost() <= passes && params.p_cost() <= lanes;
    (affordable && hash.algorithm.as_str() == "argon2id").then_some(hash)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{
        Algorithm, Argon2, DUMMY, PASSWORD_BYTES_MAX, Params, PasswordHasher, Version, hash, is_outdated, read, verify,
    };
    use crate::Error;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse", &stored));
        for other in ["correct hors", "correct horse ", "Correct horse", ""] {
            assert!(!verify(other, &stored));
        }
        assert_ne!(hash("correct horse").unwrap(), stored);
        assert!(!is_outdated(&stored));
    }

    #[test]
    fn argon2id_agrees_with_the_reference_implementation() {
        // phc-winner-argon2, test.c: argon2id, v=19, t=2, m=2^16 KiB, p=1, "password", "somesalt".
        assert!(verify(
            "password",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
        ));
    }

    #[test]
    fn argon2id_agrees_with_rfc_9106() {
        // RFC 9106, 5.3.
        let params = argon2::ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
        let mut tag = [0; 32];
        argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
    }

    #[test]
    fn the_dummy_costs_what_a_real_hash_costs_and_fits_nothing() {
        let params = Params::try_from(&read(DUMMY).unwrap()).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (super::MEMORY_KIB, super::PASSES, super::LANES)
        );
        assert!(["", "password", "dummy", DUMMY].iter().all(|guess| !verify(guess, DUMMY)));
    }

    #[test]
    fn strange_and_ruinous_hashes_are_a_no() {
        let tail = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for phc in [
            String::new(),
            "password".to_owned(),
            "$argon2id$".to_owned(),
            format!("$argon2id$v=19$m=4294967295,t=2,p=1${tail}"),
            format!("$argon2id$v=19$m=65536,t=4294967295,p=1${tail}"),
            format!("$argon2i$v=19$m=65536,t=2,p=1${tail}"),
            format!("$argon2d$v=19$m=65536,t=2,p=1${tail}"),
            format!("$scrypt$v=19$m=65536,t=2,p=1${tail}"),
        ] {
            assert!(!verify("password", &phc), "{phc}");
            assert!(is_outdated(&phc), "{phc}");
        }
    }

    #[test]
    fn a_right_password_does_not_excuse_another_algorithm_or_a_ruinous_cost() {
        let made = |algorithm, memory, passes| {
            let argon2 = Argon2::new(algorithm, Version::V0x13, Params::new(memory, passes, 1, Some(32)).unwrap());
            argon2.hash_password_with_salt(b"password", b"somesalt").unwrap().to_string()
        };
        assert!(verify("password", &made(Algorithm::Argon2id, 64, 10)));
        assert!(!verify("password", &made(Algorithm::Argon2id, 64, 11)));
        assert!(!verify("password", &made(Algorithm::Argon2id, 256 * 1024 + 8, 1)));
        assert!(!verify("password", &made(Algorithm::Argon2i, 64, 2)));
        assert!(!verify("password", &made(Algorithm::Argon2d, 64, 2)));
    }

    #[test]
    fn a_password_beyond_the_bound_is_refused() {
        assert_eq!(hash(&"x".repeat(PASSWORD_BYTES_MAX + 1)), Err(Error::PasswordSize));
        assert!(!verify(&"x".repeat(PASSWORD_BYTES_MAX + 1), DUMMY));
        let long = "x".repeat(PASSWORD_BYTES_MAX);
        assert!(verify(&long, &hash(&long).unwrap()));
    }
}
