//! The sign-in pages: for an app that waits, and for a person's own pages.

use crate::frame::{App, Frame, Html};
use crate::plain::plain;
use crate::start::DemoUser;
use crate::text::Text;
use askama::Template;
use smart::Settings;
use smart::settings::{ACCOUNT_RECOVER, PROVIDER};

/// How one can sign in.
pub struct Ways {
    /// The house's own provider, where there is one: its name, and the link that leads there.
    provider: Option<(String, String)>,
    /// Whether a password of ours is one of them.
    password: bool,
}

impl Ways {
    /// As it is configured; `query` says what the sign-in is for.
    pub fn of(settings: &Settings, query: &str) -> Ways {
        let provider = settings.provider.as_ref();
        let provider = provider.map(|own| (plain(&own.label), format!("{PROVIDER}?{query}")));
        Ways { provider, password: settings.takes_passwords() }
    }

    /// What the link to the provider says, and where it leads in this language.
    pub(crate) fn provider(&self, frame: &Frame) -> Option<(String, String)> {
        let (label, href) = self.provider.as_ref()?;
        Some((frame.fill(Text::SignInWith, label), format!("{href}&lang={}", frame.locale.tag())))
    }

    pub(crate) fn password(&self) -> bool {
        self.password
    }
}

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
    /// How one can sign in.
    pub ways: Ways,
    /// People who do not exist, as whom anyone may sign in; none outside of a sandbox.
    pub test_users: Vec<DemoUser>,
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
    /// The form was not one of this browser's, or not any more.
    Stale,
}

impl LoginFault {
    pub(crate) fn text(self) -> Text {
        match self {
            LoginFault::Wrong => Text::SignInWrong,
            LoginFault::Empty => Text::SignInEmpty,
            LoginFault::TooMany => Text::SignInTooMany,
            LoginFault::Busy => Text::SignInBusy,
            LoginFault::Stale => Text::SignInStale,
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
    recover: &'static str,
}

/// The sign-in page of an app's launch.
pub fn login(form: &LoginForm) -> Html {
    let title = title(&form.frame, form.fault);
    let (action, deny, recover) = (smart::settings::LOGIN, smart::settings::CONSENT, ACCOUNT_RECOVER);
    let page = Page { frame: &form.frame, title, form, action, deny, recover };
    Html::of(&page, &form.frame, form.app.source())
}

/// What the sign-in page without an app must know.
pub struct OwnLoginForm {
    /// Language and address.
    pub frame: Frame,
    /// What proves that the form is this browser's.
    pub token: String,
    /// The page that is wanted, by its word.
    pub to: String,
    /// What was typed as a user name before; never a password.
    pub username: String,
    /// How one can sign in.
    pub ways: Ways,
    /// What went wrong before.
    pub fault: Option<LoginFault>,
}

#[derive(Template)]
#[template(path = "account_login.html")]
struct OwnPage<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a OwnLoginForm,
    action: &'static str,
    recover: &'static str,
}

/// The sign-in page for a person's own pages.
pub fn own_login(form: &OwnLoginForm) -> Html {
    let title = title(&form.frame, form.fault);
    let page =
        OwnPage { frame: &form.frame, title, form, action: smart::settings::ACCOUNT_LOGIN, recover: ACCOUNT_RECOVER };
    Html::of(&page, &form.frame, None)
}

fn title(frame: &Frame, fault: Option<LoginFault>) -> String {
    let title = frame.t(Text::SignIn);
    if fault.is_some() { frame.fill(Text::ErrorTitle, title) } else { title.to_owned() }
}
