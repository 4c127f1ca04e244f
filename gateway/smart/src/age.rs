//! Whether someone is old enough for an account of their own.
//!
//! No one under 13 has one (Children's Online Privacy Protection Act, 15 U.S.C. 6501(1)). A birth date in a record may be a
//! year or a month alone: then both ends of it count. Pure: a text and a time, an answer.

use fhir::Instant;

/// Full years from which on someone has an account of their own.
pub const YEARS: i32 = 13;
/// The day of a birthday begins last twelve hours behind UTC: nobody is taken for older than they are anywhere.
const LAST_ZONE_S: i64 = 12 * 3600;

/// What a birth date says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Not yet [`YEARS`].
    Under,
    /// [`YEARS`] or more.
    Over,
    /// It does not say: there is none, it is no date, or it is too coarse.
    Unknown,
}

/// How old the person with this birth date is (`YYYY`, `YYYY-MM` or `YYYY-MM-DD`), at this time in seconds since 1970.
pub fn age(birth_date: Option<&str>, now_s: i64) -> Age {
    let Some((first, last)) = birth_date.and_then(ends) else { return Age::Unknown };
    let today = Instant::from_seconds(now_s - LAST_ZONE_S).to_string();
    let Some((year, rest)) = today.get(..10).and_then(|day| day.split_once('-')) else { return Age::Unknown };
    let Ok(year) = year.parse::<i32>() else { return Age::Unknown };
    // Whoever was born on this day, or before, has had the birthday. Dates of this form are in order as texts.
    let latest = format!("{:04}-{rest}", year - YEARS);
    if last <= latest {
        Age::Over
    } else if first > latest {
        Age::Under
    } else {
        Age::Unknown
    }
}

/// The first and the last day that a date can mean.
fn ends(date: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = date.split('-').collect();
    let is = |part: &str, digits: usize| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [year] if is(year, 4) => Some((format!("{year}-01-01"), format!("{year}-12-31"))),
        [year, month] if is(year, 4) && is(month, 2) => Some((format!("{date}-01"), format!("{date}-31"))),
        [year, month, day] if is(year, 4) && is(month, 2) && is(day, 2) => Some((date.to_owned(), date.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of a day, UTC: midnight in the last zone.
    fn at(day: &str) -> i64 {
        Instant::parse(&format!("{day}T12:00:00Z")).map(Instant::seconds).unwrap_or_default()
    }

    #[test]
    fn a_person_is_thirteen_from_their_birthday_on_and_not_a_second_before() {
        let birthday = at("2026-05-06");
        assert_eq!(age(Some("2013-05-06"), birthday), Age::Over);
        assert_eq!(age(Some("2013-05-06"), birthday - 1), Age::Under);
        assert_eq!(age(Some("2012-02-29"), at("2025-02-28")), Age::Under);
        assert_eq!(age(Some("2012-02-29"), at("2025-03-01")), Age::Over);
        assert_eq!(age(Some("1939-01-01"), birthday), Age::Over);
        assert_eq!(age(Some("2026-05-06"), birthday), Age::Under);
    }

    #[test]
    fn a_coarse_date_counts_by_both_its_ends_and_none_says_nothing() {
        let now = at("2026-05-06");
        for (date, due) in [
            ("2012", Age::Over),
            ("2013", Age::Unknown),
            ("2014", Age::Under),
            ("2013-04", Age::Over),
            ("2013-05", Age::Unknown),
            ("2013-06", Age::Under),
        ] {
            assert_eq!(age(Some(date), now), due, "{date}");
        }
        for none in
            [None, Some(""), Some("unknown"), Some("2013-5-6"), Some("06/05/2013"), Some("2013-05-06T00:00:00Z")]
        {
            assert_eq!(age(none, now), Age::Unknown, "{none:?}");
        }
    }
}
