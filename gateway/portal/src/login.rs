//! The sign-in page.

use crate::frame::{App, Frame, Html};
use crate::text::Text;
use askama::Template;

/// What the sign-in page must know.
pub struct LoginForm {
    /// Language and address.
    pub frame: Frame,
    /// The app that waits.
    pub app: App,
    /// The flow's id.
    pub flow: String,
    /// What was typed as a user name before; never a password.
    pub username: String,
    /// What went wrong before.
    pub fault: Option<LoginFault>,
}

/// Why a sign-in did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFault {
    /// User name and password do not belong together.
    Wrong,
    /// Something was left empty.
    Empty,
    /// Too many tries.
    TooMany,
    /// The server is busy.
    Busy,
}

impl LoginFault {
    fn text(self) -> Text {
        match self {
            LoginFault::Wrong => Text::SignInWrong,
            LoginFault::Empty => Text::SignInEmpty,
            LoginFault::TooMany => Text::SignInTooMany,
            LoginFault::Busy => Text::SignInBusy,
        }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a LoginForm,
    action: &'static str,
    deny: &'static str,
}

/// The sign-in page.
pub fn login(form: &LoginForm) -> Html {
    let title = match form.fault {
        Some(_) => form.frame.fill(Text::ErrorTitle, form.frame.t(Text::SignIn)),
        None => form.frame.t(Text::SignIn).to_owned(),
    };
    let page = Page { frame: &form.frame, title, form, action: smart::settings::LOGIN, deny: smart::settings::CONSENT };
    Html::of(&page, &form.frame, form.app.source())
}
