//! Which data folder a command means.

use crate::args::DataArgs;
use crate::config;
use std::path::PathBuf;

/// The origin that a demo has unless it is told otherwise.
const DEMO_ORIGIN: &str = "https://localhost:8443";

/// A data folder, and the FHIR base of the gateway it belongs to.
pub(crate) struct Data {
    /// The folder; it is there.
    pub(crate) folder: PathBuf,
    /// The FHIR base.
    pub(crate) fhir_base: String,
}

/// The folder that was named, or that of the configuration.
///
/// # Errors
/// One sentence: the configuration does not hold, or there is no such folder. It is not made in passing.
pub(crate) fn of(args: &DataArgs) -> Result<Data, String> {
    let (folder, origin) = match &args.config {
        Some(path) => config::load(path).map(|config| (config.data, config.origin))?,
        None => (args.data.clone(), DEMO_ORIGIN.to_owned()),
    };
    if !folder.is_dir() {
        return Err(format!("there is no data folder {}; name one with --data or --config", folder.display()));
    }
    Ok(Data { folder, fhir_base: format!("{origin}/fhir") })
}
