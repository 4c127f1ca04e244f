//! Persons and organizations that several results name: each is written once.

use bridge::identifier::{Key, id};
use bridge::mapping::{How, Map, Out};
use bridge::{Action, Record, Stage, Standing};

use crate::map::engine::{Base, Run, Step};
use crate::map::scope::Scope;
use crate::parse::Value;

impl<'m> Run<'m> {
    /// Writes a person or organization once, and gives the reference to it; nothing when `key` gives none.
    pub(crate) fn share(
        &mut self,
        map: &'static Map<Step>,
        key: impl FnOnce() -> Option<Key>,
        value: Value<'m>,
        scope: &Scope<'_>,
        address: Option<Value<'m>>,
    ) -> Option<String> {
        // A kind has no carriage return, and neither has a segment.
        let mut written = format!("{}\r{}\r", map.kind, value.naming_raw());
        if let Some(address) = address {
            written.push_str(&address.raw());
        }
        if let Some((first, reference)) = self.named.get(&written) {
            value.shares_fate_of(*first);
            if let Some(address) = address {
                address.mapped("Organization.address");
            }
            return Some(reference.clone());
        }
        let key = key()?.text();
        let own = id(self.link.namespace, map.kind, &key);
        let reference = format!("{}/{own}", map.kind);
        self.named.insert(written, (value, reference.clone()));
        let mut out = Out::resource(map.kind, &own);
        for row in &map.rows {
            let Some((last, _none)) = row.path.split_last() else { continue };
            if last.list {
                out.array(last.name);
            }
            if let How::Datatype(inner) = &row.how {
                out.object("");
                self.parts(inner, value, scope, &mut out);
                out.leave();
            } else if let How::Primitive(primitive) = &row.how {
                for source in &row.from {
                    let part = self.find(*source, Base::Parts(value), scope);
                    self.primitive(*primitive, part, &mut out, last.name, row.to);
                }
            }
            if last.list {
                out.leave();
            }
        }
        for row in &map.rows {
            if let How::Ignore(rule) = row.how {
                row.from.iter().for_each(|at| {
                    self.find(*at, Base::Parts(value), scope).ignored(rule);
                });
            }
        }
        if let Some(address) = address.filter(|address| !address.is_empty()) {
            out.array("address");
            out.object("");
            let map = &self.maps.address;
            self.parts(map, address, scope, &mut out);
            out.leave();
            out.leave();
        }
        let body = out.finish();
        let standing = Standing {
            status: String::new(),
            stage: Stage::Final,
            reported_at_us: None,
            sent_at_us: self.sent_at_us,
            action: Action::Put,
        };
        let place = *self.places.entry((map.kind, own.clone())).or_insert(self.shared.len());
        match self.shared.get_mut(place) {
            // The same person said twice: the fuller of the two stands.
            Some(record) if record.body.len() < body.len() => record.body = body,
            Some(_fuller) => {}
            None => self.shared.push(Record { kind: map.kind, id: own, key, standing, members: Vec::new(), body }),
        }
        Some(reference)
    }
}
