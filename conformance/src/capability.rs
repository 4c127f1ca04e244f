//! What we say that we can do: the CapabilityStatement behind `/metadata` (R4, section 2.0 capabilities; US Core 6.1.0).
//!
//! Made from rows handed in, so that it cannot claim what no route answers; search parameters come from the very table that
//! reads queries. Pure: the date is an argument. Never claims to instantiate another's statement.

use fhir::search::{self, Parameter};
use fhir::{Interaction, ResourceType};
use json::Writer;

/// Where US Core's profiles are defined.
const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";
/// The guide whose profiles our records claim.
const GUIDE: &str = "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0";
/// The extension with the authorization server's addresses (SMART App Launch, conformance).
pub const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
/// The code system of `rest.security.service`.
const SECURITY_SERVICE: &str = "http://terminology.hl7.org/CodeSystem/restful-security-service";

/// How Patients that are linked are treated, which SMART wants said.
const LINKS: &str = "Patient.link is shown as it stands and never followed: a token for one Patient opens that Patient's records \
                     alone, and not those of a Patient that is linked with it, whatever the type of the link. Whoever merges \
                     records moves them to the Patient that remains.";

/// What this server does.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The version of the program, `0.1.0`.
    pub software_version: String,
    /// The FHIR base, without a slash at its end.
    pub fhir_base: String,
    /// When the statement was last changed, as a FHIR dateTime.
    pub date: String,
    /// The types served, each once.
    pub kinds: Vec<KindClaim>,
    /// The authorization server's addresses; `None` when there is none.
    pub oauth: Option<Oauth>,
}

/// What can be asked of one type.
#[derive(Clone, Debug)]
pub struct KindClaim {
    /// The type.
    pub kind: ResourceType,
    /// What can be asked of it; only interactions over one type have a place here.
    pub interactions: Vec<Interaction>,
}

/// The authorization server's addresses, absolute.
///
/// Not those of revocation and introspection: R4's own definition of the extension has no place for them, and clients find
/// them in `smart-configuration`.
#[derive(Clone, Debug)]
pub struct Oauth {
    /// The authorization endpoint (RFC 6749, section 3.1).
    pub authorize: String,
    /// The token endpoint (RFC 6749, section 3.2).
    pub token: String,
}

/// The statement, as compact JSON.
pub fn statement(claims: &Claims) -> Vec<u8> {
    let mut out = Writer::with_capacity(64 * 1024);
    out.begin_object();
    out.member("resourceType", "CapabilityStatement").member("id", "sluice");
    out.member("url", &format!("{}/metadata", claims.fhir_base));
    out.member("version", &claims.software_version).member("name", "Sluice").member("title", "Sluice");
    out.member("status", "active").member("date", &claims.date).member("publisher", "The operator of this server");
    out.member(
        "description",
        "Patients, clinicians and backend services read records through a gateway that judges, cuts and records each one.",
    );
    out.member("kind", "instance");
    out.key("software")
        .begin_object()
        .member("name", "Sluice")
        .member("version", &claims.software_version)
        .end_object();
    out.key("implementation").begin_object().member("description", "A FHIR R4 privacy gateway");
    out.member("url", &claims.fhir_base).end_object();
    out.member("fhirVersion", "4.0.1");
    strings(&mut out, "format", &["json", "application/fhir+json"]);
    strings(&mut out, "implementationGuide", &[GUIDE]);
    out.key("rest").begin_array().begin_object().member("mode", "server");
    security(&mut out, claims.oauth.as_ref());
    out.key("resource").begin_array();
    claims.kinds.iter().for_each(|claim| resource(&mut out, claim));
    out.end_array().end_object().end_array();
    out.end_object();
    out.finish()
}

fn security(out: &mut Writer, oauth: Option<&Oauth>) {
    out.key("security").begin_object();
    if let Some(oauth) = oauth {
        out.key("extension").begin_array().begin_object().member("url", OAUTH_URIS).key("extension").begin_array();
        for (name, address) in [("authorize", &oauth.authorize), ("token", &oauth.token)] {
            out.begin_object().member("url", name).member("valueUri", address).end_object();
        }
        out.end_array().end_object().end_array();
    }
    out.key("cors").boolean(true);
    if oauth.is_some() {
        out.key("service").begin_array().begin_object().key("coding").begin_array().begin_object();
        out.member("system", SECURITY_SERVICE).member("code", "SMART-on-FHIR").member("display", "SMART-on-FHIR");
        out.end_object().end_array().member("text", "OAuth 2.0 by the SMART App Launch guide").end_object().end_array();
    }
    out.end_object();
}

fn resource(out: &mut Writer, claim: &KindClaim) {
    let kind = claim.kind;
    out.begin_object().member("type", kind.as_str());
    let profiles: Vec<String> = profiles(kind).iter().map(|name| format!("{US_CORE}{name}")).collect();
    if !profiles.is_empty() {
        strings(out, "supportedProfile", &profiles);
    }
    out.key("interaction").begin_array();
    for interaction in claim.interactions.iter().filter(|interaction| is_of_a_type(**interaction)) {
        out.begin_object().member("code", interaction.code()).end_object();
    }
    out.end_array();
    if kind == ResourceType::Patient {
        out.member("documentation", LINKS);
    }
    out.member("versioning", "versioned");
    strings(out, "referencePolicy", &["literal"]);
    let own = search::parameters(kind);
    if claim.interactions.contains(&Interaction::Search) && !own.is_empty() {
        if kind == ResourceType::MedicationRequest {
            strings(out, "searchInclude", &["MedicationRequest:medication"]);
        }
        if kind != ResourceType::Provenance {
            strings(out, "searchRevInclude", &["Provenance:target"]);
        }
        out.key("searchParam").begin_array();
        search::COMMON.iter().chain(own).for_each(|row| parameter(out, row));
        out.end_array();
    }
    out.end_object();
}

fn parameter(out: &mut Writer, row: &Parameter) {
    out.begin_object().member("name", row.name).member("definition", &row.definition());
    out.member("type", row.kind.as_str()).end_object();
}

/// The interactions that R4's type-restful-interaction knows; the others concern the whole server.
fn is_of_a_type(interaction: Interaction) -> bool {
    match interaction {
        Interaction::Read
        | Interaction::Vread
        | Interaction::History
        | Interaction::HistoryType
        | Interaction::Search
        | Interaction::Create
        | Interaction::Update
        | Interaction::Patch
        | Interaction::Delete => true,
        Interaction::HistorySystem
        | Interaction::SearchSystem
        | Interaction::Transaction
        | Interaction::Batch
        | Interaction::Capabilities
        | Interaction::Operation => false,
    }
}

fn strings(out: &mut Writer, key: &str, values: &[impl AsRef<str>]) {
    out.key(key).begin_array();
    for value in values {
        out.string(value.as_ref());
    }
    out.end_array();
}

/// The US Core 6.1.0 profiles of a type, as they stand behind [`US_CORE`].
fn profiles(kind: ResourceType) -> &'static [&'static str] {
    PROFILES.iter().find(|(of, _)| *of == kind).map_or(&[], |(_, profiles)| profiles)
}

const PROFILES: &[(ResourceType, &[&str])] = &[
    (ResourceType::AllergyIntolerance, &["us-core-allergyintolerance"]),
    (ResourceType::CarePlan, &["us-core-careplan"]),
    (ResourceType::CareTeam, &["us-core-careteam"]),
    (ResourceType::Condition, &["us-core-condition-encounter-diagnosis", "us-core-condition-problems-health-concerns"]),
    (ResourceType::Coverage, &["us-core-coverage"]),
    (ResourceType::Device, &["us-core-implantable-device"]),
    (ResourceType::DiagnosticReport, &["us-core-diagnosticreport-lab", "us-core-diagnosticreport-note"]),
    (ResourceType::DocumentReference, &["us-core-documentreference"]),
    (ResourceType::Encounter, &["us-core-encounter"]),
    (ResourceType::Goal, &["us-core-goal"]),
    (ResourceType::Immunization, &["us-core-immunization"]),
    (ResourceType::Location, &["us-core-location"]),
    (ResourceType::Medication, &["us-core-medication"]),
    (ResourceType::MedicationDispense, &["us-core-medicationdispense"]),
    (ResourceType::MedicationRequest, &["us-core-medicationrequest"]),
    (
        ResourceType::Observation,
        &[
            "head-occipital-frontal-circumference-percentile",
            "pediatric-bmi-for-age",
            "pediatric-weight-for-height",
            "us-core-blood-pressure",
            "us-core-bmi",
            "us-core-body-height",
            "us-core-body-temperature",
            "us-core-body-weight",
            "us-core-head-circumference",
            "us-core-heart-rate",
            "us-core-observation-clinical-result",
            "us-core-observation-lab",
            "us-core-observation-occupation",
            "us-core-observation-pregnancyintent",
            "us-core-observation-pregnancystatus",
            "us-core-observation-screening-assessment",
            "us-core-observation-sexual-orientation",
            "us-core-pulse-oximetry",
            "us-core-respiratory-rate",
            "us-core-simple-observation",
            "us-core-smokingstatus",
            "us-core-vital-signs",
        ],
    ),
    (ResourceType::Organization, &["us-core-organization"]),
    (ResourceType::Patient, &["us-core-patient"]),
    (ResourceType::Practitioner, &["us-core-practitioner"]),
    (ResourceType::PractitionerRole, &["us-core-practitionerrole"]),
    (ResourceType::Procedure, &["us-core-procedure"]),
    (ResourceType::Provenance, &["us-core-provenance"]),
    (ResourceType::RelatedPerson, &["us-core-relatedperson"]),
    (ResourceType::ServiceRequest, &["us-core-servicerequest"]),
    (ResourceType::Specimen, &["us-core-specimen"]),
];

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(kinds: Vec<KindClaim>, oauth: bool) -> Value {
        let base = "https://sluice.example/fhir".to_owned();
        let at = |path: &str| format!("https://sluice.example/oauth/{path}");
        let oauth = oauth.then(|| Oauth { authorize: at("authorize"), token: at("token") });
        let claims = Claims {
            software_version: "0.1.0".to_owned(),
            fhir_base: base,
            date: "2026-01-01".to_owned(),
            kinds,
            oauth,
        };
        serde_json::from_slice(&statement(&claims)).unwrap()
    }

    fn reads(kind: ResourceType) -> KindClaim {
        KindClaim { kind, interactions: vec![Interaction::Read, Interaction::Search, Interaction::Batch] }
    }

    #[test]
    fn nothing_is_claimed_that_was_not_handed_in() {
        let said = told(vec![reads(ResourceType::Patient)], true);
        let resources = said["rest"][0]["resource"].as_array().unwrap();
        assert_eq!(resources.len(), 1);
        assert_eq!(resources[0]["interaction"], json!([{ "code": "read" }, { "code": "search-type" }]));
        assert_eq!(said["instantiates"], Value::Null);
    }

    #[test]
    fn it_is_said_how_linked_patients_are_treated() {
        let said = told(vec![reads(ResourceType::Patient), reads(ResourceType::Observation)], true);
        let resources = &said["rest"][0]["resource"];
        assert!(resources[0]["documentation"].as_str().is_some_and(|said| said.contains("Patient.link")));
        assert_eq!(resources[1]["documentation"], Value::Null);
    }

    #[test]
    fn a_type_that_is_only_read_has_no_search_parameters() {
        let claim = KindClaim { kind: ResourceType::Patient, interactions: vec![Interaction::Read] };
        let said = told(vec![claim, reads(ResourceType::Binary)], true);
        for resource in said["rest"][0]["resource"].as_array().unwrap() {
            assert_eq!((&resource["searchParam"], &resource["searchRevInclude"]), (&Value::Null, &Value::Null));
        }
    }

    #[test]
    fn every_parameter_that_is_answered_is_told_with_its_definition() {
        let said = told(vec![reads(ResourceType::Observation)], true);
        let rows = said["rest"][0]["resource"][0]["searchParam"].as_array().unwrap().clone();
        assert_eq!(rows.len(), search::COMMON.len() + search::parameters(ResourceType::Observation).len());
        let date = json!({ "name": "date", "definition": "http://hl7.org/fhir/SearchParameter/clinical-date", "type": "date" });
        assert!(rows.contains(&date));
    }

    #[test]
    fn includes_are_told_where_they_are_answered() {
        let said = told(vec![reads(ResourceType::MedicationRequest), reads(ResourceType::Provenance)], true);
        let resources = &said["rest"][0]["resource"];
        assert_eq!(resources[0]["searchInclude"], json!(["MedicationRequest:medication"]));
        assert_eq!(resources[0]["searchRevInclude"], json!(["Provenance:target"]));
        assert_eq!(resources[1]["searchRevInclude"], Value::Null);
    }

    #[test]
    fn the_authorization_server_is_told_only_where_there_is_one() {
        let with = told(Vec::new(), true);
        let uris = &with["rest"][0]["security"]["extension"][0]["extension"];
        assert_eq!(uris[1], json!({ "url": "token", "valueUri": "https://sluice.example/oauth/token" }));
        assert_eq!(with["rest"][0]["security"]["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
        assert_eq!(told(Vec::new(), false)["rest"][0]["security"], json!({ "cors": true }));
    }

    #[test]
    fn every_profile_named_is_one_of_us_core() {
        let known = include_str!("../definitions/us-core-6.1-must-support.txt");
        for name in PROFILES.iter().flat_map(|(_, profiles)| profiles.iter()) {
            let row = |line: &str| line.split_once('\t').is_some_and(|(profile, _)| profile == *name);
            assert!(known.lines().any(row), "{name}");
        }
    }
}
