//! The gateway is killed, its writes are torn, its disk fails and fills up: nothing that was acknowledged is lost, nothing is
//! done twice, and no answer leaves that is not on the ledger.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::gateway::{Gateway, Program};
use tests::kills::death::Death;
use tests::kills::dice::Dice;
use tests::kills::{Round, disk, run};

#[tokio::test]
async fn over_a_hundred_kills_nothing_is_lost_doubled_overtaken_or_unrecorded() {
    let tally = run(100, 1, |tally| eprintln!("{tally}")).await;
    assert!(tally.killed() >= 100);
    assert_eq!(tally.breaches, Vec::<String>::new());
    assert!(tally.answered > 100 && tally.disclosed > 500, "{tally}");
}

/// The checker itself: a log that is gone with the power, although its messages were acknowledged.
#[tokio::test]
async fn a_gateway_that_forgets_what_it_acknowledged_is_noticed() {
    let mut round = Round::begin(Dice::new(2)).await;
    let death = [Death::At { point: "after-ack", nth: 12 }];
    round.kill(&death).await;
    fs::write(round.folder().data().join("sluice.db-wal"), b"").unwrap();
    fs::write(round.folder().data().join("ledger/0000000001.seg"), b"").unwrap();
    round.hold(&death).await;
    let breaches = round.tally().breaches.join("\n");
    assert!(breaches.contains("was acknowledged and is not there"), "{breaches}");
    assert!(breaches.contains("were answered, 0 are kept"), "{breaches}");
    assert!(breaches.contains("left and is not on the ledger"), "{breaches}");
}

#[tokio::test]
async fn a_message_whose_flush_failed_is_not_acknowledged_and_not_lost() {
    let mut round = Round::begin(Dice::new(3)).await;
    let (log, trace) = (round.folder().data().join("sluice.db-wal"), trace(&round));
    let mut gateway = round.folder().spawn_under(&disk::failing_flushes(&log, (8, 9), &trace), Program::Faults, &[]);
    gateway.ready().await;
    let unanswered = round.work_on(&gateway, 4).await;
    gateway.kill();
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("EIO") && unanswered > 0, "{unanswered} messages without an answer: {trace}");
    held(&mut round).await;
}

#[tokio::test]
async fn an_answer_whose_flush_failed_is_not_given_and_the_ledger_goes_on_afterwards() {
    let mut round = Round::begin(Dice::new(4)).await;
    let (segment, trace) = (round.folder().data().join("ledger/0000000001.seg"), trace(&round));
    let mut gateway =
        round.folder().spawn_under(&disk::failing_flushes(&segment, (5, 6), &trace), Program::Faults, &[]);
    gateway.ready().await;
    round.work_on(&gateway, 1).await;
    let refused = round.refused();
    is_up_again(&gateway).await;
    round.work_on(&gateway, 1).await;
    gateway.kill();
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("EIO") && refused > 0, "{refused} refused: {trace}");
    assert_eq!(round.refused(), refused, "the ledger takes entries again");
    held(&mut round).await;
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_acknowledged_or_disclosed_until_there_is_room_again() {
    let mut round = Round::begin(Dice::new(5)).await;
    let small = Small::under(&round.folder().data());
    let gateway = round.folder().start(Program::Faults).await;
    small.fill();
    let unanswered = round.work_on(&gateway, 1).await;
    let refused = round.refused();
    assert!(unanswered > 0 && refused > 0, "{unanswered} messages without an answer, {refused} questions refused");
    small.make_room();
    is_up_again(&gateway).await;
    assert_eq!(round.work_on(&gateway, 1).await, 0, "messages are acknowledged again");
    assert_eq!(round.refused(), refused, "answers are given again");
    gateway.kill();
    held(&mut round).await;
    drop(small);
}

#[test]
fn what_is_shipped_cannot_be_told_to_fail() {
    let names = |program: Program| {
        let bytes = fs::read(program.path()).unwrap();
        ["SLUICE_FAULT", "SLUICE_KILL", "after-release-before-first-byte", "concatenated-replay"]
            .map(|name| bytes.windows(name.len()).any(|some| some == name.as_bytes()))
    };
    assert_eq!(names(Program::Faults), [true; 4]);
    assert_eq!(names(Program::Shipped), [false; 4]);
}

fn trace(round: &Round) -> PathBuf {
    round.folder().config().with_file_name("trace.txt")
}

/// Everything holds after a start, and after all was sent again.
async fn held(round: &mut Round) {
    round.hold(&"the disk failed").await;
    round.repeat_all().await;
    assert_eq!(round.tally().breaches, Vec::<String>::new());
}

/// Waits until the gateway says that it is ready.
async fn is_up_again(gateway: &Gateway) {
    let mut connection = gateway.peer().connect().await.unwrap();
    while connection.send("GET", "/readyz", &[], None).await.unwrap().status != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A small file system in the place of a folder, with what was in it.
struct Small(PathBuf);

impl Small {
    fn under(folder: &Path) -> Small {
        let aside = folder.with_file_name("aside");
        fs::rename(folder, &aside).unwrap();
        fs::create_dir(folder).unwrap();
        let path = folder.to_str().unwrap();
        did("mount", &["-t", "tmpfs", "-o", "size=12m", "small", path]);
        did("cp", &["-a", &format!("{}/.", aside.display()), path]);
        Small(folder.to_owned())
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut filler = fs::File::create(self.0.join("filler")).unwrap();
        let mut some = vec![0; 1024 * 1024];
        while !some.is_empty() {
            if std::io::Write::write_all(&mut filler, &some).is_err() {
                some.truncate(some.len() / 2);
            }
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Whatever still runs there is killed with its gateway.
        drop(Command::new("umount").args(["-l", self.0.to_str().unwrap()]).status());
    }
}

fn did(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(
        status.success(),
        "{program} {arguments:?}: {status}; a small file system is mounted for this, so run it as root"
    );
}
