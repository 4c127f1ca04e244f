//! Numbers as JSON has them, and the units behind them.

use std::borrow::Cow;

use bridge::mapping::Out;

use super::engine::Run;
use crate::parse::Value;

/// A HL7 NM as a JSON number with its digits kept; `None` when it is none.
pub(crate) fn decimal(text: &str) -> Option<Cow<'_, str>> {
    /// More digits than any instrument has.
    const DIGITS_MAX: usize = 100;
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(whole) || !numeric(fraction) || (whole.is_empty() && fraction.is_empty()) || text.len() > DIGITS_MAX {
        return None;
    }
    let significant = whole.trim_start_matches('0');
    let significant = if significant.is_empty() { "0" } else { significant };
    // Most are JSON numbers already.
    if significant.len() == whole.len() && !text.starts_with('+') && !text.ends_with('.') {
        return Some(Cow::Borrowed(text));
    }
    let whole = significant;
    Some(Cow::Owned(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }))
}

/// Writes a unit's members of a Quantity: UCUM only when the message declares it.
pub(crate) fn unit(out: &mut Out, value: Value<'_>, to: &'static str) {
    let (code, words) = (value.part(1), value.part(2));
    let shown = if words.is_empty() { code } else { words };
    let Some(text) = shown.trimmed() else { return };
    out.string("unit", &text);
    shown.mapped_scalar(to);
    let system = value.part(3);
    if system.trimmed().as_deref() == Some("UCUM")
        && let Some(written) = code.trimmed()
        && super::ucum::is_unit(&written)
    {
        out.plain("system", "http://unitsofmeasure.org");
        out.string("code", &written);
        code.mapped_scalar(to);
        system.mapped(to);
    }
}

/// Writes a result's unit behind a number. It stands behind each of a result's numbers, and is made once.
pub(super) fn own_unit(run: &mut Run<'_>, out: &mut Out, obx: usize, to: &'static str) {
    if run.unit.0 == obx {
        return out.members(&run.unit.1);
    }
    let from = out.bytes();
    unit(out, run.message.field(obx, 6).first_repetition(), to);
    run.unit.0 = obx;
    run.unit.1.clear();
    run.unit.1.extend_from_slice(out.since(from));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (given, told) in
            [("1.50", "1.50"), ("+7", "7"), ("-0.10", "-0.10"), (".5", "0.5"), ("007", "7"), ("5.", "5")]
        {
            assert_eq!(decimal(given).as_deref(), Some(told));
        }
        for given in [">100", "NEG", "1e5", "", ".", "1,5", "--1", "1.2.3"] {
            assert_eq!(decimal(given), None, "{given}");
        }
    }
}
