//! Addresses of apps: which is which, and how an answer is put on one.
//!
//! An address is never parsed and put together again: it is compared, and added to, byte for byte.

use url::form_urlencoded;

/// Bytes of a redirect address: what browsers carry without trouble.
pub(crate) const ADDRESS_BYTES_MAX: usize = 2000;

/// The loopback hosts whose port may vary, since a native app takes the port it gets (RFC 8252 section 7.3).
const LOOPBACK: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

/// Whether an address is the registered one: byte for byte, but for the port of a loopback address.
pub(crate) fn same(registered: &str, given: &str) -> bool {
    registered == given
        || LOOPBACK.iter().any(|host| match (after_port(registered, host), after_port(given, host)) {
            (Some(registered), Some(given)) => registered == given,
            (None, Some(_)) | (Some(_), None) | (None, None) => false,
        })
}

/// What follows host and port, when the address stands on this very host.
fn after_port<'a>(address: &'a str, host: &str) -> Option<&'a str> {
    let rest = address.strip_prefix(host)?;
    let rest = match rest.strip_prefix(':') {
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = port.split_at_checked(digits)?;
            let sound = number.parse::<u16>().is_ok_and(|port| port != 0) && !number.starts_with('0');
            sound.then_some(rest)?
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')).then_some(rest)
}

/// Whether an address is one that an unchecked app may be answered at: https or this machine, and written so that nobody
/// reads it in another way.
pub(crate) fn is_exact(address: &str) -> bool {
    let Some(url) = exact(address) else { return false };
    url.scheme() == "https" || LOOPBACK.iter().any(|host| after_port(address, host).is_some())
}

/// Whether it is an https address, written likewise.
pub(crate) fn is_web_address(address: &str) -> bool {
    exact(address).is_some_and(|url| url.scheme() == "https")
}

/// An address that stands there as it would be sent: no fragment, no user, no wildcard, nothing to be resolved.
fn exact(address: &str) -> Option<url::Url> {
    let sound = |byte: u8| byte.is_ascii_graphic() && !b"#*\\\"<>^`{|}".contains(&byte);
    let url = url::Url::parse(address).ok()?;
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let same = url.as_str() == address || url.as_str().strip_suffix('/') == Some(address);
    let web = matches!(url.scheme(), "https" | "http") && url.host_str().is_some_and(|host| !host.is_empty());
    (address.len() <= ADDRESS_BYTES_MAX && address.bytes().all(sound) && bare && same && web).then_some(url)
}

/// The address with an answer in its query.
pub(crate) fn with_answer(address: &str, answer: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    let joint = match address.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, _)) => "&",
    };
    format!("{address}{joint}{query}")
}

/// The source by which a content security policy names an address: its origin, or its scheme where it has none.
pub(crate) fn policy_source(address: &str) -> Option<String> {
    let parsed = url::Url::parse(address).ok()?;
    let source = match parsed.origin() {
        url::Origin::Tuple(..) => parsed.origin().ascii_serialization(),
        url::Origin::Opaque(_) => format!("{}:", parsed.scheme()),
    };
    source.bytes().all(|byte| byte.is_ascii_graphic() && !b";,'\"".contains(&byte)).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_registered_one_byte_for_byte() {
        let registered = "https://app.example/cb";
        assert!(same(registered, registered));
        for given in [
            "https://app.example/CB",
            "https://app.example/cb/",
            "https://app.example/c",
            "https://app.example",
            "https://app.example/cb?x",
            "https://app.example/cb#x",
            "https://app.example/cb/../x",
            "https://app.example/cb@evil.example",
            "https://app.example.evil/cb",
            "https://app.example:443/cb",
            "https://APP.example/cb",
            "https://app.example/%63b",
            "http://app.example/cb",
            " https://app.example/cb",
            "https://app.example/cb ",
            "app:/cb",
            "https://*.example/cb",
            "",
        ] {
            assert!(!same(registered, given), "{given}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_may_vary() {
        for (registered, given) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"),
            ("http://127.0.0.1:8000/cb", "http://127.0.0.1:1/cb"),
            ("http://[::1]:1234/cb?a=b", "http://[::1]:4321/cb?a=b"),
            ("http://localhost/", "http://localhost:65535/"),
            ("http://localhost:3000", "http://localhost:3001"),
        ] {
            assert!(same(registered, given), "{given}");
        }
        for (registered, given) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:080/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80/other"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:80/cb"),
            ("http://127.0.0.1/cb", "http://localhost:80/cb"),
            ("http://localhost/cb", "http://localhost:80/cb#x"),
            ("http://localhost", "http://localhost:80#x"),
            ("http://localhost/cb", "http://localhostevil/cb"),
            ("https://app.example:80/cb", "https://app.example:81/cb"),
        ] {
            assert!(!same(registered, given), "{given}");
        }
    }

    #[test]
    fn an_unchecked_app_is_answered_at_exact_addresses_alone() {
        for address in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example:8443/cb?tenant=1",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:8000/cb",
            "http://[::1]:8000/",
            "http://localhost:3000",
        ] {
            assert!(is_exact(address), "{address}");
        }
        for address in [
            "",
            "https://",
            "https:///cb",
            "http://app.example/cb",
            "https://app.example/cb#x",
            "https://app.example/cb#",
            "https://*.example/cb",
            "https://app.example/../cb",
            "https://app.example/a/%2e%2e/cb",
            "https://user@app.example/cb",
            "https://user:pass@app.example/cb",
            "https://APP.example/cb",
            "https://app.example:443/cb",
            "https://app.example\\@evil.example/cb",
            "https://app.example/c b",
            "https://äpp.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://127.1/cb",
            "http://localhost.evil.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "com.example.app:/cb",
            "ftp://app.example/cb",
            "//app.example/cb",
            " https://app.example/cb",
            "https://app.example/cb\n",
        ] {
            assert!(!is_exact(address), "{address}");
        }
        assert!(!is_exact(&format!("https://app.example/{}", "x".repeat(2000))));
    }

    #[test]
    fn an_answer_joins_the_query_that_is_there_and_cannot_break_out() {
        assert_eq!(
            with_answer("https://a/cb", &[("state", "a b&c=d#\r\n")]),
            "https://a/cb?state=a+b%26c%3Dd%23%0D%0A"
        );
        assert_eq!(with_answer("https://a/cb?x=1", &[("code", "c")]), "https://a/cb?x=1&code=c");
        assert_eq!(with_answer("app:/cb?", &[("code", "c")]), "app:/cb?code=c");
    }

    #[test]
    fn a_policy_names_an_origin_or_a_scheme() {
        assert_eq!(policy_source("https://app.example/cb?x=1").as_deref(), Some("https://app.example"));
        assert_eq!(policy_source("http://127.0.0.1:8000/cb").as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(policy_source("http://[::1]:8000/cb").as_deref(), Some("http://[::1]:8000"));
        assert_eq!(policy_source("com.example.app:/cb").as_deref(), Some("com.example.app:"));
        assert_eq!(policy_source("no address"), None);
    }
}
