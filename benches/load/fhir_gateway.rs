//! fhir-gateway 0.4.0 in front of the server behind: what one would pick instead, with its checker for patients.
//!
//! A Java program (`benches/peers/fhir-gateway`) that is built at its first start. It issues its own tokens.

use crate::people;
use crate::process::{MEASURED, Part, free_port};
use std::fs;
use std::path::Path;

/// Where it stands, from the checkout's root.
const RUN: &str = "benches/peers/fhir-gateway/run";

/// Starts it; its tokens, in the order of the patients, come with it.
pub(crate) fn start(behind: u16, folder: &Path) -> Result<(Part, u16, Vec<String>), String> {
    let own = folder.join("fhir-gateway");
    fs::create_dir_all(&own).map_err(|why| why.to_string())?;
    let (port, issuer) = (free_port()?, free_port()?);
    let tokens = own.join("tokens");
    let environment = [
        ("PROXY_TO", format!("http://127.0.0.1:{behind}/fhir")),
        ("TOKEN_ISSUER", format!("http://127.0.0.1:{issuer}/issuer")),
        ("ACCESS_CHECKER", "patient".to_owned()),
        ("BACKEND_TYPE", "HAPI".to_owned()),
        ("SERVER_PORT", port.to_string()),
        ("SERVER_ADDRESS", "127.0.0.1".to_owned()),
        // As shipped it logs several lines a request, which costs it a third more.
        ("LOGGING_LEVEL_ROOT", "ERROR".to_owned()),
    ];
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(RUN);
    let run = run.to_str().ok_or("a path that is no text")?;
    let arguments = [issuer.to_string(), people::PEOPLE.to_string(), tokens.display().to_string()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let part = Part::start_in(MEASURED, run, &arguments, &environment, &own.join("log"))?;
    let part = part.listening(port)?;
    let tokens = fs::read_to_string(&tokens).map_err(|why| why.to_string())?;
    Ok((part, port, tokens.lines().map(str::to_owned).collect()))
}
