//! OperationOutcome: what a FHIR client is told when something is wrong, or worth knowing.
//!
//! Texts are fixed sentences of the caller's; this file adds nothing, least of all a value or a trace.

use json::Writer;

/// How bad it is (value set issue-severity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The action failed, and nothing more could be checked.
    Fatal,
    /// The action failed.
    Error,
    /// The action was done, perhaps not as meant.
    Warning,
    /// Worth knowing.
    Information,
}

impl Severity {
    /// The code.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Fatal => "fatal",
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }
}

macro_rules! issue_codes {
    ($($name:ident $code:literal,)*) => {
        /// What kind of thing is wrong: the whole R4 value set issue-type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum IssueCode {
            $(#[doc = concat!("`", $code, "`")] $name,)*
        }

        impl IssueCode {
            /// Every code of the value set.
            pub const ALL: &'static [IssueCode] = &[$(IssueCode::$name,)*];

            /// The code.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(IssueCode::$name => $code,)*
                }
            }
        }
    };
}

issue_codes! {
    Invalid "invalid", Structure "structure", Required "required", Value "value", Invariant "invariant",
    Security "security", Login "login", Unknown "unknown", Expired "expired", Forbidden "forbidden",
    Suppressed "suppressed", Processing "processing", NotSupported "not-supported", Duplicate "duplicate",
    MultipleMatches "multiple-matches", NotFound "not-found", Deleted "deleted", TooLong "too-long",
    CodeInvalid "code-invalid", Extension "extension", TooCostly "too-costly", BusinessRule "business-rule",
    Conflict "conflict", Transient "transient", LockError "lock-error", NoStore "no-store", Exception "exception",
    Timeout "timeout", Incomplete "incomplete", Throttled "throttled", Informational "informational",
}

/// One issue of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue<'a> {
    /// How bad.
    pub severity: Severity,
    /// What kind.
    pub code: IssueCode,
    /// A sentence for people, `details.text`.
    pub text: &'a str,
    /// More for developers, when there is more to say.
    pub diagnostics: Option<&'a str>,
    /// Where: element paths or the names of parameters.
    pub expression: &'a [&'a str],
}

impl<'a> Issue<'a> {
    /// An error with a sentence and nothing else.
    pub fn error(code: IssueCode, text: &'a str) -> Issue<'a> {
        Issue { severity: Severity::Error, code, text, diagnostics: None, expression: &[] }
    }
}

/// An OperationOutcome of one issue or more, as compact JSON.
pub fn outcome(issues: &[Issue<'_>]) -> Vec<u8> {
    let mut out = Writer::with_capacity(256);
    out.begin_object().member("resourceType", "OperationOutcome").key("issue").begin_array();
    for issue in issues {
        out.begin_object().member("severity", issue.severity.as_str()).member("code", issue.code.as_str());
        out.key("details").begin_object().member("text", issue.text).end_object();
        if let Some(diagnostics) = issue.diagnostics {
            out.member("diagnostics", diagnostics);
        }
        if !issue.expression.is_empty() {
            out.key("expression").begin_array();
            for expression in issue.expression {
                out.string(expression);
            }
            out.end_array();
        }
        out.end_object();
    }
    out.end_array().end_object();
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_says_what_and_where() {
        let issue = Issue {
            diagnostics: Some("Supported: code"),
            expression: &["cod"],
            ..Issue::error(IssueCode::NotSupported, "This parameter is \"unknown\".")
        };
        let text = String::from_utf8(outcome(&[issue])).unwrap_or_default();
        assert_eq!(
            text,
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-supported","details":{"text":"This parameter is \"unknown\"."},"diagnostics":"Supported: code","expression":["cod"]}]}"#
        );
    }

    #[test]
    fn the_value_set_is_whole() {
        assert_eq!(IssueCode::ALL.len(), 31);
    }
}
