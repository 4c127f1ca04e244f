//! Asking one request, and holding what comes back against the scan and the permission oracle.

use super::cast::View;
use super::request::Step;
use super::scan;
use super::stage::{ORIGIN, Source, Stage};
use crate::http::{Answer, Connection};
use crate::oracle::answer::{Asked, asked, is_own_read};
use crate::oracle::ask::Search;
use crate::oracle::{Name, Word, kind, list, name, reference};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

/// Pages of one search that are followed.
const PAGES_MAX: usize = 300;
/// Times that a request is sent again because its client was too quick.
const THROTTLED_MAX: usize = 20;

/// Sends a request in one of the worlds and, if it is a search that succeeds, follows its pages to the end.
///
/// # Errors
/// What the connection says.
pub async fn ask(stage: &Stage, connection: &mut Connection, side: usize, step: &Step) -> io::Result<Vec<Answer>> {
    let bearer = stage.bearer(step.actor, side, connection).await;
    let mut headers: Vec<(&str, &str)> =
        step.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let body = step.body();
    let mut first = headers.clone();
    if body.is_some() {
        first.push(("content-type", "application/x-www-form-urlencoded"));
    }
    let mut answers = vec![send(connection, &step.method, &step.target(), &first, body.as_deref()).await?];
    while answers.len() < PAGES_MAX
        && let Some(next) = answers.last().and_then(next_of)
    {
        answers.push(send(connection, "GET", &next, &headers, None).await?);
    }
    Ok(answers)
}

/// One exchange; a client that was too quick waits as it is told.
async fn send(
    connection: &mut Connection,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> io::Result<Answer> {
    for _ in 0..THROTTLED_MAX {
        let answer = connection.send(method, target, headers, body.map(str::as_bytes)).await?;
        let Some(seconds) = answer.header("retry-after").filter(|_| answer.status == 429) else { return Ok(answer) };
        tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap_or(1))).await;
    }
    Err(io::Error::other("throttled for ever"))
}

/// The next page's path and query.
pub fn next_of(answer: &Answer) -> Option<String> {
    if answer.status != 200 || !answer.body.starts_with(b"{\"resourceType\":\"Bundle\"") {
        return None;
    }
    let bundle = answer.json();
    let next = list(&bundle, "link").iter().find(|link| link["relation"] == "next")?;
    next["url"].as_str()?.strip_prefix(ORIGIN).map(str::to_owned)
}

/// Whether the answers to a request show nothing that its caller may not see, and all that is due.
///
/// # Errors
/// What is wrong.
pub fn check(stage: &Stage, step: &Step, answers: &[Answer]) -> Result<(), String> {
    let view = stage.actors[step.actor].view(&step.path);
    let question = format!(
        "{} {}",
        step.target(),
        step.pairs().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    );
    for answer in answers {
        no_canary(view, answer, &question)?;
        if answer.header("content-encoding").is_some() {
            return Err("an answer is encoded, which nobody asked for".to_owned());
        }
    }
    let Some(first) = answers.first() else { return Ok(()) };
    match step.kind {
        "public" if first.status != 200 && !step.path.starts_with("/static") => {
            Err(format!("a public page is answered with {}", first.status))
        }
        "public" => Ok(()),
        "authorization" if first.status >= 500 => Err(format!("status {}", first.status)),
        "authorization" => Ok(()),
        "path vector" if first.status < 400 => {
            Err(format!("a path that leads nowhere is answered with {}", first.status))
        }
        "path vector" if first.status >= 500 => Err(format!("status {}", first.status)),
        "path vector" => Ok(()),
        _ => due(stage, view, step, answers),
    }
}

fn no_canary(view: &View, answer: &Answer, question: &str) -> Result<(), String> {
    for bytes in [&answer.head, &answer.body] {
        if let Some(canary) = scan::foreign(bytes, &view.sight.allowed, question) {
            return Err(format!("the canary cnry{canary} of someone else"));
        }
    }
    Ok(())
}

fn due(stage: &Stage, view: &View, step: &Step, answers: &[Answer]) -> Result<(), String> {
    let first = &answers[0];
    let only = |statuses: &[u16]| {
        if statuses.contains(&first.status) {
            Ok(())
        } else {
            Err(format!("status {} where {statuses:?} is due", first.status))
        }
    };
    if view.asker.own.is_none() && !view.asker.everyone {
        return only(&[401]);
    }
    if step.pairs().iter().any(|(name, _)| name == "_page") {
        return only(&[400, 403, 410]);
    }
    match asked(&view.asker, &step.path, &step.pairs(), step.is_lenient()) {
        Asked::Nothing(statuses) => only(&statuses),
        Asked::One(name, version) => one(stage, view, step, first, &name, version.as_deref()),
        Asked::Many(kind, search) => {
            if stage.source == Source::Behind && kind == "Provenance" && !search.by_target {
                return only(&[422]);
            }
            if stage.source == Source::Behind && search.sorts_by_us_core {
                return only(&[400, 200]);
            }
            only(&[200])?;
            if step.method == "HEAD" {
                return bare(first);
            }
            many(stage, view, &kind, &search, answers)
        }
    }
}

fn bare(answer: &Answer) -> Result<(), String> {
    match (answer.body.is_empty(), answer.header("content-length")) {
        (true, Some(_)) => Ok(()),
        (true, None) => Err("HEAD is answered without a length".to_owned()),
        (false, _) => Err("HEAD is answered with a body".to_owned()),
    }
}

fn one(
    stage: &Stage,
    view: &View,
    step: &Step,
    answer: &Answer,
    name: &Name,
    version: Option<&str>,
) -> Result<(), String> {
    let (kind, id) = name;
    let known = match version {
        None => stage.current.iter().find(|row| crate::oracle::name(row) == *name),
        Some(version) => {
            stage.all.iter().rev().find(|row| crate::oracle::name(row) == *name && row["meta"]["versionId"] == *version)
        }
    };
    let word = match (known, version) {
        (None, _) => Word::Hidden,
        (Some(row), None) if is_own_read(&view.asker, name, version) && !crate::oracle::is_barred(row) => Word::Due,
        (Some(row), _) => {
            let version = row["meta"]["versionId"].as_str().unwrap_or("").to_owned();
            *view.sight.versions.get(&(kind.clone(), id.clone(), version)).unwrap_or(&Word::Hidden)
        }
    };
    match (word, answer.status, known) {
        (Word::Hidden | Word::May, 404, _) => Ok(()),
        (Word::Due | Word::May, 304, Some(row)) => {
            let tag = format!("\"{}\"", row["meta"]["versionId"].as_str().unwrap_or(""));
            let asked = step.headers.iter().find(|(name, _)| name == "if-none-match").map_or("", |(_, value)| value);
            let held = asked == "*" || asked.contains(&tag);
            if held && answer.body.is_empty() { Ok(()) } else { Err("304 for what the caller has not".to_owned()) }
        }
        (Word::Due | Word::May, 406, Some(_)) if accept(step) == Some("application/pdf") => Ok(()),
        (Word::Due | Word::May, 200, Some(row)) => {
            if step.method == "HEAD" {
                return bare(answer);
            }
            match accept(step) {
                None => same(&view.asker.given(row), &answer.json())?,
                Some("application/pdf") => return Err("a text was given as what it is not".to_owned()),
                Some(_) => content(row, answer)?,
            }
            let tag = format!("W/\"{}\"", row["meta"]["versionId"].as_str().unwrap_or(""));
            if answer.header("etag") == Some(&tag) {
                Ok(())
            } else {
                Err("the entity tag is of another version".to_owned())
            }
        }
        (Word::Hidden, status, _) => Err(format!("{kind}/{id} may not be seen and is answered with {status}")),
        (Word::Due, status, _) => Err(format!("{kind}/{id} is due and is answered with {status}")),
        (Word::May, status, _) => Err(format!("{kind}/{id} is answered with {status}")),
    }
}

/// In what type a Binary is asked for, where that is not FHIR's.
fn accept(step: &Step) -> Option<&str> {
    step.headers.iter().find(|(name, _)| name == "accept").map(|(_, value)| value.as_str())
}

/// Whether the thing that a Binary holds was given, to be saved and not to be run.
fn content(row: &Value, answer: &Answer) -> Result<(), String> {
    let due = STANDARD.decode(row["data"].as_str().unwrap_or("")).map_err(|why| why.to_string())?;
    let saved = answer.header("content-disposition") == Some("attachment");
    let said = answer.header("content-type") == row["contentType"].as_str();
    if answer.body == due && saved && said {
        Ok(())
    } else {
        Err("a Binary's content is not given as it is".to_owned())
    }
}

/// Whether a record was given as it stands. What a laboratory's message made was written at another time in each source.
fn same(row: &Value, given: &Value) -> Result<(), String> {
    let born = !row["id"].as_str().unwrap_or("").starts_with("cnry");
    let equal = if born {
        let bare = |value: &Value| {
            let mut value = value.clone();
            value.as_object_mut().map(|members| members.remove("meta"));
            value
        };
        bare(row) == bare(given)
    } else {
        row == given
    };
    if equal { Ok(()) } else { Err(format!("{} is not given as it stands", name(row).0)) }
}

/// A page's matches by name, in their order, and its companions.
type Page = (Vec<(Name, Value)>, BTreeMap<Name, Value>);

fn many(stage: &Stage, view: &View, of: &str, search: &Search, answers: &[Answer]) -> Result<(), String> {
    let rows: BTreeMap<Name, (&Value, Word)> =
        stage.current.iter().zip(&view.sight.words).map(|(row, word)| (name(row), (row, *word))).collect();
    let mut pages: Vec<Page> = Vec::new();
    let mut totals = BTreeSet::new();
    let mut is_partial = false;
    for answer in answers {
        if answer.status != 200 {
            return Err(format!("a page is answered with {}", answer.status));
        }
        let bundle = answer.json();
        if bundle["type"] != "searchset" || !list(&bundle, "link").iter().any(|link| link["relation"] == "self") {
            return Err("this is no searchset".to_owned());
        }
        totals.extend(bundle.get("total").and_then(Value::as_u64));
        let (mut matches, mut beside) = (Vec::new(), BTreeMap::new());
        for entry in list(&bundle, "entry") {
            let row = &entry["resource"];
            if entry["search"]["mode"] == "outcome" {
                is_partial = true;
                continue;
            }
            let address = format!("{ORIGIN}/fhir/{}/{}", kind(row), row["id"].as_str().unwrap_or(""));
            if entry["fullUrl"] != address {
                return Err("a row has another's address".to_owned());
            }
            let Some((own, word)) = rows.get(&name(row)) else { return Err("a row that stands nowhere".to_owned()) };
            let matched = entry["search"]["mode"] == "match";
            // What was cut away was looked at all the same: by scopes, by the search, by its order.
            let whole = if view.asker.pays { *own } else { row };
            let reached = if matched { view.asker.scopes.finds(whole) } else { view.asker.scopes.see(whole) };
            if *word == Word::Hidden || !reached {
                return Err(format!("{} may not be seen and is in the page", kind(row)));
            }
            same(&view.asker.given(own), row)?;
            if matched {
                matches.push((name(row), whole.clone()));
            } else {
                beside.insert(name(row), row.clone());
            }
        }
        if matches.len() > search.count.unwrap_or(50) {
            return Err("a page with more matches than were asked for".to_owned());
        }
        pages.push((matches, beside));
    }
    if is_partial != search.is_partial {
        return Err("what was left out of the question is told wrongly".to_owned());
    }
    matched(view, &rows, search, &pages, &totals, (of, stage.source))?;
    pages.iter().try_for_each(|page| companions(view, &rows, search, page))
}

fn matched(
    view: &View,
    rows: &BTreeMap<Name, (&Value, Word)>,
    search: &Search,
    pages: &[Page],
    totals: &BTreeSet<u64>,
    (of, source): (&str, Source),
) -> Result<(), String> {
    let shown: Vec<&(Name, Value)> = pages.iter().flat_map(|(matches, _)| matches).collect();
    let mut names = BTreeSet::new();
    for (name, row) in &shown {
        if name.0 != of || search.meets(row) == Some(false) {
            return Err(format!("a {} that does not meet the search", name.0));
        }
        if !names.insert(name.clone()) {
            return Err(format!("a {} comes twice", name.0));
        }
    }
    let found = |row: &Value| view.asker.scopes.finds(row);
    let fit = |word: Word| rows.iter().filter(move |(name, (row, own))| name.0 == of && *own == word && found(row));
    let due: BTreeSet<&Name> =
        fit(Word::Due).filter(|(_, (row, _))| search.meets(row) == Some(true)).map(|(name, _)| name).collect();
    let perhaps = fit(Word::May).filter(|(_, (row, _))| search.meets(row) != Some(false)).count()
        + fit(Word::Due).filter(|(_, (row, _))| search.meets(row).is_none()).count();
    if search.count != Some(0) {
        if let Some(missing) = due.iter().find(|name| !names.contains(**name)) {
            return Err(format!("{}/{} is due and is not in any page", missing.0, missing.1));
        }
        if let Some(pair) = shown.windows(2).find(|pair| !search.in_order(&pair[0].1, &pair[1].1)) {
            return Err(format!("{} comes before {} though it sorts behind", pair[0].0.1, pair[1].0.1));
        }
    }
    let told = if search.count == Some(0) {
        (due.len() as u64)..=((due.len() + perhaps) as u64)
    } else {
        (shown.len() as u64)..=(shown.len() as u64)
    };
    if let Some(wrong) = totals.iter().find(|total| !told.contains(total)) {
        return Err(format!("a total of {wrong} where {told:?} is right"));
    }
    let wanted = search.count == Some(0) || search.total;
    if wanted && totals.is_empty() && source == Source::Embedded {
        return Err("a total that was asked for is not told".to_owned());
    }
    Ok(())
}

/// Whether each page has the companions of its own matches: all that are due, and no others.
fn companions(
    view: &View,
    rows: &BTreeMap<Name, (&Value, Word)>,
    search: &Search,
    (matches, beside): &Page,
) -> Result<(), String> {
    let names: BTreeSet<&Name> = matches.iter().map(|(name, _)| name).collect();
    let medications: BTreeSet<Name> = matches
        .iter()
        .filter(|_| search.medications)
        .filter_map(|(_, row)| reference(&row["medicationReference"]))
        .collect();
    let tells = |row: &Value| {
        search.provenances && list(row, "target").iter().filter_map(reference).any(|target| names.contains(&target))
    };
    for (name, row) in beside {
        let belongs = match name.0.as_str() {
            "Medication" => medications.contains(name),
            "Provenance" => tells(row),
            _ => false,
        };
        if !belongs {
            return Err(format!("a {} beside matches that it does not belong to", name.0));
        }
    }
    let is_due = |name: &Name, row: &Value| match name.0.as_str() {
        "Medication" => medications.contains(name),
        "Provenance" => tells(row),
        _ => false,
    };
    let missing = rows.iter().find(|(name, (row, word))| {
        *word == Word::Due
            && is_due(name, row)
            && view.asker.scopes.see(row)
            && !beside.contains_key(*name)
            && !names.contains(name)
    });
    match missing {
        Some((name, _)) => Err(format!("{}/{} is due beside its match and is not there", name.0, name.1)),
        None => Ok(()),
    }
}
