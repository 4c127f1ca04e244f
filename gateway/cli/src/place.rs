//! Which gateway a command means, and opening its folder when it does not run.

use crate::args::DataArgs;
use crate::config::{self, Config};
use crate::{demo, serve};
use bridge::{Adapter, Link};
use hl7v2::Hl7v2;
use server::admin::Admin;
use server::keys::Keys;
use server::published::Network;
use server::records::Records;
use server::{Base, Front, clock};
use std::path::PathBuf;
use std::sync::Arc;
use store::{Options, Store};

/// A gateway, by its data folder.
pub(crate) struct Place {
    /// The folder; it is there.
    pub(crate) folder: PathBuf,
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// What is known of it beside.
    known: Known,
}

/// What is known of a gateway beside its folder.
enum Known {
    /// Its configuration.
    Config(Box<Config>),
    /// That it is a demo, as it was last started.
    Demo(demo::Last),
    /// Nothing: the folder of a configured gateway, without the configuration.
    Folder,
}

/// The gateway whose folder or configuration was named.
///
/// # Errors
/// One sentence: the configuration does not hold, or there is no such folder. It is not made in passing.
pub(crate) fn of(args: &DataArgs) -> Result<Place, String> {
    let (folder, origin, known) = match &args.config {
        Some(path) => {
            let config = config::load(path)?;
            (config.data.clone(), config.origin.clone(), Known::Config(Box::new(config)))
        }
        None => match demo::last(&args.data)? {
            Some(last) => (args.data.clone(), last.origin.clone(), Known::Demo(last)),
            None => (args.data.clone(), demo::ORIGIN.to_owned(), Known::Folder),
        },
    };
    if !folder.is_dir() {
        return Err(format!("there is no data folder {}; name one with --data or --config", folder.display()));
    }
    Ok(Place { folder, origin, known })
}

impl Place {
    /// Opens the folder for one command; no gateway may run on it.
    ///
    /// # Errors
    /// One sentence.
    pub(crate) async fn open(self) -> Result<Admin, String> {
        let Place { folder, origin, known } = self;
        let store = Store::open(&folder, Options::new(clock::now())).await.map_err(|why| why.to_string())?;
        let keys = Keys::read(&folder.join("keys")).map_err(|why| why.to_string())?;
        let (records, links, provider) = match known {
            Known::Config(config) => {
                (serve::records(&config, &store)?, serve::links(&config)?, serve::provider(&config)?)
            }
            Known::Demo(last) => (demo::source(last.upstream.as_deref(), &store)?, vec![last.link], None),
            Known::Folder => (Records::Store(store.clone()), Vec::new(), None),
        };
        let links: Vec<(Link, Arc<dyn Adapter>)> =
            links.into_iter().map(|link| (link, Arc::new(Hl7v2) as Arc<dyn Adapter>)).collect();
        let front = Front { provider, ..Front::default() };
        let base = Base { origin, data: folder, store, records, keys, network: Network::default(), front };
        Admin::of_a_stopped_gateway(base, links).await.map_err(|why| why.to_string())
    }
}
