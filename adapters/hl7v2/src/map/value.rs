//! OBX-5 by OBX-2: every type of result, its unit, its range, and what stands there when there is none.

use std::borrow::Cow;

use bridge::Code;
use bridge::mapping::{Out, Source};

use super::engine::{At, Run};
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

/// Writes the members of a CodeableConcept: primary, alternate and third coding, and the original text.
pub(crate) fn codeable(out: &mut Out, value: Value<'_>, to: &'static str) {
    let valued = value.parts_valued();
    let part = |number: u16| if valued & Source::bit(number) == 0 { value.none() } else { value.part(number) };
    out.array("coding");
    for (code, words, system, version, oid) in CODINGS {
        let code = part(code);
        let Some(written) = code.trimmed() else { continue };
        let (words, system, version, oid) = (part(words), part(system), part(version), part(oid));
        out.object("");
        let name = system.trimmed();
        if let Some(uri) = coding_system(name.as_deref(), oid.trimmed().as_deref()) {
            out.string("system", &uri);
            system.mapped(to);
            oid.mapped(to);
        } else if name.is_some_and(|name| name == "L" || name.starts_with("99")) {
            system.ignored("local-codes-have-no-system");
        }
        if let Some(version_id) = version.trimmed() {
            out.string("version", &version_id);
            version.mapped(to);
        }
        out.string("code", &single_spaced(&written));
        code.mapped_scalar(to);
        if let Some(display) = words.trimmed() {
            out.string("display", &display);
            words.mapped_scalar(to);
        }
        out.leave();
    }
    out.leave();
    let original = part(9);
    if let Some(text) = original.trimmed() {
        out.string("text", &text);
        original.mapped(to);
    } else if CODINGS.iter().all(|(code, ..)| part(*code).is_empty()) {
        let words = CODINGS.iter().map(|(_code, words, ..)| part(*words)).find(|words| !words.is_empty());
        if let Some(words) = words
            && let Some(text) = words.trimmed()
        {
            out.string("text", &text);
            words.mapped(to);
        }
    }
}

/// The primary, the alternate and the third coding of a coded value: where its code, words, system, version and system's
/// OID stand.
const CODINGS: [(u16, u16, u16, u16, u16); 3] = [(1, 2, 3, 7, 14), (4, 5, 6, 8, 17), (10, 11, 12, 13, 20)];

/// A code as FHIR has it: single spaces inside, none around.
pub(crate) fn single_spaced(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The FHIR system of a coding system's name (HL7 table 0396) or OID; `None` for local and unknown ones.
pub(crate) fn coding_system(name: Option<&str>, oid: Option<&str>) -> Option<Cow<'static, str>> {
    if let Some(known) = name.and_then(known_system) {
        return Some(Cow::Borrowed(known));
    }
    // HL7nnnn is table nnnn of HL7 v2.
    if let Some(table) = name.and_then(|name| name.strip_prefix("HL7"))
        && table.len() == 4
        && table.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(Cow::Owned(format!("http://terminology.hl7.org/CodeSystem/v2-{table}")));
    }
    let oid = oid.filter(|oid| super::steps::is_oid(oid))?;
    Some(match oid {
        "2.16.840.1.113883.6.1" => Cow::Borrowed("http://loinc.org"),
        "2.16.840.1.113883.6.96" => Cow::Borrowed("http://snomed.info/sct"),
        other => Cow::Owned(format!("urn:oid:{other}")),
    })
}

fn known_system(name: &str) -> Option<&'static str> {
    Some(match name {
        "LN" | "LOINC" => "http://loinc.org",
        "SCT" | "SNOMED" | "SNOMED-CT" | "SNOMEDCT" => "http://snomed.info/sct",
        "UCUM" => "http://unitsofmeasure.org",
        "I10" | "I10C" | "ICD10CM" => "http://hl7.org/fhir/sid/icd-10-cm",
        "I9" | "I9C" | "I9CDX" => "http://hl7.org/fhir/sid/icd-9-cm",
        "C4" | "CPT" | "CPT4" => "http://www.ama-assn.org/go/cpt",
        "CVX" => "http://hl7.org/fhir/sid/cvx",
        "NDC" => "http://hl7.org/fhir/sid/ndc",
        "RXNORM" | "RxNorm" => "http://www.nlm.nih.gov/research/umls/rxnorm",
        "CDCREC" => "urn:oid:2.16.840.1.113883.6.238",
        _other => return None,
    })
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
fn own_unit(run: &mut Run<'_>, out: &mut Out, obx: usize, to: &'static str) {
    if run.unit.0 == obx {
        return out.members(&run.unit.1);
    }
    let from = out.bytes();
    unit(out, run.message.field(obx, 6).first_repetition(), to);
    run.unit.0 = obx;
    run.unit.1.clear();
    run.unit.1.extend_from_slice(out.since(from));
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
fn as_shown(one: Value<'_>) -> Cow<'_, str> {
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

/// Whether a result is a document, which R4 shows with its report: embedded, or (true) pointed to.
pub(crate) fn document(run: &Run<'_>, obx: usize) -> Option<bool> {
    match run.message.field(obx, 2).trimmed().as_deref() {
        Some("ED") => Some(false),
        Some("RP") => Some(true),
        Some(_other) => None,
        None => None,
    }
}

/// ED: source, type, subtype, encoding, data. RP: pointer, application, type, subtype; never fetched.
pub(crate) fn attachment(_run: &Run<'_>, out: &mut Out, one: Value<'_>, pointer: bool) {
    const TO: &str = "DiagnosticReport.presentedForm";
    let part = |number: u16| one.part(number);
    let (kind, subtype) = if pointer { (part(3), part(4)) } else { (part(2), part(3)) };
    if let Some(content_type) = content_type(kind.trimmed().as_deref(), subtype.trimmed().as_deref()) {
        out.string("contentType", &content_type);
        kind.mapped(TO);
        subtype.mapped(TO);
    }
    if pointer {
        if let Some(url) = part(1).trimmed()
            && !url.contains(char::is_whitespace)
        {
            out.string("url", &url);
            part(1).mapped(TO);
        }
        return;
    }
    let data = part(5);
    let Some(written) = data.text() else { return };
    match part(4).trimmed().as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("base64") => {
            let packed: String = written.chars().filter(|c| !c.is_whitespace()).collect();
            if !is_base64(&packed) {
                return data.warn(Code::DataType);
            }
            out.string("data", &packed);
        }
        Some("hex") => match unhex(&written) {
            Some(bytes) => out.string("data", &base64(&bytes)),
            None => return data.warn(Code::DataType),
        },
        Some("a") | None => out.string("data", &base64(written.as_bytes())),
        Some(_unknown) => return part(4).warn(Code::TableValueNotFound),
    }
    data.mapped(TO);
    part(4).mapped(TO);
}

fn content_type(kind: Option<&str>, subtype: Option<&str>) -> Option<String> {
    let token =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+' | b'/'));
    let lower = |text: &str| text.to_ascii_lowercase();
    let (kind, subtype) = (kind.map(lower).unwrap_or_default(), subtype.map(lower).unwrap_or_default());
    if kind.contains('/') && token(&kind) {
        return Some(kind);
    }
    if subtype.contains('/') && token(&subtype) {
        return Some(subtype);
    }
    Some(match subtype.as_str() {
        "pdf" => "application/pdf".to_owned(),
        "jpeg" | "jpg" | "pict" => "image/jpeg".to_owned(),
        "png" | "gif" | "tiff" => format!("image/{subtype}"),
        "html" | "xml" | "rtf" => format!("text/{subtype}"),
        "basic" => "audio/basic".to_owned(),
        other => match kind.as_str() {
            "text" | "image" | "audio" | "video" | "application" | "multipart" if !other.is_empty() && token(other) => {
                format!("{kind}/{other}")
            }
            "text" | "ft" | "tx" => "text/plain".to_owned(),
            "pdf" => "application/pdf".to_owned(),
            _unknown => return None,
        },
    })
}

fn is_base64(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - unpadded.len() <= 2
        && unpadded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4usize {
            let index = (group >> (18 - 6 * place) & 63) as usize;
            out.push(if place <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    out
}

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
    let numeric = at.scope.own.is_some_and(|obx| matches!(type_of(run, obx), Type::Number | Type::Structured));
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

    #[test]
    fn ranges_are_read_only_when_they_mean_one_thing() {
        assert_eq!(ends("3.5-5.0"), Some((Some("3.5".into()), Some("5.0".into()))));
        assert_eq!(ends("-2 - 2"), Some((Some("-2".into()), Some("2".into()))));
        assert_eq!(ends(">=60"), Some((Some("60".into()), None)));
        for text in ["<5", "negative", "5-3", "1-2-3", "M: 1-2"] {
            assert_eq!(ends(text), None, "{text}");
        }
    }

    #[test]
    fn text_becomes_base64() {
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(base64(b"M"), "TQ==");
        assert!(is_base64("TWE="));
        assert!(!is_base64("TWE"));
    }
}
