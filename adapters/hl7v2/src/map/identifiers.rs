//! Identifiers: which kind of number, whose, and the number.

use std::borrow::Cow;

use bridge::mapping::Out;
use bridge::{OrderNumber, Role};

use super::engine::{At, Run};
use super::steps::part_or_self;
use crate::parse::Value;

const TABLE_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// CX.5 and its like: a code of table 0203, or, when it is none, text.
pub(super) fn identifier_type(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(code) = at.value.trimmed() else { return };
    if run.maps.tables.get("0203").is_some_and(|table| table.look_up(&code).is_some()) {
        out.string(at.name, &code);
        out.plain("system", TABLE_0203);
    } else {
        out.string(at.name, &code);
    }
    at.value.mapped_scalar(at.to);
}

/// The FHIR system of an authority: the link's, else a URN of its universal id, else none.
pub(super) fn system(
    run: &mut Run<'_>,
    out: &mut Out,
    at: &At<'_, '_>,
    namespace: Value<'_>,
    universal: Value<'_>,
    kind: Value<'_>,
) {
    if let Some(system) = system_of(run, namespace, universal, kind) {
        out.string(at.name, &system);
        universal.mapped(at.to);
        kind.mapped(at.to);
    }
}

fn system_of(run: &Run<'_>, namespace: Value<'_>, universal: Value<'_>, kind: Value<'_>) -> Option<String> {
    let text = |value: Value<'_>| value.trimmed().unwrap_or_default().into_owned();
    let (namespace, universal, kind) = (text(namespace), text(universal), text(kind));
    if let Some(authority) = run.link.authority(&namespace, &universal) {
        return Some(authority.system.clone());
    }
    match universal.as_str() {
        "2.16.840.1.113883.4.6" => return Some("http://hl7.org/fhir/sid/us-npi".to_owned()),
        "2.16.840.1.113883.4.1" => return Some("http://hl7.org/fhir/sid/us-ssn".to_owned()),
        _other => {}
    }
    match kind.to_ascii_uppercase().as_str() {
        "ISO" | "OID" | "" if is_oid(&universal) => Some(format!("urn:oid:{universal}")),
        "UUID" | "GUID" => {
            uuid::Uuid::parse_str(&universal).ok().map(|uuid| format!("urn:uuid:{}", uuid.as_hyphenated()))
        }
        "URI" if universal.contains(':') && !universal.contains(char::is_whitespace) => Some(universal),
        _other => None,
    }
}

/// An OID: numbers without leading zeros, the first of them 0, 1 or 2, and at least three.
pub(crate) fn is_oid(text: &str) -> bool {
    let arc = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let mut parts = text.split('.');
    parts.next().is_some_and(|first| matches!(first, "0" | "1" | "2"))
        && text.matches('.').count() >= 2
        && parts.all(arc)
}

pub(super) fn social_security(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(number) = at.value.trimmed() else { return };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    out.object(at.name);
    out.object("type");
    out.array("coding");
    out.object("");
    out.plain("system", TABLE_0203);
    out.plain("code", "SS");
    out.leave();
    out.leave();
    out.leave();
    if digits.len() == 9 {
        out.plain("system", "http://hl7.org/fhir/sid/us-ssn");
        out.string("value", &digits);
    } else {
        out.string("value", &number);
    }
    out.leave();
    at.value.mapped_scalar(at.to);
}

/// Members of an identifier: which kind of number an EI gives, whose, and the number.
pub(super) fn numbered(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, ei: Value<'_>, role: &str, number: &str) {
    out.object("type");
    out.array("coding");
    out.object("");
    out.plain("system", TABLE_0203);
    out.string("code", role);
    out.leave();
    out.leave();
    out.leave();
    if let Some(system) = system_of(run, ei.part(2), ei.part(3), ei.part(4)) {
        out.string("system", &system);
        ei.part(3).mapped(at.to);
        ei.part(4).mapped(at.to);
    }
    out.string("value", number);
}

/// SPM-2: the placer's number and the filler's, each an identifier.
pub(super) fn specimen_ids(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    for (part, role) in [(1u16, "PLAC"), (2, "FILL")] {
        let ei = at.value.part(part);
        let Some(number) = part_or_self(ei).trimmed() else { continue };
        out.object("");
        numbered(run, out, at, ei, role, &number);
        if let Some(namespace) = ei.part(2).trimmed() {
            out.object("assigner");
            out.string("display", &namespace);
            out.leave();
            ei.part(2).mapped(at.to);
        }
        out.leave();
        part_or_self(ei).mapped(at.to);
    }
}

/// The order numbers that a report names.
pub(crate) fn order_number(value: Value<'_>, role: Role, facility: &str) -> Option<OrderNumber> {
    let number = value.part(1).naming()?.into_owned();
    let authority = value.part(3).naming().or_else(|| value.part(2).naming());
    let authority = authority.unwrap_or(Cow::Borrowed(facility)).into_owned();
    Some(OrderNumber { role, authority, value: number })
}
