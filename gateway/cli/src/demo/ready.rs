//! The ready file: all that a test or a script needs to use a running demo.

use super::cast::Cast;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

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
                    "pid_3": user.pid_3,
                })
            })
            .collect();
        let clients: Vec<Value> = cast
            .clients
            .iter()
            .map(|app| {
                let mut client = json!({ "client_id": app.client_id, "redirect_uris": app.redirect_uris });
                if let (Some(secret), Some(members)) = (&app.client_secret, client.as_object_mut()) {
                    members.insert("client_secret".to_owned(), json!(secret));
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

    /// Writes the file whole: whoever sees it sees all of it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), String> {
        let failed =
            |why: std::io::Error| format!("the ready file {}: {why}; name another with --ready-file", path.display());
        let whole = path.with_extension("tmp");
        fs::write(&whole, format!("{:#}\n", self.document)).map_err(failed)?;
        fs::rename(&whole, path).map_err(failed)
    }

    pub(crate) fn text<'a>(&'a self, pointer: &str) -> &'a str {
        self.document.pointer(pointer).and_then(Value::as_str).unwrap_or("")
    }
}
