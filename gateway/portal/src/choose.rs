//! The page where a clinician chooses a patient.

use crate::frame::{App, Frame, Html};
use crate::records::{PatientLine, patient_line};
use crate::text::Text;
use askama::Template;
use privacy::{Impersonal, Page as Released};

/// What the page must know beside the patients: nothing of any person.
pub struct ChooseForm {
    /// Language and address.
    pub frame: Frame,
    /// The app that waits.
    pub app: App,
    /// The flow's id.
    pub flow: String,
}

impl Impersonal for ChooseForm {}

#[derive(Template)]
#[template(path = "choose.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    form: &'a ChooseForm,
    patients: Vec<PatientLine>,
    action: &'static str,
    deny: &'static str,
}

/// The page with the patients that were released.
pub fn choose(released: Released, form: &ChooseForm) -> Html {
    let mut patients: Vec<PatientLine> = released.rows.iter().filter_map(patient_line).collect();
    patients.sort_by(|one, other| one.name.cmp(&other.name));
    let title = form.frame.t(Text::ChooseTitle).to_owned();
    let (action, deny) = (smart::settings::CHOOSE, smart::settings::CONSENT);
    Html::of(&Page { frame: &form.frame, title, form, patients, action, deny }, &form.frame, form.app.source())
}
