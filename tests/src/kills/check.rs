//! What was told, held against what stands. Pure: each rule gives a sentence for each breach.

use super::sender::{Sent, Told};
use super::standing::{Chart, Kept};
use std::collections::{BTreeMap, BTreeSet};

/// A patient's record: acknowledged lost, applied twice, or out of order.
pub fn record(patient: &str, told: &BTreeMap<String, Told>, chart: &Chart) -> Vec<String> {
    let mut breaches = Vec::new();
    for (result, told) in told {
        let records = chart.results.get(result).map_or(&[][..], Vec::as_slice);
        match records {
            [] if told.acknowledged == 0 => {}
            [] => breaches.push(format!("lost: {result} was acknowledged and is not there")),
            [stands] => {
                if stands.version < told.acknowledged {
                    breaches.push(format!(
                        "lost or overtaken: version {} of {result} stands, {} was acknowledged",
                        stands.version, told.acknowledged
                    ));
                }
                if stands.version > told.sent {
                    breaches.push(format!("made up: version {} of {result} was never sent", stands.version));
                }
                if stands.written != stands.version {
                    breaches.push(format!(
                        "twice: version {} of {result} was written as the {}th",
                        stands.version, stands.written
                    ));
                }
            }
            several => breaches.push(format!("twice: {result} stands {} times", several.len())),
        }
    }
    for result in chart.results.keys().filter(|result| !told.contains_key(*result)) {
        breaches.push(format!("wrong record: {result} is in the record of {patient}"));
    }
    if chart.reports != chart.results.len() {
        breaches.push(format!("{} results of {patient} have {} reports", chart.results.len(), chart.reports));
    }
    breaches
}

/// The journal: every answered message once, nothing that was not sent, nothing left unfinished.
pub fn journal<'a>(sent: impl Iterator<Item = &'a Sent>, journal: &[Kept]) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
    for message in journal {
        *kept.entry(&message.control).or_default() += 1;
        if message.state == "unfinished" {
            breaches.push(format!("unfinished: {} after the start that was to take it up", message.control));
        }
    }
    let mut known: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for message in sent {
        let (all, answered) = known.entry(&message.control).or_default();
        *all += 1;
        *answered += usize::from(message.answer.is_some());
    }
    for (control, (all, answered)) in &known {
        let times = kept.get(control).copied().unwrap_or_default();
        if times < *answered {
            breaches.push(format!("lost: {answered} messages {control} were answered, {times} are kept"));
        }
        if times > *all {
            breaches.push(format!("twice: {all} messages {control} were sent, {times} are kept"));
        }
    }
    for control in kept.keys().filter(|control| !known.contains_key(*control)) {
        breaches.push(format!("made up: {control} was never sent"));
    }
    breaches
}

/// The ledger: every answer with a byte on the wire once, and no more besides than answers that were cut off.
pub fn ledger(entries: &[String], answered: &[String], cut_off: u64) -> Vec<String> {
    let mut breaches = Vec::new();
    let on_it: BTreeSet<&String> = entries.iter().collect();
    if on_it.len() != entries.len() {
        breaches.push(format!("{} entries name only {} answers", entries.len(), on_it.len()));
    }
    let seen: BTreeSet<&String> = answered.iter().collect();
    for answer in seen.difference(&on_it) {
        breaches.push(format!("unrecorded: the answer {answer} left and is not on the ledger"));
    }
    let extra = on_it.difference(&seen).count() as u64;
    if extra > cut_off {
        breaches.push(format!("{extra} entries without an answer, and only {cut_off} answers were cut off"));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::super::standing::Stands;
    use super::*;

    fn chart(results: &[(&str, &[(u32, u32)])]) -> Chart {
        let stands = |all: &[(u32, u32)]| {
            all.iter().map(|(version, written)| Stands { version: *version, written: *written }).collect()
        };
        let results: BTreeMap<_, _> = results.iter().map(|(result, all)| ((*result).to_owned(), stands(all))).collect();
        Chart { reports: results.len(), results }
    }

    fn told(sent: u32, acknowledged: u32) -> BTreeMap<String, Told> {
        BTreeMap::from([("r".to_owned(), Told { sent, acknowledged })])
    }

    #[test]
    fn a_record_holds_while_what_stands_is_what_was_told_or_about_to_be() {
        for (sent, acknowledged, stands) in
            [(1, 0, None), (1, 0, Some((1, 1))), (1, 1, Some((1, 1))), (3, 2, Some((2, 2))), (3, 2, Some((3, 3)))]
        {
            let chart = stands.map_or_else(Chart::default, |one| chart(&[("r", &[one])]));
            assert_eq!(record("p", &told(sent, acknowledged), &chart), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_lost_doubled_overtaken_made_up_or_misfiled_is_named() {
        let breach = |told: &BTreeMap<String, Told>, chart: &Chart| record("p", told, chart).join("; ");
        assert!(breach(&told(1, 1), &Chart::default()).starts_with("lost"));
        assert!(breach(&told(2, 2), &chart(&[("r", &[(1, 1)])])).starts_with("lost or overtaken"));
        assert!(breach(&told(1, 1), &chart(&[("r", &[(1, 2)])])).starts_with("twice"));
        assert!(breach(&told(1, 1), &chart(&[("r", &[(1, 1), (1, 1)])])).starts_with("twice"));
        assert!(breach(&told(1, 1), &chart(&[("r", &[(2, 2)])])).starts_with("made up"));
        assert!(breach(&BTreeMap::new(), &chart(&[("x", &[(1, 1)])])).starts_with("wrong record"));
        let missing = Chart { reports: 0, ..chart(&[("r", &[(1, 1)])]) };
        assert!(breach(&told(1, 1), &missing).contains("0 reports"));
    }

    #[test]
    fn a_journal_that_lost_doubled_made_up_or_left_a_message_is_named() {
        let sent = |answer: Option<&str>| Sent {
            control: "c".to_owned(),
            message: String::new(),
            result: "r".to_owned(),
            version: 1,
            reuses: false,
            answer: answer.map(str::to_owned),
        };
        let kept = |state: &str| Kept { sequence: 1, control: "c".to_owned(), state: state.to_owned() };
        let (answered, open) = (sent(Some("AA")), sent(None));
        assert!(journal([&answered].into_iter(), &[kept("applied")]).is_empty());
        assert!(journal([&open].into_iter(), &[]).is_empty());
        assert!(journal([&answered, &answered].into_iter(), &[kept("applied"), kept("quarantined")]).is_empty());
        assert!(journal([&answered].into_iter(), &[]).join(";").starts_with("lost"));
        assert!(journal([&open].into_iter(), &[kept("applied"), kept("applied")]).join(";").starts_with("twice"));
        assert!(journal([&open].into_iter(), &[kept("unfinished")]).join(";").starts_with("unfinished"));
        assert!(journal([].into_iter(), &[kept("applied")]).join(";").starts_with("made up"));
    }

    #[test]
    fn a_ledger_that_misses_an_answer_or_has_too_many_is_named() {
        let ids = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(ledger(&ids("a b x"), &ids("a b"), 1).is_empty());
        assert!(ledger(&ids("a"), &ids("a b"), 9).join(";").starts_with("unrecorded"));
        assert!(ledger(&ids("a x y"), &ids("a"), 1).join(";").starts_with("2 entries without"));
        assert!(ledger(&ids("a a"), &ids("a"), 0).join(";").contains("name only"));
    }
}
