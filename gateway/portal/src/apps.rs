//! The page of the apps that a patient allowed: what each may see, what it read last, and a way to stop it.

use crate::consent::{labels, of_records};
use crate::events::{events, kind_name};
use crate::frame::{Frame, Html};
use crate::plain::plain;
use crate::text::{Text, place_of};
use crate::when::{When, day, seconds};
use askama::Template;
use fhir::ResourceType;
use privacy::{Impersonal, Page as Released};
use smart::Item;
use smart::apps::Allowed;
use std::collections::{BTreeMap, BTreeSet};

/// Days of what was read that are shown of each app.
const DAYS_MAX: usize = 3;

/// What the page must know beside what was read: what the very person who looks allowed, and nothing of any record.
pub struct AppsForm {
    /// Language, address, and who looks.
    pub frame: Frame,
    /// What they allowed.
    pub apps: Vec<Allowed>,
    /// Whether an app was just stopped.
    pub stopped: bool,
}

impl Impersonal for AppsForm {}

/// What was read on one day.
struct Day {
    day: When,
    kinds: String,
}

/// An app as a card.
struct Card {
    client_id: String,
    name: String,
    owner: Option<String>,
    gone: bool,
    groups: Vec<(&'static str, String)>,
    others: Vec<&'static str>,
    since: When,
    until: When,
    renews: bool,
    /// Nothing where it is not known.
    read: Option<Vec<Day>>,
    stop: String,
}

#[derive(Template)]
#[template(path = "apps.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    stopped: bool,
    cards: Vec<Card>,
    action: &'static str,
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
    let cards = form.apps.iter().map(|app| card(frame, app, read.as_ref())).collect();
    let title = frame.t(Text::AppsTitle).to_owned();
    let action = smart::settings::ACCOUNT_APPS;
    Html::of(&Page { frame, title, stopped: form.stopped, cards, action }, frame, None)
}

/// Days, the newest first, and the kinds of records read on each, by app.
type Read = BTreeMap<String, Vec<(fhir::Instant, BTreeSet<(usize, ResourceType)>)>>;

fn by_app(released: &Released) -> Read {
    let mut read = Read::new();
    for event in events(released) {
        let Some(client) = event.client else { continue };
        let days = read.entry(client).or_default();
        let kinds = event.kinds.iter().map(|(kind, _)| (place_of(*kind), *kind));
        match days.last_mut() {
            Some((of, known)) if same_day(*of, event.at) => known.extend(kinds),
            Some(_) | None => days.push((event.at, kinds.collect())),
        }
    }
    read
}

fn same_day(one: fhir::Instant, other: fhir::Instant) -> bool {
    const DAY_S: i64 = 24 * 3600;
    one.seconds().div_euclid(DAY_S) == other.seconds().div_euclid(DAY_S)
}

fn card(frame: &Frame, app: &Allowed, read: Option<&Read>) -> Card {
    let named = app.client.as_ref().map(|client| plain(&client.name)).filter(|name| !name.is_empty());
    let name = named.unwrap_or_else(|| plain(&app.client_id));
    let owner = app.client.as_ref().and_then(|client| client.owner.as_deref()).map(plain);
    let days = |read: &Read| -> Vec<Day> {
        let days = read.get(&app.client_id).into_iter().flatten().filter(|(_, kinds)| !kinds.is_empty());
        let said = |kinds: &BTreeSet<(usize, ResourceType)>| {
            kinds.iter().map(|(_, kind)| kind_name(*kind, |text| frame.t(text))).collect::<Vec<_>>().join(", ")
        };
        days.take(DAYS_MAX).map(|(at, kinds)| Day { day: day(*at, frame.locale), kinds: said(kinds) }).collect()
    };
    Card {
        client_id: app.client_id.clone(),
        stop: frame.fill(Text::AppStop, &name),
        name,
        owner: owner.filter(|owner| !owner.is_empty()).map(|owner| frame.fill(Text::Owner, &owner)),
        gone: app.client.is_none(),
        groups: of_records(frame, &app.items),
        others: labels(frame, &app.items),
        since: seconds(app.since_s, frame.locale),
        until: seconds(app.until_s, frame.locale),
        renews: app.items.contains(&Item::Offline),
        read: read.map(days),
    }
}
