//! What the laboratory says in words: the NTE segments behind a thing.

use bridge::mapping::Out;

use super::status::{Change, change};
use super::times::when;
use crate::map::engine::{At, Run};
use crate::map::value::lines;

/// The notes of this resource: each NTE one note.
pub(crate) fn notes(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if at.scope.own.is_some_and(|own| withdrawn(run, own)) {
        for note in at.scope.notes {
            (1..=run.message.last_field(*note))
                .for_each(|field| run.message.field(*note, field).ignored("withdrawn-result"));
        }
        return;
    }
    for note in at.scope.notes {
        out.object("");
        annotation(run, out, *note, at.to);
        out.leave();
    }
}

/// R4's DiagnosticReport has no note: what the laboratory says of the whole report stands in its conclusion.
pub(crate) fn report_notes(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let mut said = Vec::with_capacity(at.scope.notes.len());
    for note in at.scope.notes {
        run.message.field(*note, 1).ignored("set-id");
        let comment = run.message.field(*note, 3);
        let text = lines(comment); // each repetition a line
        if text.trim().is_empty() {
            comment.ignored("nothing-but-spaces");
        } else {
            said.push(text);
            comment.mapped(at.to);
        }
        keep_rest(run, *note, at.to);
    }
    let text = said.join("\n");
    if !text.trim().is_empty() {
        out.string(at.name, text.trim());
    }
}

fn withdrawn(run: &Run<'_>, own: usize) -> bool {
    run.message.segments().get(own).is_some_and(|segment| &segment.name == b"OBX")
        && change(run, own) == Change::Withdrawn
}

/// NTE: text, and who wrote it when.
fn annotation(run: &mut Run<'_>, out: &mut Out, note: usize, to: &'static str) {
    let field = |number: u16| run.message.field(note, number);
    field(1).ignored("set-id");
    let comment = field(3);
    let text = lines(comment); // each repetition a line
    if text.trim().is_empty() {
        comment.ignored("nothing-but-spaces");
        return keep_rest(run, note, to);
    }
    let (author, entered) = (field(5), field(6));
    let name: Vec<String> = [3, 2]
        .into_iter()
        .filter_map(|part| author.part(part).part(1).trimmed().map(|text| text.into_owned()))
        .collect();
    if !name.is_empty() {
        out.string("authorString", &name.join(" "));
        author.part(2).part(1).mapped(to);
        author.part(3).part(1).mapped(to);
    }
    when(run, out, entered, "time", to);
    out.string("text", text.trim());
    comment.mapped(to);
    keep_rest(run, note, to);
}

/// What a note says beside its text.
fn keep_rest(run: &mut Run<'_>, note: usize, to: &'static str) {
    for number in 2..=run.message.last_field(note) {
        let value = run.message.field(note, number);
        run.keep(value, to);
    }
}
