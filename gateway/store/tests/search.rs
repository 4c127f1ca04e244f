//! Searches against the plain evaluator: whatever is asked, the index answers as if every record had been looked at.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use conformance::population;
use fhir::ResourceType::{
    self, Binary, DocumentReference, Location, Medication, MedicationRequest, Observation, Organization, Patient,
    Practitioner, PractitionerRole, Provenance,
};
use fhir::reference::Reference;
use fhir::search::{Handling, Query, SortKey, Term, matches, parameters, searchable, sort_value, terms};
use fhir::subject::{About, about};
use fhir::{Id, Instant, Interaction, Resource};
use json::Document;
use privacy::label::labels;
use privacy::{
    Chunk, Cursor, Facts, Judging, Label, Permit, Phi, Policies, Principal, Purpose, Question, Row, Source, Standing,
    Subject, Wanted, decide,
};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use store::{Put, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use world::{at, document, folder, id, open, permit_of, principal, put, put_whole, to_read, to_search};

const SEED: u64 = 7;
const PEOPLE: u32 = 6;

/// Twists that the population does not have: open periods, names that fold, systems and codes with marks in them.
const ODDITIES: &[&str] = &[
    r#"{"resourceType":"Encounter","id":"odd-1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p-0000"},"period":{"start":"2020-05"}}"#,
    r#"{"resourceType":"Encounter","id":"odd-2","status":"finished","class":{"system":"a|b","code":"x,y"},"subject":{"reference":"Patient/p-0000"},"period":{"end":"2019"}}"#,
    r#"{"resourceType":"RelatedPerson","id":"odd-3","patient":{"reference":"Patient/p-0000"},"name":[{"family":"Łukasiewicz-Ōe","given":["Zoë","D'Arcy"]},{"text":"Ünal  Ñandú"}],"birthDate":"1950"}"#,
    r#"{"resourceType":"Observation","id":"odd-4","status":"final","code":{"coding":[{"code":"no-system"},{"system":"urn:s","code":"$\\|,"}]},"subject":{"reference":"Patient/p-0000"},"effectiveDateTime":"2021-03-04T05:06:07.891+02:00","meta":{"security":[{"code":"PSYTHPN"}]}}"#,
];

struct World {
    runtime: Runtime,
    store: Store,
    _dir: TempDir,
    all: Vec<Document>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let dir = folder();
    let mut puts: Vec<Put> = ODDITIES.iter().copied().map(put_whole).collect();
    let people = (0..PEOPLE).flat_map(|index| population::person(SEED, index).resources);
    for resource in population::shared(SEED).into_iter().chain(people) {
        puts.push(put(resource.kind.parse().unwrap(), &resource.id, &resource.json));
    }
    let names: Vec<(ResourceType, Id)> = puts.iter().map(|put| (put.kind, put.id.clone())).collect();
    let (store, all) = runtime.block_on(async {
        let store = open(&dir).await;
        for (second, puts) in (0..).zip(in_chunks(puts, 100)) {
            store.put(puts, at(second)).await.unwrap();
        }
        let mut all = Vec::new();
        for (kind, id) in names {
            all.push(store.currents(&[(kind, id)]).await.unwrap().remove(0).unwrap().1.into_exposed());
        }
        (store, all)
    });
    World { runtime, store, _dir: dir, all }
});

fn in_chunks(mut puts: Vec<Put>, size: usize) -> Vec<Vec<Put>> {
    let mut chunks = Vec::new();
    while !puts.is_empty() {
        let rest = puts.split_off(size.min(puts.len()));
        chunks.push(std::mem::replace(&mut puts, rest));
    }
    chunks
}

fn read(document: &Document) -> Resource<'_> {
    Resource::of(document.root()).unwrap()
}

fn name(document: &Document) -> (ResourceType, Id) {
    let resource = read(document);
    (resource.kind(), resource.id().unwrap())
}

fn refers(document: &Document) -> BTreeSet<(ResourceType, Id)> {
    let resource = read(document);
    let local = |value: json::Value<'_>| Reference::parse(&value.text()?).local().map(|(kind, id)| (kind, id.clone()));
    let attached = resource.attachments().into_iter().filter_map(local).filter(|(kind, _)| *kind == Binary);
    resource.references().into_iter().filter_map(local).chain(attached).collect()
}

/// What one patient reaches, found by looking at every record.
struct Plain {
    own: BTreeSet<(ResourceType, Id)>,
    shared: BTreeSet<(ResourceType, Id)>,
    tells: BTreeSet<(ResourceType, Id)>,
}

fn plain(patient: &Id) -> Plain {
    let mut own = BTreeSet::new();
    let (mut direct, mut through) = (BTreeSet::new(), BTreeSet::new());
    let by_name: HashMap<_, _> = WORLD.all.iter().map(|document| (name(document), document)).collect();
    for document in &WORLD.all {
        if about(&read(document)) != About::Patients(vec![patient.clone()]) {
            continue;
        }
        own.insert(name(document));
        if labels(&read(document)).contains(&Label::PsychotherapyNote) {
            continue;
        }
        for target in refers(document) {
            if is_shared(target.0)
                && let Some(between) = by_name.get(&target)
            {
                through.extend(refers(between));
            }
            direct.insert(target);
        }
    }
    through.retain(|(kind, _)| is_shared(*kind));
    let barred = |target: &(ResourceType, Id)| labels(&read(by_name[target])).contains(&Label::PsychotherapyNote);
    let tells = WORLD.all.iter().filter(|document| match about(&read(document)) {
        About::Targets(targets) => targets.iter().any(|target| own.contains(target) && !barred(target)),
        About::Patients(_) | About::Shared | About::Owner | About::Unknown => false,
    });
    let tells = tells.map(name).collect();
    Plain { own, shared: direct.union(&through).cloned().collect(), tells }
}

fn is_shared(kind: ResourceType) -> bool {
    matches!(kind, Practitioner | PractitionerRole | Organization | Location | Medication)
}

impl Plain {
    fn reaches(&self, what: &(ResourceType, Id)) -> bool {
        if what.0 == Provenance {
            return self.tells.contains(what);
        }
        if is_shared(what.0) { self.shared.contains(what) } else { self.own.contains(what) }
    }
}

/// The order that a search asks for, told by the rows themselves.
fn compare(one: &Document, other: &Document, keys: &[SortKey]) -> Ordering {
    for key in keys {
        let ordered = match (sort_value(&read(one), key), sort_value(&read(other), key)) {
            (Some(one), Some(other)) if key.descending => other.cmp(&one),
            (Some(one), Some(other)) => one.cmp(&other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if ordered != Ordering::Equal {
            return ordered;
        }
    }
    name(one).1.cmp(&name(other).1)
}

/// All matches of a search, page by page.
fn pages(permit: &Permit, query: &Query, at_most: usize) -> Vec<Document> {
    let (mut from, mut rows) = (Cursor::Start, Vec::new());
    loop {
        let chunk = WORLD.runtime.block_on(WORLD.store.find(permit, query, &from, at_most)).unwrap().into_exposed();
        let found = chunk.rows.iter().filter(|row| row.standing == Standing::Match).count();
        assert!(found <= at_most && (chunk.next.is_none() || found == at_most));
        rows.extend(chunk.rows.into_iter().filter(|row| row.standing == Standing::Match).map(|row| row.content));
        match chunk.next {
            Some(next) => from = next,
            None => return rows,
        }
    }
}

fn agree(patient: &Id, query: &Query, at_most: usize) -> usize {
    let found = pages(&to_search(patient.as_str(), query.kind), query, at_most);
    let plain = plain(patient);
    let looked_at =
        WORLD.all.iter().filter(|document| plain.reaches(&name(document)) && matches(query, &read(document)));
    let mut expected: Vec<&Document> = looked_at.collect();
    expected.sort_by(|one, other| compare(one, other, &query.sort));
    let names = |documents: &[&Document]| documents.iter().map(|document| name(document)).collect::<Vec<_>>();
    assert_eq!(names(&found.iter().collect::<Vec<_>>()), names(&expected), "{:?}", query.self_pairs);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.bytes(), expected.bytes());
    }
    expected.len()
}

fn escaped(text: &str) -> String {
    text.chars().flat_map(|letter| if ",|$\\".contains(letter) { vec!['\\', letter] } else { vec![letter] }).collect()
}

/// A parameter and a value that come from a record's own term, twisted by dice.
fn pair(term: &Term, dice: u8) -> (String, String) {
    let name = term.param().to_owned();
    match term {
        Term::Token { system, code, .. } => {
            let system = system.as_deref().map(escaped);
            let value = match (dice % 5, system) {
                (0, Some(system)) => format!("{system}|"),
                (1 | 2, Some(system)) => format!("{system}|{}", escaped(code)),
                (3, _) => format!("|{}", escaped(code)),
                (4, _) => format!("{},none", escaped(code)),
                (_, _) => escaped(code),
            };
            (name, value)
        }
        Term::Text { folded, exact, .. } => {
            let some: String = exact.chars().take(usize::from(dice / 4) % 12 + 1).collect();
            let some = if fhir::search::fold(&some).is_empty() { exact.clone() } else { some };
            match dice % 4 {
                0 => (format!("{name}:exact"), escaped(exact)),
                1 => (format!("{name}:contains"), escaped(folded.split(' ').next_back().unwrap())),
                2 => (name, escaped(&some).to_uppercase()),
                _ => (name, escaped(&some)),
            }
        }
        Term::Date { low, high, .. } => {
            let moment = if *low == i64::MIN { *high } else { *low };
            let text = Instant::from_micros(moment).to_string();
            let length = [4, 7, 10, 16, 24][usize::from(dice) % 5];
            let zone = if length == 16 { "Z" } else { "" };
            let prefix = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"][usize::from(dice / 5) % 10];
            (name, format!("{prefix}{}{zone}", text.get(..length).unwrap()))
        }
        Term::Reference { kind, id, .. } => match dice % 3 {
            0 => (name, id.to_string()),
            1 => (format!("{name}:{kind}"), id.to_string()),
            _ => (name, format!("{kind}/{id}")),
        },
    }
}

fn query(kind: ResourceType, pairs: &[(String, String)]) -> Query {
    Query::parse(kind, pairs, Handling::Strict, "").unwrap_or_else(|fault| panic!("{kind} {pairs:?}: {fault}"))
}

fn patient(at: usize) -> Id {
    id(&population::person(SEED, u32::try_from(at).unwrap() % PEOPLE).patient)
}

#[test]
fn everything_that_a_patient_reaches_is_found_and_nothing_else() {
    let mut seen = 0;
    for who in 0..PEOPLE as usize {
        for kind in searchable() {
            seen += agree(&patient(who), &Query::everything(kind, ""), 7);
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn every_term_of_every_kind_is_found_by_its_own_value() {
    let who = patient(0);
    let (reached, mut asked, mut found) = (plain(&who), BTreeSet::new(), 0);
    for document in WORLD.all.iter().filter(|document| reached.reaches(&name(document))) {
        for term in terms(&read(document)) {
            let kind = read(document).kind();
            if asked.insert((kind, term.param())) {
                for dice in [2, 10, 25, 44, 99] {
                    found += agree(&who, &query(kind, &[pair(&term, dice)]), 50);
                }
            }
        }
    }
    assert!(asked.len() > 100 && found > 1000, "{} {found}", asked.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_as_if_every_record_had_been_looked_at(
        who in 0..PEOPLE as usize, of in any::<prop::sample::Index>(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        sorts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..3),
        at_most in 1usize..40, ids in any::<u8>(),
    ) {
        let who = patient(who);
        let reached = plain(&who);
        let own: Vec<&Document> = WORLD.all.iter().filter(|document| reached.reaches(&name(document))).collect();
        let document = own[of.index(own.len())];
        let kind = read(document).kind();
        if !searchable().any(|known| known == kind) {
            return Ok(());
        }
        let own_terms = terms(&read(document));
        let mut pairs: Vec<(String, String)> = Vec::new();
        if !own_terms.is_empty() {
            pairs.extend(picks.iter().map(|(at, dice)| pair(&own_terms[at.index(own_terms.len())], *dice)));
        }
        if ids < 20 {
            pairs.push(("_id".to_owned(), format!("{},nothing,p-0001", name(document).1)));
        } else if ids < 60 {
            let at = read(document).last_updated().unwrap().to_string();
            pairs.push(("_lastUpdated".to_owned(), format!("{}{at}", ["", "gt", "le", "ne"][usize::from(ids) % 4])));
        }
        let can: Vec<_> = parameters(kind).iter().filter(|parameter| SortKey::can(parameter)).map(|one| one.name)
            .chain(["_id", "_lastUpdated"]).collect();
        if !sorts.is_empty() {
            let keys: Vec<String> = sorts.iter()
                .map(|(at, down)| format!("{}{}", if *down { "-" } else { "" }, can[at.index(can.len())])).collect();
            pairs.push(("_sort".to_owned(), keys.join(",")));
        }
        agree(&who, &query(kind, &pairs), at_most);
    }
}

/// A page on which the gate shows what it may of these rows.
fn judged(permit: Permit, rows: Vec<Row>) -> Vec<Id> {
    let mut page = Judging::begin(permit, Wanted { count: 500, total: false }, Cursor::Start);
    page.add(Phi::new(Chunk { rows, next: None })).unwrap();
    released(page)
}

fn released(page: Judging) -> Vec<Id> {
    let gate = privacy::Gate::new(WORLD.store.ledger());
    let page = WORLD.runtime.block_on(gate.release(page.close(), at(0))).unwrap();
    page.deliver().1.rows.into_iter().map(|row| row.id).collect()
}

#[test]
fn narrowing_takes_away_nothing_that_the_gate_would_show() {
    let mut compared = 0;
    for (purpose, scopes) in [
        (Purpose::PatientRequest, "patient/*.rs"),
        (
            Purpose::PatientRequest,
            "patient/Practitioner.rs patient/Encounter.r patient/Organization.s patient/Provenance.rs",
        ),
        (Purpose::Treatment, "patient/*.rs"),
        (Purpose::Payment, "patient/*.rs"),
        (
            Purpose::PatientRequest,
            "patient/Observation.rs?category=laboratory patient/Observation.s?category=social-history&status=final \
             patient/Observation.r patient/Practitioner.s patient/PractitionerRole.rs patient/Provenance.rs \
             patient/Organization.rs?type=prov patient/Encounter.r?status=finished&class=AMB",
        ),
        (
            Purpose::PatientRequest,
            "patient/Observation.rs?category=vital-signs,survey patient/Practitioner.s patient/Provenance.rs \
             patient/MedicationRequest.s?status=active patient/Medication.s patient/Location.s \
             patient/PractitionerRole.r?specialty=207Q00000X patient/Organization.rs",
        ),
    ] {
        let policies = Policies::shipped(|_| "test".to_owned()).unwrap();
        for (at, kind) in
            (0..).zip([Practitioner, PractitionerRole, Organization, Location, Medication, Provenance, Observation])
        {
            let who = patient(at);
            let permit = || {
                let principal = Arc::new(Principal { purpose, ..principal(&[who.as_str()], scopes) });
                let question = Question {
                    interaction: Interaction::Search,
                    kind,
                    id: None,
                    query: None,
                    trace: privacy::Trace::default(),
                };
                decide(Facts { principal: &principal, question, reach: Subject::Nobody, policies: &policies }).ok()
            };
            let (Some(permit_here), Some(permit_there)) = (permit(), permit()) else { continue };
            // Every record of the type, with everything of the patient's and everything shared beside it.
            let own = About::Patients(vec![who.clone()]);
            let beside = WORLD.all.iter().filter(|one| about(&read(one)) == own || is_shared(name(one).0));
            let beside: Vec<Document> = beside.cloned().collect();
            let rows = WORLD.all.iter().filter(|one| name(one).0 == kind).map(|content| Row {
                content: content.clone(),
                standing: Standing::Match,
                after: Cursor::Start,
                evidence: beside.clone(),
            });
            let mut expected = judged(permit_here, rows.collect());
            expected.sort();
            let query = Query::everything(kind, "");
            let mut page = Judging::begin(permit_there, Wanted { count: 500, total: false }, Cursor::Start);
            while let Some(from) = page.wants() {
                page.add(WORLD.runtime.block_on(WORLD.store.find(page.permit(), &query, &from, 50)).unwrap()).unwrap();
            }
            let shown = released(page);
            compared += shown.len();
            assert_eq!(shown, expected, "{who} {kind} {purpose} {scopes}");
        }
    }
    assert!(compared > 30, "{compared}");
}

/// What the gate shows of a search, companions included.
fn shown(permit: Permit, query: &Query) -> Vec<(ResourceType, Id, Standing)> {
    let mut page = Judging::begin(permit, Wanted { count: 500, total: false }, Cursor::Start);
    while let Some(from) = page.wants() {
        let found = WORLD.runtime.block_on(WORLD.store.find(page.permit(), query, &from, 50)).unwrap();
        page.add(found).unwrap();
    }
    let gate = privacy::Gate::new(WORLD.store.ledger());
    let page = WORLD.runtime.block_on(gate.release(page.close(), at(0))).unwrap();
    page.deliver().1.rows.into_iter().map(|row| (row.kind, row.id, row.standing)).collect()
}

#[test]
fn the_gate_shows_all_that_is_found_but_what_its_policy_bars() {
    for who in 0..PEOPLE as usize {
        let who = patient(who);
        let plain = plain(&who);
        for kind in searchable() {
            let visible = |document: &&Document| {
                let barred = labels(&read(document)).contains(&Label::PsychotherapyNote);
                read(document).kind() == kind && plain.reaches(&name(document)) && !barred
            };
            let mut expected: Vec<_> = WORLD.all.iter().filter(visible).map(|document| name(document).1).collect();
            expected.sort();
            let shown = shown(to_search(who.as_str(), kind), &Query::everything(kind, ""));
            let shown: Vec<Id> = shown.into_iter().map(|(_, id, _)| id).collect();
            assert_eq!(shown, expected, "{who} {kind}");
        }
    }
}

#[test]
fn medications_and_provenances_come_along_when_asked_for() {
    let (mut medications, mut provenances) = (0, 0);
    for who in 0..PEOPLE as usize {
        let who = patient(who);
        let with = [
            ("_include".to_owned(), "MedicationRequest:medication".to_owned()),
            ("_revinclude".to_owned(), "Provenance:target".to_owned()),
        ];
        let shown = shown(to_search(who.as_str(), MedicationRequest), &query(MedicationRequest, &with));
        let by_name: HashMap<_, _> = WORLD.all.iter().map(|document| (name(document), document)).collect();
        let mut expected = BTreeSet::new();
        for (kind, id, standing) in &shown {
            if *standing == Standing::Match {
                let targets = refers(by_name[&(*kind, id.clone())]);
                expected.extend(targets.into_iter().filter(|(kind, _)| *kind == Medication));
                let tells = |document: &&Document| match about(&read(document)) {
                    About::Targets(targets) => targets.contains(&(*kind, id.clone())),
                    About::Patients(_) | About::Shared | About::Owner | About::Unknown => false,
                };
                expected.extend(WORLD.all.iter().filter(tells).map(name));
            }
        }
        let included: BTreeSet<_> =
            shown.into_iter().filter(|row| row.2 == Standing::Include).map(|(kind, id, _)| (kind, id)).collect();
        assert_eq!(included, expected, "{who}");
        medications += included.iter().filter(|(kind, _)| *kind == Medication).count();
        provenances += included.iter().filter(|(kind, _)| *kind == Provenance).count();
    }
    assert!(medications > 0 && provenances > 0, "{medications} {provenances}");
}

fn fetched(permit: &Permit, kind: ResourceType, id: &Id) -> Chunk {
    WORLD.runtime.block_on(WORLD.store.fetch(permit, kind, id, None)).unwrap().into_exposed()
}

#[test]
fn a_binary_is_fetched_with_the_document_that_has_it_by_its_patient_alone() {
    let mut fetched_some = 0;
    for document in WORLD.all.iter().filter(|document| read(document).kind() == DocumentReference) {
        let About::Patients(owner) = about(&read(document)) else { panic!("a document of nobody") };
        if labels(&read(document)).contains(&Label::PsychotherapyNote) {
            continue;
        }
        for (kind, id) in refers(document).into_iter().filter(|(kind, _)| *kind == Binary) {
            for who in 0..PEOPLE as usize {
                let who = patient(who);
                let chunk = fetched(&to_read(who.as_str(), kind, id.as_str()), kind, &id);
                assert_eq!(chunk.rows.len(), usize::from(owner.contains(&who)));
                fetched_some += chunk.rows.iter().filter(|row| !row.evidence.is_empty()).count();
            }
        }
    }
    assert!(fetched_some > 0);
    let none = WORLD.runtime.block_on(WORLD.store.find(
        &permit_of(principal(&["p-0000"], "patient/*.rs"), Interaction::Search, Binary, None),
        &Query::everything(Binary, ""),
        &Cursor::Start,
        50,
    ));
    assert!(none.unwrap().into_exposed().rows.is_empty());
}

#[test]
fn a_place_that_is_not_this_searchs_leads_nowhere() {
    let sorted = query(Observation, &[("_sort".to_owned(), "-date,code".to_owned())]);
    let permit = to_search("p-0000", Observation);
    let upstream = Cursor::Upstream { link: "https://x".into(), skip: 0 };
    let places =
        ["", "[]", "[\"a\"]", "[1,\"c\",\"a/b\"]", "[\"x\",\"c\",\"a\"]", "[1,2,\"a\"]", "[1,\"c\",\"d\",\"a\"]", "{}"];
    for place in places.map(|text| Cursor::Store(text.to_owned())).into_iter().chain([upstream]) {
        let refused = WORLD.runtime.block_on(WORLD.store.find(&permit, &sorted, &place, 5));
        assert!(refused.is_err_and(|why| why.kind() == privacy::Kind::Gone), "{place:?}");
    }
}

#[test]
fn a_clinician_has_in_care_whom_the_population_says() {
    let in_care = |name: &str| {
        let found = WORLD.runtime.block_on(WORLD.store.patients_in_care_of(&id(name))).unwrap();
        found.iter().map(Id::to_string).collect::<Vec<_>>()
    };
    let people = |which: fn(&u32) -> bool| {
        let mut ids: Vec<String> =
            (0..PEOPLE).filter(which).map(|index| population::person(SEED, index).patient).collect();
        ids.sort();
        ids
    };
    let clinicians = population::clinicians(SEED);
    assert_eq!(in_care(&clinicians[0].practitioner), people(|index| index % 2 == 0));
    assert_eq!(in_care(&clinicians[1].practitioner), people(|index| index % 4 == 1));
    assert!(in_care("nobody").is_empty());
    assert_eq!(WORLD.runtime.block_on(WORLD.store.count(Patient)).unwrap(), u64::from(PEOPLE));
}

#[test]
fn what_is_stored_reads_as_what_was_put() {
    let resource = document(ODDITIES[0].as_bytes());
    let stored = WORLD.all.iter().find(|document| name(document) == name(&resource)).unwrap();
    for member in resource.root().members().filter(|member| member.key != "meta") {
        assert_eq!(stored.root().get(&member.key).unwrap().raw(), member.value.raw());
    }
}
