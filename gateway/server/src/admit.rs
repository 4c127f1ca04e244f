//! Rate limits, applied once we know who asks and why.
//!
//! Keyed by client and purpose, so that one app's job cannot starve a clinician. Holds no health data. The number of keys
//! is bounded; past it, new ones wait.

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use privacy::{Kind, Principal, Purpose, Refusal};
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Requests a second for one client, grant and purpose.
const GRANT_PER_S: NonZeroU32 = NonZeroU32::new(200).expect("not zero");
/// Requests at once before that rate bears.
const GRANT_BURST: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");
/// Sign-ins a minute from one address or for one account.
const LOGIN_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
/// Keys that a limiter holds at most (about 100 bytes each).
const KEYS_MAX: usize = 100_000;

/// The limiters.
pub struct Limits {
    grants: DefaultKeyedRateLimiter<(String, Purpose)>,
    logins: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            grants: DefaultKeyedRateLimiter::keyed(Quota::per_second(GRANT_PER_S).allow_burst(GRANT_BURST)),
            logins: DefaultKeyedRateLimiter::keyed(Quota::per_minute(LOGIN_PER_MINUTE)),
            clock: DefaultClock::default(),
        }
    }
}

impl Limits {
    /// Not too often?
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn request(&self, principal: &Principal) -> Result<(), Refusal> {
        check(&self.grants, &(principal.grant.clone(), principal.purpose), &self.clock)
    }

    /// May a sign-in be tried from this address for this account?
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn login(&self, remote: IpAddr, username: &str) -> Result<(), Refusal> {
        check(&self.logins, &format!("address {remote}"), &self.clock)?;
        check(&self.logins, &format!("account {}", username.to_lowercase()), &self.clock)
    }

    /// May the code of a second factor be tried from this address? Those of one account are counted where they are kept.
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn code(&self, remote: IpAddr) -> Result<(), Refusal> {
        check(&self.logins, &format!("address {remote}"), &self.clock)
    }

    /// Forgets keys that have not been used for a while; called by a timer.
    pub fn tidy(&self) {
        self.grants.retain_recent();
        self.grants.shrink_to_fit();
        self.logins.retain_recent();
        self.logins.shrink_to_fit();
    }
}

fn check<K: std::hash::Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
    clock: &DefaultClock,
) -> Result<(), Refusal> {
    if limiter.len() >= KEYS_MAX {
        limiter.retain_recent();
        if limiter.len() >= KEYS_MAX {
            return Err(throttled(60));
        }
    }
    limiter.check_key(key).map_err(|until| {
        let seconds = until.wait_time_from(clock.now()).as_secs().saturating_add(1);
        throttled(u32::try_from(seconds).unwrap_or(60))
    })
}

fn throttled(seconds: u32) -> Refusal {
    Refusal::new(Kind::Throttled, "Too many requests; wait as long as Retry-After says.").retry_after(seconds)
}
