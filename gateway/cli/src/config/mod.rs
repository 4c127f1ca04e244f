//! The configuration: one TOML file, one struct, unknown keys refused, every mistake shown where it stands.
//!
//! File names in it are taken from the folder that it lies in. It holds no secret: keys stay in files of their own, and of
//! a client's secret it has the digest.

mod brand;
mod check;
mod fault;
mod file;
mod proof;
mod provider;
mod sandbox;

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

/// Mistakes that are told at once.
const FAULTS_MAX: usize = 50;

/// Reads a configuration whose file names start from `folder`. Every key that is not known is told at once; what else is
/// wrong may follow from them, and is told when they are mended.
fn read(text: &str, folder: &Path) -> Result<Config, Vec<Fault>> {
    let (mut faults, mut left) = (Vec::new(), text.to_owned());
    while faults.len() < FAULTS_MAX {
        let why = match toml::from_str::<file::File>(&left) {
            Ok(file) if faults.is_empty() => return check::check(&file, folder),
            Ok(_) => break,
            Err(why) => why,
        };
        let is_unknown = why.message().starts_with("unknown field");
        if is_unknown || faults.is_empty() {
            faults.push(Fault::of_toml(&why, text));
        }
        match why.span().filter(|_| is_unknown).and_then(|span| without_line(&left, span.start)) {
            Some(rest) => left = rest,
            None => break,
        }
    }
    Err(faults)
}

/// The text with blanks in place of the line that holds this byte; nothing when that is more than one key and its value.
fn without_line(text: &str, at: usize) -> Option<String> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let end = text.get(at..)?.find('\n').map_or(text.len(), |end| at + end);
    let line = text.get(start..end)?;
    if line.trim_start().starts_with('[') {
        return None;
    }
    let rest = [text.get(..start)?, &" ".repeat(line.len()), text.get(end..)?].concat();
    toml::from_str::<toml::Table>(&rest).is_ok().then_some(rest)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
