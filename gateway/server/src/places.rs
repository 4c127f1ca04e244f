//! How many connections there may be at once: in all, and from one address, so that nobody alone can take every place.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections at once.
pub(crate) const PLACES_MAX: usize = 10_000;
/// Connections at once from one address: many, because a whole clinic, or a proxy, may stand behind one.
pub(crate) const PLACES_PER_ADDRESS_MAX: usize = 2_000;

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

/// Who counts as one: an IPv4 address, or the /64 that one household or server has of IPv6.
fn neighbourhood(remote: IpAddr) -> IpAddr {
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
    fn addresses_of_one_network_of_ipv6_count_as_one() {
        let places = Places::new(9, 1);
        let _place = places.take(address("2001:db8::1")).unwrap();
        assert!(places.take(address("2001:db8::ffff:2")).is_none());
        assert!(places.take(address("2001:db8:0:1::1")).is_some());
        let _place = places.take(address("192.0.2.1")).unwrap();
        assert!(places.take(address("::ffff:192.0.2.1")).is_none());
    }
}
