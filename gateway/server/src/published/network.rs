//! Whom the gateway calls on a client's behalf: servers of the public internet, and those that the operator names.
//!
//! A name can be made to mean any address, one inside our own network too, and a request from here would be let in there
//! (server-side request forgery). So the address itself is looked at, after the name was resolved, and that very address is
//! connected to. There is no switch that lets every address in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Which servers may be called.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Addresses that are called although they are not public.
    pub allow: Vec<Range>,
    /// Authorities that are trusted beside the system's, PEM.
    pub extra_roots_pem: Option<String>,
}

impl Network {
    /// The same without those that the operator names: for addresses that strangers name.
    pub(super) fn public_alone(&self) -> Network {
        Network { allow: Vec::new(), ..self.clone() }
    }

    /// Whether a server at this address may be called.
    pub(super) fn lets(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.allow.iter().any(|range| range.holds(address))
    }
}

/// An address, or all that begin alike: `10.1.2.3`, `10.1.0.0/16`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: IpAddr,
    bits: u8,
}

impl Range {
    fn holds(self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => begins_alike_v4(first, address, self.bits),
            (IpAddr::V6(first), IpAddr::V6(address)) => begins_alike_v6(first, address, self.bits),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The text is no address and no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no IP address and no range of them")]
pub struct NoRange;

impl FromStr for Range {
    type Err = NoRange;

    fn from_str(text: &str) -> Result<Range, NoRange> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let first: IpAddr = address.parse().map_err(|_| NoRange)?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| NoRange))?;
        let is_mapped = first.to_canonical() != first;
        if bits > most || is_mapped { Err(NoRange) } else { Ok(Range { first, bits }) }
    }
}

fn begins_alike_v4(one: Ipv4Addr, other: Ipv4Addr, bits: u8) -> bool {
    let differ = u32::from(one) ^ u32::from(other);
    differ.leading_zeros() >= u32::from(bits)
}

fn begins_alike_v6(one: Ipv6Addr, other: Ipv6Addr, bits: u8) -> bool {
    let differ = u128::from(one) ^ u128::from(other);
    differ.leading_zeros() >= u32::from(bits)
}

/// IPv4 networks that are not the public internet's (IANA's registry of special-purpose addresses, RFC 6890).
const SPECIAL_V4: [([u8; 4], u8); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16), // link-local, and where clouds keep their machines' secrets
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The one IPv6 network of the public internet, and what in it is not.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 address in disguise
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address, not an IPv4 one in IPv6 clothes, belongs to the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !SPECIAL_V4.iter().any(|(first, bits)| begins_alike_v4(Ipv4Addr::from(*first), address, *bits))
        }
        IpAddr::V6(address) => {
            begins_alike_v6(PUBLIC_V6.0, address, PUBLIC_V6.1)
                && !SPECIAL_V6.iter().any(|(first, bits)| begins_alike_v6(*first, address, *bits))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn lets(allow: &[&str], address: &str) -> bool {
        let allow = allow.iter().map(|range| range.parse().unwrap()).collect();
        Network { allow, extra_roots_pem: None }.lets(address.parse().unwrap())
    }

    #[test]
    fn servers_of_the_public_internet_are_called() {
        for address in
            ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450::1"]
        {
            assert!(lets(&[], address), "{address}");
        }
    }

    #[test]
    fn nothing_inside_is_called_however_it_is_written() {
        for address in [
            "0.0.0.0",
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!lets(&[], address), "{address}");
        }
    }

    #[test]
    fn the_operator_names_what_else_is_called() {
        assert!(lets(&["10.1.0.0/16"], "10.1.2.3"));
        assert!(lets(&["10.1.0.0/16"], "::ffff:10.1.2.3"));
        assert!(!lets(&["10.1.0.0/16"], "10.2.0.1"));
        assert!(lets(&["127.0.0.1"], "127.0.0.1") && !lets(&["127.0.0.1"], "127.0.0.2"));
        assert!(lets(&["fd00::/8"], "fd12::1") && !lets(&["fd00::/8"], "fe80::1"));
        assert!(lets(&["0.0.0.0/0"], "10.0.0.1") && !lets(&["0.0.0.0/0"], "::1"));
        for no in ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129", "::ffff:10.0.0.1", "10.0.0/8"]
        {
            assert_eq!(no.parse::<Range>(), Err(NoRange), "{no}");
        }
    }
}
