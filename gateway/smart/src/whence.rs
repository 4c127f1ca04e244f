//! Roughly where someone signs in from: which browser, on which system, from which network.
//!
//! Enough to know one's own sessions by, and no more: the whole of neither header nor address is kept.

use core::net::{IpAddr, Ipv6Addr};
use serde::{Deserialize, Serialize};

/// Bytes of a `User-Agent` header that are looked at.
const AGENT_BYTES_MAX: usize = 1024;
/// Browsers by the word that gives them away, those that claim to be others as well before those others.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Systems likewise.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// Where someone signs in from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whence {
    /// The browser, where it is one of those that are known.
    pub browser: Option<String>,
    /// The system it runs on, likewise.
    pub system: Option<String>,
    /// The network: `192.0.2.0/24`, `2001:db8:1::/48`.
    pub network: Option<String>,
}

impl Whence {
    /// By what a browser says of itself, and the address it comes from.
    pub fn of(agent: Option<&str>, address: IpAddr) -> Whence {
        let agent = agent.filter(|agent| agent.len() <= AGENT_BYTES_MAX).unwrap_or("");
        let known = |list: &[(&str, &str)]| {
            list.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| (*name).to_owned())
        };
        Whence { browser: known(&BROWSERS), system: known(&SYSTEMS), network: Some(network(address)) }
    }
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [one, two, three, _] = address.octets();
            format!("{one}.{two}.{three}.0/24")
        }
        IpAddr::V6(address) => {
            let [one, two, three, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(one, two, three, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(agent: &str, address: &str) -> [Option<String>; 3] {
        let Whence { browser, system, network } = Whence::of(Some(agent), address.parse().unwrap_or([0; 4].into()));
        [browser, system, network]
    }

    fn told(browser: &str, system: &str, network: &str) -> [Option<String>; 3] {
        [Some(browser.to_owned()), Some(system.to_owned()), Some(network.to_owned())]
    }

    #[test]
    fn a_browser_is_known_by_what_only_it_says() {
        for (agent, browser, system) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome",
                "Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1",
                "Safari",
                "iPhone",
            ),
        ] {
            assert_eq!(of(agent, "192.0.2.77"), told(browser, system, "192.0.2.0/24"), "{agent}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_open_and_no_whole_address_is_kept() {
        assert_eq!(of("curl/8", "2001:db8:1:2::3"), [None, None, Some("2001:db8:1::/48".to_owned())]);
        assert_eq!(of(&"Firefox/".repeat(200), "::ffff:192.0.2.9"), [None, None, Some("192.0.2.0/24".to_owned())]);
    }
}
