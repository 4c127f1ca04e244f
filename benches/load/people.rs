//! Made-up patients and their records, as long as the figures say: a Patient of 2 KB, a page of 100 KB, a page of 10 MB.

use std::fmt::Write;

/// Patients; each has a token of its own, so that no rate limit is what is measured.
pub(crate) const PEOPLE: usize = 1000;
/// Rows of a page: what the gateway asks for when its client names no count.
const ROWS: usize = 50;

/// The id of the nth patient.
pub(crate) fn id(nth: usize) -> String {
    format!("p{nth}")
}

/// A Patient of 2 KB; about a third is left when a payer asks.
pub(crate) fn patient(id: &str) -> String {
    let narrative = narrative(900);
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","meta":{{"versionId":"3","lastUpdated":"2026-03-04T05:06:07.000Z","profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"]}},"text":{{"status":"generated","div":"{narrative}"}},"extension":[{{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex","valueCode":"F"}},{{"url":"http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName","valueString":"Okonkwo"}}],"identifier":[{{"use":"usual","system":"https://records.example.org/mrn","value":"MRN-{id}"}}],"active":true,"name":[{{"use":"official","family":"Muñoz","given":["Ana","Luz"]}}],"telecom":[{{"system":"phone","value":"+1 217 555 0101","use":"home"}},{{"system":"email","value":"ana@example.org"}}],"gender":"female","birthDate":"1980-02-29","address":[{{"use":"home","line":["12 Elm St","Apt 4"],"city":"Springfield","state":"IL","postalCode":"62701","country":"US"}}],"maritalStatus":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M"}}]}},"contact":[{{"relationship":[{{"text":"Mother"}}],"name":{{"family":"Okonkwo","given":["Ada"]}},"telecom":[{{"system":"phone","value":"+1 217 555 0102"}}]}}],"communication":[{{"language":{{"coding":[{{"system":"urn:ietf:bcp:47","code":"es"}}]}},"preferred":true}}]}}"#
    )
}

/// A page of Encounters, 100 KB; about two fifths are left when a payer asks.
pub(crate) fn encounters(patient: &str) -> String {
    set("Encounter", patient, |id| encounter(&id, patient, 1000))
}

/// A page of Observations, 10 MB.
pub(crate) fn observations(patient: &str) -> String {
    let text = narrative(200_000);
    set("Observation", patient, |id| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","meta":{{"versionId":"1"}},"text":{{"status":"generated","div":"{text}"}},"status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"11502-2"}}]}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2026-01-02","valueString":"see text"}}"#
        )
    })
}

fn set(kind: &str, patient: &str, row: impl Fn(String) -> String) -> String {
    let mut page = format!(r#"{{"resourceType":"Bundle","type":"searchset","total":{ROWS},"entry":["#);
    for nth in 0..ROWS {
        let id = format!("{patient}-{nth}");
        let comma = if nth > 0 { "," } else { "" };
        let row = row(id.clone());
        let entry = write!(
            page,
            r#"{comma}{{"fullUrl":"http://records.example.org/fhir/{kind}/{id}","resource":{row},"search":{{"mode":"match"}}}}"#
        );
        // Writing to a text cannot fail.
        entry.unwrap_or_default();
    }
    page.push_str("]}");
    page
}

fn encounter(id: &str, patient: &str, narrative_bytes: usize) -> String {
    let narrative = narrative(narrative_bytes);
    format!(
        r#"{{"resourceType":"Encounter","id":"{id}","meta":{{"versionId":"2","lastUpdated":"2026-03-04T05:06:07.000Z"}},"text":{{"status":"generated","div":"{narrative}"}},"status":"finished","class":{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}},"type":[{{"coding":[{{"system":"http://snomed.info/sct","code":"185349003","display":"Encounter for check up"}}]}}],"subject":{{"reference":"Patient/{patient}"}},"participant":[{{"individual":{{"reference":"Practitioner/d1"}}}}],"period":{{"start":"2026-01-02T08:00:00Z","end":"2026-01-02T08:30:00Z"}},"reasonCode":[{{"text":"cough"}}],"diagnosis":[{{"condition":{{"reference":"Condition/{id}-c"}},"rank":1}}],"hospitalization":{{"dischargeDisposition":{{"text":"home"}}}},"serviceProvider":{{"reference":"Organization/o1"}}}}"#
    )
}

/// XHTML of about this many bytes.
fn narrative(bytes: usize) -> String {
    let sentence = "<p>Seen in clinic, in good health; asked to come again in a year.</p>";
    let mut text = String::from(r#"<div xmlns=\"http://www.w3.org/1999/xhtml\">"#);
    while text.len() < bytes {
        text.push_str(sentence);
    }
    text.push_str("</div>");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_about_as_long_as_is_said() {
        for (text, least, most) in [
            (patient("p1"), 1_900, 2_300),
            (encounters("p1"), 90_000, 110_000),
            (observations("p1"), 10_000_000, 10_500_000),
        ] {
            assert!((least..most).contains(&text.len()), "{}", text.len());
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
