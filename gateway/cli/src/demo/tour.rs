//! A short tour on the terminal: what to open, what to send, what to look at.

use super::ready::Ready;
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// Prints the tour; a closed terminal is no reason to stop serving.
pub(crate) fn print(ready: &Ready, data: &Path) {
    let mut text = format!(
        "\nSluice is up, with people who do not exist.\n\n\
         1. Trust its throwaway authority in your tools: {}\n\
         2. Open {} in a browser.\n\
         3. Authorize an app: FHIR base {}, client demo-public, any loopback redirect ending in /callback.\n\
         4. Send a laboratory's HL7 v2 message by MLLP to {} (times without an offset are taken as {}).\n\
         5. Look at what came and what was disclosed, while this runs, from another terminal:\n\
         \x20     sluice journal list --data {}\n\
         \x20     sluice ledger export --data {}\n\n\
         Who can sign in:\n",
        ready.text("/ca_cert"),
        ready.text("/base_url"),
        ready.text("/fhir_base"),
        ready.text("/mllp"),
        super::ZONE,
        data.display(),
        data.display(),
    );
    for user in ready.document.get("users").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or("");
        text.push_str(&format!(
            "   {:<28} {:<16} {} {}\n",
            part("username"),
            part("password"),
            part("fhir_user"),
            part("pid_3")
        ));
    }
    text.push_str("\nThe last column is PID-3 of a message about that person. Ctrl-C stops.\n");
    say(&text);
}

/// Says that it is stopping.
pub(crate) fn stopping() {
    say("\nStopping: open requests are finished first.\n");
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
