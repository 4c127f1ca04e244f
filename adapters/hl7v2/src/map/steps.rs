//! The named steps of the maps: what a row cannot say because it branches. Those of one idea have a file of their own.

use bridge::Code;
use bridge::mapping::{Out, Primitive};

use super::coded::codeable;
use super::engine::{At, Run, Step};
use super::{identifiers, judged, number, oru, patient, people, value};
use crate::parse::Value;

/// A step by the name that map files use.
pub(crate) fn named(name: &str) -> Option<Step> {
    let step = |run| Some(Step { run, always: false });
    let always = |run| Some(Step { run, always: true });
    match name {
        "identifier_type" => step(identifiers::identifier_type),
        "system_of_hd" => step(|run, out, at| {
            let hd = at.value;
            identifiers::system(run, out, at, part_or_self(hd), hd.part(2), hd.part(3));
        }),
        "system_of_ei" => always(|run, out, at| {
            if let super::engine::Base::Parts(ei) = at.base {
                identifiers::system(run, out, at, ei.part(2), ei.part(3), ei.part(4));
            }
        }),
        "middle_names" => step(patient::middle_names),
        "address_use" => step(|run, out, at| patient::address_part(run, out, at, "0190")),
        "address_type" => step(|run, out, at| patient::address_part(run, out, at, "0190-type")),
        "scalar_or_text" => step(scalar_or_text),
        "unit" => step(|_run, out, at| {
            number::unit(out, at.value, at.to);
        }),
        "social_security" => step(identifiers::social_security),
        "telecom_home" => step(|run, out, at| patient::telecom(run, out, at, Some("home"))),
        "telecom_work" => step(|run, out, at| patient::telecom(run, out, at, Some("work"))),
        "telecom" => step(|run, out, at| patient::telecom(run, out, at, None)),
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
        "mothers_maiden_name" => step(patient::mothers_maiden_name),
        "race" => step(|_run, out, at| patient::us_core_category(out, at, "race")),
        "ethnicity" => step(|_run, out, at| patient::us_core_category(out, at, "ethnicity")),
        "codeable" => step(|_run, out, at| {
            out.object(at.name);
            codeable(out, at.value, at.to);
            out.leave();
        }),
        "code" => always(code),
        "instant" => step(instant),
        "practitioner" => step(people::practitioner),
        "practitioner_ndl" => step(people::practitioner_ndl),
        "requester" => step(people::practitioner),
        "laboratory" => step(people::laboratory),
        "performing_laboratory" => always(people::performing_laboratory),
        "producer" => step(people::producer),
        "visit" => step(|run, out, at| {
            out.object(at.name);
            let map = &run.maps.identifier;
            run.parts(map, at.value, at.scope, out);
            out.leave();
        }),
        "joined_text" => step(joined_text),
        "clinical_information" => step(clinical_information),
        "collectors_comment" => step(clinical_text),
        "specimen_ids" => step(identifiers::specimen_ids),
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
        "interpretation" => step(judged::interpretation),
        "reference_range" => step(judged::reference_range),
        _unknown => None,
    }
}

/// A component that may be undivided: its first part, or itself.
pub(super) fn part_or_self(value: Value<'_>) -> Value<'_> {
    let part = value.part(1);
    if part.is_empty() { value } else { part }
}

fn scalar_or_text<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    let text = if at.value.part(2).is_empty() { part_or_self(at.value) } else { at.value.part(2) };
    run.primitive(Primitive::String, text, out, at.name, at.to);
}

/// OBR-4 and OBX-3: FHIR must have a code, so a missing one is an error of the message and told as unknown.
fn code(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    out.object(at.name);
    codeable(out, at.value, at.to);
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

/// OBR-15's components are themselves coded, by subcomponents, or plain.
fn specimen_source(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    out.object(at.name);
    codeable(out, at.value, at.to);
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
