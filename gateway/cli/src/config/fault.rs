//! A mistake in the configuration: where it stands, what is wrong, what to write instead; and how it is drawn.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::ops::Range;

/// How alike two names must be for one to be meant by the other: 1 is the same, and of three letters two are enough.
const ALIKE: f64 = 0.6;

/// The sections that no configuration goes without.
const SECTIONS: [&str; 2] = ["server", "store"];

/// One mistake.
#[derive(Debug)]
pub(super) struct Fault {
    /// The bytes of the file that are wrong.
    pub(super) span: Range<usize>,
    /// What is wrong, in one line.
    pub(super) title: String,
    /// What to write instead.
    pub(super) hint: String,
}

impl Fault {
    /// A mistake that stopped the reading: no TOML, an unknown or missing key, a value of another kind.
    pub(super) fn of_toml(why: &toml::de::Error, text: &str) -> Fault {
        let span = why.span().unwrap_or(0..0);
        let message = why.message().lines().next().unwrap_or("this is no TOML");
        let mut quoted = message.split('`').skip(1).step_by(2);
        let hint = if message.starts_with("unknown field") {
            quoted.next().map(|unknown| nearest(unknown, &quoted.collect::<Vec<_>>()))
        } else if message.starts_with("missing field") {
            quoted.next().map(|missing| {
                if SECTIONS.contains(&missing) {
                    format!("add a section `[{missing}]`; `sluice init` writes an example")
                } else {
                    format!("add `{missing}` to {}", section(text, &span))
                }
            })
        } else {
            None
        };
        Fault {
            span,
            title: message.to_owned(),
            hint: hint.unwrap_or_else(|| "see `sluice init` for an example".to_owned()),
        }
    }
}

/// Which of the known keys was meant.
fn nearest(unknown: &str, known: &[&str]) -> String {
    let alike = |name: &&&str| strsim::normalized_damerau_levenshtein(unknown, name);
    let best = known.iter().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    match best {
        Some(name) if alike(&name) >= ALIKE => format!("did you mean `{name}`?"),
        Some(_) => {
            format!("known here are {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
        None => "take it out: nothing can stand here".to_owned(),
    }
}

/// The heading of the section that a span begins with.
fn section(text: &str, span: &Range<usize>) -> String {
    let line = text.get(span.start..).and_then(|rest| rest.lines().next()).unwrap_or("").trim();
    if line.starts_with('[') { line.to_owned() } else { "the file".to_owned() }
}

/// Every mistake with its line, a caret below it and a hint.
pub(super) fn draw(faults: &[Fault], text: &str, path: &str) -> String {
    let renderer = Renderer::plain();
    let drawn = faults.iter().map(|fault| {
        let span = fault.span.start.min(text.len())..fault.span.end.min(text.len());
        let place = Snippet::source(text).path(path).annotation(AnnotationKind::Primary.span(span));
        let report = &[Level::ERROR
            .primary_title(fault.title.as_str())
            .element(place)
            .element(Level::HELP.message(fault.hint.as_str()))];
        renderer.render(report).to_string()
    });
    drawn.collect::<Vec<_>>().join("\n\n")
}
