//! Filling a source with the synthetic population, once.

use conformance::population::{Resource, person, shared};
use fhir::{Id, ResourceType};
use indicatif::{ProgressBar, ProgressStyle};
use json::{Document, Limits};
use privacy::Phi;
use server::clock;
use server::records::Records;
use std::fs;
use std::path::Path;
use store::{Put, Store};

/// Puts the population into the source, unless this folder says that it was done.
pub(crate) async fn seed(data: &Path, store: &Store, records: &Records, seed: u64, people: u32) -> Result<(), String> {
    let done = data.join("seeded");
    if done.exists() {
        return Ok(());
    }
    let bar = ProgressBar::new(u64::from(people) + 1).with_message("people");
    if let Ok(style) = ProgressStyle::with_template("Growing a population {wide_bar} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    put(store, records, shared(seed)).await?;
    bar.inc(1);
    for index in 0..people {
        put(store, records, person(seed, index).resources).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    fs::write(&done, b"").map_err(|why| format!("{}: {why}; name another folder with --data", done.display()))
}

async fn put(store: &Store, records: &Records, resources: Vec<Resource>) -> Result<(), String> {
    match records {
        Records::Store(_) => {
            let puts = resources.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
            store.put(puts, clock::now()).await.map(|_| ()).map_err(|why| why.to_string())
        }
        Records::Upstream(upstream) => {
            let parse = |resource: Resource| {
                Document::parse(resource.json.into(), &Limits::DEFAULT).map(Phi::new).map_err(|why| why.to_string())
            };
            let documents = resources.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            upstream.put_all(&documents).await.map_err(|why| {
                format!(
                    "the server behind --upstream did not take the population: {}",
                    why.private().unwrap_or(why.public())
                )
            })
        }
    }
}

fn record(resource: Resource) -> Result<Put, String> {
    let kind: ResourceType = resource.kind.parse().map_err(|_| "a made-up record of no known type")?;
    let id = Id::parse(&resource.id).map_err(|why| why.to_string())?;
    Ok(Put::new(kind, id, Phi::new(resource.json.into())))
}
