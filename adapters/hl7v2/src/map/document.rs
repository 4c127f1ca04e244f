//! Documents among the results: embedded (ED) or pointed to (RP), as attachments of their report.

use bridge::Code;
use bridge::mapping::Out;

use super::engine::Run;
use crate::parse::Value;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_base64() {
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(base64(b"M"), "TQ==");
        assert!(is_base64("TWE="));
        assert!(!is_base64("TWE"));
    }
}
