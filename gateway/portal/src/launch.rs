//! The page where a clinician opens an app for a patient, as an EHR would.

use crate::frame::{Frame, Html};
use crate::plain::plain;
use crate::records::{PatientLine, patient_line};
use crate::text::Text;
use askama::Template;
use privacy::{Impersonal, Page as Released};
use smart::Client;

/// What the page must know beside the patients: nothing of any person but the one who looks.
pub struct LaunchForm {
    /// Language, address, and who looks.
    pub frame: Frame,
    /// The apps that can be opened.
    pub apps: Vec<Client>,
    /// Whether one was just to be opened and could not be.
    pub failed: bool,
}

impl Impersonal for LaunchForm {}

/// An app as a line of the page.
struct AppLine {
    client_id: String,
    name: String,
    owner: Option<String>,
}

#[derive(Template)]
#[template(path = "launch.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    failed: bool,
    apps: Vec<AppLine>,
    patients: Vec<PatientLine>,
    action: &'static str,
}

/// The page with the patients that were released.
pub fn launch(released: Released, form: &LaunchForm) -> Html {
    let mut patients: Vec<PatientLine> = released.rows.iter().filter_map(patient_line).collect();
    patients.sort_by(|one, other| one.name.cmp(&other.name));
    html(patients, form)
}

/// The page where there is no app to open, or no patient to open one for.
pub fn launch_alone(form: &LaunchForm) -> Html {
    html(Vec::new(), form)
}

fn html(patients: Vec<PatientLine>, form: &LaunchForm) -> Html {
    let frame = &form.frame;
    let line = |client: &Client| {
        let name = plain(&client.name);
        let name = if name.is_empty() { plain(&client.client_id) } else { name };
        let owner = client.owner.as_deref().map(plain).filter(|owner| !owner.is_empty());
        AppLine { client_id: client.client_id.clone(), name, owner: owner.map(|own| frame.fill(Text::Owner, &own)) }
    };
    // A browser follows the form through to the app, so every app's address must be named.
    let mut sources: Vec<String> = form.apps.iter().filter_map(Client::launch_source).collect();
    sources.sort();
    sources.dedup();
    let page = Page {
        frame,
        title: frame.t(Text::LaunchTitle).to_owned(),
        failed: form.failed,
        apps: form.apps.iter().map(line).collect(),
        patients,
        action: smart::settings::ACCOUNT_LAUNCH,
    };
    Html::of(&page, frame, (!sources.is_empty()).then(|| sources.join(" ")))
}
