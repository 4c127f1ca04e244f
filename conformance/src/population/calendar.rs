//! Days as numbers, and how FHIR writes them.
//!
//! Civil dates by the usual era arithmetic of the proleptic Gregorian calendar. All times of day are written
//! at UTC-05:00, the year round: the hospital of this population keeps one clock.

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(i64);

/// The last day on which anything happens to anybody.
pub(super) const HORIZON: Day = Day(20_727); // 2026-10-01

impl Day {
    /// The day this many days later, or earlier when negative.
    pub(super) fn plus(self, days: i64) -> Day {
        Day(self.0 + days)
    }

    /// Days from `earlier` to this day.
    pub(super) fn since(self, earlier: Day) -> i64 {
        self.0 - earlier.0
    }

    fn civil(self) -> (i64, i64, i64) {
        let z = self.0 + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day)
    }

    /// `YYYY-MM-DD`.
    pub(super) fn date(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `YYMMDD`, as device labels print dates.
    pub(super) fn label(self) -> String {
        let (year, month, day) = self.civil();
        format!("{:02}{month:02}{day:02}", year % 100)
    }

    /// A dateTime or instant, `minute` minutes after midnight.
    pub(super) fn at(self, minute: i64) -> String {
        format!("{}T{:02}:{:02}:00-05:00", self.date(), minute / 60, minute % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::{Day, HORIZON};

    #[test]
    fn days_are_written_as_the_calendar_has_them() {
        assert_eq!(Day(0).date(), "1970-01-01");
        assert_eq!(Day(-1).date(), "1969-12-31");
        assert_eq!(Day(11_016).date(), "2000-02-29");
        assert_eq!(HORIZON.date(), "2026-10-01");
        assert_eq!(HORIZON.at(9 * 60 + 5), "2026-10-01T09:05:00-05:00");
    }
}
