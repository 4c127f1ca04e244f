//! Whether a unit that calls itself UCUM is one: laboratories write `mIU/L` where UCUM has `m[IU]/L`.
//!
//! Knows the units that laboratories use; another one is shown as text, which is never wrong.

/// Units that take a metric prefix.
const METRIC: &[&str] = &[
    "g", "L", "l", "m", "s", "mol", "eq", "osm", "[IU]", "[iU]", "kat", "U", "Pa", "m[Hg]", "m[H2O]", "cal", "J", "K",
    "A", "C", "V", "W", "Hz", "N", "Bq", "Gy", "Sv", "Ci", "bar", "t", "cd", "rad", "Ohm", "S", "F", "T", "lm", "lx",
    "[CFU]",
];

/// Units that do not.
const PLAIN: &[&str] = &[
    "%",
    "[pH]",
    "[ppth]",
    "[ppm]",
    "[ppb]",
    "[pptr]",
    "10*",
    "10^",
    "min",
    "h",
    "d",
    "wk",
    "mo",
    "a",
    "Cel",
    "[degF]",
    "[arb'U]",
    "[USP'U]",
    "[GPL'U]",
    "[MPL'U]",
    "[APL'U]",
    "[beth'U]",
    "[anti'Xa'U]",
    "[todd'U]",
    "[dye'U]",
    "[smgy'U]",
    "[bdsk'U]",
    "[ka'U]",
    "[knk'U]",
    "[mclg'U]",
    "[tb'U]",
    "[CCID_50]",
    "[TCID_50]",
    "[EID_50]",
    "[PFU]",
    "[FFU]",
    "[BAU]",
    "[AU]",
    "[Amb'a'1'U]",
    "[D'ag'U]",
    "[Lf]",
    "[lbf_av]",
    "[lb_av]",
    "[oz_av]",
    "[in_i]",
    "[ft_i]",
    "[yd_i]",
    "[mi_i]",
    "[LPF]",
    "[HPF]",
    "[drp]",
    "[cup_us]",
    "[foz_us]",
    "[tsp_us]",
    "[tbs_us]",
    "[pt_us]",
    "[qt_us]",
    "[gal_us]",
    "[S]",
    "[RFU]",
    "[CFU]",
    "deg",
    "'",
    "''",
    "sph",
    "[diop]",
    "B",
    "Np",
    "mm[Hg]",
    "[mesh_i]",
    "[MET]",
    "[Ch]",
];

const PREFIXES: &[&str] =
    &["da", "Y", "Z", "E", "P", "T", "G", "M", "k", "h", "d", "c", "m", "u", "n", "p", "f", "a", "z", "y"];

/// What most results are in: found without taking them apart.
const COMMON: &[&str] =
    &["mg/dL", "mmol/L", "g/dL", "%", "U/L", "10*3/uL", "10*6/uL", "fL", "pg", "ng/mL", "umol/L", "meq/L"];

/// The longest unit taken; real ones are shorter by far.
const UNIT_CHARS_MAX: usize = 60;

/// Whether this is a UCUM expression of units that we know.
pub(crate) fn is_unit(text: &str) -> bool {
    if COMMON.contains(&text) {
        return true;
    }
    if text.is_empty() || text.len() > UNIT_CHARS_MAX || !text.is_ascii() {
        return false;
    }
    let Some(plain) = marked(text) else { return false };
    // A single leading slash is UCUM.
    plain.strip_prefix('/').unwrap_or(&plain).split(['/', '.']).all(|term| match term.strip_suffix(NOTE) {
        // An annotation says nothing of the unit, and alone it is the unit 1: `{cells}/uL`.
        Some(unit) => unit.is_empty() || is_term(unit),
        None => is_term(term),
    })
}

/// What stands for an annotation: no unit holds it.
const NOTE: char = '{';

/// The text with each annotation in braces as one mark.
fn marked(text: &str) -> Option<String> {
    let (mut out, mut inside) = (String::with_capacity(text.len()), false);
    for c in text.chars() {
        match (c, inside) {
            ('{', false) => inside = true,
            ('}', true) => {
                inside = false;
                out.push(NOTE);
            }
            ('{', true) | ('}', false) => return None,
            (c, false) if c.is_ascii_graphic() => out.push(c),
            (_space, false) => return None,
            (_note, true) => {}
        }
    }
    (!inside).then_some(out)
}

/// A number, or a unit with an exponent.
fn is_term(term: &str) -> bool {
    if term.bytes().all(|byte| byte.is_ascii_digit()) {
        return !term.is_empty();
    }
    if let Some(power) = term.strip_prefix("10*").or_else(|| term.strip_prefix("10^")) {
        return is_exponent(power);
    }
    let unit = term.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '+']);
    let power = term.get(unit.len()..).unwrap_or_default();
    is_exponent(power) && is_atom(unit)
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    text.is_empty() || (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_atom(unit: &str) -> bool {
    PLAIN.contains(&unit)
        || METRIC.contains(&unit)
        || PREFIXES.iter().any(|prefix| unit.strip_prefix(prefix).is_some_and(|rest| METRIC.contains(&rest)))
}

#[cfg(test)]
mod tests {
    use super::is_unit;

    #[test]
    fn units_of_laboratories_are_known() {
        for unit in [
            "mg/dL",
            "mmol/L",
            "10*3/uL",
            "10*9/L",
            "%",
            "{cells}/uL",
            "/uL",
            "m[IU]/L",
            "[IU]/mL",
            "U/L",
            "g/dL",
            "fL",
            "pg",
            "mL/min/{1.73_m2}",
            "mm[Hg]",
            "Cel",
            "ug/mL",
            "kg/m2",
            "s",
            "ng/mL{FEU}",
            "mL/min/1.73.m2",
            "a",
            "meq/L",
            "{ratio}",
            "{INR}",
            "g/{creat}/d",
            "m2{body}",
        ] {
            assert!(is_unit(unit), "{unit}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        for unit in
            ["mIU/L", "K/mcL", "mg/dl per day", "cells", "", "mg//dL", "tera.l-1", "gm/dL", "{open", "10*", "IU"]
        {
            assert_eq!(is_unit(unit), matches!(unit, "10*"), "{unit}");
        }
    }

    #[test]
    fn an_annotation_stands_for_a_missing_unit_only_where_it_is() {
        for unit in ["mg//dL{serum}", "mg/./dL/{serum}", "m{x}g", ".uL", "mg{a}{b}", "/", "//uL"] {
            assert!(!is_unit(unit), "{unit}");
        }
    }
}
