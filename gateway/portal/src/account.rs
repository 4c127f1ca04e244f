//! The first of a person's own pages: what they can look after here.

use crate::frame::{Frame, Html};
use crate::text::Text;
use askama::Template;
use smart::rights::{Page as Right, Rights};
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
    /// What is said to someone who sees no record.
    no_records: Option<&'static str>,
    ways: Vec<Way>,
}

/// The page from where a person reaches all others of their own.
pub fn account(frame: &Frame, rights: &Rights) -> Html {
    let way = |right: &Right| {
        let (href, name, about) = match right {
            Right::Apps => (ACCOUNT_APPS, Text::AppsTitle, Text::AppsAbout),
            Right::Disclosures => (ACCOUNT_DISCLOSURES, Text::SeenTitle, Text::SeenAbout),
            Right::Launch => (ACCOUNT_LAUNCH, Text::LaunchTitle, Text::LaunchAbout),
            Right::Sessions => (ACCOUNT_SESSIONS, Text::SessionsTitle, Text::SessionsAbout),
            Right::SecondFactor => (ACCOUNT_SECOND_FACTOR, Text::SecondTitle, Text::SecondAbout),
        };
        Way { href, name: frame.t(name), about: frame.t(about) }
    };
    let ways = rights.pages.iter().map(way).collect();
    let no_records = (!rights.sees_records()).then(|| frame.t(Text::SeesNoRecordsLead));
    Html::of(&Page { frame, title: frame.t(Text::AccountTitle).to_owned(), no_records, ways }, frame, None)
}
