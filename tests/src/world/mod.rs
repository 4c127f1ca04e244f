//! A made-up world, the same from the same seed: people whose records carry canaries wherever data can hide.
//!
//! A canary is `cnry`, whose it is and which (eight hexadecimal digits), and 96 bits that only this seed gives. Whoever meets
//! one in an answer can say whose record it came from. There are two worlds of each seed: they differ in what strangers'
//! records and hidden records hold, and in nothing that the compared people may see.

mod beside;
mod person;
mod shared;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub use shared::Shared;

/// People, of whom the first [`COMPARED`] see the same in both worlds.
pub const PEOPLE: u16 = 16;
/// People whose answers are compared between the two worlds.
pub const COMPARED: u16 = 8;
/// The assigning authority of record numbers, and the system that it means.
pub const AUTHORITY: (&str, &str) = ("HOSP", "urn:proof:mrn");

/// Which of the two worlds of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first.
    One,
    /// The other.
    Two,
}

/// A person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their place among [`PEOPLE`].
    pub number: u16,
    /// Their Patient's id.
    pub id: String,
    /// Their record number.
    pub mrn: String,
    /// Family name and given name.
    pub name: (String, String),
    /// `YYYY-MM-DD`.
    pub birth_date: String,
}

/// A world.
pub struct World {
    /// What it was grown from.
    pub seed: u64,
    /// Which of the two it is.
    pub side: Side,
    /// Every version of every record, in the order they are written.
    pub rows: Vec<Value>,
    /// Everybody.
    pub people: Vec<Person>,
    /// What is nobody's own.
    pub shared: Shared,
}

impl World {
    /// Grows a world.
    pub fn grow(seed: u64, side: Side) -> World {
        let mut rows = Vec::new();
        let shared = Shared::grow(seed, side, &mut rows);
        let people: Vec<Person> = (0..PEOPLE).map(|number| person::who(seed, number)).collect();
        for number in 0..PEOPLE {
            let mut maker = Maker::new(seed, number);
            if side == Side::Two && number >= COMPARED {
                maker.strange = true;
                // Of half the strangers the ids stay and the content changes; the others are other records altogether.
                maker.count = if number % 2 == 0 { 0 } else { 0x800 };
            }
            person::records(&mut maker, &people, &shared, &mut rows);
        }
        beside::hidden(seed, side, &people, &shared, &mut rows);
        // Written in the order of their times.
        rows.sort_by(|one, other| time(one).cmp(time(other)));
        World { seed, side, rows, people, shared }
    }

    /// The current version of every record.
    pub fn current(&self) -> Vec<&Value> {
        let mut current: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
        for row in &self.rows {
            current.insert((text(row, "resourceType"), text(row, "id")), row);
        }
        current.into_values().collect()
    }
}

/// When a version was written.
pub fn time(row: &Value) -> &str {
    row["meta"]["lastUpdated"].as_str().unwrap_or("")
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or("")
}

/// Numbers that look random and are the same from the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    /// 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// The canary of an owner with a number.
pub fn canary(seed: u64, owner: u16, number: u16) -> String {
    let mut chance = Chance::new(seed ^ (u64::from(owner) << 48) ^ (u64::from(number) << 32) ^ 0x5151);
    let (high, low) = (chance.next(), chance.next() as u32);
    format!("cnry{owner:04x}{number:04x}{high:016x}{low:08x}")
}

/// Makes one owner's records.
pub struct Maker {
    seed: u64,
    owner: u16,
    count: u16,
    /// Whether content differs from the first world's though ids may be the same.
    strange: bool,
}

impl Maker {
    fn new(seed: u64, owner: u16) -> Maker {
        Maker { seed, owner, count: 0, strange: false }
    }

    /// The next canary.
    fn canary(&mut self) -> String {
        self.count += 1;
        canary(self.seed, self.owner, self.count)
    }

    /// A canary of content, which differs between the worlds for a stranger.
    fn word(&mut self) -> String {
        self.count += 1;
        if self.strange {
            canary(self.seed ^ 0xabcd, self.owner, self.count)
        } else {
            canary(self.seed, self.owner, self.count)
        }
    }

    fn identifier(&mut self) -> Value {
        json!([{"system": "urn:proof:id", "value": self.word()}])
    }

    fn note(&mut self) -> Value {
        json!([{"text": self.word()}])
    }

    /// An attachment with a canary in its bytes, another in its title.
    fn attachment(&mut self) -> Value {
        json!({"contentType": "text/plain", "data": STANDARD.encode(format!("says {}", self.word())), "title": self.word()})
    }

    /// A whole resource: what is given, and what every resource carries.
    fn resource(&mut self, kind: &str, id: &str, labels: &[&str], given: Value) -> Value {
        // A few days, so that records are written in few transactions.
        let day = 1 + self.count % 9;
        self.version(kind, id, labels, given, (1, day))
    }

    /// A version of a resource, written on a day of January 2026.
    fn version(&mut self, kind: &str, id: &str, labels: &[&str], given: Value, (version, day): (u16, u16)) -> Value {
        let security: Vec<Value> = labels
            .iter()
            .map(|code| json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}))
            .collect();
        let mut meta =
            json!({"versionId": version.to_string(), "lastUpdated": format!("2026-01-{day:02}T08:00:00.000Z")});
        if !security.is_empty() {
            meta["security"] = Value::from(security);
        }
        let mut row = json!({
            "resourceType": kind,
            "id": id,
            "meta": meta,
            "text": {"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", self.word())},
            "extension": [{"url": "urn:proof:extension", "valueString": self.word()}],
        });
        for (name, value) in given.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        row
    }
}

/// A reference to a resource.
pub fn to(kind: &str, id: &str) -> Value {
    json!({"reference": format!("{kind}/{id}")})
}

/// A concept with a code of a system of these tests.
fn concept(code: &str) -> Value {
    json!({"coding": [{"system": "urn:proof:codes", "code": code}]})
}
