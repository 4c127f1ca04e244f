//! The pages of the second factor: switching it on and off, and its code at a sign-in.

use crate::frame::{App, Frame, Html};
use crate::text::Text;
use crate::when::{When, seconds};
use askama::Template;
use smart::second::{Standing, TakenOff};
use smart::settings::ACCOUNT_SECOND_FACTOR;

/// What went wrong with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeFault {
    /// It is wrong, was used, or is not of this time; or the password beside it is wrong.
    Wrong,
    /// There were too many wrong ones.
    TooMany,
}

impl CodeFault {
    pub(crate) fn text(self) -> Text {
        match self {
            CodeFault::Wrong => Text::CodeWrong,
            CodeFault::TooMany => Text::CodeTooMany,
        }
    }
}

#[derive(Template)]
#[template(path = "second.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    fault: Option<CodeFault>,
    taken_off: Option<(When, String)>,
    begun: Option<(String, String)>,
    has_password: bool,
    on: Option<(When, String)>,
    action: &'static str,
}

/// How one's second factor stands, and what can be done about it.
pub fn second(frame: &Frame, standing: &Standing, fault: Option<CodeFault>) -> Html {
    let title = frame.t(Text::SecondTitle);
    let mut page = Page {
        frame,
        title: if fault.is_some() { frame.fill(Text::ErrorTitle, title) } else { title.to_owned() },
        fault,
        taken_off: None,
        begun: None,
        has_password: false,
        on: None,
        action: ACCOUNT_SECOND_FACTOR,
    };
    match standing {
        Standing::Off(None) => {}
        Standing::Off(Some(TakenOff { at_s, reason, .. })) => {
            page.taken_off = Some((seconds(*at_s, frame.locale), crate::plain::plain(reason)));
        }
        Standing::Begun { secret, link, has_password } => {
            (page.begun, page.has_password) = (Some((in_fours(secret), link.clone())), *has_password);
        }
        Standing::On { since_s, recovery } => {
            let left = frame.fill(Text::SecondRecoveryLeft, &recovery.to_string());
            page.on = Some((seconds(*since_s, frame.locale), left));
        }
    }
    Html::of(&page, frame, None)
}

/// A secret in groups, as it is read aloud and typed.
fn in_fours(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "second_on.html")]
struct OnPage<'a> {
    frame: &'a Frame,
    title: &'static str,
    codes: &'a [String],
}

/// It was just switched on: the recovery codes, this once.
pub fn second_on(frame: &Frame, codes: &[String]) -> Html {
    Html::of(&OnPage { frame, title: frame.t(Text::SecondOnTitle), codes }, frame, None)
}

/// What the page must know that asks for the code at a sign-in.
pub struct CodeForm {
    /// Language and address.
    pub frame: Frame,
    /// Where the form goes.
    pub action: &'static str,
    /// What it carries along: the flow or the form's token, and the sign-in that waits.
    pub fields: Vec<(&'static str, String)>,
    /// The app that waits, if one does.
    pub app: Option<App>,
    /// What went wrong before.
    pub fault: Option<CodeFault>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a CodeForm,
}

/// The page that asks for the code.
pub fn code(form: &CodeForm) -> Html {
    let frame = &form.frame;
    let title = frame.t(Text::CodeTitle);
    let title = if form.fault.is_some() { frame.fill(Text::ErrorTitle, title) } else { title.to_owned() };
    Html::of(&CodePage { frame, title, form }, frame, form.app.as_ref().and_then(App::source))
}
