//! The first page: what this server is and where its doors are; for a demo, who can walk through them.

use crate::frame::{Frame, Html};
use crate::text::Text;
use askama::Template;

/// What the first page must know.
pub struct Start<'a> {
    /// Language and address.
    pub frame: Frame,
    /// The FHIR base.
    pub fhir_base: &'a str,
    /// Whether apps may register themselves.
    pub open: bool,
    /// Whether this is a sandbox.
    pub sandbox: bool,
    /// Invented people who can sign in; empty unless it is a demo.
    pub users: &'a [DemoUser],
    /// Apps that are registered for a demo.
    pub clients: &'a [DemoClient],
}

/// An invented person of a demo.
#[derive(Debug, Clone)]
pub struct DemoUser {
    /// What to type.
    pub username: String,
    /// What to type then.
    pub password: String,
    /// `Patient/…` or `Practitioner/…`.
    pub fhir_user: String,
}

/// An app of a demo.
#[derive(Debug, Clone)]
pub struct DemoClient {
    /// Its id.
    pub client_id: String,
    /// Its secret, where it has one.
    pub client_secret: Option<String>,
    /// Where it is answered.
    pub redirect_uris: Vec<String>,
}

#[derive(Template)]
#[template(path = "start.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    start: &'a Start<'a>,
    errors: String,
    register: &'static str,
    sandbox: &'static str,
    try_it: &'static str,
}

/// The first page.
pub fn start(start: &Start<'_>) -> Html {
    let title = start.frame.t(Text::StartTitle).to_owned();
    let errors = format!("{}{}", smart::settings::ERRORS, smart::ErrorCode::InvalidRequest.as_str());
    let register = smart::settings::REGISTER_PAGE;
    let (sandbox, try_it) = (smart::settings::SANDBOX, smart::settings::TRY);
    Html::of(&Page { frame: &start.frame, title, start, errors, register, sandbox, try_it }, &start.frame, None)
}
