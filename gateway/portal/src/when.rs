//! Days and times in words. All are UTC, and say so: the server knows no other zone of the person who looks.

use fhir::Instant;
use smart::Locale;

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// A time as a page shows it.
pub(crate) struct When {
    /// For `datetime` attributes.
    pub(crate) machine: String,
    /// For people.
    pub(crate) said: String,
}

/// A time, to the minute.
pub(crate) fn time(at: Instant, locale: Locale) -> When {
    let machine = format!("{}Z", at.to_string().get(..19).unwrap_or(""));
    let clock = machine.get(11..16).unwrap_or("");
    let said = format!("{}, {clock} UTC", day_of(&machine, locale));
    When { machine, said }
}

/// A time to the second, the same in every language: for developers.
pub(crate) fn time_of_day(at: Instant) -> When {
    let machine = format!("{}Z", at.to_string().get(..19).unwrap_or(""));
    When { said: machine.replace('T', " "), machine }
}

/// A time in seconds since 1970, to the minute.
pub(crate) fn seconds(at_s: i64, locale: Locale) -> When {
    time(Instant::from_seconds(at_s), locale)
}

/// The day of a time: `2026-11-27` in words.
pub(crate) fn day(at: Instant, locale: Locale) -> When {
    let whole = at.to_string();
    let machine = whole.get(..10).unwrap_or("").to_owned();
    When { said: day_of(&machine, locale), machine }
}

fn day_of(machine: &str, locale: Locale) -> String {
    let part = |from: usize, to: usize| machine.get(from..to).and_then(|part| part.parse::<usize>().ok()).unwrap_or(0);
    let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
    let name = |months: [&'static str; 12]| months.get(month.wrapping_sub(1)).copied().unwrap_or("");
    match locale {
        Locale::English => format!("{} {day}, {year}", name(ENGLISH)),
        Locale::Spanish => format!("{day} de {} de {year}", name(SPANISH)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_words_of_its_language() {
        let at = Instant::parse("2026-01-09T06:05:59.123Z").unwrap();
        assert_eq!(time(at, Locale::English).said, "January 9, 2026, 06:05 UTC");
        assert_eq!(time(at, Locale::Spanish).said, "9 de enero de 2026, 06:05 UTC");
        assert_eq!(day(at, Locale::Spanish).said, "9 de enero de 2026");
        assert_eq!(day(at, Locale::English).machine, "2026-01-09");
        let last = Instant::parse("2026-12-31T23:59:00Z").unwrap();
        assert_eq!(seconds(last.seconds(), Locale::English).said, "December 31, 2026, 23:59 UTC");
    }
}
