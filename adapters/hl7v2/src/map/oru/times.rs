//! When something was so, and when it was taken.

use bridge::Code;
use bridge::mapping::Out;

use crate::map::engine::{At, Run};
use crate::parse::Value;

/// OBX-14, else the report's, else the specimen's.
pub(crate) fn result_effective(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if when(run, out, at.value, "effectiveDateTime", at.to)
        || between(run, out, at, "effectiveDateTime", "effectivePeriod")
    {
        return;
    }
    let Some((report, _ids)) = at.scope.report else { return };
    let place = at.scope.result.and_then(|number| report.results.get(number)?.specimen).unwrap_or(0);
    if let Some(taken) = report.specimens.get(place) {
        let collected = run.message.field(taken.spm, 17);
        when(run, out, collected.part(1), "effectiveDateTime", at.to);
    }
}

pub(crate) fn report_effective(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let (one, two) = match at.name {
        "collected[x]" => ("collectedDateTime", "collectedPeriod"),
        _effective => ("effectiveDateTime", "effectivePeriod"),
    };
    if between(run, out, at, one, two) || one == "collectedDateTime" {
        return;
    }
    let specimen = at.scope.report.and_then(|(report, _ids)| report.specimens.first());
    if let Some(taken) = specimen {
        let collected = run.message.field(taken.spm, 17);
        when(run, out, collected.part(1), one, at.to);
    }
}

/// SPM-17: a moment, or a period when it has an end.
pub(crate) fn collected(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let (from, to) = (at.value.part(1), at.value.part(2));
    if to.is_empty() {
        when(run, out, from, "collectedDateTime", at.to);
        return;
    }
    out.object("collectedPeriod");
    when(run, out, from, "start", at.to);
    when(run, out, to, "end", at.to);
    out.leave();
}

/// OBR-7, or OBR-7 to OBR-8.
fn between(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>, one: &str, two: &'static str) -> bool {
    let (from, to) = (at.scope.field(run.message, *b"OBR", 7), at.scope.field(run.message, *b"OBR", 8));
    if to.is_empty() {
        return when(run, out, from, one, at.to);
    }
    out.object(two);
    let started = when(run, out, from, "start", at.to);
    let ended = when(run, out, to, "end", at.to);
    out.leave();
    started || ended
}

/// Writes a time; false when there is none, or none that can be read.
pub(super) fn when(run: &mut Run<'_>, out: &mut Out, value: Value<'_>, name: &str, to: &'static str) -> bool {
    let Some(text) = value.trimmed() else { return false };
    match run.time(&text) {
        Some(moment) => {
            out.string(name, &moment.fhir);
            if !moment.cut {
                value.mapped_scalar(to);
            }
            true
        }
        None => {
            value.warn(Code::DataType);
            false
        }
    }
}
