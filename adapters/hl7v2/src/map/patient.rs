//! What PID says in ways that branch: names, addresses, telephones, categories.

use bridge::mapping::Out;

use super::engine::{At, Run};
use super::steps::part_or_self;

pub(super) fn middle_names(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(names) = at.value.trimmed() else { return };
    names.split_whitespace().for_each(|name| out.string("", name));
    at.value.mapped_scalar(at.to);
}

/// XAD.7 is a use for some codes and a type for others.
pub(super) fn address_part(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, table: &str) {
    let Some(code) = at.value.trimmed() else { return };
    let target = run.link.own_code(table, &code).map(str::to_owned);
    let published = || run.maps.tables.get(table)?.look_up(&code).map(|(target, _filled)| target.to_owned());
    if let Some(target) = target.or_else(published) {
        out.string(at.name, &target);
        at.value.mapped_scalar(at.to);
    }
}

/// XTN: the number in its old place (1), its new one (12), in parts (5 to 8), or an address (4).
pub(super) fn telecom(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, default_use: Option<&str>) {
    let part = |number: u16| at.value.part(number);
    let text = |number: u16| part(number).trimmed().map(|text| text.into_owned());
    let equipment = text(3);
    let is_address =
        matches!(equipment.as_deref(), Some("Internet" | "X.400")) || (equipment.is_none() && text(4).is_some());
    let number = if is_address {
        text(4).or_else(|| text(1))
    } else {
        text(12).or_else(|| composed(text(5), text(6), text(7), text(8))).or_else(|| text(1)).or_else(|| text(4))
    };
    let Some(number) = number else { return };
    out.object(at.name);
    let tables = run.maps.tables;
    let own: &Run<'_> = run;
    let coded = |table: &str, number: u16| {
        let value = part(number);
        let (code, table) = (value.trimmed()?, tables.get(table)?);
        let target = own.look_up(table, value, &code)?;
        value.mapped(at.to);
        Some(target)
    };
    let system = coded("0202", 3);
    // FHIR asks for a system wherever there is a value.
    out.string("system", system.unwrap_or(if is_address { "email" } else { "phone" }));
    out.string("value", &number);
    let mobile = equipment.as_deref() == Some("CP");
    match coded("0201", 2) {
        Some(used) if !mobile => out.string("use", used),
        Some(_) | None if mobile => out.plain("use", "mobile"),
        Some(_) | None => {
            if let Some(used) = default_use {
                out.string("use", used);
            }
        }
    }
    out.leave();
    for component in [1, 4, 5, 6, 7, 8, 12] {
        part(component).mapped(at.to);
    }
}

fn composed(
    country: Option<String>,
    area: Option<String>,
    local: Option<String>,
    more: Option<String>,
) -> Option<String> {
    let local = local?;
    let mut number = country.map(|code| format!("+{code} ")).unwrap_or_default();
    if let Some(area) = area {
        number.push_str(&format!("({area}) "));
    }
    number.push_str(&local);
    if let Some(extension) = more {
        number.push_str(&format!(" x{extension}"));
    }
    Some(number)
}

pub(super) fn mothers_maiden_name(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let family = part_or_self(at.value.part(1));
    let Some(name) = family.trimmed() else { return };
    out.object(at.name);
    out.plain("url", "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName");
    out.string("valueString", &name);
    out.leave();
    family.mapped("Patient.extension.valueString");
}

/// PID-10 and PID-22 with codes of CDCREC, as US Core shows them. Others are kept as they came.
pub(super) fn us_core_category(out: &mut Out, at: &At<'_, '_>, category: &str) {
    let (code, words) = (at.value.part(1), at.value.part(2));
    let Some(written) = code.trimmed() else { return };
    let is_cdcrec = written.len() == 6
        && written.bytes().enumerate().all(|(place, b)| if place == 4 { b == b'-' } else { b.is_ascii_digit() });
    if !is_cdcrec {
        return;
    }
    let text = words.trimmed().unwrap_or_else(|| written.clone());
    out.object(at.name);
    out.string("url", &format!("http://hl7.org/fhir/us/core/StructureDefinition/us-core-{category}"));
    out.array("extension");
    out.object("");
    out.string(
        "url",
        if matches!(&*written, "2106-3" | "1002-5" | "2028-9" | "2054-5" | "2076-8" | "2135-2" | "2186-5") {
            "ombCategory"
        } else {
            "detailed"
        },
    );
    out.object("valueCoding");
    out.plain("system", "urn:oid:2.16.840.1.113883.6.238");
    out.string("code", &written);
    out.leave();
    out.leave();
    out.object("");
    out.plain("url", "text");
    out.string("valueString", &text);
    out.leave();
    out.leave();
    out.leave();
    code.mapped(at.to);
    words.mapped(at.to);
    at.value.part(3).mapped(at.to);
}
