//! Coded values: codings, their systems, and the words beside them.

use std::borrow::Cow;

use bridge::mapping::{Out, Source};

use crate::parse::Value;

/// Writes the members of a CodeableConcept: primary, alternate and third coding, and the original text.
pub(crate) fn codeable(out: &mut Out, value: Value<'_>, to: &'static str) {
    let valued = value.parts_valued();
    let part = |number: u16| if valued & Source::bit(number) == 0 { value.none() } else { value.part(number) };
    out.array("coding");
    for (code, words, system, version, oid) in CODINGS {
        let code = part(code);
        let Some(written) = code.trimmed() else { continue };
        let (words, system, version, oid) = (part(words), part(system), part(version), part(oid));
        out.object("");
        let name = system.trimmed();
        if let Some(uri) = coding_system(name.as_deref(), oid.trimmed().as_deref()) {
            out.string("system", &uri);
            system.mapped(to);
            oid.mapped(to);
        } else if name.is_some_and(|name| name == "L" || name.starts_with("99")) {
            system.ignored("local-codes-have-no-system");
        }
        if let Some(version_id) = version.trimmed() {
            out.string("version", &version_id);
            version.mapped(to);
        }
        out.string("code", &single_spaced(&written));
        code.mapped_scalar(to);
        if let Some(display) = words.trimmed() {
            out.string("display", &display);
            words.mapped_scalar(to);
        }
        out.leave();
    }
    out.leave();
    let original = part(9);
    if let Some(text) = original.trimmed() {
        out.string("text", &text);
        original.mapped(to);
    } else if CODINGS.iter().all(|(code, ..)| part(*code).is_empty()) {
        let words = CODINGS.iter().map(|(_code, words, ..)| part(*words)).find(|words| !words.is_empty());
        if let Some(words) = words
            && let Some(text) = words.trimmed()
        {
            out.string("text", &text);
            words.mapped(to);
        }
    }
}

/// The primary, the alternate and the third coding of a coded value: where its code, words, system, version and system's
/// OID stand.
const CODINGS: [(u16, u16, u16, u16, u16); 3] = [(1, 2, 3, 7, 14), (4, 5, 6, 8, 17), (10, 11, 12, 13, 20)];

/// A code as FHIR has it: single spaces inside, none around.
pub(crate) fn single_spaced(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The FHIR system of a coding system's name (HL7 table 0396) or OID; `None` for local and unknown ones.
pub(crate) fn coding_system(name: Option<&str>, oid: Option<&str>) -> Option<Cow<'static, str>> {
    if let Some(known) = name.and_then(known_system) {
        return Some(Cow::Borrowed(known));
    }
    // HL7nnnn is table nnnn of HL7 v2.
    if let Some(table) = name.and_then(|name| name.strip_prefix("HL7"))
        && table.len() == 4
        && table.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(Cow::Owned(format!("http://terminology.hl7.org/CodeSystem/v2-{table}")));
    }
    let oid = oid.filter(|oid| super::identifiers::is_oid(oid))?;
    Some(match oid {
        "2.16.840.1.113883.6.1" => Cow::Borrowed("http://loinc.org"),
        "2.16.840.1.113883.6.96" => Cow::Borrowed("http://snomed.info/sct"),
        other => Cow::Owned(format!("urn:oid:{other}")),
    })
}

fn known_system(name: &str) -> Option<&'static str> {
    Some(match name {
        "LN" | "LOINC" => "http://loinc.org",
        "SCT" | "SNOMED" | "SNOMED-CT" | "SNOMEDCT" => "http://snomed.info/sct",
        "UCUM" => "http://unitsofmeasure.org",
        "I10" | "I10C" | "ICD10CM" => "http://hl7.org/fhir/sid/icd-10-cm",
        "I9" | "I9C" | "I9CDX" => "http://hl7.org/fhir/sid/icd-9-cm",
        "C4" | "CPT" | "CPT4" => "http://www.ama-assn.org/go/cpt",
        "CVX" => "http://hl7.org/fhir/sid/cvx",
        "NDC" => "http://hl7.org/fhir/sid/ndc",
        "RXNORM" | "RxNorm" => "http://www.nlm.nih.gov/research/umls/rxnorm",
        "CDCREC" => "urn:oid:2.16.840.1.113883.6.238",
        _other => return None,
    })
}
