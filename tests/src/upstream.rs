//! An honest FHIR server to stand behind a gateway: in memory, over plain HTTP on loopback.
//!
//! Answers reads, version reads, searches (by `fhir::search`'s plain evaluator) and the transactions of PUTs that a gateway
//! writes. It knows nothing of patients' rights: whatever is asked, it gives.

use bytes::Bytes;
use fhir::bundle::{Mode, SearchSet};
use fhir::outcome::{Issue, IssueCode, outcome};
use fhir::patch::stamp;
use fhir::search::{Handling, Include, Query, SortKey, matches, sort_value};
use fhir::subject::{About, about_at};
use fhir::{Id, Instant, Reference, Resource, ResourceType};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use json::{Document, Limits};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering as AtomicOrdering};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Bytes of a body.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Rows of a page when nothing is said.
const COUNT_DEFAULT: usize = 50;
/// Every so many answers one takes its time, so that a caller can go away meanwhile.
const SLOW_EVERY: u64 = 16;
/// How long that one takes.
const SLOW: Duration = Duration::from_millis(2);
/// Where a page begins: a parameter of our own in our own links.
const OFFSET: &str = "_offset";

/// A running server; it stops when dropped.
pub struct Upstream {
    address: SocketAddr,
    rows: Arc<RwLock<Rows>>,
    serving: JoinHandle<()>,
}

/// All rows, by type and in the order they came.
#[derive(Default)]
struct Rows {
    base: String,
    kinds: BTreeMap<ResourceType, Vec<Row>>,
    asked: AtomicU64,
}

/// One resource with all its versions.
struct Row {
    id: Id,
    versions: Vec<Document>,
    patients: Vec<Id>,
}

impl Row {
    fn current(&self) -> &Document {
        self.versions.last().unwrap()
    }
}

impl Upstream {
    /// An empty server at a free port.
    pub async fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let rows = Arc::new(RwLock::new(Rows { base: base_of(address), ..Rows::default() }));
        let serving = tokio::spawn(serve(listener, Arc::clone(&rows)));
        Upstream { address, rows, serving }
    }

    /// Its FHIR base.
    pub fn base(&self) -> String {
        base_of(self.address)
    }

    /// Keeps a resource (JSON with `resourceType` and `id`) as its next version.
    pub fn put(&self, text: &str, at: Instant) {
        self.rows.write().unwrap().put(text.as_bytes(), at).unwrap();
    }

    /// Forgets a resource.
    pub fn remove(&self, kind: ResourceType, id: &Id) {
        self.rows.write().unwrap().kinds.entry(kind).or_default().retain(|row| row.id != *id);
    }

    /// The current version of every resource.
    pub fn all(&self) -> Vec<Bytes> {
        let rows = self.rows.read().unwrap();
        rows.kinds.values().flatten().map(|row| row.current().bytes().clone()).collect()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn base_of(address: SocketAddr) -> String {
    format!("http://{address}/fhir")
}

async fn serve(listener: TcpListener, rows: Arc<RwLock<Rows>>) {
    // Connections end with the server.
    let mut open = tokio::task::JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        drop(socket.set_nodelay(true));
        while open.try_join_next().is_some() {}
        let rows = Arc::clone(&rows);
        let service = service_fn(move |request| {
            let rows = Arc::clone(&rows);
            async move { Ok::<_, Infallible>(answer(&rows, request).await) }
        });
        open.spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "not the product: a server of the tests answers by itself, within its bound"
)]
async fn answer(rows: &RwLock<Rows>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let nth = rows.read().unwrap().asked.fetch_add(1, AtomicOrdering::Relaxed);
    if nth.is_multiple_of(SLOW_EVERY) {
        tokio::time::sleep(SLOW).await;
    }
    let (status, bytes) = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => route(rows, &parts.method, parts.uri.path(), parts.uri.query().unwrap_or(""), &body.to_bytes()),
        Err(_) => fault(StatusCode::BAD_REQUEST, "the body could not be read"),
    };
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    let media = hyper::header::HeaderValue::from_static("application/fhir+json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, media);
    response
}

type Reply = (StatusCode, Bytes);

fn fault(status: StatusCode, text: &str) -> Reply {
    (status, outcome(&[Issue::error(IssueCode::Processing, text)]).into())
}

fn absent() -> Reply {
    fault(StatusCode::NOT_FOUND, "there is nothing here")
}

fn route(rows: &RwLock<Rows>, method: &Method, path: &str, query: &str, body: &[u8]) -> Reply {
    let Some(rest) = path.strip_prefix("/fhir") else { return absent() };
    let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
    let read = || rows.read().unwrap();
    match (method.as_str(), segments.as_slice()) {
        ("POST", []) => rows.write().unwrap().transaction(body),
        ("GET", [kind]) => read().search(kind, query),
        ("POST", [kind, "_search"]) => read().search(kind, &String::from_utf8_lossy(body)),
        ("GET", [kind, id]) => read().one(kind, id, None),
        ("GET", [kind, id, "_history", version]) => read().one(kind, id, Some(version)),
        (_, _) => absent(),
    }
}

impl Rows {
    fn put(&mut self, bytes: &[u8], at: Instant) -> Result<(), String> {
        let parse = |bytes: Vec<u8>| Document::parse(bytes.into(), &Limits::DEFAULT).map_err(|why| why.to_string());
        let given = parse(bytes.to_vec())?;
        let resource = Resource::of(given.root()).map_err(|why| why.to_string())?;
        let (kind, id) = (resource.kind(), resource.id().ok_or("a resource without an id")?);
        let kept = self.kinds.entry(kind).or_default();
        let place = kept.iter().position(|row| row.id == id);
        let version = place.map_or(1, |place| kept[place].versions.len() + 1);
        let document = parse(stamp(&given, id.as_str(), &version.to_string(), at))?;
        let patients = match about_at(&Resource::of(document.root()).map_err(|why| why.to_string())?, &self.base) {
            About::Patients(patients) => patients,
            About::Shared | About::Targets(_) | About::Owner | About::Unknown => Vec::new(),
        };
        match place {
            Some(place) => {
                kept[place].versions.push(document);
                kept[place].patients = patients;
            }
            None => kept.push(Row { id, versions: vec![document], patients }),
        }
        Ok(())
    }

    fn transaction(&mut self, body: &[u8]) -> Reply {
        let Ok(bundle) = Document::parse(Bytes::copy_from_slice(body), &Limits::DEFAULT) else {
            return fault(StatusCode::BAD_REQUEST, "this is not JSON");
        };
        let entries: Vec<_> = bundle.root().get("entry").into_iter().flat_map(|entries| entries.items()).collect();
        let mut told = Vec::new();
        for entry in entries {
            let Some(resource) = entry.get("resource") else {
                return fault(StatusCode::BAD_REQUEST, "an entry without a resource");
            };
            if let Err(why) = self.put(resource.raw(), server::clock::now()) {
                return fault(StatusCode::BAD_REQUEST, &why);
            }
            told.push(r#"{"response":{"status":"200 OK"}}"#);
        }
        let entries = told.join(",");
        let text = format!(r#"{{"resourceType":"Bundle","type":"transaction-response","entry":[{entries}]}}"#);
        (StatusCode::OK, text.into())
    }

    fn find(&self, kind: ResourceType, id: &Id) -> Option<&Row> {
        self.kinds.get(&kind)?.iter().find(|row| row.id == *id)
    }

    fn one(&self, kind: &str, id: &str, version: Option<&str>) -> Reply {
        let (Ok(kind), Ok(id)) = (kind.parse::<ResourceType>(), Id::parse(id)) else { return absent() };
        let Some(row) = self.find(kind, &id) else { return absent() };
        let document = match version {
            None => Some(row.current()),
            Some(version) => {
                row.versions.iter().enumerate().find(|(at, _)| (at + 1).to_string() == version).map(|(_, own)| own)
            }
        };
        document.map_or_else(absent, |document| (StatusCode::OK, document.bytes().clone()))
    }

    fn search(&self, kind: &str, query: &str) -> Reply {
        let Ok(kind) = kind.parse::<ResourceType>() else { return absent() };
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        let (own, pairs): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == OFFSET);
        let offset = own.first().and_then(|(_, value)| value.parse::<usize>().ok()).unwrap_or(0);
        let asked = match Query::parse(kind, &pairs, Handling::Strict, &self.base) {
            Ok(asked) => asked,
            Err(why) => return fault(StatusCode::BAD_REQUEST, &why.to_string()),
        };
        let found = self.found(&asked);
        let count = asked.count.map_or(COUNT_DEFAULT, |count| count as usize);
        let shown: Vec<&Row> = found.iter().skip(offset).take(count).copied().collect();
        let next = (count > 0 && offset + shown.len() < found.len()).then(|| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&pairs).append_pair(OFFSET, &(offset + shown.len()).to_string());
            format!("{}/{kind}?{}", self.base, query.finish())
        });
        let mut set = SearchSet::begin(&self.base, Some(found.len() as u64), &asked.self_url(), next.as_deref());
        for row in &shown {
            set.row(kind, &row.id, row.current().bytes().clone(), Mode::Match);
        }
        for (kind, row) in self.companions(&asked, &shown) {
            set.row(kind, &row.id, row.current().bytes().clone(), Mode::Include);
        }
        (StatusCode::OK, set.finish().concat().into())
    }

    fn found(&self, asked: &Query) -> Vec<&Row> {
        // Rows of other patients need not be looked at to know that they do not match.
        let patients = asked
            .filters
            .iter()
            .find(|filter| filter.parameter.name == "patient")
            .filter(|_| asked.kind != ResourceType::Provenance);
        let patients: Option<Vec<String>> = patients
            .map(|filter| filter.values.iter().map(|value| value.to_string().replace("Patient/", "")).collect());
        let own = |row: &&Row| {
            let Some(patients) = &patients else { return true };
            row.patients.iter().any(|patient| patients.iter().any(|asked| asked == patient.as_str()))
        };
        let meets = |row: &&Row| Resource::of(row.current().root()).is_ok_and(|resource| matches(asked, &resource));
        let rows = self.kinds.get(&asked.kind).into_iter().flatten();
        let mut found: Vec<&Row> = rows.filter(own).filter(meets).collect();
        if !asked.sort.is_empty() {
            found.sort_by(|one, other| order(&asked.sort, one, other));
        }
        found
    }

    /// What matches refer to, and where they come from, as far as it was asked for.
    fn companions(&self, asked: &Query, shown: &[&Row]) -> Vec<(ResourceType, &Row)> {
        let mut beside = Vec::new();
        for include in asked.includes.iter().chain(&asked.revincludes) {
            match include {
                Include::MedicationRequestMedication => {
                    let kind = ResourceType::Medication;
                    let named: Vec<Id> = shown.iter().flat_map(|row| pointed(row, kind)).collect();
                    beside.extend(
                        self.kinds
                            .get(&kind)
                            .into_iter()
                            .flatten()
                            .filter(|row| named.contains(&row.id))
                            .map(|row| (kind, row)),
                    );
                }
                Include::ProvenanceTarget => {
                    let kind = ResourceType::Provenance;
                    let of = |row: &&Row| {
                        pointed(row, asked.kind).iter().any(|id| shown.iter().any(|shown| shown.id == *id))
                    };
                    beside.extend(self.kinds.get(&kind).into_iter().flatten().filter(of).map(|row| (kind, row)));
                }
            }
        }
        beside
    }
}

/// The resources of a type that a row refers to.
fn pointed(row: &Row, kind: ResourceType) -> Vec<Id> {
    let Ok(resource) = Resource::of(row.current().root()) else { return Vec::new() };
    let local = |value: json::Value<'_>| {
        let reference = Reference::parse(&value.text()?);
        reference.local().filter(|(to, _)| *to == kind).map(|(_, id)| id.clone())
    };
    resource.references().into_iter().filter_map(local).collect()
}

/// By the first key, then the next; rows without a value come last, whichever the direction.
fn order(keys: &[SortKey], one: &Row, other: &Row) -> Ordering {
    let value =
        |row: &Row, key: &SortKey| Resource::of(row.current().root()).ok().and_then(|row| sort_value(&row, key));
    let by = |key: &SortKey| match (value(one, key), value(other, key)) {
        (Some(one), Some(other)) if key.descending => other.cmp(&one),
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    keys.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
