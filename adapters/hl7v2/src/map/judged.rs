//! What the laboratory says of a result's value: how it is to be taken (OBX-8), and what is usual (OBX-7).

use std::borrow::Cow;

use bridge::Code;
use bridge::mapping::Out;

use super::coded::codeable;
use super::engine::{At, Run};
use super::number::{decimal, own_unit};
use super::oru::status::{Change, change};
use super::value::{as_shown, is_numeric};

/// OBX-8: a code of HL7's table, or coded, or as text.
pub(crate) fn interpretation(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if at.scope.own.is_some_and(|obx| change(run, obx) == Change::Withdrawn) {
        return at.value.ignored("withdrawn-result");
    }
    let code = at.value.part(1);
    let Some(written) = code.trimmed() else {
        out.object(at.name);
        codeable(out, at.value, at.to);
        return out.leave();
    };
    let own = run.link.own_code("0078", &written);
    let known = own.or_else(|| run.maps.interpretation.look_up(&written).map(|(target, _filled)| target));
    out.object(at.name);
    match known {
        Some(target) => {
            out.array("coding");
            out.object("");
            out.plain("system", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation");
            out.string("code", target);
            out.leave();
            out.leave();
            if let Some(text) = at.value.part(9).trimmed().or_else(|| at.value.part(2).trimmed()) {
                out.string("text", &text);
                at.value.part(9).mapped(at.to);
                at.value.part(2).mapped(at.to);
            }
            code.mapped(at.to);
            if at.value.part(3).trimmed().is_none_or(|system| system == "HL70078") {
                at.value.part(3).mapped(at.to);
            }
        }
        None => {
            at.value.warn(Code::TableValueNotFound);
            if at.value.is_composite() {
                codeable(out, at.value, at.to);
            } else {
                out.string("text", &written);
                code.mapped(at.to);
            }
        }
    }
    out.leave();
}

/// OBX-7: the text always, and low and high when they can be read in one way only.
pub(crate) fn reference_range(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if at.scope.own.is_some_and(|obx| change(run, obx) == Change::Withdrawn) {
        return at.value.ignored("withdrawn-result");
    }
    let shown = as_shown(at.value);
    let shown = shown.trim();
    if shown.is_empty() {
        return;
    }
    let numeric = at.scope.own.is_some_and(|obx| is_numeric(run, obx));
    out.object(at.name);
    if let (true, Some((low, high))) = (numeric, ends(shown)) {
        for (name, number) in [("low", low), ("high", high)] {
            if let Some(number) = number {
                out.object(name);
                out.raw("value", &number);
                if let Some(obx) = at.scope.own {
                    own_unit(run, out, obx, "Observation.referenceRange.low.unit");
                }
                out.leave();
            }
        }
    }
    out.string("text", shown);
    out.leave();
    at.value.mapped("Observation.referenceRange.text");
}

/// The low and the high end of a range, where it has one.
type Ends<'t> = (Option<Cow<'t, str>>, Option<Cow<'t, str>>);

/// `low-high`, `>=low` or `<=high`; a strict `<` or `>` has no exact element, so it stays text.
fn ends(text: &str) -> Option<Ends<'_>> {
    if let Some(high) = text.strip_prefix("<=") {
        return Some((None, Some(decimal(high)?)));
    }
    if let Some(low) = text.strip_prefix(">=") {
        return Some((Some(decimal(low)?), None));
    }
    // A minus may be a sign; the separator is the one with a digit before it.
    let place = text.char_indices().skip(1).find(|(place, c)| {
        *c == '-' && text.get(..*place).is_some_and(|before| before.trim_end().ends_with(|c: char| c.is_ascii_digit()))
    })?;
    let (low, high) = (decimal(text.get(..place.0)?)?, decimal(text.get(place.0 + 1..)?)?);
    let number = |text: &str| text.parse::<f64>().ok();
    (number(&low)? <= number(&high)?).then_some((Some(low), Some(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_only_when_they_mean_one_thing() {
        assert_eq!(ends("3.5-5.0"), Some((Some("3.5".into()), Some("5.0".into()))));
        assert_eq!(ends("-2 - 2"), Some((Some("-2".into()), Some("2".into()))));
        assert_eq!(ends(">=60"), Some((Some("60".into()), None)));
        for text in ["<5", "negative", "5-3", "1-2-3", "M: 1-2"] {
            assert_eq!(ends(text), None, "{text}");
        }
    }
}
