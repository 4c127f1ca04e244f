//! What a run says: Markdown to standard output, with the machine it was measured on at its head.

use crate::process::load_average;
use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a run says what it found, and where its files lie while it runs.
pub(crate) struct Report {
    folder: PathBuf,
}

/// Runs with a report and a folder of its own, which is taken away at the end of a run that went well.
pub(crate) fn opened(work: impl FnOnce(&Report) -> Result<(), String>) -> Result<(), String> {
    let within = std::env::var_os("BENCH_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = within.join(format!("sluice-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}; name another in BENCH_FOLDER", folder.display()))?;
    let report = Report { folder };
    report.line(&format!("Machine: {}. Load average at the beginning: {}.", machine(), load_average()));
    let done = work(&report);
    match &done {
        Ok(()) => drop(fs::remove_dir_all(&report.folder)),
        Err(_) => report.line(&format!("What was written stays in {}.", report.folder.display())),
    }
    done
}

impl Report {
    /// The folder of this run.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One line; without a reader there is nobody to tell.
    pub(crate) fn line(&self, line: &str) {
        say(line);
    }

    /// A table.
    pub(crate) fn table(&self, title: &str, head: &[&str], rows: &[Vec<String>]) {
        self.line(&format!("\n### {title}\n\n| {} |", head.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(head.len())));
        for row in rows {
            self.line(&format!("| {} |", row.join(" | ")));
        }
        self.line("");
    }
}

/// One line to standard output.
pub(crate) fn say(line: &str) {
    drop(writeln!(stdout(), "{line}"));
}

/// The middle one; of none, zero.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The least and the most.
pub(crate) fn range(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (least, most)
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unnamed processor");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().ok();
    let commit = commit.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned()).unwrap_or_default();
    let name = name.trim_start_matches([' ', '\t', ':']);
    format!("{cores} cores, {name}, kernel {}, commit {commit}", kernel.trim())
}
