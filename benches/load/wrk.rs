//! The load: wrk on the other core, each request with the next of many tokens.

use crate::process::LOAD;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Hands out ready-made requests in turn, and tells what came of them in one line.
const SCRIPT: &str = r#"
local ready, at = {}, 0
init = function(arguments)
  for line in io.lines(os.getenv("BENCH_REQUESTS")) do
    local method, path, rest = line:match("^(%S+) (%S+) (%S+)$")
    if method == "POST" then
      ready[#ready + 1] = wrk.format(method, path, { ["Content-Type"] = "application/x-www-form-urlencoded" }, rest)
    else
      ready[#ready + 1] = wrk.format(method, path, { ["Authorization"] = "Bearer " .. rest, ["Accept"] = "application/fhir+json" })
    end
  end
end
request = function()
  at = at % #ready + 1
  return ready[at]
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("TOLD %d %d %d %d %d %d\n", summary.requests, summary.duration,
    e.status, e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"#;

/// What wrk is to do: its script and its requests.
pub(crate) struct Load {
    script: PathBuf,
    requests: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// Answers.
    pub(crate) requests: u64,
    /// Answers a second.
    pub(crate) per_s: f64,
    /// Half of them came within this many milliseconds.
    pub(crate) p50_ms: f64,
    /// Of a hundred, ninety-nine did.
    pub(crate) p99_ms: f64,
}

impl Load {
    /// Writes down what is to be asked: a path and a token each.
    pub(crate) fn prepare(folder: &Path, name: &str, requests: &[(String, String)]) -> Result<Load, String> {
        let lines: String = requests.iter().map(|(path, token)| format!("GET {path} {token}\n")).collect();
        Load::written(folder, name, &lines)
    }

    /// Writes down forms that are to be sent to a path.
    pub(crate) fn forms(folder: &Path, name: &str, path: &str, forms: &[String]) -> Result<Load, String> {
        let lines: String = forms.iter().map(|form| format!("POST {path} {form}\n")).collect();
        Load::written(folder, name, &lines)
    }

    fn written(folder: &Path, name: &str, lines: &str) -> Result<Load, String> {
        let script = folder.join("load.lua");
        let list = folder.join(format!("{name}.requests"));
        let written = fs::write(&script, SCRIPT).and_then(|()| fs::write(&list, lines));
        written.map_err(|why| why.to_string())?;
        Ok(Load { script, requests: list })
    }

    /// Asks for some seconds over some connections. An answer that is no success, or a connection that fails, fails it all.
    pub(crate) fn run(&self, base: &str, connections: usize, seconds: u64) -> Result<Told, String> {
        let output = Command::new("taskset")
            .args(["-c", LOAD, "wrk", "-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "10s"])
            .arg("-s")
            .arg(&self.script)
            .arg(base)
            .env("BENCH_REQUESTS", &self.requests)
            .output()
            .map_err(|why| format!("wrk cannot be started ({why}); install it"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line =
            said.lines().find_map(|line| line.strip_prefix("TOLD ")).ok_or_else(|| format!("wrk said: {said}"))?;
        let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [requests, micros, refused, broken, p50, p99] = numbers.as_slice() else {
            return Err(format!("wrk said: {said}"));
        };
        if *refused > 0 || *broken > 0 || *requests == 0 {
            return Err(format!("{base}: {requests} answers, {refused} refusals, {broken} broken connections"));
        }
        let per_s = *requests as f64 / (*micros as f64 / 1e6);
        Ok(Told { requests: *requests, per_s, p50_ms: *p50 as f64 / 1e3, p99_ms: *p99 as f64 / 1e3 })
    }
}
