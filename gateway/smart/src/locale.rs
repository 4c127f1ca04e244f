//! The languages of the pages.

use serde::{Deserialize, Serialize};

/// A language in which every page text exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Locale {
    /// English
    #[serde(rename = "en")]
    English,
    /// Spanish
    #[serde(rename = "es")]
    Spanish,
}

impl Locale {
    /// Every language there is.
    pub const ALL: [Locale; 2] = [Locale::English, Locale::Spanish];

    /// The tag for `lang` attributes (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Locale::English => "en",
            Locale::Spanish => "es",
        }
    }

    /// The language of a tag such as `es-MX`, by its first part.
    pub fn of(tag: &str) -> Option<Locale> {
        let first = tag.split(['-', '_']).next()?;
        Locale::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(first))
    }

    /// The best language for an `Accept-Language` header (RFC 9110 section 12.5.4); English when none fits.
    pub fn negotiate(header: Option<&str>) -> Locale {
        let mut best: Option<(Locale, f32)> = None;
        for range in header.unwrap_or("").split(',').take(20) {
            let mut parts = range.split(';');
            let Some(locale) = parts.next().map(str::trim).and_then(Locale::of) else { continue };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            let weight: f32 = weight.unwrap_or(0.0);
            if weight > 0.0 && best.is_none_or(|(_, than)| weight > than) {
                best = Some((locale, weight));
            }
        }
        best.map_or(Locale::English, |(locale, _)| locale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_that_exists_wins() {
        for (header, locale) in [
            (None, Locale::English),
            (Some(""), Locale::English),
            (Some("es-MX,es;q=0.9,en;q=0.8"), Locale::Spanish),
            (Some("de, es;q=0.4, en;q=0.7"), Locale::English),
            (Some("fr, de"), Locale::English),
            (Some("es;q=0"), Locale::English),
            (Some("ES"), Locale::Spanish),
            (Some("es;q=lots"), Locale::English),
        ] {
            assert_eq!(Locale::negotiate(header), locale, "{header:?}");
        }
    }
}
