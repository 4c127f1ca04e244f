//! A sandbox's folder: marked as one at its first start, and never anything else. Strangers know the passwords of its people and
//! have registered apps in it, so it is not to become a real gateway's; nor is a folder with people in it to become a sandbox.

use crate::config::Config;
use crate::demo;
use fhir::ResourceType;
use server::keys::write_new;
use server::ports::Ports;
use smart::Authority;
use store::{Namespace, Store};

/// What marks the folder.
const MARK: &str = "sandbox";

/// Holds the folder against what the configuration says it is.
///
/// # Errors
/// One sentence: it is the other thing.
pub(crate) async fn agrees(config: &Config, store: &Store) -> Result<(), String> {
    let (folder, mark) = (config.data.display(), config.data.join(MARK));
    match (config.sandbox.is_some(), mark.exists()) {
        (true, true) | (false, false) => Ok(()),
        (false, true) => Err(format!(
            "{folder} was a sandbox's, and strangers know who signs in there; name another folder under [store]"
        )),
        (true, false) => {
            let unread = |why: store::StoreError| why.to_string();
            let patients = store.count(ResourceType::Patient).await.map_err(unread)?;
            let accounts = store.documents().count(Namespace::Account).await.map_err(unread)?;
            if patients > 0 || accounts > 0 {
                return Err(format!("{folder} holds people; begin a sandbox in a folder of its own, under [store]"));
            }
            write_new(&mark, b"").map_err(|why| format!("{}: {why}", mark.display()))
        }
    }
}

/// Lets the people of a sandbox sign in, as its configuration says now.
///
/// # Errors
/// One sentence.
pub(crate) async fn people(config: &Config, authority: &Authority<Ports>) -> Result<(), String> {
    for user in config.sandbox.iter().flatten() {
        demo::test_user(authority, user).await?;
    }
    Ok(())
}
