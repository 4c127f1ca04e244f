//! What belongs to what: orders, specimens, results that others go further into, documents in their report.

use bridge::mapping::Out;

use super::ids::entity;
use super::status::{Change, change};
use crate::map::document::{attachment, document};
use crate::map::engine::{At, Run};
use crate::map::identifiers::numbered;

pub(crate) fn based_on_request(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if let Some((_report, ids)) = at.scope.report {
        refer(out, at.name, "ServiceRequest", &ids.request.id);
    }
}

/// OBR-29: the parent order, when it is in this message; else its number.
pub(crate) fn based_on_parent(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((_report, ids)) = at.scope.report else { return };
    if let Some(parent) = ids.parent_request.as_deref().filter(|parent| *parent != ids.request.id) {
        refer(out, at.name, "ServiceRequest", parent);
        return at.value.mapped(at.to);
    }
    for (part, role) in [(1u16, "PLAC"), (2, "FILL")] {
        let ei = at.value.part(part);
        let Some(number) = entity(ei) else { continue };
        out.object(at.name);
        out.plain("type", "ServiceRequest");
        out.object("identifier");
        numbered(run, out, at, ei, role, &number);
        out.leave();
        out.leave();
        ei.part(1).mapped(at.to);
    }
}

pub(crate) fn specimens(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((_report, ids)) = at.scope.report else { return };
    ids.specimens.iter().for_each(|named| refer(out, "", "Specimen", &named.id));
}

/// A result's specimen: the one it follows, or the report's only one.
pub(crate) fn specimen(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((report, ids)) = at.scope.report else { return };
    let followed = at.scope.result.and_then(|number| report.results.get(number)?.specimen);
    let named = match (followed, ids.specimens.as_slice()) {
        (Some(place), all) => all.get(place),
        (None, [only]) => Some(only),
        (None, _none_or_several) => None,
    };
    if let Some(named) = named {
        refer(out, at.name, "Specimen", &named.id);
    }
}

/// The result of another order that this one's order goes further into, by place among the group's.
pub(crate) fn derived_from(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    if let Some(parent) = at.scope.report.and_then(|(_report, ids)| ids.parent_result.as_deref()) {
        refer(out, "", "Observation", parent);
    }
}

/// OBR-26 says what the child results show as members of their parent; unresolved, it is kept as it came.
pub(crate) fn parent(_run: &mut Run<'_>, _out: &mut Out, at: &At<'_, '_>) {
    if at.scope.report.is_some_and(|(_report, ids)| ids.parent.is_some()) {
        at.value.mapped("Observation.hasMember");
    }
}

/// Documents among the results, embedded or pointed to, stand in the report they belong to.
pub(crate) fn documents(run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let Some((report, _ids)) = at.scope.report else { return };
    for result in &report.results {
        let Some(pointer) = document(run, result.obx) else { continue };
        if change(run, result.obx) != Change::Withdrawn {
            for one in run.message.field(result.obx, 5).repetitions() {
                out.object("");
                attachment(run, out, one, pointer);
                out.leave();
            }
        }
    }
}

fn refer(out: &mut Out, name: &'static str, kind: &str, id: &str) {
    out.object(name);
    out.reference(kind, id);
    out.leave();
}
