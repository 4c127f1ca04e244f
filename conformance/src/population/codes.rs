//! Code systems by name, and the small shapes that every FHIR resource is made of.

use serde_json::{Value, json};

pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const SNOMED: &str = "http://snomed.info/sct";
pub(super) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub(super) const CVX: &str = "http://hl7.org/fhir/sid/cvx";
pub(super) const ICD10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub(super) const UCUM: &str = "http://unitsofmeasure.org";
pub(super) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(super) const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
pub(super) const ROLE_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
pub(super) const NULL_FLAVOR: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
pub(super) const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
pub(super) const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
pub(super) const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
pub(super) const US_CORE_CATEGORY: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category";
pub(super) const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
pub(super) const ABSENT_EXTENSION: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
pub(super) const ASSERTED_DATE: &str = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate";

/// A Coding.
pub(super) fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

/// A CodeableConcept of one coding, with the display as its text.
pub(super) fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coding(system, code, display)], "text": display })
}

/// A CodeableConcept that says why there is nothing better to say (value set data-absent-reason).
pub(super) fn absent(code: &str) -> Value {
    json!({ "coding": [{ "system": ABSENT, "code": code }] })
}

/// A Quantity in a UCUM unit.
pub(super) fn quantity(value: f64, unit: &str, code: &str) -> Value {
    // Whole numbers are written without a fraction: "80", not "80.0".
    #[allow(clippy::cast_possible_truncation, reason = "the fraction is zero and the values are small")]
    let number = if value.fract() == 0.0 { json!(value as i64) } else { json!(value) };
    json!({ "value": number, "unit": unit, "system": UCUM, "code": code })
}

/// A Reference with a display.
pub(super) fn reference(to: &str, display: &str) -> Value {
    json!({ "reference": to, "display": display })
}

/// Sets one more member of an object; anything else stays as it is.
pub(super) fn set(body: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = body {
        members.insert(key.to_owned(), value);
    }
}

/// Text made safe inside XHTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Standard base64 (RFC 4648, section 4), for attachments.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for place in 0..4_usize {
            let six = (bits >> (18 - 6 * place)) & 63;
            let letter = if place > chunk.len() { b'=' } else { ALPHABET[six as usize] };
            out.push(char::from(letter));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{base64, quantity};

    #[test]
    fn base64_agrees_with_the_test_vectors_of_rfc_4648() {
        let vectors = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn whole_numbers_have_no_fraction() {
        assert_eq!(quantity(80.0, "kg", "kg")["value"].to_string(), "80");
        assert_eq!(quantity(37.2, "C", "Cel")["value"].to_string(), "37.2");
    }
}
