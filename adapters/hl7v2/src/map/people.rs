//! People and organizations that an order or a result names.

use std::collections::HashSet;

use bridge::identifier::Key;
use bridge::mapping::Out;

use super::coded::coding_system;
use super::engine::{At, Run};
use super::scope::Scope;
use super::steps::part_or_self;
use crate::parse::Value;

/// A person: a Practitioner when they have an identifier, else their name alone.
pub(super) fn practitioner<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    person(run, out, at, at.value);
}

/// NDL: the person stands in the subcomponents of its first component.
pub(super) fn practitioner_ndl<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    person(run, out, at, at.value.part(1));
}

fn person<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>, xcn: Value<'m>) {
    out.object(at.name);
    match run.practitioner(xcn, at.scope) {
        Some(reference) => out.string("reference", &reference),
        None => {
            let order = [6u16, 3, 4, 2, 5, 7];
            let parts: Vec<String> = order
                .iter()
                .filter_map(|part| part_or_self(xcn.part(*part)).trimmed().map(|text| text.into_owned()))
                .collect();
            if !parts.is_empty() {
                out.string("display", &parts.join(" "));
                order.iter().for_each(|part| part_or_self(xcn.part(*part)).mapped(at.to));
            }
        }
    }
    out.leave();
}

pub(super) fn laboratory<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    if let Some(reference) = run.organization(at.value, at.scope) {
        out.object(at.name);
        out.string("reference", &reference);
        out.leave();
    }
}

/// The laboratories of a report's results, each once.
pub(super) fn performing_laboratory<'m>(run: &mut Run<'m>, out: &mut Out, at: &At<'_, 'm>) {
    let Some((report, _ids)) = at.scope.report else { return };
    let mut named: Vec<String> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    for result in &report.results {
        let laboratory = run.message.field(result.obx, 23);
        let scope = Scope { own: Some(result.obx), ..*at.scope };
        if let Some(reference) = run.organization(laboratory, &scope)
            && known.insert(reference.clone())
        {
            named.push(reference);
        }
    }
    for reference in named {
        out.object("");
        out.string("reference", &reference);
        out.leave();
    }
}

/// OBX-15, the producer as a code: an identifier, as the published map has it.
pub(super) fn producer(_run: &mut Run<'_>, out: &mut Out, at: &At<'_, '_>) {
    let (code, words) = (at.value.part(1), at.value.part(2));
    out.object(at.name);
    if let Some(value) = code.trimmed() {
        out.object("identifier");
        if let Some(system) = coding_system(at.value.part(3).trimmed().as_deref(), None) {
            out.string("system", &system);
            at.value.part(3).mapped(at.to);
        }
        out.string("value", &value);
        out.leave();
        code.mapped(at.to);
    }
    if let Some(display) = words.trimmed() {
        out.string("display", &display);
        words.mapped(at.to);
    }
    out.leave();
}

impl<'m> Run<'m> {
    /// The reference to a person with an identifier; each person is one Practitioner, by authority and id.
    pub(crate) fn practitioner(&mut self, xcn: Value<'m>, scope: &Scope<'_>) -> Option<String> {
        let key = || {
            let id = part_or_self(xcn.part(1)).naming()?;
            let authority = xcn.part(9);
            let text = |value: Value<'m>| value.naming().unwrap_or_default();
            Some(Key::of("person").and(&text(part_or_self(authority))).and(&text(authority.part(2))).and(&id))
        };
        let map = &self.maps.practitioner;
        self.share(map, key, xcn, scope, None)
    }

    /// The reference to an organization, by authority and id, else by its name.
    pub(crate) fn organization(&mut self, xon: Value<'m>, scope: &Scope<'_>) -> Option<String> {
        let xon = xon.repetitions().next()?;
        let key = || {
            let text = |value: Value<'m>| value.naming().unwrap_or_default();
            let (name, number) =
                (text(xon.part(1)), text(if xon.part(10).is_empty() { xon.part(3) } else { xon.part(10) }));
            if number.is_empty() {
                return (!name.is_empty()).then(|| Key::of("named").and(&name));
            }
            let authority = xon.part(6);
            let authority = (text(part_or_self(authority)), text(authority.part(2)));
            Some(Key::of("organization").and(&authority.0).and(&authority.1).and(&number))
        };
        let address = scope.field(self.message, *b"OBX", 24).repetitions().next();
        let map = &self.maps.organization;
        self.share(map, key, xon, scope, address)
    }
}
