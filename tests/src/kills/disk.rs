//! A disk that fails: flushes that end in an error or in death, and what a loss of power leaves of a write that was not
//! flushed. By strace, which shows and bends what the program asks of the system.

use super::dice::Dice;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What a disk writes at once, in bytes.
const SECTOR: u64 = 512;

/// The command that runs another one and kills it as a thread of it enters its nth flush; what was written is in `log`.
pub fn killed_at_flush(nth: u64, log: &Path) -> Vec<String> {
    let mut command = traced(log);
    command.extend(words("-e trace=fsync,fdatasync,pwrite64,write,lseek"));
    command.extend(words(&format!("-e inject=fsync,fdatasync:signal=SIGKILL:when={nth}")));
    command
}

/// The command that runs another one and lets flushes of this file fail, for each thread from the nth to the last.
pub fn failing_flushes(file: &Path, (nth, last): (u64, u64), log: &Path) -> Vec<String> {
    let mut command = traced(log);
    command.extend(words("-e trace=fsync,fdatasync -P"));
    command.push(file.to_str().unwrap().to_owned());
    command.extend(words(&format!("-e inject=fsync,fdatasync:error=EIO:when={nth}..{last}")));
    command
}

fn traced(log: &Path) -> Vec<String> {
    let mut command = words("strace -f -qq -y -s 0 -o");
    command.push(log.to_str().unwrap().to_owned());
    command
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A stretch of a file, from its first byte on and without its last.
type Stretch = (u64, u64);

/// The file whose flush was the end, and what of it had been written since its last flush.
pub fn unflushed(log: &str) -> Option<(PathBuf, Vec<Stretch>)> {
    let mut written: BTreeMap<&str, Vec<Stretch>> = BTreeMap::new();
    let mut places: BTreeMap<&str, u64> = BTreeMap::new();
    let mut flushing: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut last = None;
    for line in log.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if call.starts_with("<... f") && call.ends_with("= 0") {
            let Some((path, many)) = flushing.remove(thread) else { continue };
            written.entry(path).or_default().drain(..many);
        }
        let Some((path, arguments)) = call.split_once('<').and_then(|(_, rest)| rest.split_once('>')) else { continue };
        let numbers: Vec<u64> = arguments.split([',', ' ', ')']).filter_map(|word| word.parse().ok()).collect();
        let stretches = written.entry(path).or_default();
        match (call.split('(').next(), numbers.as_slice()) {
            (Some("pwrite64"), [length, from, ..]) => stretches.push((*from, from + length)),
            (Some("lseek"), [to, ..]) => drop(places.insert(path, *to)),
            (Some("write"), [length, ..]) => {
                let from = places.entry(path).or_default();
                stretches.push((*from, *from + length));
                *from += length;
            }
            (Some("fsync" | "fdatasync"), _) => {
                last = Some(path);
                if call.ends_with("= 0") {
                    stretches.clear();
                } else {
                    flushing.insert(thread, (path, stretches.len()));
                }
            }
            (_, _) => {}
        }
    }
    let path = last?;
    let stretches = written.remove(path).filter(|stretches| !stretches.is_empty())?;
    Some((PathBuf::from(path), stretches))
}

/// Does to what was not flushed what a loss of power may: it is cut off, or sectors of it are missing or hold noise.
pub fn tear(path: &Path, stretches: &[Stretch], dice: &mut Dice) {
    let Ok(file) = OpenOptions::new().write(true).open(path) else { return };
    let (from, to) = (stretches.iter().map(|one| one.0).min(), stretches.iter().map(|one| one.1).max());
    let (Some(from), Some(to)) = (from, to) else { return };
    if to >= fs::metadata(path).unwrap().len() && dice.once_in(3) {
        return file.set_len(from + dice.below(to - from + 1)).unwrap();
    }
    let noise = dice.once_in(2);
    for sector in from / SECTOR..to.div_ceil(SECTOR) {
        if dice.once_in(2) {
            continue;
        }
        // Never a byte that had been flushed before.
        for (first, end) in stretches {
            lose(&file, (sector * SECTOR).max(*first), ((sector + 1) * SECTOR).min(*end), noise, dice);
        }
    }
}

fn lose(file: &File, from: u64, to: u64, noise: bool, dice: &mut Dice) {
    let lost: Vec<u8> = (from..to).map(|_| if noise { dice.roll().to_le_bytes()[0] } else { 0 }).collect();
    file.write_all_at(&lost, from).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_since_the_last_flush_is_read_from_the_trace() {
        let log = "7  pwrite64(3</d/a-wal>, \"\"..., 24, 32) = 24
7  pwrite64(3</d/a-wal>, \"\"..., 4096, 56) = 4096
7  fdatasync(3</d/a-wal>) = 0
8  lseek(4</d/1.seg>, 100, SEEK_SET) = 100
8  write(4</d/1.seg>, \"\"..., 50) = 50
7  pwrite64(3</d/a-wal>, \"\"..., 24, 4152 <unfinished ...>
8  fdatasync(4</d/1.seg> <unfinished ...>
7  <... pwrite64 resumed>) = 24
8  <... fdatasync resumed>) = 0
7  fdatasync(3</d/a-wal>) = ?
8  +++ killed by SIGKILL +++
";
        assert_eq!(unflushed(log), Some((PathBuf::from("/d/a-wal"), vec![(4152, 4176)])));
        assert_eq!(unflushed("7 fdatasync(3</d/a-wal>) = ?"), None);
    }

    #[test]
    fn only_what_was_not_flushed_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut torn = 0;
        for seed in 0..50 {
            fs::write(&path, vec![1; 5000]).unwrap();
            tear(&path, &[(1000, 1010), (1100, 3000)], &mut Dice::new(seed));
            let left = fs::read(&path).unwrap();
            let whole = |from: usize, to: usize| left[from..to].iter().all(|byte| *byte == 1);
            assert!(left.len() == 5000 && whole(0, 1000) && whole(1010, 1100) && whole(3000, 5000));
            torn += usize::from(!whole(0, 5000));
        }
        assert!(torn > 40);
    }
}
