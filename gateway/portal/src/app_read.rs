//! The page of all that one app read of a patient's record: counted by day and kind, from the ledger.

use crate::events::{DayRead, add, events, kind_name};
use crate::frame::{Frame, Html};
use crate::plain::plain;
use crate::text::Text;
use crate::when::{When, day};
use askama::Template;
use json::Writer;
use privacy::{Impersonal, Page as Released};
use smart::apps::in_address;
use smart::settings::{ACCOUNT_APP_READ, ACCOUNT_APP_READ_FILE, ACCOUNT_APPS};

/// What the page must know beside the events: nothing of any record.
pub struct AppReadForm {
    /// Language, address, and who looks.
    pub frame: Frame,
    /// The app.
    pub client_id: String,
    /// Its name, where it is registered.
    pub name: Option<String>,
    /// Whether it registered itself, so that nobody checked it.
    pub by_itself: bool,
    /// The patient whose record it is, where the person has a choice of several.
    pub patient: Option<String>,
    /// The token of the place that this page begins at; none for the newest.
    pub from: Option<String>,
    /// Reads that one page or file counts.
    pub reads_max: usize,
}

impl Impersonal for AppReadForm {}

/// A day, and what was read on it.
struct Day {
    day: When,
    kinds: Vec<(String, usize)>,
}

#[derive(Template)]
#[template(path = "app_read.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    days: Vec<Day>,
    older: Option<String>,
    newest: Option<String>,
    file: String,
    file_note: String,
    by_itself: bool,
    apps: &'static str,
}

/// The page: what was released of the app's reads, and the token of the page behind.
pub fn app_read((released, next): (Released, Option<String>), form: &AppReadForm) -> Html {
    let frame = &form.frame;
    let said = |read: DayRead| Day {
        day: day(read.at, frame.locale),
        kinds: read
            .kinds
            .into_iter()
            .map(|((_, kind), count)| (kind_name(kind, |text| frame.t(text)), count))
            .collect(),
    };
    let address = in_address(&form.client_id);
    let whose = form.patient.as_ref().map(|patient| format!("&patient={patient}")).unwrap_or_default();
    let at = |path: &str, token: Option<&str>| {
        let place = token.map(|token| format!("&page={token}")).unwrap_or_default();
        format!("{path}?app={address}{whose}{place}&lang={}", frame.locale.tag())
    };
    let name = form.name.as_deref().map(plain).filter(|name| !name.is_empty());
    let page = Page {
        frame,
        title: frame.fill(Text::AppReadTitle, name.as_deref().unwrap_or(frame.t(Text::FormerApp))),
        days: by_day(&released).into_iter().map(said).collect(),
        older: next.map(|token| at(ACCOUNT_APP_READ, Some(&token))),
        newest: form.from.as_ref().map(|_| at(ACCOUNT_APP_READ, None)),
        file: at(ACCOUNT_APP_READ_FILE, form.from.as_deref()),
        file_note: frame.fill(Text::AppReadFileNote, &form.reads_max.to_string()),
        by_itself: form.by_itself,
        apps: ACCOUNT_APPS,
    };
    Html::of(&page, frame, None)
}

/// The same as a file: a line of JSON for each day and kind.
pub fn app_read_file(released: Released, form: &AppReadForm) -> String {
    let mut lines = String::new();
    for read in by_day(&released) {
        for ((_, kind), count) in read.kinds {
            let mut out = Writer::new();
            out.begin_object().member("client_id", &form.client_id);
            out.member("day", read.at.to_string().get(..10).unwrap_or("")).member("kind", kind.as_str());
            out.key("read").raw(count.to_string().as_bytes());
            out.end_object();
            lines.push_str(&String::from_utf8_lossy(&out.finish()));
            lines.push('\n');
        }
    }
    lines
}

fn by_day(released: &Released) -> Vec<DayRead> {
    let mut days = Vec::new();
    events(released).into_iter().for_each(|event| add(&mut days, event));
    days
}
