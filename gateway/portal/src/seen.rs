//! The page of who saw a patient's record: every disclosure, the newest first.

use crate::events::{Event, PORTAL, Who, events, kind_name, names};
use crate::frame::{Frame, Html};
use crate::plain::plain;
use crate::text::Text;
use crate::when::{When, day, time};
use askama::Template;
use privacy::{Impersonal, Page as Released};
use smart::settings::{ACCOUNT_DISCLOSURES, ACCOUNT_DISCLOSURES_FILE};
use std::collections::BTreeMap;

/// What the page must know beside the events: nothing of any record.
pub struct SeenForm {
    /// Language, address, and who looks.
    pub frame: Frame,
    /// The names of apps, by their ids, and whether each registered itself, so that nobody checked it.
    pub apps: Vec<(String, String, bool)>,
    /// Whether who looks acts for the patient, and is not the patient.
    pub acts_for: bool,
    /// The patient whom the page is about, where who looks has a choice.
    pub patient: Option<String>,
    /// The token of the place that this page begins at; none for the newest.
    pub from: Option<String>,
    /// Entries of the file at most.
    pub file_max: usize,
}

impl Impersonal for SeenForm {}

/// One event as a line.
struct Line {
    when: When,
    who: String,
    by: Option<String>,
    why: &'static str,
    what: Vec<String>,
}

/// The events of one day.
struct Day {
    day: When,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "seen.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    days: Vec<Day>,
    older: Option<String>,
    newest: Option<String>,
    file: String,
    file_note: String,
}

/// The page: the events that were released, the token of the page behind, and the people who may be named.
pub fn seen(((released, next), people): ((Released, Option<String>), Released), form: &SeenForm) -> Html {
    html(&released, next, &names(&people), form)
}

/// As [`seen`], where nobody can be named.
pub fn seen_of_unnamed((released, next): (Released, Option<String>), form: &SeenForm) -> Html {
    html(&released, next, &BTreeMap::new(), form)
}

fn html(released: &Released, next: Option<String>, people: &BTreeMap<String, String>, form: &SeenForm) -> Html {
    let frame = &form.frame;
    let mut days: Vec<Day> = Vec::new();
    for event in events(released) {
        let of = day(event.at, frame.locale);
        let line = line(event, people, form);
        match days.last_mut() {
            Some(last) if last.day.machine == of.machine => last.lines.push(line),
            Some(_) | None => days.push(Day { day: of, lines: vec![line] }),
        }
    }
    let lang = frame.locale.tag();
    let of = form.patient.as_ref().map_or_else(String::new, |patient| format!("patient={patient}&"));
    let at = |path: &str, token: &str| format!("{path}?{of}page={token}&lang={lang}");
    let page = Page {
        frame,
        title: frame.t(if form.acts_for { Text::SeenTitleOf } else { Text::SeenTitle }).to_owned(),
        days,
        older: next.map(|token| at(ACCOUNT_DISCLOSURES, &token)),
        newest: form.from.as_ref().map(|_| format!("{ACCOUNT_DISCLOSURES}?{of}lang={lang}")),
        file: match (&form.from, &form.patient) {
            (Some(token), _) => at(ACCOUNT_DISCLOSURES_FILE, token),
            (None, Some(_)) => format!("{ACCOUNT_DISCLOSURES_FILE}?{of}lang={lang}"),
            (None, None) => ACCOUNT_DISCLOSURES_FILE.to_owned(),
        },
        file_note: frame.fill(Text::SeenFileNote, &form.file_max.to_string()),
    };
    Html::of(&page, frame, None)
}

fn line(event: Event, people: &BTreeMap<String, String>, form: &SeenForm) -> Line {
    let frame = &form.frame;
    let who = match &event.who {
        Who::Own => frame.t(if form.acts_for { Text::SeenPatient } else { Text::SeenYou }).to_owned(),
        Who::Clinician(reference) => match people.get(reference) {
            Some(name) => name.clone(),
            None => frame.t(Text::SeenClinician).to_owned(),
        },
        Who::Representative => frame.t(Text::SeenRepresentative).to_owned(),
        Who::Operator => frame.t(Text::SeenOperator).to_owned(),
        Who::Unknown => frame.t(Text::SeenSomeone).to_owned(),
    };
    let by = event.client.map(|client| match form.apps.iter().find(|(id, ..)| *id == client) {
        None if client == PORTAL => frame.t(Text::SeenByPortal).to_owned(),
        Some((_, name, true)) => frame.fill(Text::SeenBy, &frame.fill(Text::NotChecked, &plain(name))),
        Some((_, name, false)) => frame.fill(Text::SeenBy, &plain(name)),
        None => frame.fill(Text::SeenBy, &plain(&client)),
    });
    let counted = |(kind, count): (_, usize)| {
        let name = kind_name(kind, |text| frame.t(text));
        if count == 1 { name } else { format!("{name} ({count})") }
    };
    let mut what: Vec<String> = event.kinds.into_iter().map(counted).collect();
    if what.is_empty() && event.who == Who::Operator {
        what.push(frame.t(Text::SeenMessage).to_owned());
    }
    Line { when: time(event.at, frame.locale), who, by, why: frame.t(event.why), what }
}
