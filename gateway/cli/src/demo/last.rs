//! How a demo was last started, so that commands on its stopped folder find the same source and the same link.

use super::cast::Cast;
use bridge::Link;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

/// Where it is kept in the data folder.
const FILE: &str = "last-start.json";

/// How a demo was last started.
pub(crate) struct Last {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// The server that the records are kept in, if it is not the embedded store.
    pub(crate) upstream: Option<String>,
    /// The laboratory's link.
    pub(crate) link: Link,
}

#[derive(Serialize, Deserialize)]
struct Start {
    origin: String,
    upstream: Option<String>,
}

/// Notes how the demo is started now.
pub(super) fn note(data: &Path, origin: &str, upstream: Option<&str>) -> Result<(), String> {
    let path = data.join(FILE);
    let start = Start { origin: origin.to_owned(), upstream: upstream.map(str::to_owned) };
    let text = serde_json::to_vec_pretty(&start).map_err(|why| why.to_string())?;
    let whole = path.with_extension("tmp");
    fs::write(&whole, text)
        .and_then(|()| fs::rename(&whole, &path))
        .map_err(|why| format!("{}: {why}; name another folder with --data", path.display()))
}

/// How the demo of this folder was last started; nothing when it is no demo's.
///
/// # Errors
/// One sentence that names the file.
pub(crate) fn last(data: &Path) -> Result<Option<Last>, String> {
    let Some(cast) = Cast::read(data)? else { return Ok(None) };
    let path = data.join(FILE);
    let failed =
        |why: &dyn std::fmt::Display| format!("{} cannot be read ({why}); start the demo once more", path.display());
    let start = match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|why| failed(&why))?,
        // Killed before it could serve for the first time.
        Err(why) if why.kind() == io::ErrorKind::NotFound => Start { origin: super::ORIGIN.to_owned(), upstream: None },
        Err(why) => return Err(failed(&why)),
    };
    Ok(Some(Last { origin: start.origin, upstream: start.upstream, link: super::link(&cast) }))
}
