//! The page on which a representative chooses whose record is to be told of: a link for each of those whom they act for.

use crate::frame::{Frame, Html};
use crate::records::{PatientLine, patient_line};
use crate::text::Text;
use askama::Template;
use privacy::{Impersonal, Page as Released};

/// What the page must know beside the patients: nothing of any person but the one who looks.
pub struct WhoseForm {
    /// Language, address, and who looks.
    pub frame: Frame,
    /// Where each link leads, up to the patient's id.
    pub to: String,
}

impl Impersonal for WhoseForm {}

#[derive(Template)]
#[template(path = "whose.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    patients: Vec<PatientLine>,
    to: &'a str,
}

/// The page with the patients that were released.
pub fn whose(released: Released, form: &WhoseForm) -> Html {
    let mut patients: Vec<PatientLine> = released.rows.iter().filter_map(patient_line).collect();
    patients.sort_by(|one, other| one.name.cmp(&other.name));
    let title = form.frame.t(Text::WhoseTitle).to_owned();
    Html::of(&Page { frame: &form.frame, title, patients, to: &form.to }, &form.frame, None)
}
