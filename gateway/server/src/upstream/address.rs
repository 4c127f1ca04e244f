//! Addresses on the server behind us: built from typed parts, and links followed only when they stay within its base.

use fhir::{Id, ResourceType};
use form_urlencoded::Serializer;
use url::{Host, Position, Url};

/// The longest link that is followed, in bytes; a server's page link is some hundred.
const LINK_BYTES_MAX: usize = 64 * 1024;

/// Where the server behind us is.
#[derive(Clone, Debug)]
pub(super) struct Base {
    url: Url,
    text: String,
}

impl Base {
    /// Reads the base; what a base cannot have is named.
    pub(super) fn read(url: &Url) -> Result<Base, String> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("the upstream's address begins with http:// or https:// and names a host".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("the upstream's address has no user, password, query or fragment".to_owned());
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Base { url: url.clone(), text })
    }

    /// The base without a slash at its end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Host and port to connect to, and both as a Host header says them.
    pub(super) fn place(&self) -> (String, u16, String) {
        let host = match self.url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        };
        let port = self.url.port_or_known_default().unwrap_or_default();
        (host, port, self.url[Position::BeforeHost..Position::AfterPort].to_owned())
    }

    /// How many bytes scheme, host and port have at the beginning of every address.
    pub(super) fn origin_bytes(&self) -> usize {
        self.url[..Position::AfterPort].len()
    }

    /// Whether it is asked over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The address of one resource, or of one version of it.
    pub(super) fn one(&self, kind: ResourceType, id: &Id, version: Option<&Id>) -> String {
        match version {
            None => format!("{}/{kind}/{id}", self.text),
            Some(version) => format!("{}/{kind}/{id}/_history/{version}", self.text),
        }
    }

    /// The address of a search: every name and value written anew, percent-encoded.
    pub(super) fn search(&self, kind: ResourceType, pairs: &[(String, String)]) -> String {
        let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}/{kind}?{query}", self.text)
    }

    /// A link of the server's own, as it may be followed: same scheme, host and port, and within the base's path.
    pub(super) fn own(&self, link: &str) -> Option<String> {
        if link.len() > LINK_BYTES_MAX {
            return None;
        }
        // Parsing resolves `..` in every spelling, so the path that is compared is the path that is asked.
        let link = Url::parse(link).ok()?;
        let bare = link.username().is_empty() && link.password().is_none() && link.fragment().is_none();
        let path = self.url.path().trim_end_matches('/');
        let within = link.path().strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        (bare && link.origin() == self.url.origin() && within).then(|| link.into())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn base(text: &str) -> Base {
        Base::read(&Url::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn only_links_within_the_base_are_followed() {
        for base in [base("http://ehr:8080/fhir"), base("http://ehr:8080/fhir/")] {
            for good in [
                "http://ehr:8080/fhir?_getpages=a&_getpagesoffset=20",
                "http://ehr:8080/fhir/?_getpages=a",
                "http://ehr:8080/fhir/Observation?patient=1",
            ] {
                assert_eq!(base.own(good).as_deref(), Some(good));
            }
            for bad in [
                "https://ehr:8080/fhir?_getpages=a",
                "http://ehr:8081/fhir?_getpages=a",
                "http://ehr/fhir?_getpages=a",
                "http://ehr.evil.org:8080/fhir?_getpages=a",
                "http://ehr:8080@evil.org/fhir?_getpages=a",
                "http://user@ehr:8080/fhir?_getpages=a",
                "http://ehr:8080/fhir2?_getpages=a",
                "http://ehr:8080/fhir/../admin",
                "http://ehr:8080/fhir/%2e%2e/admin",
                "http://ehr:8080/?_getpages=a",
                "/fhir?_getpages=a",
                "file:///fhir",
                "",
            ] {
                assert_eq!(base.own(bad), None, "{bad}");
            }
        }
    }

    #[test]
    fn a_base_at_the_root_holds_every_path_of_its_host() {
        assert!(base("http://ehr").own("http://ehr/Patient?x=1").is_some());
        assert!(base("http://ehr").own("http://other/Patient?x=1").is_none());
    }

    #[test]
    fn what_is_no_base_is_refused() {
        for bad in ["ftp://ehr/fhir", "http://u:p@ehr/fhir", "http://ehr/fhir?x=1", "http://ehr/fhir#x", "mailto:a@b"] {
            assert!(Base::read(&Url::parse(bad).unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn values_cannot_leave_their_place() {
        let pairs = [("name:exact".to_owned(), "a&patient=2#?+é".to_owned())];
        let address = base("http://ehr/fhir/").search(ResourceType::Patient, &pairs);
        assert_eq!(address, "http://ehr/fhir/Patient?name%3Aexact=a%26patient%3D2%23%3F%2B%C3%A9");
    }
}
