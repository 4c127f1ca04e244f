//! The ready file: all that a test or a script needs to use a running demo.

use super::cast::Cast;
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Takes away the file of a demo that runs no more: while it is not there, nobody is ready.
pub(crate) fn forget(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(refused(path, &why)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether there is a folder for the file: what stands in the way is said before anything is made.
pub(crate) fn may_be_written(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = fs::metadata(folder).map_err(|why| refused(path, &why))?;
    if found.is_dir() && !path.is_dir() { Ok(()) } else { Err(refused(path, &io::ErrorKind::NotADirectory.into())) }
}

fn refused(path: &Path, why: &io::Error) -> String {
    format!("the ready file {}: {why}; name another with --ready-file", path.display())
}

/// What a running demo offers.
pub(crate) struct Ready {
    pub(crate) document: Value,
}

impl Ready {
    pub(crate) fn new(origin: &str, ca: &Path, mllp_port: u16, cast: &Cast) -> Ready {
        let users: Vec<Value> = cast
            .users
            .iter()
            .map(|user| {
                json!({
                    "username": user.username,
                    "password": user.password,
                    "name": user.name,
                    "fhir_user": user.fhir_user,
                    "patient": user.patient,
                    "acts_for": user.acts_for,
                    "pid_3": user.pid_3,
                    "pid_5": user.born.as_ref().map(|born| &born.name),
                    "pid_7": user.born.as_ref().map(|born| &born.date),
                    "pid_8": user.born.as_ref().map(|born| &born.sex),
                })
            })
            .collect();
        let clients: Vec<Value> = cast
            .clients
            .iter()
            .map(|app| {
                let mut client = json!({ "client_id": app.client_id, "redirect_uris": app.redirect_uris });
                if let Some(members) = client.as_object_mut() {
                    let secret = app.client_secret.as_ref().map(|secret| ("client_secret".to_owned(), json!(secret)));
                    let key = app.jwk.as_ref().map(|key| ("jwk".to_owned(), key.clone()));
                    let launch = app.launch_uri.as_ref().map(|uri| ("launch_uri".to_owned(), json!(uri)));
                    members.extend(secret.into_iter().chain(key).chain(launch));
                }
                client
            })
            .collect();
        Ready {
            document: json!({
                "base_url": origin,
                "fhir_base": format!("{origin}/fhir"),
                "ca_cert": ca.to_string_lossy(),
                "mllp": format!("127.0.0.1:{mllp_port}"),
                "users": users,
                "clients": clients,
            }),
        }
    }

    /// Writes the file whole, for its owner alone, since passwords stand in it: whoever sees it sees all of it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), String> {
        let failed = |why: io::Error| refused(path, &why);
        let whole = path.with_extension("tmp");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&whole);
        file.and_then(|mut file| writeln!(file, "{:#}", self.document)).map_err(failed)?;
        fs::rename(&whole, path).map_err(failed)
    }

    pub(crate) fn text<'a>(&'a self, pointer: &str) -> &'a str {
        self.document.pointer(pointer).and_then(Value::as_str).unwrap_or("")
    }
}
