//! Looking at a kept message again without doing anything with it: what stands where, and whose it is known to be.

use super::apply;
use super::worker::Inbox;
use bridge::Reading;
use bridge::matching::Match;
use bytes::Bytes;
use fhir::Id;
use privacy::{Phi, Whose};

impl Inbox {
    /// All that the message says, by this link's settings.
    pub(crate) fn reading(&self, raw: &Phi<Bytes>) -> Reading {
        self.adapter.read(&self.link, raw)
    }

    /// What each group of a message is by what is known now: `matched`, or the name of the reason for which it waits.
    pub(crate) async fn groups(&self, reading: &Reading) -> Vec<&'static str> {
        let mut groups = Vec::with_capacity(reading.filings.len());
        for filing in &reading.filings {
            groups.push(match apply::whose(&self.store, &self.records, &self.link, filing).await {
                Ok(Match::Patient(_)) => "matched",
                Ok(Match::NoPatient) => "no-such-patient",
                Ok(Match::Quarantine(reason)) => reason.as_str(),
                Err(_) => "records-unavailable",
            });
        }
        groups
    }

    /// The patients that its groups are matched to now, and whether there is more in it. A source that does not answer
    /// makes nobody known, and keeps no operator from looking.
    pub(crate) async fn whose(&self, raw: &Phi<Bytes>) -> Whose {
        let mut whose = Whose { patients: Vec::new(), others: false };
        for filing in self.reading(raw).filings {
            let matched = match apply::whose(&self.store, &self.records, &self.link, &filing).await {
                Ok(Match::Patient(patient)) => Id::parse(&patient).ok(),
                Ok(Match::NoPatient | Match::Quarantine(_)) | Err(_) => None,
            };
            match matched {
                Some(patient) if whose.patients.contains(&patient) => {}
                Some(patient) => whose.patients.push(patient),
                None => whose.others = true,
            }
        }
        whose
    }
}
