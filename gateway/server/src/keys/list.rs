//! Which signing key is which: `ring.json` in the folder of the keys, written whole each time and swapped in.
//!
//! A key that is to sign or signs stands in a file of its own. Of one that signs no more only the public half is kept, in
//! the list itself. Without a list the two first keys sign.

use super::ring::{Half, Held, State, Use};
use super::{KeyFault, failed, read_key};
use certs::jwk::{Alg, PublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// The file.
const FILE: &str = "ring.json";

/// All lines.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    keys: Vec<Line>,
}

/// One key: its private half in a file, or its public half here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "use")]
    usage: Use,
    state: State,
    since_s: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<Map<String, Value>>,
}

/// Whether keys were ever rotated here.
pub(super) fn is_there(folder: &Path) -> bool {
    folder.join(FILE).exists()
}

/// Every key.
pub(super) fn read(folder: &Path) -> Result<Vec<Held>, KeyFault> {
    if !is_there(folder) {
        let first = |usage: Use| -> Result<Held, KeyFault> {
            let file = usage.first_file().to_owned();
            let key = read_key(&folder.join(&file))?;
            Ok(Held { usage, state: State::Signing, since_s: 0, half: Half::Private(Arc::new(key), file) })
        };
        return Use::ALL.into_iter().map(first).collect();
    }
    let path = folder.join(FILE);
    let text = fs::read(&path).map_err(failed(&path))?;
    let odd = || KeyFault::Content(path.clone());
    let list: List = serde_json::from_slice(&text).map_err(|_| odd())?;
    let held = |line: Line| -> Result<Held, KeyFault> {
        let Line { usage, state, since_s, file, jwk } = line;
        let half = match (state, file, jwk) {
            // A name alone: never a path that leads elsewhere.
            (State::Next | State::Signing, Some(file), None) if Path::new(&file).file_name() == Some(file.as_ref()) => {
                Half::Private(Arc::new(read_key(&folder.join(&file))?), file)
            }
            (State::Former, None, Some(jwk)) => {
                Half::Public(Box::new(PublicKey::from_jwk(&jwk, Alg::Rs256).map_err(|_| odd())?))
            }
            (State::Next | State::Signing | State::Former, _, _) => return Err(odd()),
        };
        Ok(Held { usage, state, since_s, half })
    };
    list.keys.into_iter().map(held).collect()
}

/// Writes the list down, and then takes the files away that it names no more.
pub(super) fn write(folder: &Path, keys: &[Held]) -> Result<(), KeyFault> {
    let line = |held: &Held| {
        let (file, jwk) = match &held.half {
            Half::Private(_, file) => (Some(file.clone()), None),
            Half::Public(key) => (None, key.to_jwk().as_object().cloned()),
        };
        Line { usage: held.usage, state: held.state, since_s: held.since_s, file, jwk }
    };
    let list = List { keys: keys.iter().map(line).collect() };
    let (path, whole) = (folder.join(FILE), folder.join("ring.tmp"));
    let text = serde_json::to_vec_pretty(&list).map_err(|_| KeyFault::Content(path.clone()))?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&whole).map_err(failed(&whole))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed(&whole))?;
    fs::rename(&whole, &path).map_err(failed(&path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))?;
    sweep(folder, &list)
}

/// Private halves that no line names: of keys that sign no more, or whose making was cut off.
fn sweep(folder: &Path, list: &List) -> Result<(), KeyFault> {
    let named: BTreeSet<&str> = list.keys.iter().filter_map(|line| line.file.as_deref()).collect();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if Use::ALL.iter().any(|usage| usage.is_file(name)) && !named.contains(name) {
            fs::remove_file(&path).map_err(failed(&path))?;
        }
    }
    Ok(())
}
