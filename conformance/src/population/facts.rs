//! Who a person is, settled before a line of the chart is written.

use super::calendar::{Day, HORIZON};
use super::dice::Dice;
use super::names;

/// The stage of life a person is in, which decides much of what a chart holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Infant,
    Child,
    Teenager,
    Adult,
}

/// The settled facts of one person, and the dice for the rest.
pub(super) struct Facts {
    pub(super) index: u32,
    pub(super) dice: Dice,
    pub(super) id: String,
    pub(super) given: String,
    pub(super) middle: &'static str,
    pub(super) family: String,
    pub(super) username: String,
    pub(super) sex: &'static str,
    pub(super) mrn: String,
    pub(super) born: Day,
    pub(super) died: Option<Day>,
    /// The last day of the chart: death, or the horizon.
    pub(super) last: Day,
    pub(super) stage: Stage,
    /// Ids of the practitioners: named as general practitioner, seen at visits, leading the care team.
    pub(super) general_practitioner: &'static str,
    pub(super) seen_by: &'static str,
    pub(super) team_lead: &'static str,
}

impl Facts {
    pub(super) fn of(seed: u64, index: u32) -> Facts {
        let mut dice = Dice::new(seed, u64::from(index) + 1);
        let name = names::of(seed, index);
        let (stage, age_days) = age(index, name.sex, &mut dice);
        let died = match index % 25 {
            9 => Some(HORIZON.plus(-dice.between(100, 900))),
            19 => Some(HORIZON.plus(-dice.between(30, 300))),
            _ => None, // everybody else lives
        };
        let last = died.unwrap_or(HORIZON);
        let (general_practitioner, seen_by, team_lead) = carers(index);
        Facts {
            index,
            id: format!("p-{index:04}"),
            given: name.given,
            middle: name.middle,
            family: name.family,
            username: name.username,
            sex: name.sex,
            mrn: names::mrn(seed, index),
            born: last.plus(-age_days),
            died,
            last,
            stage,
            general_practitioner,
            seen_by,
            team_lead,
            dice,
        }
    }

    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    pub(super) fn is_adult(&self) -> bool {
        self.stage == Stage::Adult
    }

    /// Age in full years on the last day of the chart.
    pub(super) fn years(&self) -> i64 {
        self.last.since(self.born) * 100 / 36_525
    }

    /// A woman between 18 and 45, who is asked about pregnancy.
    pub(super) fn may_be_pregnant(&self) -> bool {
        self.sex == "female" && (18..=45).contains(&self.years())
    }

    /// The day this many days before the end of the chart, but not before birth.
    pub(super) fn ago(&self, days: i64) -> Day {
        self.last.plus(-days).max(self.born)
    }

    /// Whether this person is one of those with this remainder of index by 25.
    pub(super) fn is_nth(&self, remainders: &[u32]) -> bool {
        remainders.contains(&(self.index % 25))
    }
}

/// Stage of life, and age in days at the end of the chart.
fn age(index: u32, sex: &str, dice: &mut Dice) -> (Stage, i64) {
    let years = match index % 25 {
        3 => return (Stage::Infant, dice.between(430, 620)),
        8 => return (Stage::Child, dice.between(6 * 365, 10 * 365)),
        16 => return (Stage::Teenager, dice.between(14 * 366, 17 * 365)),
        9 | 19 => dice.between(76, 93),
        0 | 4 | 7 if sex == "female" => dice.between(24, 38),
        1 => dice.between(50, 62),
        _ => dice.between(19, 88), // an adult of any age
    };
    (Stage::Adult, years * 36_525 / 100 + dice.between(1, 364))
}

/// General practitioner, the one seen at visits, and the head of the care team (see the module's head).
fn carers(index: u32) -> (&'static str, &'static str, &'static str) {
    match (index % 2, index % 6, index % 4) {
        (0, 0, _) => ("pr-01", "pr-01", "pr-01"),
        (0, 2, _) => ("pr-03", "pr-01", "pr-03"),
        (0, _, _) => ("pr-04", "pr-04", "pr-01"),
        (_, _, 1) => ("pr-02", "pr-02", "pr-02"),
        (_, _, _) => ("pr-05", "pr-06", "pr-05"),
    }
}
