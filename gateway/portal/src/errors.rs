//! One page for each error code: what it means, and how to mend it. Written for whoever builds an app.
//!
//! The codes are those of OAuth answers, to which `error_uri` leads, and those of OperationOutcomes, to which the `Link` of
//! the answer leads.

use crate::frame::{Frame, Html};
use crate::text::{Text, of_error, of_issue};
use askama::Template;
use fhir::outcome::IssueCode;
use smart::ErrorCode;
use smart::settings::ERRORS;

/// An error code that has a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorDoc {
    /// Of an OAuth answer.
    Oauth(ErrorCode),
    /// Of an OperationOutcome.
    Issue(IssueCode),
}

impl ErrorDoc {
    /// The one of this word.
    pub fn of(word: &str) -> Option<ErrorDoc> {
        let issue = || IssueCode::ALL.iter().copied().find(|code| code.as_str() == word && of_issue(*code).is_some());
        ErrorCode::of(word).map(ErrorDoc::Oauth).or_else(|| issue().map(ErrorDoc::Issue))
    }

    fn word(self) -> &'static str {
        match self {
            ErrorDoc::Oauth(code) => code.as_str(),
            ErrorDoc::Issue(code) => code.as_str(),
        }
    }

    fn texts(self) -> (Text, Text) {
        match self {
            ErrorDoc::Oauth(code) => of_error(code),
            // A code that is never sent has no words of its own.
            ErrorDoc::Issue(code) => of_issue(code).unwrap_or((Text::MeanServerError, Text::MendServerError)),
        }
    }
}

/// Codes under one heading: the heading, its id, and each code with its page.
struct Codes {
    heading: &'static str,
    id: &'static str,
    all: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "error_doc.html")]
struct Page<'a> {
    frame: &'a Frame,
    title: String,
    code: &'static str,
    meaning: &'static str,
    mend: &'static str,
    lists: [Codes; 2],
}

/// The page of an error code.
pub fn error_doc(frame: &Frame, doc: ErrorDoc) -> Html {
    let (meaning, mend) = doc.texts();
    let link = |word: &'static str| (word, format!("{ERRORS}{word}"));
    let issues = IssueCode::ALL.iter().filter(|code| of_issue(**code).is_some()).map(|code| link(code.as_str()));
    let page = Page {
        frame,
        title: frame.fill(Text::ErrorDocTitle, doc.word()),
        code: doc.word(),
        meaning: frame.t(meaning),
        mend: frame.t(mend),
        lists: [
            Codes {
                heading: frame.t(Text::ErrorDocAll),
                id: "oauth",
                all: ErrorCode::ALL.map(|code| link(code.as_str())).to_vec(),
            },
            Codes { heading: frame.t(Text::ErrorDocIssues), id: "fhir", all: issues.collect() },
        ],
    };
    Html::of(&page, frame, None)
}
