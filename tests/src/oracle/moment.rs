//! Dates as stretches of microseconds (R4, 3.1.1.4.6), both ends inclusive.

use serde_json::Value;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The first and the last microsecond of what is written: a year, a month, a day, or a time with its zone.
pub fn stretch(text: &str) -> Option<(i64, i64)> {
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let parts: Vec<i64> = date.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (low, high) = match *parts.as_slice() {
        [year] => (day(year, 1, 1), day(year + 1, 1, 1)),
        [year, month] => (day(year, month, 1), if month == 12 { day(year + 1, 1, 1) } else { day(year, month + 1, 1) }),
        [year, month, date] => (day(year, month, date), day(year, month, date) + 1),
        _ => return None,
    };
    let Some(time) = time else { return Some((low * DAY, high * DAY - 1)) };
    let zone_at = time.find(['Z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone_at);
    let offset = if zone == "Z" {
        0
    } else {
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
        if zone.starts_with('-') { -minutes } else { minutes }
    };
    let mut fields = clock.split(':');
    let (hours, minutes) = (fields.next()?.parse::<i64>().ok()?, fields.next()?.parse::<i64>().ok()?);
    let at = low * DAY + (hours * 60 + minutes - offset) * 60 * SECOND;
    let Some(seconds) = fields.next() else { return Some((at, at + 60 * SECOND - 1)) };
    let (whole, fraction) = seconds.split_once('.').map_or((seconds, ""), |(whole, fraction)| (whole, fraction));
    let at = at + whole.parse::<i64>().ok()? * SECOND;
    if fraction.is_empty() {
        return Some((at, at + SECOND - 1));
    }
    let unit = 10_i64.pow(6_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?);
    let at = at + fraction.parse::<i64>().ok()? * unit;
    Some((at, at + unit - 1))
}

/// The stretch that an element covers: a date or a Period, whose missing ends are open.
pub fn covered(value: &Value) -> Option<(i64, i64)> {
    if let Some(text) = value.as_str() {
        return stretch(text);
    }
    let end = |name: &str| value.get(name).and_then(Value::as_str).map(stretch);
    match (end("start"), end("end")) {
        (None, None) => None,
        (start, end) => Some((
            start.map_or(Some(i64::MIN), |at| at.map(|at| at.0))?,
            end.map_or(Some(i64::MAX), |at| at.map(|at| at.1))?,
        )),
    }
}

/// Whether a stretch stands to the one asked for as a prefix says; `None` where R4 leaves it to the server.
pub fn holds(prefix: &str, own: (i64, i64), asked: (i64, i64)) -> Option<bool> {
    let within = asked.0 <= own.0 && own.1 <= asked.1;
    Some(match prefix {
        "eq" => within,
        "ne" => !within,
        "gt" => own.1 > asked.1,
        "lt" => own.0 < asked.0,
        "ge" => within || own.1 > asked.1,
        "le" => within || own.0 < asked.0,
        "sa" => own.0 > asked.1,
        "eb" => own.1 < asked.0,
        _ => return None,
    })
}

/// Days since 1970 of a date in the Gregorian calendar.
fn day(year: i64, month: i64, date: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_less_exactly_covers_more() {
        assert_eq!(stretch("1970"), Some((0, 365 * DAY - 1)));
        assert_eq!(stretch("2000-02"), Some((10_988 * DAY, 11_017 * DAY - 1)));
        assert_eq!(stretch("1970-01-01T01:00:00+01:00"), Some((0, SECOND - 1)));
        assert_eq!(stretch("1970-01-01T00:00:00.250Z"), Some((250_000, 250_999)));
        assert_eq!(stretch("x"), None);
    }
}
