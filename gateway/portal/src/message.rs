//! Pages that say one thing: an error, a sign-out, a dead end with a way out.

use crate::frame::{App, Frame, Html};
use crate::text::Text;
use askama::Template;
use smart::flow::Unfit;
use smart::{ErrorCode, OauthError};

/// What a page says.
pub enum Message<'a> {
    /// The app is not known or not allowed; with the description for its developer.
    App(&'a OauthError),
    /// The sign-in has run out, or belongs to another browser.
    Lost,
    /// The server cannot serve now.
    Unavailable,
    /// Someone has just signed out.
    SignedOut,
    /// The form came from another site.
    ForeignForm,
    /// There is no such page.
    NoPage,
    /// Only a patient has this page.
    ForPatients,
    /// Only a clinician has this page.
    ForClinicians,
    /// The person looks after this server, and sees no patient's record.
    SeesNoRecords,
    /// The house's own provider knows the person, and no account belongs to them. Nothing is said of which there are.
    Stranger,
    /// Signing in at the house's own provider did not work.
    ProviderFailed,
    /// Another password was set.
    Recovered,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    texts: Vec<&'static str>,
    way_on: Option<(&'static str, &'static str)>,
    for_developers: Option<(&'static str, String, String)>,
}

/// A page that says one thing.
pub fn message(frame: &Frame, message: &Message<'_>) -> Html {
    let (title, text) = match message {
        Message::App(_) => (Text::AppErrorTitle, Text::AppErrorLead),
        Message::Lost => (Text::LostTitle, Text::LostLead),
        Message::Unavailable => (Text::UnavailableTitle, Text::UnavailableLead),
        Message::SignedOut => (Text::SignedOutTitle, Text::SignedOutLead),
        Message::ForeignForm => (Text::ForeignFormTitle, Text::ForeignFormLead),
        Message::NoPage => (Text::NoPageTitle, Text::NoPageLead),
        Message::ForPatients => (Text::AccountForPatients, Text::AccountForPatientsLead),
        Message::ForClinicians => (Text::AccountForClinicians, Text::AccountForCliniciansLead),
        Message::SeesNoRecords => (Text::SeesNoRecords, Text::SeesNoRecordsLead),
        Message::Stranger => (Text::StrangerTitle, Text::StrangerLead),
        Message::ProviderFailed => (Text::ProviderFailedTitle, Text::ProviderFailedLead),
        Message::Recovered => (Text::RecoveredTitle, Text::RecoveredLead),
    };
    let for_developers = match message {
        Message::App(why) => Some((why.code.as_str(), why.description.to_string(), doc(why.code))),
        Message::Lost => Some((ErrorCode::FlowExpired.as_str(), String::new(), doc(ErrorCode::FlowExpired))),
        Message::Unavailable
        | Message::SignedOut
        | Message::ForeignForm
        | Message::NoPage
        | Message::ForPatients
        | Message::ForClinicians
        | Message::SeesNoRecords
        | Message::Stranger
        | Message::ProviderFailed
        | Message::Recovered => None,
    };
    let way_on = match message {
        Message::SignedOut | Message::Stranger | Message::ProviderFailed | Message::Recovered => {
            Some((smart::settings::ACCOUNT_LOGIN, frame.t(Text::SignInAgain)))
        }
        Message::ForPatients | Message::ForClinicians | Message::SeesNoRecords => {
            Some((smart::settings::ACCOUNT, frame.t(Text::AccountBack)))
        }
        Message::App(_) | Message::Lost | Message::Unavailable | Message::ForeignForm | Message::NoPage => None,
    };
    let page = Page { frame, title: frame.t(title).to_owned(), texts: vec![frame.t(text)], way_on, for_developers };
    Html::of(&page, frame, None)
}

fn doc(code: ErrorCode) -> String {
    format!("{}{}", smart::settings::ERRORS, code.as_str())
}

#[derive(Template)]
#[template(path = "unfit.html")]
struct UnfitPage<'a> {
    frame: &'a Frame,
    title: String,
    text: String,
    flow: &'a str,
    action: &'static str,
    login: &'static str,
}

/// This person cannot go on with this app: sign in as someone else, or go back to the app.
pub fn unfit(frame: &Frame, app: &App, flow: &str, why: Unfit) -> Html {
    let text = match why {
        Unfit::NotForPatients => Text::UnfitPatients,
        Unfit::NotForClinicians => Text::UnfitClinicians,
        Unfit::NotTheirPurpose => Text::UnfitPurpose,
        Unfit::NobodyInCare => Text::UnfitNobody,
        Unfit::SeesNoRecords => Text::UnfitSeesNoRecords,
        Unfit::NoRecord => Text::UnfitNoRecord,
        Unfit::OtherPerson => Text::UnfitOtherPerson,
        Unfit::LaunchOver => Text::UnfitLaunchOver,
    };
    let page = UnfitPage {
        frame,
        title: frame.t(Text::UnfitTitle).to_owned(),
        text: frame.fill(text, app.name()),
        flow,
        action: smart::settings::CONSENT,
        login: smart::settings::LOGIN,
    };
    Html::of(&page, frame, app.source())
}
