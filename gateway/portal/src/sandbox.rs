//! The page of a sandbox where a developer chooses what goes wrong for an app of theirs.

use crate::frame::{Frame, Html};
use crate::text::{Text, of_mishap};
use askama::Template;
use smart::Mishap;
use smart::settings::{REGISTER_CALLS, REGISTER_PAGE, SANDBOX, TRY};

/// What the form must know.
pub struct SandboxForm {
    /// Language and address.
    pub frame: Frame,
    /// What proves that the form is this browser's.
    pub token: String,
    /// The app that was typed before.
    pub client_id: String,
    /// The token of its registration that was typed before.
    pub registration_token: String,
    /// What is chosen.
    pub chosen: Option<Mishap>,
    /// What came of it.
    pub outcome: SandboxOutcome,
}

/// What came of choosing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxOutcome {
    /// Nobody has chosen yet.
    NotAsked,
    /// The form was not one of this browser's, or not any more.
    Stale,
    /// There is no such app, or it is another's token.
    Unknown,
    /// It was done.
    Done,
}

/// One choice.
struct Choice {
    word: &'static str,
    label: &'static str,
    checked: bool,
}

#[derive(Template)]
#[template(path = "sandbox.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a SandboxForm,
    fault: Option<&'static str>,
    done: Option<&'static str>,
    choices: Vec<Choice>,
    ways: [(&'static str, &'static str); 3],
    action: &'static str,
}

/// The form.
pub fn sandbox(form: &SandboxForm) -> Html {
    let frame = &form.frame;
    let fault = match form.outcome {
        SandboxOutcome::NotAsked | SandboxOutcome::Done => None,
        SandboxOutcome::Stale => Some(frame.t(Text::SignInStale)),
        SandboxOutcome::Unknown => Some(frame.t(Text::CallsUnknown)),
    };
    let done = match (form.outcome, form.chosen) {
        (SandboxOutcome::Done, Some(_)) => Some(frame.t(Text::SandboxChosen)),
        (SandboxOutcome::Done, None) => Some(frame.t(Text::SandboxNothing)),
        (SandboxOutcome::NotAsked | SandboxOutcome::Stale | SandboxOutcome::Unknown, _) => None,
    };
    let choice = |mishap: Mishap| Choice {
        word: mishap.word(),
        label: frame.t(of_mishap(mishap)),
        checked: form.chosen == Some(mishap),
    };
    let none = Choice { word: "none", label: frame.t(Text::MishapNone), checked: form.chosen.is_none() };
    let title = frame.t(Text::SandboxTitle);
    let page = Page {
        frame,
        title: if fault.is_some() { frame.fill(Text::ErrorTitle, title) } else { title.to_owned() },
        form,
        fault,
        done,
        choices: std::iter::once(none).chain(Mishap::ALL.map(choice)).collect(),
        ways: [
            (REGISTER_PAGE, frame.t(Text::RegisterTitle)),
            (REGISTER_CALLS, frame.t(Text::CallsTitle)),
            (TRY, frame.t(Text::TryTitle)),
        ],
        action: SANDBOX,
    };
    Html::of(&page, frame, None)
}
