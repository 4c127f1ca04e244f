//! Points and stretches of time as FHIR writes them. Reads text and counts microseconds; never asks a clock.
//!
//! [`Instant`] is a point (when something was recorded); [`Moment`] is what a `date`, `dateTime` or `instant` says, which
//! may be a whole year, and answers with the stretch it covers.

use jiff::SignedDuration;
use jiff::civil::{Date, Weekday};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
const EPOCH: Date = Date::constant(1970, 1, 1);
/// 0001-01-01T00:00:00Z, the first microsecond FHIR can write.
const FIRST: i64 = -62_135_596_800 * SECOND;
/// 9999-12-31T23:59:59.999999Z, the last.
const LAST: i64 = 253_402_300_800 * SECOND - 1;

/// A text that is no date or time in FHIR's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone")]
pub struct BadMoment;

/// A point in time: microseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// From microseconds since the epoch; what FHIR cannot write becomes the nearest it can.
    pub fn from_micros(micros: i64) -> Instant {
        Instant(micros.clamp(FIRST, LAST))
    }

    /// From seconds since the epoch, as in tokens.
    pub fn from_seconds(seconds: i64) -> Instant {
        Instant::from_micros(seconds.saturating_mul(SECOND))
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Reads a FHIR `instant`: date, time to the second or finer, and a zone.
    pub fn parse(text: &str) -> Result<Instant, BadMoment> {
        let moment = Moment::parse(text)?;
        match moment.precision {
            Precision::Second | Precision::Fraction => Ok(Instant::from_micros(moment.low)),
            Precision::Year | Precision::Month | Precision::Day | Precision::Minute => Err(BadMoment),
        }
    }

    /// This much later.
    pub fn plus(self, span: Duration) -> Instant {
        Instant::from_micros(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This much earlier.
    pub fn minus(self, span: Duration) -> Instant {
        Instant::from_micros(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// For HTTP's `Last-Modified` and the like (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn http_date(self) -> String {
        let (date, rest) = self.split();
        let weekday = match date.weekday() {
            Weekday::Monday => "Mon",
            Weekday::Tuesday => "Tue",
            Weekday::Wednesday => "Wed",
            Weekday::Thursday => "Thu",
            Weekday::Friday => "Fri",
            Weekday::Saturday => "Sat",
            Weekday::Sunday => "Sun",
        };
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = MONTHS.get(date.month() as usize - 1).copied().unwrap_or_default();
        let (day, year) = (date.day(), date.year());
        format!("{weekday}, {day:02} {month} {year:04} {} GMT", clock(rest))
    }

    fn split(self) -> (Date, i64) {
        let days = SignedDuration::from_secs(self.0.div_euclid(DAY) * 86_400);
        // Every value lies between FIRST and LAST, which a Date can hold.
        (EPOCH.checked_add(days).unwrap_or(EPOCH), self.0.rem_euclid(DAY))
    }
}

/// `hh:mm:ss` of microseconds since midnight.
fn clock(rest: i64) -> String {
    format!("{:02}:{:02}:{:02}", rest / MINUTE / 60, rest / MINUTE % 60, rest / SECOND % 60)
}

/// RFC 3339 in UTC with milliseconds: `2026-11-24T08:30:00.125Z`, which is a FHIR `instant`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, rest) = self.split();
        let (year, month, day, millis) = (date.year(), date.month(), date.day(), rest % SECOND / 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{}.{millis:03}Z", clock(rest))
    }
}

/// How finely a [`Moment`] was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `YYYY`
    Year,
    /// `YYYY-MM`
    Month,
    /// `YYYY-MM-DD`
    Day,
    /// `YYYY-MM-DDThh:mm`, which only searches may write.
    Minute,
    /// `YYYY-MM-DDThh:mm:ss`
    Second,
    /// With a fraction of a second.
    Fraction,
}

/// What a `date`, `dateTime` or `instant` says: a stretch of time and how finely it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    low: i64,
    high: i64,
    precision: Precision,
}

impl Moment {
    /// Reads a `date`, `dateTime` or `instant` of a resource (R4 datatypes): a time needs seconds and a zone.
    pub fn parse(text: &str) -> Result<Moment, BadMoment> {
        let (moment, zoned) = read(text)?;
        let strict = match moment.precision {
            Precision::Year | Precision::Month | Precision::Day => true,
            Precision::Minute => false,
            Precision::Second | Precision::Fraction => zoned,
        };
        if strict { Ok(moment) } else { Err(BadMoment) }
    }

    /// Reads a date of a search, which may stop at minutes, leave out the zone (then UTC), and whose `+` before the zone
    /// may have become a space on its way through a form.
    pub fn parse_search(text: &str) -> Result<Moment, BadMoment> {
        Ok(read(&text.replace(' ', "+"))?.0)
    }

    /// The first and the last microsecond it covers, both inclusive, in UTC since the epoch.
    pub fn range(self) -> (i64, i64) {
        (self.low, self.high)
    }

    /// How finely it was written.
    pub fn precision(self) -> Precision {
        self.precision
    }
}

/// Reads any of the spellings; also says whether a zone was written.
fn read(text: &str) -> Result<(Moment, bool), BadMoment> {
    let mut rest = text.as_bytes();
    let year = digits(&mut rest, 4)?;
    if rest.is_empty() {
        let next = if year == 9999 { LAST + 1 } else { midnight(year + 1, 1, 1)? };
        return Ok((Moment { low: midnight(year, 1, 1)?, high: next - 1, precision: Precision::Year }, false));
    }
    let month = after(&mut rest, b'-').and_then(|()| digits(&mut rest, 2))?;
    if rest.is_empty() {
        let low = midnight(year, month, 1)?;
        let days = Date::new(year as i16, month as i8, 1).map_err(|_| BadMoment)?.days_in_month();
        return Ok((Moment { low, high: low + i64::from(days) * DAY - 1, precision: Precision::Month }, false));
    }
    let day = after(&mut rest, b'-').and_then(|()| digits(&mut rest, 2))?;
    let low = midnight(year, month, day)?;
    if rest.is_empty() {
        return Ok((Moment { low, high: low + DAY - 1, precision: Precision::Day }, false));
    }
    let hour = after(&mut rest, b'T').and_then(|()| digits(&mut rest, 2))?;
    let minute = after(&mut rest, b':').and_then(|()| digits(&mut rest, 2))?;
    if hour > 23 || minute > 59 {
        return Err(BadMoment);
    }
    let mut low = low + (hour * 60 + minute) * MINUTE;
    let (mut width, mut precision) = (MINUTE, Precision::Minute);
    if rest.first() == Some(&b':') {
        let second = after(&mut rest, b':').and_then(|()| digits(&mut rest, 2))?;
        // 60 is a leap second, which falls together with the first of the next minute.
        if second > 60 {
            return Err(BadMoment);
        }
        low += second * SECOND;
        (width, precision) = (SECOND, Precision::Second);
        if rest.first() == Some(&b'.') {
            (low, width) = (low + fraction(&mut rest, &mut width)?, width);
            precision = Precision::Fraction;
        }
    }
    let offset = zone(&mut rest)?;
    if !rest.is_empty() {
        return Err(BadMoment);
    }
    let low = low - offset.unwrap_or(0) * MINUTE;
    Ok((Moment { low, high: low + width - 1, precision }, offset.is_some()))
}

/// Digits after a decimal point, in microseconds; finer ones are read and dropped. `width` becomes that of the last digit.
fn fraction(rest: &mut &[u8], width: &mut i64) -> Result<i64, BadMoment> {
    after(rest, b'.')?;
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return Err(BadMoment);
    }
    let mut micros = 0;
    let kept = count.min(6);
    for _ in 0..kept {
        *width /= 10;
        micros += digits(rest, 1)? * *width;
    }
    *rest = rest.get(count - kept..).ok_or(BadMoment)?;
    Ok(micros)
}

/// `Z` or `±hh:mm` in minutes; `None` when nothing stands there.
fn zone(rest: &mut &[u8]) -> Result<Option<i64>, BadMoment> {
    let sign = match rest.split_first() {
        None => return Ok(None),
        Some((b'Z', after)) => {
            *rest = after;
            return Ok(Some(0));
        }
        Some((b'+', after)) => (1, after),
        Some((b'-', after)) => (-1, after),
        Some(_) => return Err(BadMoment),
    };
    *rest = sign.1;
    let hour = digits(rest, 2)?;
    let minute = after(rest, b':').and_then(|()| digits(rest, 2))?;
    // R4: offsets reach to 14:00.
    if minute > 59 || hour * 60 + minute > 14 * 60 {
        return Err(BadMoment);
    }
    Ok(Some(sign.0 * (hour * 60 + minute)))
}

fn midnight(year: i64, month: i64, day: i64) -> Result<i64, BadMoment> {
    if year == 0 {
        return Err(BadMoment);
    }
    let date = Date::new(year as i16, month as i8, day as i8).map_err(|_| BadMoment)?;
    Ok(date.duration_since(EPOCH).as_secs() * SECOND)
}

fn after(rest: &mut &[u8], mark: u8) -> Result<(), BadMoment> {
    match rest.split_first() {
        Some((&first, after)) if first == mark => {
            *rest = after;
            Ok(())
        }
        Some(_) | None => Err(BadMoment),
    }
}

fn digits(rest: &mut &[u8], count: usize) -> Result<i64, BadMoment> {
    let (digits, after) = rest.split_at_checked(count).ok_or(BadMoment)?;
    let mut number = 0;
    for &digit in digits {
        number = number * 10 + i64::from(char::from(digit).to_digit(10).ok_or(BadMoment)?);
    }
    *rest = after;
    Ok(number)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> (i64, i64) {
        Moment::parse(text).unwrap().range()
    }

    #[test]
    fn instants_are_written_in_utc_with_milliseconds() {
        let instant = Instant::parse("2015-02-07T13:28:17.239+02:00").unwrap();
        assert_eq!(instant.to_string(), "2015-02-07T11:28:17.239Z");
        assert_eq!(Instant::from_seconds(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Instant::from_micros(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Instant::from_micros(i64::MIN).to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Instant::from_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Instant::from_seconds(784_111_777).http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_leap_day_exists_in_leap_years_alone() {
        assert!(Moment::parse("2024-02-29").is_ok() && Moment::parse("2000-02-29").is_ok());
        assert!(Moment::parse("2023-02-29").is_err() && Moment::parse("1900-02-29").is_err());
    }

    #[test]
    fn resources_must_write_dates_as_fhir_says() {
        for good in
            ["2026", "2026-11", "2026-11-24", "2026-11-24T08:00:00Z", "2026-11-24T08:00:00.1234567-05:00", "9999-12-31"]
        {
            assert!(Moment::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "26",
            "0000",
            "2026-13",
            "2026-00",
            "2026-11-31",
            "2026-1-1",
            "20261124",
            "2026-11-24T08",
            "2026-11-24T08:00Z",
            "2026-11-24T08:00:00",
            "2026-11-24T24:00:00Z",
            "2026-11-24T08:60:00Z",
            "2026-11-24T08:00:61Z",
            "2026-11-24 08:00:00Z",
            "2026-11-24T08:00:00.Z",
            "2026-11-24T08:00:00+15:00",
            "2026-11-24T08:00:00z",
            "2026-11-24T08:00:00Z ",
            "+026",
        ] {
            assert!(Moment::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn searches_may_leave_out_seconds_and_zone_and_lose_their_plus() {
        let full = Moment::parse("2026-11-24T08:00:00Z").unwrap().range();
        let minute = Moment::parse_search("2026-11-24T08:00").unwrap().range();
        assert_eq!((minute.0, minute.1), (full.0, full.0 + 60_000_000 - 1));
        assert_eq!(Moment::parse_search("2026-11-24T10:00:00 02:00").unwrap().range(), full);
    }

    #[test]
    fn a_fraction_covers_what_its_last_digit_leaves_open() {
        let (low, high) = range("1970-01-01T00:00:00.25Z");
        assert_eq!((low, high), (250_000, 259_999));
    }

    proptest! {
        #[test]
        fn finer_dates_lie_within_coarser_ones(days in 0i64..3_652_058, second in 0i64..86_400) {
            let point = Instant::from_micros(FIRST + days * DAY + second * SECOND);
            let text = point.to_string();
            let mut outer = (i64::MIN, i64::MAX);
            for length in [4, 7, 10] {
                let inner = range(text.get(..length).unwrap());
                prop_assert!(outer.0 <= inner.0 && inner.1 <= outer.1 && inner.0 <= point.micros() && point.micros() <= inner.1);
                outer = inner;
            }
            prop_assert_eq!(Instant::parse(&text).unwrap(), point);
        }

        #[test]
        fn any_text_at_all_is_read_or_refused(text in "[0-9TZ:+. -]{0,30}|\\PC{0,20}") {
            if let Ok(moment) = Moment::parse_search(&text) {
                let (low, high) = moment.range();
                prop_assert!(low <= high);
            }
        }
    }
}
