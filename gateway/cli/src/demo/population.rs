//! Filling a source with the synthetic population, once.
//!
//! A server behind us is filled only when it is empty or carries the demo's mark: a record that is not the demo's is never
//! written over.

use conformance::population::{Resource, person, shared};
use fhir::{Id, ResourceType};
use indicatif::{ProgressBar, ProgressStyle};
use json::{Document, Limits};
use privacy::{Phi, Refusal};
use server::clock;
use server::records::Records;
use server::upstream::{Claim, Upstream};
use std::fs;
use std::path::Path;
use store::{Put, Store};

/// Puts the population into the source, unless it is there already.
pub(crate) async fn seed(data: &Path, store: &Store, records: &Records, seed: u64, people: u32) -> Result<(), String> {
    match records {
        Records::Store(_) => {
            let done = data.join("seeded");
            if done.exists() {
                return Ok(());
            }
            grow(seed, people, |resources| keep(store, resources)).await?;
            fs::write(&done, b"").map_err(|why| format!("{}: {why}; name another folder with --data", done.display()))
        }
        Records::Upstream(upstream, _) => {
            let population = format!("seed {seed}, {people} people");
            match upstream.claim().await.map_err(|why| unusable(&why))? {
                Claim::Ours(Some(whole)) if whole == population => return Ok(()),
                Claim::Ours(_) | Claim::Empty => {}
                Claim::Foreign => {
                    return Err(
                        "the server behind --upstream holds records that no demo wrote; name an empty one, because \
                                the demo fills it with people who do not exist"
                            .to_owned(),
                    );
                }
            }
            // The mark goes first: a demo that is cut off may go on where it was.
            upstream.mark(None).await.map_err(|why| unusable(&why))?;
            grow(seed, people, |resources| send(upstream, resources)).await?;
            upstream.mark(Some(&population)).await.map_err(|why| unusable(&why))
        }
    }
}

/// Makes everyone up, and hands over one after the other.
async fn grow(seed: u64, people: u32, put: impl AsyncFn(Vec<Resource>) -> Result<(), String>) -> Result<(), String> {
    let bar = ProgressBar::new(u64::from(people) + 1).with_message("people");
    if let Ok(style) = ProgressStyle::with_template("Growing a population {wide_bar} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    put(shared(seed)).await?;
    bar.inc(1);
    for index in 0..people {
        put(person(seed, index).resources).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

async fn keep(store: &Store, resources: Vec<Resource>) -> Result<(), String> {
    let puts = resources.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
    store.put(puts, clock::now()).await.map(|_| ()).map_err(|why| why.to_string())
}

async fn send(upstream: &Upstream, resources: Vec<Resource>) -> Result<(), String> {
    let parse = |resource: Resource| {
        Document::parse(resource.json.into(), &Limits::DEFAULT).map(Phi::new).map_err(|why| why.to_string())
    };
    let documents = resources.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    upstream.put_all(&documents).await.map_err(|why| unusable(&why))
}

fn unusable(why: &Refusal) -> String {
    format!(
        "the server behind --upstream cannot be used ({}); name the base of a FHIR R4 server that takes transactions",
        why.private().unwrap_or(why.public())
    )
}

fn record(resource: Resource) -> Result<Put, String> {
    let kind: ResourceType = resource.kind.parse().map_err(|_| "a made-up record of no known type")?;
    let id = Id::parse(&resource.id).map_err(|why| why.to_string())?;
    Ok(Put::new(kind, id, Phi::new(resource.json.into())))
}
