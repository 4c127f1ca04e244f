//! Implanted devices, with the label the maker put on them.

use serde_json::json;

use super::chart::{Chart, Entry};
use super::codes::{SNOMED, concept};

/// Whether this person carries a device.
pub(super) fn carries(chart: &Chart) -> bool {
    chart.facts.is_adult() && chart.facts.index % 4 == 1
}

pub(super) fn write(chart: &mut Chart) {
    if !carries(chart) {
        return;
    }
    let (code, name, maker) = match chart.facts.index % 8 {
        1 => ("14106009", "Cardiac pacemaker", "09504000059118"),
        _ => ("304120007", "Total hip replacement prosthesis", "00844588003288"),
    };
    let (made, expires) = (chart.facts.ago(1_000), chart.facts.ago(-2_000));
    let lot = format!("L{}", chart.facts.index % 100);
    let serial = format!("S{}", chart.facts.mrn);
    let label = format!("(01){maker}(11){}(17){}(10){lot}(21){serial}", made.label(), expires.label());
    let body = json!({
        "udiCarrier": [{ "deviceIdentifier": maker, "carrierHRF": label, "entryType": "barcode" }],
        "status": "active",
        "distinctIdentifier": format!("D-{}", chart.facts.mrn),
        "manufacturer": "Example Devices",
        "manufactureDate": made.date(),
        "expirationDate": expires.date(),
        "lotNumber": lot,
        "serialNumber": serial,
        "deviceName": [{ "name": name, "type": "user-friendly-name" }],
        "type": concept(SNOMED, code, name),
        "patient": chart.subject(),
    });
    let profile = Some("us-core-implantable-device");
    chart.add(&Entry { kind: "Device", tag: "dev", profile, summary: name }, body);
}
