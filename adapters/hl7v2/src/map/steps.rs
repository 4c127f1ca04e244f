//! The named steps of the maps: what a row cannot say because it branches.

use std::borrow::Cow;
use std::collections::HashSet;

use bridge::mapping::{Out, Primitive};
use bridge::{Code, OrderNumber, Role, identifier::Key};

use super::engine::{At, Run, Step};
use super::oru;
use super::value;
use crate::parse::Value;

const TABLE_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// A step by the name that map files use.
pub(crate) fn named(name: &str) -> Option<Step> {
    let step = |run| Some(Step { run, always: false });
    let always = |run| Some(Step { run, always: true });
    match name {
        "identifier_type" => step(identifier_type),
        "system_of_hd" => step(|run, out, at| {
            let hd = at.value;
            system(run, out, at, part_or_self(hd), hd.part(2), hd.part(3));
        }),
        "system_of_ei" => always(|run, out, at| {
            if let super::engine::Base::Parts(ei) = at.base {
                system(run, out, at, ei.part(2), ei.part(3), ei.part(4));
            }
        }),
        "middle_names" => step(middle_names),
        "address_use" => step(|run, out, at| address_part(run, out, at, "0190")),
        "address_type" => step(|run, out, at| address_part(run, out, at, "0190-type")),
        "scalar_or_text" => step(scalar_or_text),
        "unit" => step(|_run, out, at| {
            value::unit(out, at.value, at.to);
        }),
        "social_security" => step(social_security),
        "telecom_home" => step(|run, out, at| telecom(run, out, at, Some("home"))),
        "telecom_work" => step(|run, out, at| telecom(run, out, at, Some("work"))),
        "telecom" => step(|run, out, at| telecom(run, out, at, None)),
        "deceased" => step(|run, out, at| {
            if at.scope.field(run.message, *b"PID", 29).is_empty() {
                run.primitive(Primitive::Boolean, at.value, out, at.name, at.to);
            } else {
                at.value.ignored("said-by-the-time-of-death");
            }
        }),
        "multiple_birth" => step(|run, out, at| {
            if at.scope.field(run.message, *b"PID", 25).is_empty() {
                run.primitive(Primitive::Boolean, at.value, out, at.name, at.to);
            } else {
                at.value.ignored("said-by-the-birth-order");
            }
        }),
        "mothers_maiden_name" => step(mothers_maiden_name),
        "race" => step(|_run, out, at| us_core_category(out, at, "race")),
        "ethnicity" => step(|_run, out, at| us_core_category(out, at, "ethnicity")),
        "codeable" => step(|_run, out, at| {
            out.object(at.name);
            value::codeable(out, at.value, at.to);
            out.leave();
        }),
        "code" => always(code),
        "instant" => step(instant),
        "practitioner" => step(practitioner),
        "practitioner_ndl" => step(practitioner_ndl),
        "requester" => step(practitioner),
        "laboratory" => step(laboratory),
        "performing_laboratory" => always(performing_laboratory),
        "producer" => step(producer),
        "visit" => step(|run, out, at| {
            out.object(at.name);
            let map = &run.maps.identifier;
            run.parts(map, at.value, at.scope, out);
            out.leave();
        }),
        "joined_text" => step(joined_text),
        "clinical_information" => step(clinical_information),
        "collectors_comment" => step(clinical_text),
        "specimen_ids" => step(specimen_ids),
        "specimen_source" => step(specimen_source),
        "priority" => step(priority),
        "report_status" => always(oru::status::report_status),
        "report_category" => always(oru::status::report_category),
        "report_effective" => always(oru::times::report_effective),
        "collected" => step(oru::times::collected),
        "collected_by_order" => step(oru::times::report_effective),
        "based_on_request" => always(oru::links::based_on_request),
        "based_on_parent" => step(oru::links::based_on_parent),
        "request_status" => always(oru::status::request_status),
        "request_intent" => always(oru::status::request_intent),
        "specimens" => always(oru::links::specimens),
        "specimen" => always(oru::links::specimen),
        "documents" => always(oru::links::documents),
        "report_notes" => always(oru::notes::report_notes),
        "order_notes" | "result_notes" | "specimen_notes" => always(oru::notes::notes),
        "parent_kept" => step(oru::links::parent),
        "result_status" => always(oru::status::result_status),
        "result_category" => always(oru::status::result_category),
        "result_effective" => always(oru::times::result_effective),
        "derived_from" => always(oru::links::derived_from),
        "value" => always(value::value),
        "type" => step(value::told_type),
        "language" => step(clinical_text),
        "interpretation" => step(value::interpretation),
        "reference_range" => step(value::reference_range),
        _unknown => None,
    }
}

/// A component that may be undivided: its first part, or itself.
fn part_or_self(value: Value<'_>) -> Value<'_> {
    let part = value.part(1);
    if part.is_empty() { value } else { part }
}

/// CX.5 and its like: a code of table 0203, or, when it is none, text.
fn identifier_type(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
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
fn system(
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

fn middle_names(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(names) = at.value.trimmed() else { return };
    names.split_whitespace().for_each(|name| out.string("", name));
    at.value.mapped_scalar(at.to);
}

/// XAD.7 is a use for some codes and a type for others.
fn address_part(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, table: &str) {
    let Some(code) = at.value.trimmed() else { return };
    let target = run.link.own_code(table, &code).map(str::to_owned);
    let published = || run.maps.tables.get(table)?.look_up(&code).map(|(target, _filled)| target.to_owned());
    if let Some(target) = target.or_else(published) {
        out.string(at.name, &target);
        at.value.mapped_scalar(at.to);
    }
}

fn scalar_or_text<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    let text = if at.value.part(2).is_empty() { part_or_self(at.value) } else { at.value.part(2) };
    run.primitive(Primitive::String, text, out, at.name, at.to);
}

fn social_security(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
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

/// XTN: the number in its old place (1), its new one (12), in parts (5 to 8), or an address (4).
fn telecom(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, default_use: Option<&str>) {
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

fn mothers_maiden_name(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let family = part_or_self(at.value.part(1));
    let Some(name) = family.trimmed() else { return };
    out.object(at.name);
    out.plain("url", "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName");
    out.string("valueString", &name);
    out.leave();
    family.mapped("Patient.extension.valueString");
}

/// PID-10 and PID-22 with codes of CDCREC, as US Core shows them. Others are kept as they came.
fn us_core_category(out: &mut Out, at: &At<'_, '_>, category: &str) {
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

/// OBR-4 and OBX-3: FHIR must have a code, so a missing one is an error of the message and told as unknown.
fn code(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    out.object(at.name);
    value::codeable(out, at.value, at.to);
    if !out.opened() {
        out.array("coding");
        out.object("");
        out.plain("system", "http://terminology.hl7.org/CodeSystem/data-absent-reason");
        out.plain("code", "unknown");
        out.leave();
        out.leave();
    }
    out.leave();
}

/// An instant needs an offset; without one there is none, and the value is kept.
fn instant(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(text) = at.value.trimmed() else { return };
    match run.time(&text) {
        Some(moment) if moment.is_instant => {
            out.string(at.name, &moment.fhir);
            at.value.mapped_scalar(at.to);
        }
        Some(_date) => {}
        None => at.value.warn(Code::DataType),
    }
}

/// A person: a Practitioner when they have an identifier, else their name alone.
fn practitioner<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    person(run, out, at, at.value);
}

/// NDL: the person stands in the subcomponents of its first component.
fn practitioner_ndl<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    person(run, out, at, at.value.part(1));
}

fn person<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>, xcn: Value<'m>) {
    out.object(at.name);
    match run.practitioner(xcn, at.scope) {
        Some(reference) => out.string("reference", &reference),
        None => {
            let order = [6u16, 3, 4, 2, 5, 7];
            let parts: Vec<String> = order
                .iter()
                .filter_map(|part| part_or_self(xcn.part(*part)).trimmed().map(|text| text.into_owned()))
                .collect();
            if !parts.is_empty() {
                out.string("display", &parts.join(" "));
                order.iter().for_each(|part| part_or_self(xcn.part(*part)).mapped(at.to));
            }
        }
    }
    out.leave();
}

fn laboratory<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    if let Some(reference) = run.organization(at.value, at.scope) {
        out.object(at.name);
        out.string("reference", &reference);
        out.leave();
    }
}

/// The laboratories of a report's results, each once.
fn performing_laboratory<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    let Some((report, _ids)) = at.scope.report else { return };
    let mut named: Vec<String> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    for result in &report.results {
        let laboratory = run.message.field(result.obx, 23);
        let scope = super::engine::Scope { own: Some(result.obx), ..*at.scope };
        if let Some(reference) = run.organization(laboratory, &scope)
            && known.insert(reference.clone())
        {
            named.push(reference);
        }
    }
    for reference in named {
        out.object("");
        out.string("reference", &reference);
        out.leave();
    }
}

/// OBX-15, the producer as a code: an identifier, as the published map has it.
fn producer(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let (code, words) = (at.value.part(1), at.value.part(2));
    out.object(at.name);
    if let Some(value) = code.trimmed() {
        out.object("identifier");
        if let Some(system) = value::coding_system(at.value.part(3).trimmed().as_deref(), None) {
            out.string("system", &system);
            at.value.part(3).mapped(at.to);
        }
        out.string("value", &value);
        out.leave();
        code.mapped(at.to);
    }
    if let Some(display) = words.trimmed() {
        out.string("display", &display);
        words.mapped(at.to);
    }
    out.leave();
}

/// Every repetition, one line each.
fn joined_text<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    run.primitive(Primitive::String, at.value, out, at.name, at.to);
}

/// OBR-13: text before 2.7, coded since.
fn clinical_information(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    out.object(at.name);
    clinical_text_as(run, out, at, "text");
    out.leave();
}

fn clinical_text(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    clinical_text_as(run, out, at, at.name);
}

fn clinical_text_as(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, name: &str) {
    let (code, words) = (at.value.part(1), at.value.part(2));
    let told = if words.is_empty() { code } else { words };
    if let Some(text) = told.trimmed() {
        out.string(name, &text);
        told.mapped(at.to);
    }
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
fn specimen_ids(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
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

/// OBR-15's components are themselves coded, by subcomponents, or plain.
fn specimen_source(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    out.object(at.name);
    value::codeable(out, at.value, at.to);
    out.leave();
}

/// OBR-5, or TQ1-9 whose first component is the code.
fn priority(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let value = part_or_self(at.value.part(1));
    let Some(code) = value.trimmed() else { return };
    if let Some(table) = run.maps.tables.get("0485")
        && let Some(target) = run.look_up(table, value, &code)
    {
        out.string(at.name, target);
        value.mapped(at.to);
    }
}

impl<'m> Run<'m> {
    /// The reference to a person with an identifier; each person is one Practitioner, by authority and id.
    pub(crate) fn practitioner(&mut self, xcn: Value<'m>, scope: &super::engine::Scope<'_>) -> Option<String> {
        let key = || {
            let id = part_or_self(xcn.part(1)).naming()?;
            let authority = xcn.part(9);
            let text = |value: Value<'m>| value.naming().unwrap_or_default();
            Some(Key::of("person").and(&text(part_or_self(authority))).and(&text(authority.part(2))).and(&id))
        };
        let map = &self.maps.practitioner;
        self.share(map, key, xcn, scope, None)
    }

    /// The reference to an organization, by authority and id, else by its name.
    pub(crate) fn organization(&mut self, xon: Value<'m>, scope: &super::engine::Scope<'_>) -> Option<String> {
        let xon = xon.repetitions().next()?;
        let key = || {
            let text = |value: Value<'m>| value.naming().unwrap_or_default();
            let (name, number) =
                (text(xon.part(1)), text(if xon.part(10).is_empty() { xon.part(3) } else { xon.part(10) }));
            if number.is_empty() {
                return (!name.is_empty()).then(|| Key::of("named").and(&name));
            }
            let authority = xon.part(6);
            let authority = (text(part_or_self(authority)), text(authority.part(2)));
            Some(Key::of("organization").and(&authority.0).and(&authority.1).and(&number))
        };
        let address = scope.field(self.message, *b"OBX", 24).repetitions().next();
        let map = &self.maps.organization;
        self.share(map, key, xon, scope, address)
    }
}

/// The order numbers that a report names.
pub(crate) fn order_number(value: Value<'_>, role: Role, facility: &str) -> Option<OrderNumber> {
    let number = value.part(1).naming()?.into_owned();
    let authority = value.part(3).naming().or_else(|| value.part(2).naming());
    let authority = authority.unwrap_or(Cow::Borrowed(facility)).into_owned();
    Some(OrderNumber { role, authority, value: number })
}
