//! Requests, made from the route table and from what stands in the records: right ones, odd ones, and other people's.

use super::stage::{Source, Stage};
use super::vectors;
use crate::oracle::parameters;
use crate::world::{Chance, canary};
use fhir::Interaction;
use serde_json::Value;
use server::route::{Act, ROUTES};

/// One request, and whether its pages are followed to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What kind of request it is, for the count.
    pub kind: &'static str,
    /// Who asks, by place in the cast.
    pub actor: usize,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The form, decoded.
    pub form: Option<Vec<(String, String)>>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Step {
    /// Path and query as they are sent.
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }

    /// The form as it is sent.
    pub fn body(&self) -> Option<String> {
        self.form.as_ref().map(|form| form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
    }

    /// Query and form together.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.query.iter().chain(self.form.iter().flatten()).cloned().collect()
    }

    /// Whether the caller would rather have something left out than be refused.
    pub fn is_lenient(&self) -> bool {
        self.headers.iter().any(|(name, value)| name == "prefer" && value == "handling=lenient")
    }
}

/// Makes requests, always the same from the same chance.
pub struct Requests<'a> {
    stage: &'a Stage,
    chance: Chance,
    /// Places in the cast of those who may be chosen.
    actors: Vec<usize>,
}

impl<'a> Requests<'a> {
    /// Requests by everybody, or by those alone whose answers are compared.
    pub fn new(stage: &'a Stage, seed: u64, compared: bool) -> Requests<'a> {
        let actors = (0..stage.actors.len()).filter(|at| !compared || stage.actors[*at].part.is_compared()).collect();
        Requests { stage, chance: Chance::new(seed), actors }
    }

    /// The next request.
    pub fn next(&mut self) -> Step {
        let actor = *self.chance.pick(&self.actors);
        // Health data is behind a few rows of the table, and most requests are for them.
        let row = loop {
            let row = self.chance.pick(ROUTES);
            if matches!(row.act, Act::Fhir(_)) || self.chance.once_in(12) {
                break row;
            }
        };
        match row.act {
            Act::Fhir(Interaction::Read | Interaction::Vread) if self.chance.once_in(15) => self.vector(actor),
            Act::Fhir(Interaction::Read) => self.read(actor, false),
            Act::Fhir(Interaction::Vread) if self.chance.once_in(3) => self.read(actor, true),
            Act::Fhir(Interaction::Vread) => self.read(actor, false),
            Act::Fhir(Interaction::Search) => self.search(actor),
            Act::Fhir(
                Interaction::History
                | Interaction::HistoryType
                | Interaction::HistorySystem
                | Interaction::SearchSystem
                | Interaction::Create
                | Interaction::Update
                | Interaction::Patch
                | Interaction::Delete
                | Interaction::Transaction
                | Interaction::Batch
                | Interaction::Capabilities
                | Interaction::Operation,
            ) => panic!("{}: requests for it are not made yet; make them here", row.path),
            Act::Capabilities
            | Act::SmartConfiguration
            | Act::OpenIdConfiguration
            | Act::Jwks
            | Act::ErrorPage
            | Act::Stylesheet
            | Act::SmartStyle
            | Act::Start
            | Act::Live
            | Act::Ready => self.public(actor, row.path),
            Act::Authorize
            | Act::Login
            | Act::Provider
            | Act::ProviderAnswer
            | Act::Choose
            | Act::Consent
            | Act::Account(_)
            | Act::Token
            | Act::Revoke
            | Act::Introspect
            | Act::UserInfo
            | Act::Register
            | Act::Registration
            | Act::RegisterPage
            | Act::ClientCalls
            | Act::CallsPage
            | Act::Sandbox
            | Act::Try
            | Act::TryCallback
            | Act::Brands => {
                let method = self.chance.pick(row.methods).as_str().to_owned();
                self.oauth(actor, &row.path.replace("{client}", "app"), method)
            }
        }
    }

    fn step(&self, kind: &'static str, actor: usize, method: &str, path: String) -> Step {
        Step { kind, actor, method: method.to_owned(), path, query: Vec::new(), form: None, headers: Vec::new() }
    }

    fn get_or_head(&mut self) -> &'static str {
        if self.chance.once_in(8) { "HEAD" } else { "GET" }
    }

    fn public(&mut self, actor: usize, path: &str) -> Step {
        let path = path.replace("{code}", "invalid_grant").replace("{name}", "sluice.css");
        let method = self.get_or_head();
        self.step("public", actor, method, path)
    }

    /// The authorization server, with what a stranger could send it: other people's ids in every place.
    fn oauth(&mut self, actor: usize, path: &str, method: String) -> Step {
        let (_, id) = self.name(actor);
        let pairs = ["flow", "code", "token", "patient", "username", "client_id", "scope", "state", "redirect_uri"];
        let pairs: Vec<(String, String)> = pairs.iter().map(|name| ((*name).to_owned(), id.clone())).collect();
        let mut step = self.step("authorization", actor, &method, path.to_owned());
        if method == "POST" {
            step.form = Some(pairs)
        } else {
            step.query = pairs
        }
        step
    }

    /// A type and id: of a record that may be seen, of any record at all, or of none.
    fn name(&mut self, actor: usize) -> (String, String) {
        let stage = self.stage;
        let row = match self.chance.below(10) {
            0..=4 => self.visible(actor).unwrap_or_else(|| self.chance.below(stage.current.len())),
            5 => {
                let actor = &stage.actors[actor];
                let hidden: Vec<usize> = (0..stage.current.len()).filter(|at| !actor.sees(*at)).collect();
                *self.chance.pick(&hidden)
            }
            6..=8 => self.chance.below(stage.current.len()),
            _ => {
                let (kind, _) = crate::oracle::name(self.chance.pick(&stage.current));
                return (kind, canary(stage.seed, 0xdead, self.chance.below(0xffff) as u16));
            }
        };
        crate::oracle::name(&stage.current[row])
    }

    fn visible(&mut self, actor: usize) -> Option<usize> {
        let actor = &self.stage.actors[actor];
        let visible: Vec<usize> = (0..self.stage.current.len()).filter(|at| actor.sees(*at)).collect();
        (!visible.is_empty()).then(|| *self.chance.pick(&visible))
    }

    fn read(&mut self, actor: usize, version: bool) -> Step {
        let (kind, id) = self.name(actor);
        let method = self.get_or_head();
        let versioned = if version {
            format!("/_history/{}", self.chance.pick(&["1", "2", "1", "2", "3", "01", "x"]))
        } else {
            String::new()
        };
        let label = if version { "version read" } else { "read" };
        let mut step = self.step(label, actor, method, format!("/fhir/{kind}/{id}{versioned}"));
        if self.chance.once_in(6) {
            let tag = *self.chance.pick(&["W/\"1\"", "W/\"2\"", "\"1\"", "*", "W/\"9\", W/\"1\"", "nonsense"]);
            step.headers.push(("if-none-match".to_owned(), tag.to_owned()));
        }
        if kind == "Binary" && self.chance.once_in(2) {
            let media = *self.chance.pick(&["text/plain", "TEXT/*;q=0.5", "application/pdf", "image/png, text/plain"]);
            step.headers.push(("accept".to_owned(), media.to_owned()));
        }
        step
    }

    fn vector(&mut self, actor: usize) -> Step {
        let (kind, id) = self.name(actor);
        let me = self.stage.actors[actor].someone().unwrap_or_else(|| "me".to_owned());
        let (path, query) = vectors::path(&mut self.chance, &kind, &id, &me);
        let mut step = self.step("path vector", actor, "GET", path);
        step.query = query;
        step
    }

    /// A type to search: on a server behind, those that cost many questions are asked seldom.
    fn kind(&mut self, actor: usize) -> String {
        loop {
            let any = self.chance.below(self.stage.current.len());
            let row = if self.chance.once_in(3) { any } else { self.visible(actor).unwrap_or(any) };
            let kind = crate::oracle::kind(&self.stage.current[row]).to_owned();
            let is_dear = matches!(
                kind.as_str(),
                "Practitioner" | "PractitionerRole" | "Organization" | "Location" | "Medication"
            );
            if self.stage.source == Source::Embedded || !is_dear || self.chance.once_in(8) {
                return kind;
            }
        }
    }

    fn search(&mut self, actor: usize) -> Step {
        let kind = self.kind(actor);
        let mut pairs = Vec::new();
        for _ in 0..*self.chance.pick(&[0, 0, 1, 1, 1, 1, 2, 2, 3]) {
            pairs.extend(self.filter(actor, &kind));
        }
        if kind == "Provenance" && !self.chance.once_in(4) {
            let (of, id) = self.name(actor);
            pairs.push(("target".to_owned(), format!("{of}/{id}")));
        }
        let mut label = "search";
        if self.chance.once_in(12) {
            let (of, id) = self.name(actor);
            let me = self.stage.actors[actor].someone().unwrap_or_else(|| "me".to_owned());
            pairs.extend(vectors::search(&mut self.chance, &of, &id, &me));
            label = "search vector";
        }
        self.shape(actor, &kind, &mut pairs);
        let method = *self.chance.pick(&["GET", "GET", "GET", "POST", "POST", "HEAD"]);
        let path = if method == "POST" { format!("/fhir/{kind}/_search") } else { format!("/fhir/{kind}") };
        let mut step = self.step(label, actor, method, path);
        if method == "POST" {
            // The same search may stand in the address, in the form, or in both.
            let cut = if self.chance.once_in(3) { self.chance.below(pairs.len() + 1) } else { 0 };
            step.form = Some(pairs.split_off(cut));
        }
        step.query = pairs;
        if self.chance.once_in(20) {
            step.headers.push(("prefer".to_owned(), "handling=lenient".to_owned()));
        }
        step
    }

    /// Sorting, paging, counting, companions.
    fn shape(&mut self, actor: usize, kind: &str, pairs: &mut Vec<(String, String)>) {
        let mut push = |name: &str, value: String| pairs.push((name.to_owned(), value));
        if self.chance.once_in(2) {
            push("_count", (*self.chance.pick(&["1", "2", "3", "5", "10", "0", "500", "20"])).to_owned());
        }
        if self.chance.once_in(4) {
            push("_total", (*self.chance.pick(&["accurate", "accurate", "none", "estimate"])).to_owned());
        }
        if self.chance.once_in(3) {
            let all: Vec<&str> = parameters::of(kind)
                .filter(|own| own.kind != "reference")
                .map(|own| own.name)
                .chain(["_id", "_lastUpdated"])
                .collect();
            let keys: Vec<String> = (0..1 + self.chance.below(2))
                .map(|_| {
                    let descending = if self.chance.once_in(2) { "-" } else { "" };
                    format!("{descending}{}", self.chance.pick(&all))
                })
                .collect();
            push("_sort", keys.join(","));
        }
        if kind == "MedicationRequest" && self.chance.once_in(2) {
            push("_include", "MedicationRequest:medication".to_owned());
        }
        if self.chance.once_in(6) {
            push("_revinclude", "Provenance:target".to_owned());
        }
        if self.chance.once_in(25) {
            push(self.chance.pick::<&str>(&["_summary", "_elements"]), "count".to_owned());
        }
        if self.chance.once_in(12) {
            push(
                "_lastUpdated",
                format!("{}2026-01-0{}", self.chance.pick(&["ge", "lt", "eq", "sa", ""]), 1 + self.chance.below(9)),
            );
        }
        if self.chance.once_in(8) {
            let (_, id) = self.name(actor);
            let (_, other) = self.name(actor);
            push("_id", if self.chance.once_in(2) { id } else { format!("{id},{other}") });
        }
    }

    /// A filter whose value stands in some record: one that may be seen, or anyone's.
    fn filter(&mut self, actor: usize, kind: &str) -> Option<(String, String)> {
        let all: Vec<_> = parameters::of(kind).collect();
        if all.is_empty() {
            return None;
        }
        let parameter = *self.chance.pick(&all);
        let stage = self.stage;
        let visible_only = !self.chance.once_in(3);
        let rows: Vec<&Value> = (0..stage.current.len())
            .filter(|at| {
                crate::oracle::kind(&stage.current[*at]) == kind && (!visible_only || stage.actors[actor].sees(*at))
            })
            .map(|at| &stage.current[at])
            .collect();
        if rows.is_empty() {
            return None;
        }
        let mut name = parameter.name.to_owned();
        let mut values = Vec::new();
        for _ in 0..*self.chance.pick(&[1, 1, 1, 2]) {
            let row = *self.chance.pick(&rows);
            let own = parameter.values(row);
            if own.is_empty() {
                continue;
            }
            let own = *self.chance.pick(&own);
            values.extend(match parameter.kind {
                "token" => self.token(own, parameter.is_bare),
                "date" => self.date(own),
                "string" => self.text(own),
                _ => self.reference(own),
            });
        }
        if values.is_empty() {
            return None;
        }
        match parameter.kind {
            "string" => name.push_str(self.chance.pick::<&str>(&["", "", ":contains", ":exact"])),
            "reference" if self.chance.once_in(6) && !parameter.targets().is_empty() => {
                name.push(':');
                name.push_str(self.chance.pick::<&str>(parameter.targets()));
            }
            _ => {}
        }
        Some((name, values.join(",")))
    }

    fn token(&mut self, own: &Value, is_bare: bool) -> Option<String> {
        let coding = own.get("coding").and_then(|codings| codings.get(0)).unwrap_or(own);
        let code = match coding {
            Value::String(code) => code.clone(),
            Value::Bool(truth) => truth.to_string(),
            _ => coding.get("code").or_else(|| coding.get("value"))?.as_str()?.to_owned(),
        };
        let code = escaped(&code);
        let system = coding.get("system").and_then(Value::as_str).map(escaped);
        Some(match (self.chance.below(5), system) {
            (0, Some(system)) if !is_bare => format!("{system}|{code}"),
            (1, Some(system)) if !is_bare => format!("{system}|"),
            (2, _) if !is_bare => format!("|{code}"),
            _ => code,
        })
    }

    fn date(&mut self, own: &Value) -> Option<String> {
        let text = own.as_str().or_else(|| own.get("start")?.as_str()).or_else(|| own.get("end")?.as_str())?;
        let cut = *self.chance.pick(&[4, 7, 10, 10, 40]);
        let text = text.get(..cut).unwrap_or(text);
        let prefix = self.chance.pick(&["", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]);
        Some(format!("{prefix}{text}"))
    }

    fn text(&mut self, own: &Value) -> Option<String> {
        let texts: Vec<&str> = match own {
            Value::String(text) => vec![text],
            _ => own
                .as_object()?
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "use" | "period"))
                .flat_map(|(_, value)| match value {
                    Value::String(text) => vec![text.as_str()],
                    Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                    _ => Vec::new(),
                })
                .collect(),
        };
        if texts.is_empty() {
            return None;
        }
        let letters: Vec<char> = self.chance.pick(&texts).chars().collect();
        let whole: String = letters.iter().collect();
        let part = match self.chance.below(4) {
            0 => whole,
            1 => whole.split(' ').next().unwrap_or("").to_uppercase(),
            2 => letters[..letters.len().min(1 + self.chance.below(6))].iter().collect(),
            _ => letters[letters.len() / 3..letters.len().min(letters.len() / 3 + 8)].iter().collect(),
        };
        let part = part.trim().to_owned();
        (!part.is_empty()).then(|| escaped(&part))
    }

    fn reference(&mut self, own: &Value) -> Option<String> {
        let (kind, id) = crate::oracle::reference(own)?;
        Some(if self.chance.once_in(3) { id } else { format!("{kind}/{id}") })
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if matches!(letter, ',' | '|' | '$' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
