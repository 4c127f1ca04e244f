//! The first of a person's own pages: what they can look after here.

use crate::frame::{Frame, Html};
use crate::text::Text;
use askama::Template;
use privacy::Role;
use smart::settings::{ACCOUNT_APPS, ACCOUNT_DISCLOSURES, ACCOUNT_LAUNCH, ACCOUNT_SECOND_FACTOR, ACCOUNT_SESSIONS};

/// A way on: where to, its name, what it is for.
struct Way {
    href: &'static str,
    name: &'static str,
    about: &'static str,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    ways: Vec<Way>,
}

/// The page from where a person reaches all others of their own.
pub fn account(frame: &Frame, role: Role) -> Html {
    let way = |href, name, about| Way { href, name: frame.t(name), about: frame.t(about) };
    let of_patients = [
        way(ACCOUNT_APPS, Text::AppsTitle, Text::AppsAbout),
        way(ACCOUNT_DISCLOSURES, Text::SeenTitle, Text::SeenAbout),
    ];
    let of_clinicians = [way(ACCOUNT_LAUNCH, Text::LaunchTitle, Text::LaunchAbout)];
    let of_all = [
        way(ACCOUNT_SESSIONS, Text::SessionsTitle, Text::SessionsAbout),
        way(ACCOUNT_SECOND_FACTOR, Text::SecondTitle, Text::SecondAbout),
    ];
    let ways = match role {
        Role::Patient => of_patients.into_iter().chain(of_all).collect(),
        Role::Clinician | Role::System => of_clinicians.into_iter().chain(of_all).collect(),
    };
    Html::of(&Page { frame, title: frame.t(Text::AccountTitle).to_owned(), ways }, frame, None)
}
