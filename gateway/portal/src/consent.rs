//! The consent page: who asks, for what, for how long; every item can be taken away.

use crate::frame::{App, Frame, Html};
use crate::records::patient_line;
use crate::text::{Category, Text, of_kind, of_part, place_of};
use askama::Template;
use fhir::ResourceType;
use privacy::{Impersonal, Page as Released, Purpose};
use smart::Item;
use smart::parts::Part;

/// What the page must know beside the person: nothing of anyone.
pub struct ConsentForm {
    /// Language and address.
    pub frame: Frame,
    /// The app that asks.
    pub app: App,
    /// The flow's id.
    pub flow: String,
    /// What is asked for.
    pub items: Vec<Item>,
    /// Those of the records that are asked for of everyone in the person's care.
    pub in_care: Vec<Item>,
    /// Parts that can be allowed in place of a whole that is asked for.
    pub instead: Vec<Item>,
    /// Why it asks; said where the record is not the person's own.
    pub purpose: Purpose,
    /// Whether another patient can be chosen.
    pub can_choose_again: bool,
    /// Whether the app is told which records were open when it was opened.
    pub tells_context: bool,
}

impl Impersonal for ConsentForm {}

/// A person who is asked about themselves.
pub struct Own<'a> {
    /// The user name they signed in with.
    pub username: &'a str,
    /// Their record, where one is in context.
    pub patient: Option<&'a str>,
}

/// A box that can be ticked and unticked.
struct Tick {
    value: String,
    label: String,
    detail: String,
    checked: bool,
}

/// The boxes of one kind of record: what stands for itself, and parts that can be chosen instead of a whole.
struct Kind {
    ticks: Vec<Tick>,
    instead: Vec<Tick>,
}

/// Kinds under one heading.
struct Group {
    heading: &'static str,
    kinds: Vec<Kind>,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a ConsentForm,
    username: Option<String>,
    patient_id: Option<String>,
    patient_name: Option<String>,
    birth_date: Option<String>,
    records: Vec<Group>,
    in_care: Option<Tick>,
    others: Vec<Tick>,
    lasting: Vec<Tick>,
    about_other: bool,
    why: Option<&'static str>,
    action: &'static str,
    login: &'static str,
}

/// The page for someone who is asked about themselves.
pub fn consent_own(form: &ConsentForm, own: &Own<'_>) -> Html {
    let mut page = page(form, false);
    page.username = Some(crate::plain::plain(own.username));
    page.patient_id = own.patient.map(str::to_owned);
    Html::of(&page, &form.frame, form.app.source())
}

/// The page for a clinician, about the one patient that was released to be named here.
pub fn consent_of_patient(released: Released, form: &ConsentForm) -> Html {
    let mut page = page(form, true);
    // Without a readable patient the form names none, and the answer to it is refused.
    if let Some(line) = released.rows.iter().find_map(patient_line) {
        page.patient_id = Some(line.id);
        page.patient_name = line.name;
        page.birth_date = line.birth_date;
    }
    Html::of(&page, &form.frame, form.app.source())
}

fn page(form: &ConsentForm, about_other: bool) -> Page<'_> {
    let frame = &form.frame;
    let title = match (form.in_care.is_empty(), about_other) {
        (false, _) => Text::ConsentTitleInCare,
        (true, true) => Text::ConsentTitlePatient,
        (true, false) => Text::ConsentTitleOwn,
    };
    Page {
        frame,
        title: frame.fill(title, form.app.name()),
        form,
        username: None,
        patient_id: None,
        patient_name: None,
        birth_date: None,
        records: records(frame, &form.items, &form.instead),
        in_care: in_care(frame, form, about_other),
        others: others(frame, &form.items),
        lasting: lasting(frame, &form.items),
        about_other,
        why: match form.purpose {
            Purpose::PatientRequest => None,
            Purpose::Treatment => Some(frame.t(Text::ConsentTreatment)),
            Purpose::Payment => Some(frame.t(Text::ConsentPayment)),
        },
        action: smart::settings::CONSENT,
        login: smart::settings::LOGIN,
    }
}

fn records(frame: &Frame, items: &[Item], instead: &[Item]) -> Vec<Group> {
    let mut kinds: Vec<ResourceType> = items.iter().filter_map(kind_of).collect();
    kinds.sort_by_key(|kind| place_of(*kind));
    kinds.dedup();
    let group = |category: Category| {
        let own = kinds.iter().filter(|kind| of_kind(**kind).0 == category);
        let kinds = own.map(|kind| boxes(frame, items, instead, *kind)).collect();
        Group { heading: frame.t(category.heading()), kinds }
    };
    Category::ALL.into_iter().map(group).filter(|group| !group.kinds.is_empty()).collect()
}

fn kind_of(item: &Item) -> Option<ResourceType> {
    match item {
        Item::Records(kind) | Item::Part(kind, _) => Some(*kind),
        Item::InCare | Item::Identity | Item::WhichPatient | Item::Offline | Item::Online => None,
    }
}

/// The boxes of one kind. Parts of a whole that is asked for as well stand with those that could be chosen instead of it.
fn boxes(frame: &Frame, items: &[Item], instead: &[Item], kind: ResourceType) -> Kind {
    let own = |items: &[Item], checked: bool| -> Vec<Tick> {
        let own = items.iter().filter(|item| kind_of(item) == Some(kind));
        own.map(|item| tick_of(frame, kind, item, checked)).collect()
    };
    let mut ticks = own(items, true);
    let beside = if items.contains(&Item::Records(kind)) { ticks.split_off(1) } else { Vec::new() };
    Kind { ticks, instead: beside.into_iter().chain(own(instead, false)).collect() }
}

fn tick_of(frame: &Frame, kind: ResourceType, item: &Item, checked: bool) -> Tick {
    let (_, whole, content) = of_kind(kind);
    let whole = frame.t(whole).to_owned();
    let (label, detail) = match item {
        Item::Part(_, part) => match Part::of(kind, part).map(of_part) {
            Some((label, detail)) if !checked => (frame.t(label).to_owned(), frame.t(detail).to_owned()),
            Some((label, _)) => (frame.t(label).to_owned(), frame.fill(Text::PartOf, &whole)),
            None => (frame.t(Text::PartOther).to_owned(), format!("{whole}: {part}")),
        },
        Item::Records(_) | Item::InCare | Item::Identity | Item::WhichPatient | Item::Offline | Item::Online => {
            (whole, content.map_or_else(|| kind.as_str().to_owned(), |content| frame.t(content).to_owned()))
        }
    };
    Tick { value: item.to_string(), label, detail, checked }
}

/// Whether the app may see everyone in the person's care, and of what.
fn in_care(frame: &Frame, form: &ConsentForm, about_other: bool) -> Option<Tick> {
    if form.in_care.is_empty() {
        return None;
    }
    let own: Vec<&Item> = form.items.iter().filter(|item| kind_of(item).is_some()).collect();
    let of_all = own.iter().all(|item| form.in_care.contains(item));
    let what = if of_all {
        frame.t(Text::InCareAll).to_owned()
    } else {
        let labels: Vec<String> = of_records(frame, &form.in_care).into_iter().map(|(_, labels)| labels).collect();
        frame.fill(Text::InCareSome, &labels.join(", "))
    };
    let without = frame.t(if about_other { Text::InCareElsePatient } else { Text::InCareElseNothing });
    let detail = format!("{what} {} {without}", frame.t(Text::InCareNow));
    Some(Tick { value: Item::InCare.to_string(), label: frame.t(Text::ItemInCare).to_owned(), detail, checked: true })
}

/// What is asked for beside records.
fn others(frame: &Frame, items: &[Item]) -> Vec<Tick> {
    let tick = |item: &Item| {
        let (label, detail) = match item {
            Item::Identity => (Text::ItemIdentity, Text::ItemIdentityDetail),
            Item::WhichPatient => (Text::ItemWhichPatient, Text::ItemWhichPatientDetail),
            Item::Records(_) | Item::Part(_, _) | Item::InCare | Item::Offline | Item::Online => return None,
        };
        Some(plain_tick(frame, item, label, detail))
    };
    items.iter().filter_map(tick).collect()
}

/// For how long it is asked for.
fn lasting(frame: &Frame, items: &[Item]) -> Vec<Tick> {
    let tick = |item: &Item| {
        let (label, detail) = match item {
            Item::Offline => (Text::ItemOffline, Text::ItemOfflineDetail),
            Item::Online => (Text::ItemOnline, Text::ItemOnlineDetail),
            Item::Records(_) | Item::Part(_, _) | Item::InCare | Item::Identity | Item::WhichPatient => return None,
        };
        Some(plain_tick(frame, item, label, detail))
    };
    items.iter().filter_map(tick).collect()
}

fn plain_tick(frame: &Frame, item: &Item, label: Text, detail: Text) -> Tick {
    let (label, detail) = (frame.t(label).to_owned(), frame.t(detail).to_owned());
    Tick { value: item.to_string(), label, detail, checked: true }
}

/// Records that may be read, in the words of the consent page: each heading, and what stands under it.
pub(crate) fn of_records(frame: &Frame, items: &[Item]) -> Vec<(&'static str, String)> {
    let said = |group: Group| {
        // A part beside the whole that it belongs to says nothing more.
        let labels: Vec<String> = group.kinds.into_iter().flat_map(|kind| kind.ticks).map(|tick| tick.label).collect();
        (group.heading, labels.join(", "))
    };
    records(frame, items, &[]).into_iter().map(said).collect()
}

/// What an app is told or may do beside records, in the words of the consent page.
pub(crate) fn labels(frame: &Frame, items: &[Item]) -> Vec<&'static str> {
    let label = |item: &Item| match item {
        Item::Identity => Some(frame.t(Text::ItemIdentity)),
        Item::InCare => Some(frame.t(Text::ItemInCare)),
        Item::WhichPatient => Some(frame.t(Text::ItemWhichPatient)),
        Item::Offline => Some(frame.t(Text::ItemOffline)),
        Item::Online => Some(frame.t(Text::ItemOnline)),
        Item::Records(_) | Item::Part(_, _) => None,
    };
    items.iter().filter_map(label).collect()
}
