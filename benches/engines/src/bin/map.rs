//! A laboratory's message alone, in memory: from its bytes to filings, and on to a Bundle, beside a parser that maps
//! nothing.
//!
//! The message is an ORU^R01 of 2.6 KB with 14 results. Before anything is timed, what the map makes of it is read back.

#![expect(clippy::print_stdout, reason = "a bench tells its figures")]
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use bridge::{Adapter, Authority, Link, Verdict, bundle};
use bytes::Bytes;
use engines::{Contestant, compare, machine};
use hl7v2::Hl7v2;
use privacy::Phi;
use serde_json::Value as Tree;
use uuid::Uuid;

/// What a comprehensive metabolic panel says: code, words, result, unit, range.
const RESULTS: [(&str, &str, &str, &str, &str); 14] = [
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "95", "mg/dL", "70-99"),
    ("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", "14", "mg/dL", "7-20"),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "0.90", "mg/dL", "0.6-1.2"),
    ("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "9.4", "mg/dL", "8.5-10.2"),
    ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "139", "mmol/L", "135-145"),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "4.2", "mmol/L", "3.5-5.1"),
    ("2075-0", "Chloride [Moles/volume] in Serum or Plasma", "103", "mmol/L", "98-107"),
    ("2028-9", "Carbon dioxide, total [Moles/volume] in Serum or Plasma", "25", "mmol/L", "21-31"),
    ("2885-2", "Protein [Mass/volume] in Serum or Plasma", "7.1", "g/dL", "6.0-8.3"),
    ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "4.4", "g/dL", "3.5-5.0"),
    ("1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "0.6", "mg/dL", "0.1-1.2"),
    ("6768-6", "Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma", "72", "U/L", "44-147"),
    ("1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma", "28", "U/L", "7-56"),
    ("1920-8", "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma", "61", "U/L", "10-40"),
];

fn main() {
    let (raw, link) = (message(), link());
    let phi = Phi::new(raw.clone());
    check(&phi, &link);
    println!("{}; messages a second and CPU, medians of interleaved turns", machine());
    println!("one ORU^R01 of {} bytes with {} results", raw.len(), RESULTS.len());
    let text = std::str::from_utf8(&raw).unwrap();
    let timings = compare(vec![
        Contestant::new("to filings", || Hl7v2.read(&link, &phi).filings.len()),
        Contestant::new("to filings and one Bundle", || {
            let filings = Hl7v2.read(&link, &phi).filings;
            filings.iter().map(|filing| filing.inspect(|filing| bundle([filing]).len())).sum()
        }),
        Contestant::new("heading and fingerprint alone", || {
            let heading = Hl7v2.heading(&link, &phi).unwrap();
            heading.control_id.len() + usize::from(Hl7v2.fingerprint(&link, &phi)[0])
        }),
        Contestant::new("hl7-parser 0.3, parse alone", || hl7_parser::Message::parse(text).unwrap().segments().count()),
    ]);
    let peer = timings.last().unwrap().median_s;
    println!("{:<34} {:>12} {:>12} {:>9} {:>8}", "way", "messages/s", "best", "us", "ratio");
    for timing in &timings {
        let (median, least) = (timing.median_s, timing.least_s);
        println!(
            "{:<34} {:>12.0} {:>12.0} {:>9.1} {:>8.2}",
            timing.name,
            1.0 / median,
            1.0 / least,
            median * 1e6,
            peer / median
        );
    }
}

fn message() -> Bytes {
    let mut text = "MSH|^~\\&|LIS|NORTHLAB|SLUICE|CLINIC|20260310141530-0500||ORU^R01^ORU_R01|B000001|P|2.5.1|||AL|NE\r\
         PID|1||A1001^^^CLINIC^MR||Rivera^Ana^Luz||19800229|F|||12 Elm St^^Springfield^IL^62701\r\
         ORC|RE|P-55|F-900||CM||||20260310090000|||1487^Ortiz^Pablo^^^Dr.^^^NPI&2.16.840.1.113883.4.6&ISO\r\
         OBR|1|P-55|F-900|24323-8^Comprehensive metabolic panel^LN|||20260310101500|||||||||1487^Ortiz^Pablo^^^Dr.^^^NPI&2.16.840.1.113883.4.6&ISO||||||20260310141500||LAB|F\r"
        .to_owned();
    for (place, (code, words, result, unit, range)) in RESULTS.into_iter().enumerate() {
        let flag = if place == 13 { "H" } else { "N" };
        let set = place + 1;
        text += &format!(
            "OBX|{set}|NM|{code}^{words}^LN||{result}|{unit}^{unit}^UCUM|{range}|{flag}|||F|||20260310101500||||||20260310140000||||NORTHLAB\\r"
        )
        .replace("\\r", "\r");
    }
    text.into()
}

fn link() -> Link {
    let mut link = Link::new("bench", Uuid::from_u128(0x5108_0ce0));
    link.zone = Some(jiff::tz::TimeZone::get("America/Chicago").unwrap());
    link.authorities = vec![Authority {
        namespace_id: Some("CLINIC".into()),
        universal_id: None,
        system: "urn:oid:2.999.1".into(),
        patients: true,
    }];
    link
}

/// Whether the message is accepted and each of its results stands in the Bundle with its value and unit.
fn check(phi: &Phi<Bytes>, link: &Link) {
    let reading = Hl7v2.read(link, phi);
    assert_eq!((reading.verdict, reading.filings.len()), (Verdict::Accepted, 1));
    let made: Vec<Tree> = reading
        .filings
        .into_iter()
        .map(|filing| {
            let mut bytes = Vec::new();
            filing.map(|filing| bytes = bundle([&filing]));
            serde_json::from_slice(&bytes).unwrap()
        })
        .collect();
    let entries = made[0]["entry"].as_array().unwrap();
    let told =
        entries.iter().map(|entry| &entry["resource"]).filter(|resource| resource["resourceType"] == "Observation");
    let told: Vec<_> =
        told.map(|one| (one["code"]["coding"][0]["code"].clone(), one["valueQuantity"].clone())).collect();
    assert_eq!(told.len(), RESULTS.len());
    for ((code, _words, result, unit, _range), (told_code, told)) in RESULTS.into_iter().zip(told) {
        assert_eq!((told_code.as_str(), told["unit"].as_str()), (Some(code), Some(unit)));
        assert_eq!(told["value"].as_f64(), result.parse().ok());
    }
}
