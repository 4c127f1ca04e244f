//! Child processes: started on a core of their own, asked what they have cost, and ended.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The core of what is measured.
pub(crate) const MEASURED: &str = "0";
/// The core of the load and of the server behind.
pub(crate) const LOAD: &str = "1";
/// How long a part may take to listen; one in Java is built at its first start.
const START_MAX: Duration = Duration::from_secs(300);
/// How long a part may take to end by itself.
const END_MAX: Duration = Duration::from_secs(10);

/// A child that ends with its handle.
pub(crate) struct Part {
    child: Child,
}

impl Part {
    /// Starts a program on a core; what it says goes to a file.
    pub(crate) fn start(core: &str, program: &str, arguments: &[&str], log: &Path) -> Result<Part, String> {
        Part::start_in(core, program, arguments, &[], log)
    }

    /// As [`Part::start`], with more in its environment.
    pub(crate) fn start_in(
        core: &str,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, String)],
        log: &Path,
    ) -> Result<Part, String> {
        let failed = |why: io::Error| format!("{program} cannot be started on core {core} ({why}); is it installed?");
        let said = fs::File::create(log).map_err(failed)?;
        let also = said.try_clone().map_err(failed)?;
        let child = Command::new("taskset")
            .args(["-c", core, program])
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(also)
            .spawn()
            .map_err(failed)?;
        Ok(Part { child })
    }

    /// Starts this very program again, as another of its parts.
    pub(crate) fn own(core: &str, arguments: &[&str], log: &Path) -> Result<Part, String> {
        let own = std::env::current_exe().map_err(|why| why.to_string())?;
        Part::start(core, own.to_str().ok_or("a path that is no text")?, arguments, log)
    }

    /// Waits until it listens; fails when it ends before.
    pub(crate) fn listening(mut self, port: u16) -> Result<Part, String> {
        let begun = Instant::now();
        loop {
            if TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok() {
                return Ok(self);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the part for port {port} ended at once ({status}); its log says why"));
            }
            if begun.elapsed() > START_MAX {
                return Err(format!("nothing listens on port {port} after {START_MAX:?}"));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// CPU time of the process and of all below it, user and system.
    pub(crate) fn cpu(&self) -> Duration {
        let ticks: u64 = family(self.child.id()).into_iter().filter_map(ticks).sum();
        Duration::from_secs_f64(ticks as f64 / ticks_per_s())
    }

    /// Resident memory now and at its highest, in bytes.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
        };
        (kilobytes("VmRSS:") * 1024, kilobytes("VmHWM:") * 1024)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Asked first, so that nginx takes its workers along.
        drop(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status());
        let begun = Instant::now();
        while begun.elapsed() < END_MAX {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A process and all that descend from it.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        at += 1;
    }
    all
}

/// `utime` and `stime` of /proc/PID/stat; the name before them may hold anything, so what counts is behind its bracket.
fn ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn ticks_per_s() -> f64 {
    static TICKS: OnceLock<f64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let told = Command::new("getconf").arg("CLK_TCK").output().ok();
        told.and_then(|told| String::from_utf8(told.stdout).ok()?.trim().parse().ok()).unwrap_or(100.0)
    })
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|why| why.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|why| why.to_string())
}

/// The load average of the last minute.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}
