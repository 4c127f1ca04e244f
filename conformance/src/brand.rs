//! The bundle of user-access brands (SMART App Launch 2.2.0, "User-access Brands and Endpoints"): under which name people
//! know the house behind this server, and where their apps connect.
//!
//! One brand, and one endpoint that it refers to. Pure: when it was last changed is an argument.

use fhir::Instant;
use serde_json::{Map, Value, json};

/// Where a bundle of R4 resources says that it is one of brands.
const PROFILES: &str = "http://hl7.org/fhir/smart-app-launch/StructureDefinition/";
const EXTENSIONS: &str = "http://hl7.org/fhir/StructureDefinition/";
/// The system of an identifier that is a web address.
const WEB_ADDRESS: &str = "urn:ietf:rfc:3986";

/// A brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Its name, as people know it.
    pub name: String,
    /// Other names that people look for.
    pub aliases: Vec<String>,
    /// Its main web page, an https address.
    pub website: String,
    /// Identifiers beside that of its web address.
    pub identifiers: Vec<Identifier>,
    /// Its logo, an https address.
    pub logo: Option<String>,
    /// The name of the pages where people look after their account; its own where it has none.
    pub portal: Option<String>,
    /// Where it can be found.
    pub addresses: Vec<Address>,
}

/// A FHIR Identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Its namespace.
    pub system: String,
    /// Its value.
    pub value: String,
}

/// A FHIR Address, as far as a place is told by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Street and number.
    pub line: Vec<String>,
    /// The city.
    pub city: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The country, as a code of two letters.
    pub country: Option<String>,
}

/// The addresses that a brand leads to.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The bundle itself.
    pub bundle: &'a str,
    /// The FHIR base.
    pub fhir_base: &'a str,
    /// Where people look after their account.
    pub portal: &'a str,
    /// Where developers of apps begin.
    pub developers: &'a str,
}

impl Brand {
    /// The identifier by which other documents mean this brand: its web address, without `www.` and path.
    pub fn identifier(&self) -> Identifier {
        let host = self.website.strip_prefix("https://").unwrap_or(&self.website);
        let host = host.split(['/', '?', '#']).next().unwrap_or(host);
        let host = host.strip_prefix("www.").unwrap_or(host);
        Identifier { system: WEB_ADDRESS.to_owned(), value: format!("https://{host}") }
    }
}

/// The bundle, as compact JSON; `changed` is when what stands in it was last changed.
pub fn bundle(brand: &Brand, place: &Place<'_>, changed: Instant) -> String {
    let entry = |resource: Value| {
        let named = |member: &str| resource[member].as_str().unwrap_or_default().to_owned();
        let address = format!("{}/{}/{}", place.bundle, named("resourceType"), named("id"));
        json!({ "fullUrl": address, "resource": resource })
    };
    json!({
        "resourceType": "Bundle",
        "id": "brands",
        "meta": { "profile": [format!("{PROFILES}user-access-brands-bundle")] },
        "type": "collection",
        "timestamp": changed.to_string(),
        "entry": [entry(organization(brand, place)), entry(endpoint(brand, place))],
    })
    .to_string()
}

fn organization(brand: &Brand, place: &Place<'_>) -> Value {
    let endpoint = json!({ "reference": "Endpoint/r4", "display": "FHIR R4" });
    let mut extensions = Vec::new();
    if let Some(logo) = &brand.logo {
        let logo = json!({ "url": "brandLogo", "valueUrl": logo });
        extensions.push(json!({ "url": format!("{EXTENSIONS}organization-brand"), "extension": [logo] }));
    }
    extensions.push(json!({
        "url": format!("{EXTENSIONS}organization-portal"),
        "extension": [
            { "url": "portalName", "valueString": brand.portal.as_ref().unwrap_or(&brand.name) },
            { "url": "portalUrl", "valueUrl": place.portal },
            { "url": "portalEndpoint", "valueReference": endpoint },
        ],
    }));
    let identifiers = [brand.identifier()].into_iter().chain(brand.identifiers.iter().cloned());
    let identifiers: Vec<Value> = identifiers.map(|own| json!({ "system": own.system, "value": own.value })).collect();
    let mut organization = json!({
        "resourceType": "Organization",
        "id": "brand",
        "meta": { "profile": [format!("{PROFILES}user-access-brand")] },
        "extension": extensions,
        "identifier": identifiers,
        "active": true,
        "name": brand.name,
        "telecom": [{ "system": "url", "value": brand.website }],
        "endpoint": [endpoint],
    });
    if !brand.aliases.is_empty() {
        organization["alias"] = json!(brand.aliases);
    }
    if !brand.addresses.is_empty() {
        organization["address"] = brand.addresses.iter().map(address).collect();
    }
    organization
}

/// Only what is there: an empty element is none of FHIR's.
fn address(address: &Address) -> Value {
    let mut members = Map::new();
    if !address.line.is_empty() {
        members.insert("line".to_owned(), json!(address.line));
    }
    let texts = [
        ("city", &address.city),
        ("state", &address.state),
        ("postalCode", &address.postal_code),
        ("country", &address.country),
    ];
    members.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?)))));
    Value::Object(members)
}

fn endpoint(brand: &Brand, place: &Place<'_>) -> Value {
    let code = |system: &str, code: &str| json!({ "system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code });
    json!({
        "resourceType": "Endpoint",
        "id": "r4",
        "meta": { "profile": [format!("{PROFILES}user-access-endpoint")] },
        "extension": [{ "url": format!("{EXTENSIONS}endpoint-fhir-version"), "valueCode": "4.0.1" }],
        "status": "active",
        "connectionType": code("endpoint-connection-type", "hl7-fhir-rest"),
        "name": format!("FHIR R4 of {}", brand.name),
        "managingOrganization": { "reference": "Organization/brand" },
        "contact": [{ "system": "url", "value": place.developers }],
        "payloadType": [{ "coding": [code("endpoint-payload-type", "none")] }],
        "address": place.fhir_base,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn brand() -> Brand {
        Brand {
            name: "General Hospital".to_owned(),
            aliases: Vec::new(),
            website: "https://www.general.example/patients?x".to_owned(),
            identifiers: Vec::new(),
            logo: None,
            portal: None,
            addresses: Vec::new(),
        }
    }

    fn told(brand: &Brand) -> Value {
        let place = Place {
            bundle: "https://here/brands",
            fhir_base: "https://here/fhir",
            portal: "https://here/account",
            developers: "https://here/",
        };
        let changed = Instant::parse("2026-01-01T00:00:00Z").unwrap();
        serde_json::from_str(&bundle(brand, &place, changed)).unwrap()
    }

    #[test]
    fn the_brand_and_the_endpoint_refer_to_each_other_within_the_bundle() {
        let told = told(&brand());
        assert_eq!(told["type"], "collection");
        assert!(told["timestamp"].as_str().unwrap().starts_with("2026-01-01T00:00:00"));
        let [organization, endpoint] = [0, 1].map(|at| told["entry"][at].clone());
        assert_eq!(organization["fullUrl"], "https://here/brands/Organization/brand");
        assert_eq!(endpoint["fullUrl"], "https://here/brands/Endpoint/r4");
        let (organization, endpoint) = (&organization["resource"], &endpoint["resource"]);
        let named = &organization["endpoint"][0]["reference"];
        let portal = &organization["extension"][0]["extension"];
        assert_eq!((named, &portal[2]["valueReference"]["reference"]), (&json!("Endpoint/r4"), named));
        assert_eq!(
            (&portal[0]["valueString"], &endpoint["address"]),
            (&json!("General Hospital"), &json!("https://here/fhir"))
        );
        assert_eq!(endpoint["managingOrganization"]["reference"], "Organization/brand");
    }

    #[test]
    fn the_web_address_is_the_identifier_without_www_and_path() {
        assert_eq!(brand().identifier().value, "https://general.example");
        let website = "https://general.example".to_owned();
        assert_eq!(Brand { website, ..brand() }.identifier(), brand().identifier());
    }

    #[test]
    fn what_is_not_given_leaves_no_empty_element() {
        let bare = told(&brand());
        let organization = &bare["entry"][0]["resource"];
        assert!(organization.get("alias").is_none() && organization.get("address").is_none());
        let place = Address { city: Some("Springfield".to_owned()), ..Address::default() };
        let npi = Identifier { system: "http://hl7.org/fhir/sid/us-npi".to_owned(), value: "1".to_owned() };
        let full = Brand {
            aliases: vec!["GH".to_owned()],
            identifiers: vec![npi],
            logo: Some("https://general.example/logo.svg".to_owned()),
            addresses: vec![place],
            ..brand()
        };
        let organization = told(&full)["entry"][0]["resource"].clone();
        assert_eq!(organization["address"], json!([{ "city": "Springfield" }]));
        assert_eq!(organization["identifier"][1]["value"], "1");
        assert_eq!(organization["extension"][0]["extension"][0]["valueUrl"], "https://general.example/logo.svg");
    }
}
