//! What this process is told to do wrong, from its environment: `SLUICE_FAULT=NAME` and `SLUICE_KILL=POINT[:NTH]`.
//!
//! A build that can go wrong on purpose says so when it starts, and listens on loopback alone.

use privacy::faults::{Bug, Chosen, Kill, Point, choose};
use rustix::process::{Signal, getpid, kill_process};
use std::net::SocketAddr;

/// Reads the environment and chooses.
///
/// # Errors
/// One sentence: there is no such mistake or point.
pub(crate) fn start() -> Result<(), String> {
    let bug = set("SLUICE_FAULT").map(|name| named("SLUICE_FAULT", &name, &Bug::NAMES)).transpose()?;
    let kill = set("SLUICE_KILL").map(|kill| death(&kill)).transpose()?;
    tracing::warn!(
        ?bug,
        ?kill,
        "this build can go wrong on purpose: it listens on loopback alone, and is never for patients"
    );
    choose(Chosen { bug, kill });
    Ok(())
}

/// Refuses whatever others could reach.
///
/// # Errors
/// One sentence.
pub(crate) fn loopback_only(address: SocketAddr) -> Result<(), String> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(format!(
        "{address} can be reached by others, and this build goes wrong on purpose; run `sluice`, or listen at 127.0.0.1"
    ))
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn death(text: &str) -> Result<Kill, String> {
    let (label, nth) = text.split_once(':').unwrap_or((text, "1"));
    let point = named("SLUICE_KILL", label, &Point::LABELS)?;
    let nth = nth.parse().map_err(|_| format!("SLUICE_KILL: {nth} is no number of passings; write POINT:NTH"))?;
    Ok(Kill { point, nth, by: now })
}

fn named<T: Copy>(variable: &str, name: &str, all: &[(&str, T)]) -> Result<T, String> {
    let known = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, it)| *it).ok_or_else(|| format!("{variable} is {name}; known are {}", known()))
}

/// Dies as nothing can be caught or cleaned up after.
fn now() -> ! {
    loop {
        // It cannot be refused: one may always kill oneself.
        kill_process(getpid(), Signal::KILL).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_is_read_with_its_passing() {
        let read = |text| death(text).map(|kill| (kill.point, kill.nth));
        assert_eq!(read("mid-ack:3"), Ok((Point::MidAck, 3)));
        assert_eq!(read("after-fsync"), Ok((Point::AfterFsync, 1)));
        assert!(read("mid-ack:x").is_err() && read("nowhere").is_err());
    }

    #[test]
    fn only_loopback_is_listened_at() {
        let refused = |text: &str| loopback_only(text.parse().expect("an address")).is_err();
        assert!(!refused("127.0.0.1:1") && !refused("[::1]:1"));
        assert!(refused("0.0.0.0:1") && refused("[::]:1") && refused("10.0.0.5:2575"));
    }
}
