//! How many connections there may be at once: in all, and from one address, so that nobody alone can take every place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections at once, where the process may have that many open.
const PLACES_MAX: usize = 10_000;
/// Files and sockets that the rest of the process may need: the store, the ledger, laboratories, the server behind us.
const DESCRIPTORS_KEPT: usize = 256;
/// One address may have one place in so many: a whole clinic, or a proxy, may stand behind one.
const SHARES: usize = 5;
/// Where Linux says how many files a process may have open.
const LIMITS: &str = "/proc/self/limits";

/// The places, and who has them.
pub(crate) struct Places {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// One place, given back when dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    of: IpAddr,
}

impl Places {
    /// As many as this process may have open beside everything else it needs.
    pub(crate) fn of_this_process() -> Arc<Places> {
        let limits = std::fs::read_to_string(LIMITS).unwrap_or_default();
        let most = most(&limits);
        if most < PLACES_MAX {
            tracing::warn!(most, "few connections at once are possible; raise the limit of open files (ulimit -n)");
        }
        Places::new(most, (most / SHARES).max(1))
    }

    /// So many in all, and so many each.
    pub(crate) fn new(most: usize, most_each: usize) -> Arc<Places> {
        Arc::new(Places { most, most_each, taken: Mutex::default() })
    }

    /// A place, unless there is none or this address has its share.
    pub(crate) fn take(self: &Arc<Places>, remote: IpAddr) -> Option<Place> {
        let of = neighbourhood(remote);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by.get(&of).copied().unwrap_or(0);
        if taken.all >= self.most || own >= self.most_each {
            return None;
        }
        taken.all += 1;
        taken.by.insert(of, own + 1);
        Some(Place { places: Arc::clone(self), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        let left = taken.by.get(&self.of).map_or(0, |own| own - 1);
        if left == 0 {
            taken.by.remove(&self.of);
        } else {
            taken.by.insert(self.of, left);
        }
    }
}

/// The places that a limit of open files leaves.
fn most(limits: &str) -> usize {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(PLACES_MAX, |soft| soft.saturating_sub(DESCRIPTORS_KEPT).clamp(1, PLACES_MAX))
}

/// Who counts as one: an IPv4 address, or the /64 that one household or server has of IPv6.
pub(crate) fn neighbourhood(remote: IpAddr) -> IpAddr {
    match remote.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_its_share_and_others_theirs() {
        let places = Places::new(3, 2);
        let mut own: Vec<_> = (0..2).map(|_| places.take(address("192.0.2.1")).unwrap()).collect();
        assert!(places.take(address("192.0.2.1")).is_none());
        let other = places.take(address("192.0.2.2"));
        assert!(other.is_some());
        assert!(places.take(address("192.0.2.3")).is_none(), "all are taken");
        own.pop();
        assert!(places.take(address("192.0.2.1")).is_some());
    }

    #[test]
    fn what_is_given_back_leaves_nothing_behind() {
        let places = Places::new(3, 2);
        drop((places.take(address("192.0.2.1")), places.take(address("192.0.2.1"))));
        let taken = places.taken.lock().unwrap();
        assert_eq!((taken.all, taken.by.len()), (0, 0));
    }

    #[test]
    fn there_are_no_more_places_than_files_may_be_open() {
        let limits =
            |soft: &str| format!("Max processes 9 9 processes\nMax open files            {soft}  4096 files\n");
        assert_eq!(most(&limits("1024")), 1024 - DESCRIPTORS_KEPT);
        assert_eq!((most(&limits("100")), most(&limits("1000000"))), (1, PLACES_MAX));
        assert_eq!((most(&limits("unlimited")), most("")), (PLACES_MAX, PLACES_MAX));
    }

    #[test]
    fn addresses_of_one_network_of_ipv6_count_as_one() {
        let places = Places::new(9, 1);
        let _place = places.take(address("2001:db8::1")).unwrap();
        assert!(places.take(address("2001:db8::ffff:2")).is_none());
        assert!(places.take(address("2001:db8:0:1::1")).is_some());
        let _place = places.take(address("192.0.2.1")).unwrap();
        assert!(places.take(address("::ffff:192.0.2.1")).is_none());
    }
}
