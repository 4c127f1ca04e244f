//! How fast, beside whom: the little harness that the engines' benches share.
//!
//! Contestants take turns within one run, each measured in CPU time of its own thread, so that neighbours on the machine
//! and its clock's moods weigh on all of them alike; medians and ratios are told, never single runs. Whoever uses it holds
//! the contestants' results against each other first. Nothing here, or that it leans on, needs C.

use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;

/// Rounds in which every contestant gets its turn.
const ROUNDS: usize = 31;

/// How long one turn lasts, in seconds of CPU.
const TURN_CPU_S: f64 = 0.04;

/// One way of doing the work: its name, and the work, which gives something that depends on all of it.
pub struct Contestant<'a> {
    name: &'a str,
    work: Box<dyn FnMut() -> usize + 'a>,
}

impl<'a> Contestant<'a> {
    /// A contestant.
    pub fn new(name: &'a str, work: impl FnMut() -> usize + 'a) -> Contestant<'a> {
        Contestant { name, work: Box::new(work) }
    }
}

/// What one contestant took.
pub struct Timing {
    /// Its name.
    pub name: String,
    /// CPU seconds of one call: the median over all turns.
    pub median_s: f64,
    /// The same, of its quickest turn.
    pub least_s: f64,
}

/// Lets them take turns and gives the timings in their order. A word on the command line leaves only those that have it in
/// their names, for a profiler to look at.
pub fn compare(mut contestants: Vec<Contestant<'_>>) -> Vec<Timing> {
    if let Some(word) = std::env::args().nth(1) {
        contestants.retain(|one| one.name.contains(&word));
        assert!(!contestants.is_empty(), "no contestant has {word} in its name");
    }
    // One call warms caches and allocator and says how many calls fill a turn.
    let calls: Vec<usize> = contestants.iter_mut().map(|one| calls_of_a_turn(&mut one.work)).collect();
    let mut turns: Vec<Vec<f64>> = vec![Vec::with_capacity(ROUNDS); contestants.len()];
    for _round in 0..ROUNDS {
        for ((one, calls), turns) in contestants.iter_mut().zip(&calls).zip(&mut turns) {
            turns.push(turn(&mut one.work, *calls));
        }
    }
    let timing = |(one, mut turns): (Contestant<'_>, Vec<f64>)| {
        turns.sort_by(f64::total_cmp);
        Timing { name: one.name.to_owned(), median_s: turns[ROUNDS / 2], least_s: turns[0] }
    };
    contestants.into_iter().zip(turns).map(timing).collect()
}

fn calls_of_a_turn(work: &mut dyn FnMut() -> usize) -> usize {
    turn(work, 1);
    ((TURN_CPU_S / turn(work, 1).max(1e-9)) as usize).clamp(1, 1_000_000)
}

fn turn(work: &mut dyn FnMut() -> usize, calls: usize) -> f64 {
    let from = cpu_s();
    for _call in 0..calls {
        black_box(work());
    }
    (cpu_s() - from) / calls as f64
}

/// CPU time of this thread, in seconds.
fn cpu_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// The processor, as the system names it, and how the program was built: what every figure depends on.
pub fn machine() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores", model.trim_start_matches(['\t', ' ', ':']))
}
