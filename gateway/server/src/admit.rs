//! Rate limits, applied once we know who asks and why.
//!
//! Keyed by grant (by client where it acts for itself) and purpose, so that one app's job cannot starve a clinician. Holds
//! no health data. The number of keys is bounded; past it everyone waits until some are forgotten.

use crate::places::neighbourhood;
use governor::NotUntil;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota};
use moka::sync::Cache;
use privacy::{Kind, Principal, Purpose, Refusal};
use smart::Account;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// Requests a second for one client, grant and purpose.
const GRANT_PER_S: NonZeroU32 = NonZeroU32::new(200).expect("not zero");
/// Requests at once before that rate bears.
const GRANT_BURST: NonZeroU32 = NonZeroU32::new(1_000).expect("not zero");
/// Sign-ins a minute from one network.
const NETWORK_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("not zero");
/// Sign-ins at once for one account from one network, and the time after which it may be one more. However long it goes on, it
/// is far from the account's own bound, so its owner elsewhere is not kept out.
const ACCOUNT_NEARBY_BURST: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
const ACCOUNT_NEARBY_EVERY: Duration = Duration::from_secs(30);
/// Sign-ins an hour for one account from wherever: those who guess from many networks get no further.
const ACCOUNT_PER_HOUR: NonZeroU32 = NonZeroU32::new(600).expect("not zero");
/// Times at once that an app may fail to prove itself from one network, and the time after which it may be one more.
const UNPROVEN_BURST: NonZeroU32 = NonZeroU32::new(20).expect("not zero");
const UNPROVEN_EVERY: Duration = Duration::from_secs(30);
/// Bytes of a client id that is counted by itself; longer ones, which nobody has, are counted together.
const CLIENT_ID_BYTES_MAX: usize = 128;
/// Launches a minute that may be begun from one network: each keeps a flow on the disk for ten minutes.
const LAUNCHES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(1_200).expect("not zero");
/// Launches a second that may be begun from wherever.
const LAUNCHES_PER_S: NonZeroU32 = NonZeroU32::new(200).expect("not zero");
/// Apps an hour that register themselves, or change that, from one network.
const REGISTRATIONS_PER_HOUR: NonZeroU32 = NonZeroU32::new(30).expect("not zero");
/// The same from all networks together.
const ALL_REGISTRATIONS_PER_HOUR: NonZeroU32 = NonZeroU32::new(300).expect("not zero");
/// Keys that a limiter holds at most (about 100 bytes each).
const KEYS_MAX: usize = 100_000;

/// The limiters.
pub struct Limits {
    grants: DefaultKeyedRateLimiter<(String, Purpose)>,
    records: DefaultKeyedRateLimiter<String>,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    accounts_nearby: DefaultKeyedRateLimiter<(String, IpAddr)>,
    accounts: DefaultKeyedRateLimiter<String>,
    unproven: DefaultKeyedRateLimiter<(String, IpAddr)>,
    shut_out: Cache<(String, IpAddr), ()>,
    launches_nearby: DefaultKeyedRateLimiter<IpAddr>,
    launches: DefaultKeyedRateLimiter<()>,
    registrations_nearby: DefaultKeyedRateLimiter<IpAddr>,
    registrations: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            grants: DefaultKeyedRateLimiter::keyed(Quota::per_second(GRANT_PER_S).allow_burst(GRANT_BURST)),
            records: DefaultKeyedRateLimiter::keyed(Quota::per_second(NonZeroU32::MIN)),
            networks: DefaultKeyedRateLimiter::keyed(Quota::per_minute(NETWORK_PER_MINUTE)),
            accounts_nearby: DefaultKeyedRateLimiter::keyed(slowly(ACCOUNT_NEARBY_BURST, ACCOUNT_NEARBY_EVERY)),
            accounts: DefaultKeyedRateLimiter::keyed(Quota::per_hour(ACCOUNT_PER_HOUR)),
            unproven: DefaultKeyedRateLimiter::keyed(slowly(UNPROVEN_BURST, UNPROVEN_EVERY)),
            shut_out: Cache::builder().max_capacity(KEYS_MAX as u64).time_to_live(UNPROVEN_EVERY).build(),
            launches_nearby: DefaultKeyedRateLimiter::keyed(Quota::per_minute(LAUNCHES_PER_MINUTE)),
            launches: DefaultKeyedRateLimiter::keyed(Quota::per_second(LAUNCHES_PER_S)),
            registrations_nearby: DefaultKeyedRateLimiter::keyed(Quota::per_hour(REGISTRATIONS_PER_HOUR)),
            registrations: DefaultDirectRateLimiter::direct(Quota::per_hour(ALL_REGISTRATIONS_PER_HOUR)),
            clock: DefaultClock::default(),
        }
    }
}

/// So many at once, and one more each time.
fn slowly(burst: NonZeroU32, every: Duration) -> Quota {
    Quota::with_period(every).unwrap_or(Quota::per_minute(NonZeroU32::MIN)).allow_burst(burst)
}

impl Limits {
    /// Not too often?
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn request(&self, principal: &Principal) -> Result<(), Refusal> {
        check(&self.grants, &(whose(principal).to_owned(), principal.purpose), &self.clock)
    }

    /// Whether a refusal for asking too often is to stand on the ledger: one a second of each grant is.
    pub fn is_to_be_recorded(&self, principal: &Principal) -> bool {
        check(&self.records, &whose(principal).to_owned(), &self.clock).is_ok()
    }

    /// May a sign-in be tried from this address for the account of this name, as it was typed?
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn login(&self, remote: IpAddr, username: &str) -> Result<(), Refusal> {
        let (network, account) = (neighbourhood(remote), Account::username_key(username));
        check(&self.networks, &network, &self.clock)?;
        check(&self.accounts_nearby, &(account.clone(), network), &self.clock)?;
        check(&self.accounts, &account, &self.clock)
    }

    /// May the code of a second factor be tried from this address? Those of one account are counted where they are kept.
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn code(&self, remote: IpAddr) -> Result<(), Refusal> {
        check(&self.networks, &neighbourhood(remote), &self.clock)
    }

    /// May an app try to prove itself from this address, after all that failed there? Its id is what it claims to be.
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn proof(&self, remote: IpAddr, client_id: &str) -> Result<(), Refusal> {
        match self.shut_out.contains_key(&claimed(remote, client_id)) {
            true => Err(throttled(u32::try_from(UNPROVEN_EVERY.as_secs()).unwrap_or(60))),
            false => Ok(()),
        }
    }

    /// Counts that an app failed to prove itself. Who guesses is shut out for a while, even with the right secret; the app itself,
    /// elsewhere, is not.
    pub fn failed_proof(&self, remote: IpAddr, client_id: &str) {
        let who = claimed(remote, client_id);
        if check(&self.unproven, &who, &self.clock).is_err() {
            self.shut_out.insert(who, ());
        }
    }

    /// May one more launch be begun from this address?
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn launch(&self, remote: IpAddr) -> Result<(), Refusal> {
        check(&self.launches_nearby, &neighbourhood(remote), &self.clock)?;
        check(&self.launches, &(), &self.clock)
    }

    /// May an app register itself, or change its registration, from this address?
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn registration(&self, remote: IpAddr) -> Result<(), Refusal> {
        check(&self.registrations_nearby, &neighbourhood(remote), &self.clock)?;
        self.registrations.check().map_err(|until| waiting(&until, &self.clock))
    }

    /// Forgets keys that have not been used for a while; called by a timer.
    pub fn tidy(&self) {
        tidy(&self.grants);
        tidy(&self.records);
        tidy(&self.networks);
        tidy(&self.accounts_nearby);
        tidy(&self.accounts);
        tidy(&self.unproven);
        tidy(&self.launches_nearby);
        tidy(&self.registrations_nearby);
    }
}

fn claimed(remote: IpAddr, client_id: &str) -> (String, IpAddr) {
    let id = if client_id.len() > CLIENT_ID_BYTES_MAX { "" } else { client_id };
    (id.to_owned(), neighbourhood(remote))
}

/// Every token of a client that acts for itself has a grant of its own: of it, the client counts.
fn whose(principal: &Principal) -> &str {
    if principal.subject.is_everyone() { &principal.client } else { &principal.grant }
}

fn tidy<K: std::hash::Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>) {
    limiter.retain_recent();
    limiter.shrink_to_fit();
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
    limiter.check_key(key).map_err(|until| waiting(&until, clock))
}

fn waiting(until: &NotUntil<<DefaultClock as Clock>::Instant>, clock: &DefaultClock) -> Refusal {
    let seconds = until.wait_time_from(clock.now()).as_secs().saturating_add(1);
    throttled(u32::try_from(seconds).unwrap_or(60))
}

/// Too often; when it may be tried again, in seconds.
pub(crate) fn throttled(seconds: u32) -> Refusal {
    Refusal::new(Kind::Throttled, "Too many requests; wait as long as Retry-After says.").retry_after(seconds)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn t63_addresses_that_are_made_up_do_not_fill_the_memory() {
        let limits = Limits::default();
        let most = u32::try_from(KEYS_MAX).unwrap();
        (0..most + 5).for_each(|nth| drop(limits.code(IpAddr::from(nth.to_be_bytes()))));
        assert_eq!(limits.networks.len(), KEYS_MAX);
        let late = limits.code("192.0.2.1".parse().unwrap());
        assert_eq!(late.map_err(|why| why.kind()), Err(Kind::Throttled), "whoever comes then waits");
    }

    #[test]
    fn who_registers_many_apps_is_stopped_and_others_are_not() {
        let limits = Limits::default();
        let (one, other): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        assert!((0..REGISTRATIONS_PER_HOUR.get()).all(|_| limits.registration(one).is_ok()));
        assert_eq!(limits.registration(one).map_err(|why| why.kind()), Err(Kind::Throttled));
        assert!(limits.registration("2001:db8::ffff".parse().unwrap()).is_err(), "another address of the same network");
        assert!(limits.registration(other).is_ok());
        let far = |nth: u32| IpAddr::from([10, (nth >> 8) as u8, nth as u8, 1]);
        assert!(
            (0..ALL_REGISTRATIONS_PER_HOUR.get()).any(|nth| limits.registration(far(nth)).is_err()),
            "of all together"
        );
    }

    #[test]
    fn who_guesses_at_an_apps_secret_is_shut_out_and_the_app_elsewhere_is_not() {
        let limits = Limits::default();
        let (stranger, app): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        (0..UNPROVEN_BURST.get()).for_each(|_| limits.failed_proof(stranger, "reader"));
        assert!(limits.proof(stranger, "reader").is_ok(), "a few times are a mistake");
        limits.failed_proof(stranger, "reader");
        assert_eq!(limits.proof(stranger, "reader").map_err(|why| why.kind()), Err(Kind::Throttled));
        assert!(
            limits.proof("2001:db8::ffff".parse().unwrap(), "reader").is_err(),
            "another address of the same network"
        );
        assert!(limits.proof(app, "reader").is_ok() && limits.proof(stranger, "writer").is_ok());
        let long = |end: &str| "x".repeat(CLIENT_ID_BYTES_MAX) + end;
        (0..=UNPROVEN_BURST.get()).for_each(|nth| limits.failed_proof(app, &long(&nth.to_string())));
        assert!(limits.proof(app, &long("y")).is_err(), "ids that nobody has do not fill the memory");
    }

    #[test]
    fn who_guesses_at_an_account_is_stopped_and_its_owner_elsewhere_is_not() {
        let limits = Limits::default();
        let (stranger, owner): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let tries = (0..ACCOUNT_NEARBY_BURST.get()).map(|_| limits.login(stranger, "ann"));
        assert!(tries.into_iter().all(|tried| tried.is_ok()));
        assert_eq!(limits.login(stranger, "ann").map_err(|why| why.kind()), Err(Kind::Throttled));
        assert!(limits.login("2001:db8::ffff".parse().unwrap(), "ann").is_err(), "another address of the same network");
        assert!(limits.login(stranger, " ANN ").is_err(), "another way to type the name");
        assert!(limits.login(owner, "ann").is_ok());
        assert!(limits.login(stranger, "roe").is_ok());
    }
}
