//! `sluice init`: a folder with a configuration that holds, keys of its own, an empty store, and a throwaway certificate for
//! localhost.
//!
//! Never writes over anything.

use crate::out;
use certs::dev_ca::{Ca, Leaf};
use server::clock;
use server::keys::{Keys, write_new};
use std::fs;
use std::path::Path;
use store::{Options, Store};

/// The configuration that is written.
const EXAMPLE: &str = include_str!("example.toml");

/// Makes the folder.
///
/// # Errors
/// One sentence that names the file.
pub(crate) async fn run(folder: &Path) -> Result<(), String> {
    let config = folder.join("sluice.toml");
    if config.exists() {
        return Err(format!("{} is there already and stays as it is; name another folder", config.display()));
    }
    let failed = |path: &Path, why: &dyn std::fmt::Display| {
        format!("{}: {why}; name a folder that this user can write", path.display())
    };
    let tls = folder.join("tls");
    fs::create_dir_all(&tls).map_err(|why| failed(&tls, &why))?;
    let now = clock::now().seconds();
    let ca = Ca::new(now).map_err(|why| why.to_string())?;
    let issued = ca.issue(&Leaf::LOCALHOST, now).map_err(|why| why.to_string())?;
    let data = folder.join("data");
    Keys::make(&data.join("keys")).map_err(|why| why.to_string())?;
    let store = Store::open(&data, Options::new(clock::now())).await.map_err(|why| why.to_string())?;
    store.close().await;
    // The configuration last: it says that the rest is there. The authority's key is forgotten here.
    let files = [
        (tls.join("ca.pem"), ca.cert_pem.as_bytes()),
        (tls.join("cert.pem"), issued.cert_pem.as_bytes()),
        (tls.join("key.pem"), issued.key_pem.as_bytes()),
        (config.clone(), EXAMPLE.as_bytes()),
    ];
    for (path, content) in files {
        write_new(&path, content).map_err(|why| failed(&path, &why))?;
    }
    let shown = config.display();
    out::line(&format!(
        "Written: {shown}\nThe certificate in {} is a throwaway one for localhost; put a real one in its place.\n\
         Next: edit {shown}, then run `sluice check-config -c {shown}` and `sluice serve -c {shown}`.",
        tls.display()
    ))
}
