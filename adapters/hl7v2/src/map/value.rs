//! OBX-5 by OBX-2: every type of result, and what stands there when there is none.

use std::borrow::Cow;

use bridge::Code;
use bridge::mapping::Out;

use super::coded::codeable;
use super::engine::{At, Run};
use super::number::{decimal, own_unit};
use super::oru::status::{Change, change};
use crate::moment;
use crate::parse::Value;

const TO_VALUE: &str = "Observation.value[x]";

/// The types of OBX-2 that we tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Structured,
    Coded,
    Text,
    Formatted,
    Date,
    Time,
    Period,
    Range,
    VersionRange,
    Encapsulated,
    Pointer,
    /// One that FHIR has no element for: shown as text, with its type beside it.
    Other,
}

fn type_of(run: &Run<'_>, obx: usize) -> Type {
    let declared = run.message.field(obx, 2);
    let value = run.message.field(obx, 5);
    match declared.trimmed().as_deref() {
        Some("NM" | "NUM" | "SI") => Type::Number,
        Some("SN") => Type::Structured,
        Some("CE" | "CWE" | "CNE" | "CF" | "IS" | "ID" | "CM_CE") => Type::Coded,
        Some("ST" | "TX" | "TXT" | "GTS") => Type::Text,
        Some("FT") => Type::Formatted,
        Some("DT" | "TS" | "DTM") => Type::Date,
        Some("TM") => Type::Time,
        Some("DR") => Type::Period,
        Some("NR") => Type::Range,
        Some("VR") => Type::VersionRange,
        Some("ED") => Type::Encapsulated,
        Some("RP") => Type::Pointer,
        Some(_other) => Type::Other,
        None => {
            if !value.is_empty() {
                // Without a type a value is read as text.
                run.message.defect(
                    bridge::Position { field: 2, ..run.message.position(obx) },
                    Code::RequiredFieldMissing,
                    bridge::Severity::Warning,
                );
            }
            Type::Text
        }
    }
}

/// Whether a result says that it is a number.
pub(super) fn is_numeric(run: &Run<'_>, obx: usize) -> bool {
    matches!(type_of(run, obx), Type::Number | Type::Structured)
}

/// OBX-5, OBX-6 and what stands there when there is no value.
pub(crate) fn value(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some(obx) = at.scope.own else { return };
    let field = run.message.field(obx, 5);
    if change(run, obx) == Change::Withdrawn {
        field.ignored("withdrawn-result");
        run.message.field(obx, 6).ignored("withdrawn-result");
        return;
    }
    let kind = type_of(run, obx);
    let repeated = field.repetitions().filter(|one| !one.is_empty()).count();
    let tell = Tell { obx, kind };
    let told = match (repeated, kind) {
        (0, _any) => false,
        (_any, Type::Text | Type::Formatted) => text(out, field),
        (1, _any) => field.repetitions().find(|one| !one.is_empty()).is_some_and(|one| tell.one(run, out, one)),
        (_many, _any) => {
            out.array("component");
            let mut any = false;
            for one in field.repetitions().filter(|one| !one.is_empty()) {
                if run.message.is_overfull() {
                    break; // Each component repeats the code and the unit.
                }
                let from = out.bytes();
                out.object("");
                if tell.one(run, out, one) {
                    any = true;
                    out.object("code");
                    codeable(out, run.message.field(obx, 3), "Observation.component.code");
                    out.leave();
                }
                out.leave();
                run.message.makes(out.bytes() - from, obx);
            }
            out.leave();
            any
        }
    };
    if !told {
        // R4's Observation has no attachment; the document stands in the report.
        let elsewhere = matches!(kind, Type::Encapsulated | Type::Pointer);
        let reason = (repeated > 0).then_some(if elsewhere { "unsupported" } else { "error" });
        absent(run, out, obx, reason);
    }
}

/// Why there is no value.
fn absent(run: &Run<'_>, out: &mut Out, obx: usize, known: Option<&'static str>) {
    let status = run.message.field(obx, 11).trimmed().unwrap_or_default();
    let reason = known.unwrap_or(match &*status {
        "N" => "not-asked",
        "X" => "not-performed",
        "I" | "O" => "temp-unknown",
        _other => "unknown",
    });
    out.object("dataAbsentReason");
    out.array("coding");
    out.object("");
    out.plain("system", "http://terminology.hl7.org/CodeSystem/data-absent-reason");
    out.string("code", reason);
    out.leave();
    out.leave();
    out.leave();
}

/// How one repetition of OBX-5 is told.
#[derive(Clone, Copy)]
struct Tell {
    obx: usize,
    kind: Type,
}

impl Tell {
    /// Writes one repetition; false when it has no value element of its own.
    fn one(&self, run: &mut Run<'_>, out: &mut Out, one: Value<'_>) -> bool {
        match self.kind {
            Type::Number => self.number(run, out, one),
            Type::Structured => self.structured(run, out, one),
            Type::Coded => {
                out.object("valueCodeableConcept");
                codeable(out, one, TO_VALUE);
                let told = out.opened();
                out.leave();
                told
            }
            Type::Text | Type::Formatted => text(out, one),
            Type::Date => date(run, out, one),
            Type::Time => match one.trimmed().and_then(|text| moment::time(&text)) {
                Some((time, cut)) => {
                    out.string("valueTime", &time);
                    if !cut {
                        one.mapped_scalar(TO_VALUE);
                    }
                    true
                }
                None => as_it_came(out, one, true),
            },
            Type::Period => period(run, out, one),
            Type::Range => self.range(run, out, one, [one.part(1), one.part(2)]),
            Type::VersionRange => {
                let ends: Vec<String> = [1, 2]
                    .into_iter()
                    .filter_map(|part| one.part(part).trimmed().map(|text| text.into_owned()))
                    .collect();
                if ends.is_empty() {
                    return false;
                }
                out.string("valueString", &ends.join("-"));
                one.mapped(TO_VALUE);
                true
            }
            Type::Encapsulated | Type::Pointer => false,
            Type::Other => as_it_came(out, one, false),
        }
    }

    fn quantity(&self, run: &mut Run<'_>, out: &mut Out, name: &'static str, number: &str, comparator: Option<&str>) {
        out.object(name);
        if let Some(comparator) = comparator {
            out.string("comparator", comparator);
        }
        out.raw("value", number);
        own_unit(run, out, self.obx, "Observation.valueQuantity.unit");
        out.leave();
    }

    fn number(&self, run: &mut Run<'_>, out: &mut Out, one: Value<'_>) -> bool {
        let text = one.trimmed();
        match text.as_deref().and_then(decimal) {
            Some(number) => {
                self.quantity(run, out, "valueQuantity", &number, None);
                one.mapped_scalar("Observation.valueQuantity.value");
                true
            }
            None => as_it_came(out, one, true),
        }
    }

    /// SN: comparator, number, separator, number. What stands in no element of the value is kept with the field.
    fn structured(&self, run: &mut Run<'_>, out: &mut Out, one: Value<'_>) -> bool {
        let text = |part: u16| one.part(part).trimmed().unwrap_or_default();
        let (written, first, separator, second) = (text(1), text(2), text(3), text(4));
        let comparator = Some(&*written).filter(|own| matches!(*own, "<" | "<=" | ">" | ">="));
        let plain = matches!(&*written, "" | "=");
        let used: &[u16] = match (&*written, (decimal(&first), decimal(&second)), &*separator) {
            ("<>", _, _) | (_, _, "+") => &[],
            (_written, (Some(low), Some(high)), "-") if comparator.is_none() => {
                out.object("valueRange");
                self.quantity(run, out, "low", &low, None);
                self.quantity(run, out, "high", &high, None);
                out.leave();
                if plain { &[1, 2, 3, 4] } else { &[2, 3, 4] }
            }
            (_written, (Some(over), Some(under)), ":" | "/") => {
                out.object("valueRatio");
                self.quantity(run, out, "numerator", &over, comparator);
                self.quantity(run, out, "denominator", &under, None);
                out.leave();
                if plain || comparator.is_some() { &[1, 2, 3, 4] } else { &[2, 3, 4] }
            }
            (_written, (Some(number), _second), separator) if !matches!(separator, "-" | ":" | "/") => {
                self.quantity(run, out, "valueQuantity", &number, comparator);
                if plain || comparator.is_some() { &[1, 2] } else { &[2] }
            }
            (_written, _numbers, _separator) => &[],
        };
        if !used.is_empty() {
            used.iter().for_each(|part| one.part(*part).mapped(TO_VALUE));
            return true;
        }
        let shown: Vec<&str> =
            [&*written, &*first, &*separator, &*second].into_iter().filter(|part| !part.is_empty()).collect();
        if shown.is_empty() {
            return false;
        }
        out.string("valueString", &shown.join(" "));
        one.mapped(TO_VALUE);
        true
    }

    fn range(&self, run: &mut Run<'_>, out: &mut Out, one: Value<'_>, ends: [Value<'_>; 2]) -> bool {
        let texts = ends.map(Value::trimmed);
        let numbers = [0, 1].map(|end: usize| texts.get(end).and_then(|text| decimal(text.as_deref()?)));
        if numbers.iter().all(Option::is_none)
            || ends.iter().zip(&numbers).any(|(end, n)| !end.is_empty() && n.is_none())
        {
            return as_it_came(out, one, true);
        }
        out.object("valueRange");
        for (name, number) in ["low", "high"].into_iter().zip(&numbers) {
            if let Some(number) = number {
                self.quantity(run, out, name, number, None);
            }
        }
        out.leave();
        one.mapped(TO_VALUE);
        true
    }
}

/// What stands in one repetition, as a reader is shown it.
pub(super) fn as_shown(one: Value<'_>) -> Cow<'_, str> {
    if one.is_composite() { Cow::Owned(one.raw()) } else { one.text().unwrap_or_default() }
}

/// What stands in a field, each repetition a line.
pub(crate) fn lines(field: Value<'_>) -> Cow<'_, str> {
    let mut all = field.repetitions().map(as_shown);
    let Some(first) = all.next() else { return Cow::Borrowed("") };
    all.fold(first, |text, line| Cow::Owned(text.into_owned() + "\n" + &line))
}

/// Text: every repetition a line; layout was decoded with the escapes.
fn text(out: &mut Out, field: Value<'_>) -> bool {
    let text = lines(field);
    if text.trim().is_empty() {
        field.ignored("nothing-but-spaces");
        return false;
    }
    out.string("valueString", text.trim());
    field.mapped("Observation.valueString");
    true
}

/// Not of the type it claims, or of one that FHIR does not have: as text.
fn as_it_came(out: &mut Out, one: Value<'_>, defective: bool) -> bool {
    if defective {
        one.warn(Code::DataType);
    }
    let shown = as_shown(one);
    if shown.trim().is_empty() {
        return false;
    }
    out.string("valueString", shown.trim());
    one.mapped("Observation.valueString");
    true
}

fn date(run: &Run<'_>, out: &mut Out, one: Value<'_>) -> bool {
    let Some(moment) = one.trimmed().and_then(|text| run.time(&text)) else {
        return as_it_came(out, one, true);
    };
    out.string("valueDateTime", &moment.fhir);
    if !moment.cut {
        one.mapped_scalar(TO_VALUE);
    }
    true
}

fn period(run: &Run<'_>, out: &mut Out, one: Value<'_>) -> bool {
    let ends = [1, 2].map(|part| one.part(part).trimmed().and_then(|text| run.time(&text)));
    if ends.iter().all(Option::is_none) {
        return as_it_came(out, one, true);
    }
    out.object("valuePeriod");
    for ((name, part), end) in [("start", 1), ("end", 2)].into_iter().zip(ends) {
        if let Some(moment) = end {
            out.string(name, &moment.fhir);
            if !moment.cut {
                one.part(part).mapped(TO_VALUE);
            }
        }
    }
    out.leave();
    true
}

/// OBX-2 says how the value is told; where FHIR has no such type it is kept beside the text.
pub(crate) fn told_type(run: &mut Run<'_>, _out: &mut Out, at: &At<'_, '_>) {
    if at.scope.own.is_some_and(|obx| type_of(run, obx) != Type::Other) {
        at.value.mapped(at.to);
    }
}
