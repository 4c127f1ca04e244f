//! The page where someone who has forgotten their password sets another one, by the code that an operator gave them.

use crate::frame::{Frame, Html};
use crate::text::Text;
use askama::Template;
use smart::account::PASSWORD_CHARS_MIN;

/// What the page must know.
pub struct RecoverForm {
    /// Language and address.
    pub frame: Frame,
    /// What proves that the form is this browser's.
    pub token: String,
    /// What was typed as a user name before; never a code or a password.
    pub username: String,
    /// What went wrong before.
    pub fault: Option<RecoverFault>,
}

/// Why no password was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoverFault {
    /// Something of it is wrong, or has run out.
    Wrong,
    /// Something was left empty.
    Empty,
    /// The password is too short.
    Short,
    /// Too many tries.
    TooMany,
    /// The form was not one of this browser's, or not any more.
    Stale,
}

impl RecoverFault {
    fn text(self) -> Text {
        match self {
            RecoverFault::Wrong => Text::RecoverWrong,
            RecoverFault::Empty => Text::RecoverEmpty,
            RecoverFault::Short => Text::RecoverShort,
            RecoverFault::TooMany => Text::SignInTooMany,
            RecoverFault::Stale => Text::SignInStale,
        }
    }

    /// The field that it is mended at.
    fn field(self) -> &'static str {
        match self {
            RecoverFault::Short => "#new",
            RecoverFault::Wrong | RecoverFault::Empty | RecoverFault::TooMany | RecoverFault::Stale => "#username",
        }
    }
}

#[derive(Template)]
#[template(path = "recover.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a RecoverForm,
    problem: Option<(String, &'static str)>,
    how: String,
    action: &'static str,
}

/// The page.
pub fn recover(form: &RecoverForm) -> Html {
    let frame = &form.frame;
    let title = frame.t(Text::RecoverTitle);
    let title = if form.fault.is_some() { frame.fill(Text::ErrorTitle, title) } else { title.to_owned() };
    let least = PASSWORD_CHARS_MIN.to_string();
    let problem = form.fault.map(|fault| (frame.fill(fault.text(), &least), fault.field()));
    let how = frame.fill(Text::RecoverNewHow, &least);
    Html::of(&Page { frame, title, form, problem, how, action: smart::settings::ACCOUNT_RECOVER }, frame, None)
}
