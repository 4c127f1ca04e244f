//! The page of the browsers that a person is signed in with.

use crate::frame::{Frame, Html};
use crate::text::Text;
use crate::when::{When, seconds};
use askama::Template;
use smart::Whence;
use smart::sessions::Living;

/// What was just done, for the notice at the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// One session.
    One,
    /// All others.
    Others,
}

/// One session as a card.
struct Card {
    digest: String,
    name: String,
    here: bool,
    since: When,
    used: When,
    network: Option<String>,
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    notice: Option<&'static str>,
    cards: Vec<Card>,
    action: &'static str,
}

/// The page with every session of the person who looks; `own` is the one that they look with.
pub fn sessions(frame: &Frame, living: &[Living], own: &str, ended: Option<Ended>) -> Html {
    let notice = ended.map(|ended| {
        frame.t(match ended {
            Ended::One => Text::SessionEnded,
            Ended::Others => Text::SessionEndedOthers,
        })
    });
    let card = |living: &Living| Card {
        digest: living.digest.clone(),
        name: name(frame, &living.whence),
        here: living.digest == own,
        since: seconds(living.created_s, frame.locale),
        used: seconds(living.used_s, frame.locale),
        network: living.whence.network.clone(),
    };
    // One's own comes first, so that it is not ended by mistake for another.
    let mut cards: Vec<Card> = living.iter().map(card).collect();
    cards.sort_by_key(|card| !card.here);
    let title = frame.t(Text::SessionsTitle).to_owned();
    Html::of(&Page { frame, title, notice, cards, action: smart::settings::ACCOUNT_SESSIONS }, frame, None)
}

fn name(frame: &Frame, whence: &Whence) -> String {
    match (&whence.browser, &whence.system) {
        (None, None) => frame.t(Text::SessionBrowserOther).to_owned(),
        (browser, system) => {
            let browser = browser.as_deref().unwrap_or(frame.t(Text::SessionBrowserOther));
            let system = system.as_deref().unwrap_or(frame.t(Text::SessionSystemOther));
            format!("{} {system}", frame.fill(Text::SessionBrowser, browser))
        }
    }
}
