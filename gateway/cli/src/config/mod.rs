//! The configuration: one TOML file, one struct, unknown keys refused, every mistake shown where it stands.
//!
//! File names in it are taken from the folder that it lies in. It holds no secret: keys stay in files of their own, and of
//! a client's secret it has the digest.

mod check;
mod fault;
mod file;

pub(crate) use check::{Config, ConfiguredLink, LinkTls};

use fault::Fault;
use std::fs;
use std::path::Path;

/// Bytes of a configuration: thousands of links and clients.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads and checks a configuration.
///
/// # Errors
/// Every mistake, drawn in its place; or one sentence when the file cannot be read.
pub(crate) fn load(path: &Path) -> Result<Config, String> {
    let shown = path.display();
    let failed = |why| {
        format!(
            "the configuration {shown} cannot be read ({why}); name one with --config, or make one with `sluice init`"
        )
    };
    if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(format!(
            "the configuration {shown} is longer than {FILE_BYTES_MAX} bytes; it is hardly the right file"
        ));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    read(&text, folder).map_err(|faults| fault::draw(&faults, &text, &shown.to_string()))
}

/// Reads a configuration whose file names start from `folder`.
fn read(text: &str, folder: &Path) -> Result<Config, Vec<Fault>> {
    let file: file::File = toml::from_str(text).map_err(|why| vec![Fault::of_toml(&why, text)])?;
    check::check(&file, folder)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
