//! Laboratories that lie, stall and flood: nothing of one message comes into another, nothing is held without bound, and
//! the next laboratory's message is acknowledged as its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::Duration;
use tests::hostile::house::{House, OWN_SECRET, message};
use tests::hostile::laboratory::{connect, connect_from, endless, lies, say};
use tests::laboratory::{Laboratory, frame, verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// A frame nobody would send.
const GIBIBYTE: usize = 1024 * 1024 * 1024;
/// The longest message that is taken, and what lies on the way to it.
const TAKEN_BYTES_MAX: usize = 16 * 1024 * 1024 + 16 * 1024 * 1024;
/// What one message may add to the memory of the process: it is held, and grows by doubling.
const MEMORY_BYTES_MAX: usize = 100 * 1024 * 1024;

fn acks(heard: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(heard).into_owned();
    text.split('\u{b}').skip(1).map(|ack| ack.trim_end_matches(['\u{1c}', '\r']).to_owned()).collect()
}

#[tokio::test]
async fn a_message_in_pieces_and_many_in_one_are_each_answered_once_and_in_order() {
    let house = House::open().await;
    let mut laboratory = Laboratory::connect(house.gateway().links()[0]).await.unwrap();
    for byte in frame(&message("by-byte")) {
        laboratory.write(&[byte]).await.unwrap();
    }
    assert!(laboratory.answer().await.unwrap().contains("MSA|AA|by-byte"));
    let many: Vec<u8> = (0..50).flat_map(|number| frame(&message(&format!("joined-{number}-")))).collect();
    // Cut where it hurts: between the two bytes of an end, and behind a beginning.
    let end = many.iter().position(|byte| *byte == 0x1c).unwrap();
    for part in [&many[..=end], &many[end + 1..end + 3], &many[end + 3..]] {
        laboratory.write(part).await.unwrap();
    }
    for number in 0..50 {
        let ack = laboratory.answer().await.unwrap();
        assert!(ack.contains(&format!("MSA|AA|joined-{number}-")), "{ack}");
    }
    let found = house.get("/fhir/Observation?code=2345-7&_count=0").await.json();
    assert_eq!(found["total"], 51);
    house.takes("pieces").await;
    house.close().await;
}

#[tokio::test]
async fn a_message_that_was_cut_off_is_neither_taken_nor_joined_with_the_next() {
    let house = House::open().await;
    let link = house.gateway().links()[0];
    let (cut, whole) = (frame(&message("cut")), frame(&message("whole")));
    let anew = [&cut[..cut.len() - 2], &whole].concat();
    let noise = [b"\r\n??".as_slice(), &whole, b"\n\n", &whole, b"garbage"].concat();
    for (name, bytes, expected) in [
        ("a beginning within", anew, vec!["whole"]),
        ("half a message", cut[..cut.len() / 2].to_vec(), vec![]),
        ("no end", cut[..cut.len() - 2].to_vec(), vec![]),
        ("half an end", cut[..cut.len() - 1].to_vec(), vec![]),
        ("an end alone", b"\x1c\r\x1c\r".to_vec(), vec![]),
        ("noise between", noise, vec!["whole", "whole"]),
        ("a close for writing behind it", cut, vec!["cut"]),
    ] {
        let heard = acks(&say(link, &bytes).await);
        let told: Vec<bool> =
            heard.iter().zip(&expected).map(|(ack, control)| ack.contains(&format!("MSA|AA|{control}"))).collect();
        assert_eq!((heard.len(), told), (expected.len(), vec![true; expected.len()]), "{name}: {heard:?}");
        house.takes(name).await;
    }
    house.close().await;
}

#[tokio::test]
async fn a_lie_in_a_message_is_answered_as_one_or_not_at_all() {
    let house = House::open().await;
    for (name, bytes, verdicts) in lies() {
        let heard = acks(&say(house.gateway().links()[0], &bytes).await);
        for ack in &heard {
            let verdict = verdict(ack).unwrap();
            assert!(verdicts.contains(&verdict) || (verdicts.is_empty() && verdict != "AA"), "{name}: {ack}");
            assert!(!ack.contains(OWN_SECRET), "{name}: {ack}");
        }
        assert!(!heard.is_empty() || verdicts.is_empty(), "{name} was not answered");
        house.takes(name).await;
    }
    house.close().await;
}

#[tokio::test]
async fn a_frame_past_the_bound_is_refused_and_not_held() {
    let house = House::open().await;
    house.takes("nothing").await;
    let before = house.memory_bytes_max();
    let sent = endless(house.gateway().links()[0], b"\x0bMSH|", GIBIBYTE).await;
    assert!(sent < TAKEN_BYTES_MAX, "{sent} bytes were taken");
    let grown = house.memory_bytes_max() - before;
    assert!(grown < MEMORY_BYTES_MAX, "{grown} bytes were held");
    house.takes("a frame without end").await;
    let sent = endless(house.gateway().links()[0], b"garbage", GIBIBYTE).await;
    assert!(sent < TAKEN_BYTES_MAX, "{sent} bytes of noise were taken");
    house.takes("noise without end").await;
    // Each beginning cuts off the one before it.
    let mut stream = connect(house.gateway().links()[0]).await.unwrap();
    let beginnings = vec![0x0b; 64 * 1024];
    let mut taken = 0;
    while taken < 1_000 && stream.write_all(&beginnings).await.is_ok() {
        taken += 1;
    }
    assert!(taken < 1_000, "beginnings without end are taken");
    house.takes("beginnings without end").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_never_reads_the_answers_keeps_nobody_from_theirs() {
    let house = House::open().await;
    let link = house.gateway().links()[0];
    let flood = tokio::spawn(async move {
        let mut stream = connect(link).await.unwrap();
        for number in 0..3_000 {
            if stream.write_all(&frame(&message(&format!("flood-{number}")))).await.is_err() {
                return;
            }
        }
    });
    for _ in 0..20 {
        house.takes("a flood").await;
    }
    flood.abort();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stalls_within_a_message_is_cut_off() {
    let house = House::open().await;
    let link = house.gateway().links()[0];
    let mut stream = connect(link).await.unwrap();
    let bytes = frame(&message("stalled"));
    stream.write_all(&bytes[..40]).await.unwrap();
    // A byte now and then gains no time.
    let mut heard = [0];
    let mut rest = bytes[40..bytes.len() - 2].iter();
    let ended = timeout(Duration::from_secs(150), async {
        loop {
            match timeout(Duration::from_secs(2), stream.read(&mut heard)).await {
                Ok(ended) => return ended.unwrap_or(0),
                Err(_) if stream.write_all(&[*rest.next().unwrap()]).await.is_err() => return 0,
                Err(_) => house.takes("a stall").await,
            }
        }
    });
    assert_eq!(ended.await.ok(), Some(0), "a message may take for ever");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_connections_from_one_address_leave_places_for_others() {
    let house = House::open().await;
    let link = house.gateway().links()[0];
    let hoarder = SocketAddr::from(([127, 0, 0, 9], 0));
    let mut hoard = Vec::new();
    for _ in 0..200 {
        hoard.push(connect_from(link, hoarder).await.unwrap());
    }
    house.takes("two hundred connections").await;
    let mut closed = 0;
    for stream in &mut hoard {
        closed += usize::from(timeout(Duration::from_millis(20), stream.read_u8()).await.is_ok());
    }
    assert_eq!(closed, 200 - 64, "those beyond its share are closed, and no other");
    let mut kept = hoard.swap_remove(0);
    kept.write_all(&frame(&message("kept"))).await.unwrap();
    assert_eq!(kept.read_u8().await.unwrap(), 0x0b);
    house.close().await;
}
