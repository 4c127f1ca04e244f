//! Requests that have broken others: paths that two readers read differently, and searches that look where they may not.

use crate::world::Chance;

type Query = Vec<(String, String)>;

/// A path that must lead nowhere, about a record with this type and id.
pub fn path(chance: &mut Chance, kind: &str, id: &str, me: &str) -> (String, Query) {
    let paths = [
        "/fhir//{kind}/{id}",
        "/fhir/./{kind}/{id}",
        "/fhir/Observation/../{kind}/{id}",
        "/fhir/%2e%2e/{kind}/{id}",
        "/fhir/{kind}%2f{id}",
        "/fhir/{kind}/..;/{id}",
        "/fhir/{kind};x=1/{id}",
        "/fhir/{kind}/{id}%00",
        "/fhir/{kind}/{id}/",
        "/fhir/{kind}/{id}.",
        "/fhir/{kind}\\{id}",
        "//evil/fhir/{kind}/{id}",
        "/fhir/{kind}/{id}/$everything",
        "/fhir/{kind}/{id}/_history",
        "/fhir/{kind}/_history",
        "/fhir/_history",
        "/fhir",
        "/fhir/",
        "/fhir/{kind}/_search/",
        "/fhir/{kind}/{me},{id}",
        "/fhir/Patient/{me}/{kind}",
        "/fhir/Patient/{me}/{kind}/{id}",
        "/fhir/Patient/{me}/$everything",
        "/fhir/{lower}/{id}",
        "/fhir/Nonsense/{id}",
        "/fhir/Group/{id}",
        "/FHIR/{kind}/{id}",
        "/fhir/{kind}/%{id}",
        "/metrics",
        "/fhir/$export",
        "/admin",
    ];
    let path = chance.pick(&paths).replace("{kind}", kind).replace("{id}", id).replace("{me}", me);
    let path = path.replace("{lower}", &kind.to_lowercase());
    let queries: [Query; 4] = [
        Vec::new(),
        Vec::new(),
        vec![("_format".to_owned(), "html".to_owned())],
        vec![("_type".to_owned(), kind.to_owned()), ("_id".to_owned(), id.to_owned())],
    ];
    (path, chance.pick(&queries).clone())
}

/// Parameters that reach, or try to reach, beyond the caller's own records.
pub fn search(chance: &mut Chance, kind: &str, id: &str, me: &str) -> Query {
    let vectors: [&[(&str, &str)]; 39] = [
        &[("_id", "{me},{id}")],
        &[("subject", "Patient/{me},Group/x")],
        &[("subject", "Patient/{me}"), ("subject", "{kind}/{id}")],
        &[("patient", "{id}")],
        &[("patient", "Patient/{id}")],
        &[("patient", "Patient/{me},Patient/{id}")],
        &[("subject:Patient", "{id}")],
        &[("subject:identifier", "sys|v")],
        &[("subject", "https://other/fhir/Patient/{id}")],
        &[("subject", "Patient/{me}/_history/1")],
        &[("patient.name", "x")],
        &[("subject:Patient.organization.name", "x")],
        &[("_has:Observation:patient:code", "x")],
        &[("_has:Observation:patient:_has:AuditEvent:entity:agent", "y")],
        &[("_include:iterate", "*")],
        &[("_include", "Patient:link")],
        &[("_include", "*")],
        &[("_revinclude", "List:item")],
        &[("_revinclude", "Observation:focus")],
        &[("_list", "$current-problems")],
        &[("_filter", "birthdate gt 1990")],
        &[("_sort", "-birthdate")],
        &[("birthdate:missing", "true")],
        &[("_elements", "id")],
        &[("_summary", "count")],
        &[("_total", "accurate"), ("_count", "0")],
        &[("_contained", "both")],
        &[("_security:not", "R")],
        &[("_security", "PSYTHPN")],
        &[("_count", "-1")],
        &[("_count", "1e9")],
        &[("_count", "999999999")],
        &[("_getpages", "{id}")],
        &[("_page", "{id}")],
        &[("_HAS", "x")],
        &[("%5Fhas", "x")],
        &[("code\t", "x")],
        &[("nonsense", "{id}")],
        &[("identifier", "|")],
    ];
    let fill = |text: &str| text.replace("{kind}", kind).replace("{id}", id).replace("{me}", me);
    chance.pick(&vectors).iter().map(|(name, value)| (fill(name), fill(value))).collect()
}
