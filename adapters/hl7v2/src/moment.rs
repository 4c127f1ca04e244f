//! Dates and times: precision kept, offsets kept, zones never assumed.
//!
//! An offset in the value wins over the offset of MSH-7, which is the message's default, which wins over the link's zone.
//! Without any of them, or where a clock change makes a time double or absent, the date alone is told.

use bridge::Link;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// What a message and its link say about times without an offset.
#[derive(Clone, Copy)]
pub(crate) struct Zones<'l> {
    /// The offset of MSH-7, in minutes.
    message: Option<i32>,
    zone: Option<&'l TimeZone>,
}

/// A date or time as far as it could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or a full dateTime with offset.
    pub(crate) fhir: Text,
    /// Whether the value says more than `fhir` does, so that it must be kept as it came.
    pub(crate) cut: bool,
    /// Whether `fhir` has time and offset, so that it is an instant.
    pub(crate) is_instant: bool,
    /// Its low end, microseconds since 1970; UTC where no offset is known.
    pub(crate) low_us: i64,
}

impl<'l> Zones<'l> {
    /// The zones of a message sent at `sent_at` (MSH-7) over this link.
    pub(crate) fn of(link: &'l Link, sent_at: &str) -> Zones<'l> {
        let message = Parts::read(sent_at.trim()).and_then(|parts| parts.offset);
        Zones { message, zone: link.zone.as_ref() }
    }

    /// Reads a value of type DT, TS or DTM; `None` when it is none.
    pub(crate) fn read(&self, text: &str) -> Option<Moment> {
        let parts = Parts::read(text.trim())?;
        let mut fhir = Text { chars: [0; FHIR_CHARS_MAX], length: 0 };
        digits(&mut fhir, parts.year / 100);
        digits(&mut fhir, parts.year % 100);
        for part in [parts.month, parts.day].into_iter().flatten() {
            fhir.push('-');
            digits(&mut fhir, part);
        }
        let offset = parts.offset.or(self.message).or_else(|| self.of_zone(&parts));
        let low_us = parts.low_us(offset.unwrap_or(0));
        let (Some(hour), minute) = (parts.hour, parts.minute) else {
            return Some(Moment { fhir, cut: false, is_instant: false, low_us });
        };
        // FHIR has no time without minutes, and none without an offset.
        let (Some(minute), Some(offset)) = (minute, offset) else {
            return Some(Moment { fhir, cut: true, is_instant: false, low_us });
        };
        let second = parts.second.unwrap_or(0); // FHIR: seconds may be zero-filled
        for (before, part) in [('T', hour), (':', minute), (':', second)] {
            fhir.push(before);
            digits(&mut fhir, part);
        }
        if !parts.fraction.is_empty() {
            fhir.push('.');
            parts.fraction.chars().for_each(|digit| fhir.push(digit));
        }
        fhir.push(if offset < 0 { '-' } else { '+' });
        digits(&mut fhir, offset.unsigned_abs() / 60);
        fhir.push(':');
        digits(&mut fhir, offset.unsigned_abs() % 60);
        Some(Moment { fhir, cut: false, is_instant: true, low_us })
    }

    /// The zone's offset at this time of its clocks, in minutes; `None` when the clocks were changed over it.
    fn of_zone(&self, parts: &Parts<'_>) -> Option<i32> {
        let at = |value: Option<u32>| i8::try_from(value.unwrap_or(0)).ok();
        let (month, day) = (at(parts.month)?, at(parts.day)?);
        let time = jiff::civil::DateTime::new(
            i16::try_from(parts.year).ok()?,
            month,
            day,
            at(parts.hour)?,
            at(parts.minute)?,
            at(parts.second.map(|second| second.min(59)))?,
            0,
        );
        match self.zone?.to_ambiguous_timestamp(time.ok()?).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some(offset.seconds() / 60),
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => None,
        }
    }
}

/// A FHIR date or dateTime, where it is: it needs no memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    chars: [u8; FHIR_CHARS_MAX],
    length: usize,
}

/// The length of a dateTime with nanoseconds and offset, and a little more.
const FHIR_CHARS_MAX: usize = 40;

impl Text {
    /// Adds a character of ASCII.
    fn push(&mut self, char: char) {
        if let (Some(place), Ok(byte)) = (self.chars.get_mut(self.length), u8::try_from(char)) {
            *place = byte;
            self.length += 1;
        }
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.chars.get(..self.length).and_then(|chars| std::str::from_utf8(chars).ok()).unwrap_or_default()
    }
}

/// Two digits.
fn digits(out: &mut Text, value: u32) {
    for digit in [value / 10 % 10, value % 10] {
        out.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

/// A value's parts, each within its range.
struct Parts<'t> {
    year: u32,
    month: Option<u32>,
    day: Option<u32>,
    hour: Option<u32>,
    minute: Option<u32>,
    second: Option<u32>,
    fraction: &'t str,
    /// In minutes.
    offset: Option<i32>,
}

impl<'t> Parts<'t> {
    /// `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]`, and nothing else.
    fn read(text: &'t str) -> Option<Parts<'t>> {
        let (clock, zone) = match text.find(['+', '-']) {
            Some(at) => (text.get(..at)?, text.get(at..)),
            None => (text, None),
        };
        let (digits, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        // Fractions finer than a nanosecond are nobody's clock.
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(digits) || !all_digits(fraction) || fraction.len() > 9 {
            return None;
        }
        if !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) || (!fraction.is_empty() && digits.len() != 14) {
            return None;
        }
        let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok());
        let parts = Parts {
            year: part(0, 4)?,
            month: part(4, 6),
            day: part(6, 8),
            hour: part(8, 10),
            minute: part(10, 12),
            second: part(12, 14),
            fraction,
            offset: match zone {
                Some(zone) => Some(offset(zone)?),
                None => None,
            },
        };
        let within = |value: Option<u32>, low: u32, high: u32| value.is_none_or(|value| (low..=high).contains(&value));
        let days = parts.month.map_or(31, |month| days_in(parts.year, month));
        let valid = parts.year >= 1
            && within(parts.month, 1, 12)
            && within(parts.day, 1, days)
            && within(parts.hour, 0, 23)
            && within(parts.minute, 0, 59)
            && within(parts.second, 0, 59);
        valid.then_some(parts)
    }

    fn low_us(&self, offset: i32) -> i64 {
        let (year, month, day) =
            (i64::from(self.year), i64::from(self.month.unwrap_or(1)), i64::from(self.day.unwrap_or(1)));
        // Days since 1970 by the proleptic Gregorian calendar, years beginning in March.
        let year = if month <= 2 { year - 1 } else { year };
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let of = |value: Option<u32>| i64::from(value.unwrap_or(0));
        let seconds = days * 86_400 + of(self.hour) * 3600 + of(self.minute) * 60 + of(self.second);
        let micro = self.fraction.bytes().chain(*b"000000").take(6);
        let micro = micro.fold(0i64, |micro, digit| micro * 10 + i64::from(digit.saturating_sub(b'0')));
        (seconds - i64::from(offset) * 60) * 1_000_000 + micro
    }
}

fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _others => 31,
    }
}

/// `±ZZZZ` in minutes; at most 14 hours, as on earth.
fn offset(text: &str) -> Option<i32> {
    let (sign, digits) = if let Some(digits) = text.strip_prefix('-') { (-1, digits) } else { (1, text.get(1..)?) };
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..)?.parse::<i32>().ok()?);
    (minutes < 60 && hours * 60 + minutes <= 14 * 60).then_some(sign * (hours * 60 + minutes))
}

/// A TM value as a FHIR time, and whether it says more than that (an offset, or parts of a second, which readers of FHIR
/// times refuse); `None` when it says less than hours and minutes, or is none.
pub(crate) fn time(text: &str) -> Option<(String, bool)> {
    let text = text.trim();
    let clock = text.split(['+', '-']).next().unwrap_or_default();
    let (digits, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).unwrap_or("00");
    let within = |from: usize, high: u32| part(from).parse::<u32>().is_ok_and(|value| value <= high);
    if !within(0, 23) || !within(2, 59) || !within(4, 59) {
        return None;
    }
    let cut = clock.len() < text.len() || fraction.bytes().any(|digit| digit != b'0');
    Some((format!("{}:{}:{}", part(0), part(2), part(4)), cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn link(zone: Option<&str>) -> Link {
        let mut link = Link::new("lab", Uuid::nil());
        link.zone = zone.map(|name| TimeZone::get(name).expect("a zone of the bundled database"));
        link
    }

    fn read(text: &str, sent: &str, zone: Option<&str>) -> Option<(String, bool)> {
        let link = link(zone);
        Zones::of(&link, sent).read(text).map(|moment| (moment.fhir.to_string(), moment.cut))
    }

    #[test]
    fn precision_and_offset_stay_as_they_came() {
        assert_eq!(read("2023", "", None), Some(("2023".into(), false)));
        assert_eq!(read("202305", "", None), Some(("2023-05".into(), false)));
        assert_eq!(read("20230501", "", None), Some(("2023-05-01".into(), false)));
        assert_eq!(read("202305011025-0400", "", None), Some(("2023-05-01T10:25:00-04:00".into(), false)));
        assert_eq!(read("20230501102531.123+0000", "", None), Some(("2023-05-01T10:25:31.123+00:00".into(), false)));
    }

    #[test]
    fn the_values_offset_wins_then_the_messages_then_the_zones() {
        let sent = "20230501102531-0400";
        assert_eq!(
            read("20230501102531+0200", sent, Some("Asia/Tokyo")).map(|r| r.0),
            Some("2023-05-01T10:25:31+02:00".into())
        );
        assert_eq!(
            read("20230501102531", sent, Some("Asia/Tokyo")).map(|r| r.0),
            Some("2023-05-01T10:25:31-04:00".into())
        );
        assert_eq!(
            read("20230501102531", "", Some("Asia/Tokyo")).map(|r| r.0),
            Some("2023-05-01T10:25:31+09:00".into())
        );
    }

    #[test]
    fn without_any_zone_the_date_alone_is_told() {
        assert_eq!(read("20230501102531", "20230501", None), Some(("2023-05-01".into(), true)));
    }

    #[test]
    fn a_double_or_absent_hour_is_never_guessed() {
        assert_eq!(read("20231105013000", "", Some("America/New_York")), Some(("2023-11-05".into(), true)), "twice");
        assert_eq!(read("20230312023000", "", Some("America/New_York")), Some(("2023-03-12".into(), true)), "never");
        assert_eq!(
            read("20230312033000", "", Some("America/New_York")).map(|r| r.0),
            Some("2023-03-12T03:30:00-04:00".into())
        );
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in ["0000", "20231301", "20230230", "2023-05-01", "yesterday", "", "20230501250000", "202305011"] {
            assert_eq!(read(text, "", None), None, "{text}");
        }
    }

    #[test]
    fn times_of_day_are_read_with_minutes_at_least() {
        assert_eq!(time("1025"), Some(("10:25:00".into(), false)));
        assert_eq!(time("102531.5"), Some(("10:25:31".into(), true)));
        assert_eq!(time("102531-0400"), Some(("10:25:31".into(), true)));
        assert_eq!(time("10"), None);
        assert_eq!(time("2560"), None);
    }

    proptest! {
        #[test]
        fn the_low_end_agrees_with_an_independent_calendar(year in 1i16..9999, month in 1i8..=12, day in 1i8..=28,
                                                           hour in 0i8..24, offset in -720i32..=720) {
            let sign = if offset < 0 { '-' } else { '+' };
            let text = format!("{year:04}{month:02}{day:02}{hour:02}30{sign}{:02}{:02}", offset.abs() / 60, offset.abs() % 60);
            let link = link(None);
            let ours = Zones::of(&link, "").read(&text).expect("a valid time");
            if let Ok(theirs) = ours.fhir.parse::<jiff::Timestamp>() {
                prop_assert_eq!(ours.low_us, theirs.as_microsecond());
            }
        }
    }
}
