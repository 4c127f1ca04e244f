//! The page of the apps that a patient or a representative allowed: what each may see, what it read last, and a way to stop it.

use crate::consent::{labels, of_records};
use crate::events::{DayRead, add, events, kind_name};
use crate::frame::{Frame, Html};
use crate::plain::plain;
use crate::text::Text;
use crate::when::{When, day, seconds};
use askama::Template;
use fhir::Instant;
use json::Writer;
use privacy::{Impersonal, Page as Released, Purpose};
use smart::Item;
use smart::apps::Allowed;
use smart::backend::System;
use smart::settings::{ACCOUNT_APP_READ, ACCOUNT_APPS, ACCOUNT_APPS_FILE};
use std::collections::BTreeMap;

/// Days of what was read that are shown of each app.
const DAYS_MAX: usize = 3;

/// What the page must know beside what was read: what the very person who looks allowed, and nothing of any record.
pub struct AppsForm {
    /// Language, address, and who looks.
    pub frame: Frame,
    /// What they allowed.
    pub apps: Vec<Allowed>,
    /// The systems that may ask without the patient.
    pub systems: Vec<System>,
    /// The patient whose record it is, where the person has a choice of several.
    pub patient: Option<String>,
    /// Whether an app was just stopped.
    pub stopped: bool,
}

impl Impersonal for AppsForm {}

/// What was read on one day.
struct Day {
    day: When,
    kinds: String,
}

/// A system that may ask without the patient, and why.
struct Service {
    name: String,
    owner: Option<String>,
    why: String,
}

/// An app as a card.
struct Card {
    client_id: String,
    name: String,
    owner: Option<String>,
    gone: bool,
    by_itself: bool,
    groups: Vec<(&'static str, String)>,
    others: Vec<&'static str>,
    since: When,
    until: When,
    renews: bool,
    /// Nothing where it is not known.
    read: Option<Vec<Day>>,
    /// Where all that it read is told.
    all: String,
    stop: String,
}

#[derive(Template)]
#[template(path = "apps.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    stopped: bool,
    cards: Vec<Card>,
    systems: Vec<Service>,
    action: &'static str,
    file: String,
    patient: Option<&'a str>,
}

/// The page with what was released of who read what.
pub fn apps(released: Released, form: &AppsForm) -> Html {
    html(Some(&released), form)
}

/// The page while what was read cannot be told: an app can be stopped all the same.
pub fn apps_alone(form: &AppsForm) -> Html {
    html(None, form)
}

fn html(released: Option<&Released>, form: &AppsForm) -> Html {
    let frame = &form.frame;
    let read = released.map(by_app);
    let whose = form.patient.as_ref().map(|patient| format!("&patient={patient}")).unwrap_or_default();
    let cards = form.apps.iter().map(|app| card(frame, app, read.as_ref(), &whose)).collect();
    let title = frame.t(Text::AppsTitle).to_owned();
    let file = format!("{ACCOUNT_APPS_FILE}?lang={}{whose}", frame.locale.tag());
    let systems = form.systems.iter().map(|system| service(frame, system)).collect();
    let (action, patient) = (ACCOUNT_APPS, form.patient.as_deref());
    Html::of(&Page { frame, title, stopped: form.stopped, cards, systems, action, file, patient }, frame, None)
}

/// Days, the newest first, and what was read on each, by app.
type Read = BTreeMap<String, Vec<DayRead>>;

fn by_app(released: &Released) -> Read {
    let mut read = Read::new();
    for event in events(released) {
        let Some(client) = event.client.clone() else { continue };
        add(read.entry(client).or_default(), event);
    }
    read
}

/// The apps as a file: a line of JSON each, with what it may see and what was released of what it read lately.
pub fn apps_file(released: Released, form: &AppsForm) -> String {
    lines(Some(&by_app(&released)), form)
}

/// As [`apps_file`], while what was read cannot be told.
pub fn apps_file_alone(form: &AppsForm) -> String {
    lines(None, form)
}

fn lines(read: Option<&Read>, form: &AppsForm) -> String {
    form.apps.iter().map(|app| line(app, read)).collect()
}

fn line(app: &Allowed, read: Option<&Read>) -> String {
    let mut out = Writer::new();
    out.begin_object().member("client_id", &app.client_id);
    if let Some(client) = &app.client {
        out.member("name", &client.name);
        if let Some(owner) = &client.owner {
            out.member("owner", owner);
        }
    }
    let at = |at_s: i64| Instant::from_seconds(at_s).to_string();
    out.member("since", &at(app.since_s)).member("until", &at(app.until_s));
    out.key("may_see").begin_array();
    for item in &app.items {
        out.string(&item.to_string());
    }
    out.end_array();
    if let Some(read) = read {
        out.key("read").begin_array();
        for day in read.get(&app.client_id).into_iter().flatten() {
            out.begin_object().member("day", day.at.to_string().get(..10).unwrap_or(""));
            for ((_, kind), count) in &day.kinds {
                out.key(kind.as_str()).raw(count.to_string().as_bytes());
            }
            out.end_object();
        }
        out.end_array();
    }
    out.end_object();
    String::from_utf8_lossy(&out.finish()).into_owned() + "\n"
}

fn service(frame: &Frame, system: &System) -> Service {
    let why = system.purposes.iter().map(|purpose| frame.t(purpose_text(*purpose))).collect::<Vec<_>>().join(", ");
    let owner = system.owner.as_deref().map(plain).filter(|owner| !owner.is_empty());
    Service { name: plain(&system.name), owner: owner.map(|owner| frame.fill(Text::Owner, &owner)), why }
}

fn purpose_text(purpose: Purpose) -> Text {
    match purpose {
        Purpose::Treatment => Text::PurposeTreatment,
        Purpose::Payment => Text::PurposePayment,
        Purpose::PatientRequest => Text::PurposeRequest,
    }
}

fn card(frame: &Frame, app: &Allowed, read: Option<&Read>, whose: &str) -> Card {
    let named = app.client.as_ref().map(|client| plain(&client.name)).filter(|name| !name.is_empty());
    let name = named.unwrap_or_else(|| plain(&app.client_id));
    let owner = app.client.as_ref().and_then(|client| client.owner.as_deref()).map(plain);
    let days = |read: &Read| -> Vec<Day> {
        let days = read.get(&app.client_id).into_iter().flatten().filter(|read| !read.kinds.is_empty());
        let said = |read: &DayRead| {
            read.kinds.keys().map(|(_, kind)| kind_name(*kind, |text| frame.t(text))).collect::<Vec<_>>().join(", ")
        };
        days.take(DAYS_MAX).map(|read| Day { day: day(read.at, frame.locale), kinds: said(read) }).collect()
    };
    let address = smart::apps::in_address(&app.client_id);
    Card {
        client_id: app.client_id.clone(),
        stop: frame.fill(Text::AppStop, &name),
        name,
        owner: owner.filter(|owner| !owner.is_empty()).map(|owner| frame.fill(Text::Owner, &owner)),
        gone: app.client.is_none(),
        by_itself: app.client.as_ref().is_some_and(|client| client.by_itself.is_some()),
        groups: of_records(frame, &app.items),
        others: labels(frame, &app.items),
        since: seconds(app.since_s, frame.locale),
        until: seconds(app.until_s, frame.locale),
        renews: app.items.contains(&Item::Offline),
        read: read.map(days),
        all: format!("{ACCOUNT_APP_READ}?app={address}{whose}&lang={}", frame.locale.tag()),
    }
}
