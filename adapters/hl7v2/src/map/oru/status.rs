//! What a result, a report and an order are said to be: how they stand, what kind they are.

use bridge::mapping::{Out, Table};
use bridge::{Code, Position, Severity};

use crate::map::engine::{At, Run};
use crate::parse::Value;

/// What OBX-11 does to a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It tells the result.
    Told,
    /// It changes the status alone.
    StatusAlone,
    /// It takes the result back.
    Withdrawn,
}

/// Reads a result's OBX-11.
pub(crate) fn change(run: &Run<'_>, obx: usize) -> Change {
    match run.message.field(obx, 11).trimmed().as_deref() {
        Some("D" | "W") => Change::Withdrawn,
        Some("U") => Change::StatusAlone,
        Some(_told) => Change::Told,
        None => Change::Told,
    }
}

pub(super) fn status_of_result<'m>(run: &Run<'m>, obx: usize) -> &'m str {
    let value = run.message.field(obx, 11);
    status(run, value, run.maps.result_status)
}

pub(super) fn status_of_report<'m>(run: &Run<'m>, obr: usize) -> &'m str {
    let value = run.message.field(obr, 25);
    status(run, value, run.maps.report_status)
}

fn status<'m>(run: &Run<'m>, value: Value<'_>, table: &'static Table) -> &'m str {
    let found = value.trimmed().and_then(|code| run.look_up(table, value, &code));
    found.unwrap_or("unknown")
}

pub(crate) fn result_status(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(obx) = at.scope.own else { return };
    let status = status_of_result(run, obx);
    missing_or_mapped(run, at, status, obx, 11);
    out.string(at.name, status);
}

pub(crate) fn report_status(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(obr) = at.scope.report.and_then(|(report, _ids)| report.obr) else { return };
    let status = status_of_report(run, obr);
    missing_or_mapped(run, at, status, obr, 25);
    out.string(at.name, status);
}

fn missing_or_mapped(run: &Run<'_>, at: &At<'_, '_>, status: &str, place: usize, field: u16) {
    if at.value.is_empty() {
        let position = Position { field, ..run.message.position(place) };
        run.message.defect(position, Code::RequiredFieldMissing, Severity::Warning);
    } else if status != "unknown" {
        at.value.mapped_scalar(at.to);
    }
}

/// ORC-5 wins over ORC-1 where it is there; a report alone does not say how its order stands.
pub(crate) fn request_status(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let field = |number: u16| at.scope.field(run.message, *b"ORC", number);
    let mut told: Option<&str> = None;
    for (number, table) in [(5u16, "0038"), (1, "0119")] {
        let value = field(number);
        let table = run.maps.tables.get(table);
        let (Some(code), Some(table)) = (value.trimmed(), table) else { continue };
        let own = run.link.own_code(&table.name, &code);
        let target = own.or_else(|| table.look_up(&code).map(|(target, _filled)| target));
        match target {
            Some(target) if told.is_none() => {
                told = Some(target);
                value.mapped(at.to);
            }
            Some(_) | None => run.keep(value, at.to),
        }
    }
    out.string(at.name, told.unwrap_or("unknown"));
}

/// OBR-11: added on, reflex, or ordered.
pub(crate) fn request_intent(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let reflex = at.value.trimmed().as_deref() == Some("G");
    out.string(at.name, if reflex { "reflex-order" } else { "order" });
    if reflex {
        at.value.mapped(at.to);
    }
}

/// Every result is a laboratory's.
pub(crate) fn result_category(_run: &mut Run<'_>, out: &mut Out, _at: &At<'_, '_>) {
    const LABORATORY: &str =
        r#"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}"#;
    out.raw("", LABORATORY);
}

/// Every report is a laboratory's; OBR-24 may say which part of it.
pub(crate) fn report_category(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    const SECTIONS: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
    category(out, SECTIONS, "LAB");
    let section = at.value.part(1);
    let Some(code) = section.trimmed() else { return };
    if run.maps.tables.get("0074").is_some_and(|table| table.look_up(&code).is_some()) {
        if code != "LAB" {
            category(out, SECTIONS, &code);
        }
        section.mapped(at.to);
    }
}

fn category(out: &mut Out, system: &str, code: &str) {
    out.object("");
    out.array("coding");
    out.object("");
    out.string("system", system);
    out.string("code", code);
    out.leave();
    out.leave();
    out.leave();
}
