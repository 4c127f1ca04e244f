//! One page for each error code: what it means, and how to mend it. Written for whoever builds an app.

use crate::frame::{Frame, Html};
use crate::text::{Text, of_error};
use askama::Template;
use smart::ErrorCode;

#[derive(Template)]
#[template(path = "error_doc.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    code: &'static str,
    meaning: &'static str,
    mend: &'static str,
    all: Vec<(&'static str, String)>,
}

/// The page of an error code.
pub fn error_doc(frame: &Frame, code: ErrorCode) -> Html {
    let (meaning, mend) = of_error(code);
    let all = ErrorCode::ALL.map(|code| (code.as_str(), format!("{}{}", smart::settings::ERRORS, code.as_str())));
    let page = Page {
        frame,
        title: frame.fill(Text::ErrorDocTitle, code.as_str()),
        code: code.as_str(),
        meaning: frame.t(meaning),
        mend: frame.t(mend),
        all: all.to_vec(),
    };
    Html::of(&page, frame, None)
}
