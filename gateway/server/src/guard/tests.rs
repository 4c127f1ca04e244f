//! The guard over a pipe: what passes, what is refused in whose place, and who is cut off.

use super::*;
use proptest::prelude::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(20);
const PATIENT: Spans = Spans { idle: LONG, head: LONG, taking: LONG, linger: LONG };

/// What the library would read of these pieces, and whether a refusal or a broken body came behind it.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    passed: Vec<u8>,
    then: Then,
}

/// The flow's verdict, each piece shown as it comes.
fn verdict(pieces: &[&[u8]]) -> Verdict {
    let mut flow = Flow::new();
    let (mut passed, mut held) = (Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let found = flow.pass(&held);
        passed.extend(held.drain(..found.bytes));
        if found.then != Then::More {
            return Verdict { passed, then: found.then };
        }
    }
    Verdict { passed, then: Then::More }
}

fn passes(bytes: &[u8]) -> bool {
    verdict(&[bytes]) == Verdict { passed: bytes.to_vec(), then: Then::More }
}

fn fault(bytes: &[u8]) -> Then {
    verdict(&[bytes]).then
}

const PLAIN: &str = "GET /fhir/Patient?name=x HTTP/1.1\r\nHost: localhost:8443\r\n\r\n";

#[test]
fn ordinary_requests_pass() {
    for head in [
        PLAIN.to_owned(),
        "GET / HTTP/1.0\r\nhost: a\r\n\r\n".to_owned(),
        "GET https://localhost:8443/fhir/metadata HTTP/1.1\r\nHost: localhost:8443\r\n\r\n".to_owned(),
        "POST /oauth/token HTTP/1.1\r\nHost:[::1]:8443\r\nContent-Length: 3 \r\nX-Empty:\r\n\r\nabc".to_owned(),
        "POST /oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n"
            .to_owned(),
        "GET /fhir/Patient?identifier=sys|v&_tag={a} HTTP/1.1\r\nHost: a\r\nConnection: TE, keep-alive\r\n\r\n".to_owned(),
        "POST /oauth/token HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n".to_owned(),
        PLAIN.repeat(3),
    ] {
        assert!(passes(head.as_bytes()), "{head}: {:?}", fault(head.as_bytes()));
    }
}

#[test]
fn a_head_that_two_servers_could_read_differently_is_refused() {
    let field = |field: &str| format!("POST /fhir/Patient/_search HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
    let line = |line: &str| format!("{line}\r\nHost: a\r\n\r\n");
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked";
    for (head, expected) in [
        (field(both), Fault::Length),
        (field("Transfer-Encoding: chunked\r\nContent-Length: 4"), Fault::Length),
        (field("Content-Length: 3\r\nContent-Length: 3"), Fault::Length),
        (field("Content-Length: 3, 3"), Fault::Length),
        (field("Content-Length: +3"), Fault::Length),
        (field("Content-Length: 0x3"), Fault::Length),
        (field("Content-Length:"), Fault::Length),
        (field("Content-Length: 9999999999999999"), Fault::Length),
        (field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), Fault::Length),
        (field("Transfer-Encoding: gzip, chunked"), Fault::Length),
        (field("Transfer-Encoding: identity"), Fault::Length),
        (field("Transfer-Encoding: \u{b}chunked"), Fault::Field),
        (field("Transfer-Encoding : chunked"), Fault::Field),
        (field("Transfer-Encoding\r\n : chunked"), Fault::Field),
        (field("X: a\r\n folded"), Fault::Field),
        (field("X: a\nContent-Length: 3"), Fault::Field),
        (field("X: a\rContent-Length: 3"), Fault::Field),
        (field("X: caf\u{e9}"), Fault::Field),
        (field("X: a\u{0}b"), Fault::Field),
        (field(": empty"), Fault::Field),
        (field("no colon"), Fault::Field),
        (field("Host: a"), Fault::Host),
        (field("host: b"), Fault::Host),
        (field("Connection: authorization"), Fault::Hop),
        (field("Connection: close, X-Consent"), Fault::Hop),
        (field("Upgrade: h2c"), Fault::Hop),
        (field("Expect: 200-ok"), Fault::Hop),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), Fault::Host),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n".to_owned(), Fault::Host),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n".to_owned(), Fault::Host),
        ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n".to_owned(), Fault::Host),
        ("GET / HTTP/1.1\nHost: a\n\n".to_owned(), Fault::Field),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), Fault::Length),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), Fault::Line),
        (line("get / HTTP/1.1"), Fault::Line),
        (line("refused /line HTTP/1.1"), Fault::Line),
        (line("GET  / HTTP/1.1"), Fault::Line),
        (line("GET / HTTP/1.1 "), Fault::Line),
        (line("GET\t/ HTTP/1.1"), Fault::Line),
        (line("GET /"), Fault::Line),
        (line("GET / HTTP/1.2"), Fault::Line),
        (line("GET / http/1.1"), Fault::Line),
        (line("PRI * HTTP/2.0"), Fault::Line),
        (line("CONNECT a:443 HTTP/1.1"), Fault::Line),
        (line("OPTIONS * HTTP/1.1"), Fault::Target),
        (line("GET http://a/fhir/Patient/2 HTTP/1.1"), Fault::Target),
        (line("GET https://evil/fhir/Patient/2 HTTP/1.1"), Fault::Host),
        (line("GET https://a@evil/ HTTP/1.1"), Fault::Host),
        (line("GET //evil/fhir HTTP/1.1"), Fault::Target),
        (line("GET /fhir//Patient/2 HTTP/1.1"), Fault::Target),
        (line("GET /fhir/%2e%2e/Patient HTTP/1.1"), Fault::Target),
        (line("GET /fhir/Observation/../Patient/2 HTTP/1.1"), Fault::Target),
        (line("GET /fhir/Patient/..;/2 HTTP/1.1"), Fault::Target),
        (line("GET /fhir\\Patient HTTP/1.1"), Fault::Target),
        (line("GET /fhir/Patient/\u{ff12} HTTP/1.1"), Fault::Target),
        (line("GET /fhir/Patient#x HTTP/1.1"), Fault::Target),
        (line("GET /fhir/Patient?name=\u{e9} HTTP/1.1"), Fault::Target),
        (line("GET /fhir/Patient?name=<x> HTTP/1.1"), Fault::Target),
        (line(&format!("GET /{} HTTP/1.1", "a".repeat(600))), Fault::AddressTooLong),
        (line(&format!("GET /?{} HTTP/1.1", "a".repeat(27_000))), Fault::AddressTooLong),
        (line(&format!("GET /?{} HTTP/1.1", "a".repeat(35_000))), Fault::AddressTooLong),
        (format!("{}\r\n", line(&"a".repeat(35_000))), Fault::AddressTooLong),
        (field(&"X: y\r\n".repeat(70)), Fault::HeadTooLarge),
        (field(&format!("X: {}", "y".repeat(50_000))), Fault::HeadTooLarge),
    ] {
        assert_eq!(fault(head.as_bytes()), Then::Refuse(expected), "{head:.200}");
    }
}

#[test]
fn a_body_that_is_not_framed_as_announced_is_broken_off() {
    let chunked = |body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    for body in [
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "3;a=b\r\nabc\r\n0\r\n\r\n",
        "3;\n\r\nabc\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\rabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "fffffffff\r\na",
        "\r\n",
        "0\r\nAuthorization: x\r\n\r\n",
    ] {
        assert_eq!(fault(chunked(body).as_bytes()), Then::Broken, "{body}");
    }
}

#[test]
fn what_stands_behind_a_body_is_a_head_of_its_own() {
    let hidden = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc{PLAIN}smuggled\r\n");
    let found = verdict(&[hidden.as_bytes()]);
    assert_eq!(found.then, Then::Refuse(Fault::Line));
    assert!(hidden.as_bytes().starts_with(&found.passed) && found.passed.ends_with(PLAIN.as_bytes()));
}

#[test]
fn a_stand_in_names_its_fault_and_cannot_be_sent_by_anyone() {
    for (fault, name) in Fault::NAMED {
        assert_eq!(
            refused(&Method::from_bytes(REFUSED.as_bytes()).unwrap(), name).unwrap().public(),
            fault.refusal().public()
        );
        assert_eq!(verdict(&[stand_in(fault).as_bytes()]).then, Then::Refuse(Fault::Line));
    }
    assert!(refused(&Method::GET, "/line").is_none());
}

/// Everything that the library would read, and how the reading ended.
async fn read_all(guarded: &mut Guarded<tokio::io::DuplexStream>) -> (Vec<u8>, Option<io::ErrorKind>) {
    let (mut all, mut buffer) = (Vec::new(), [0u8; 100]);
    loop {
        match guarded.read(&mut buffer).await {
            Ok(0) => return (all, None),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(why) => return (all, Some(why.kind())),
        }
    }
}

#[tokio::test]
async fn a_refusal_stands_behind_the_requests_before_it_and_nothing_stands_behind_it() {
    let bytes = format!("{PLAIN}GET //x HTTP/1.1\r\nHost: a\r\n\r\n{PLAIN}");
    for size in [1, 7, 1000] {
        let (mut client, server) = duplex(4096);
        let mut guarded = Guarded::new(server, Some(Flow::new()), PATIENT);
        let sent = bytes.clone();
        let sender = tokio::spawn(async move {
            for piece in sent.as_bytes().chunks(size) {
                client.write_all(piece).await.unwrap();
            }
            client
        });
        let expected = format!("{PLAIN}{}", stand_in(Fault::Target));
        let mut read = vec![0u8; expected.len()];
        guarded.read_exact(&mut read).await.unwrap();
        assert_eq!(String::from_utf8(read).unwrap(), expected);
        let more = tokio::time::timeout(SHORT, guarded.read_u8()).await;
        assert!(more.is_err(), "neither bytes nor an end");
        drop(sender.await.unwrap());
    }
}

#[tokio::test]
async fn a_head_goes_on_though_the_body_behind_it_is_broken() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for size in [1, 1000] {
        let (mut client, server) = duplex(4096);
        let mut guarded = Guarded::new(server, Some(Flow::new()), PATIENT);
        for piece in format!("{head}5;a=b\r\n").as_bytes().chunks(size) {
            client.write_all(piece).await.unwrap();
        }
        let expected = (head.as_bytes().to_vec(), Some(io::ErrorKind::InvalidData));
        assert_eq!(read_all(&mut guarded).await, expected);
    }
}

#[tokio::test]
async fn bytes_come_through_as_they_were_sent() {
    let bytes = format!("{PLAIN}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n{}{PLAIN}", "x".repeat(300));
    for size in [1, 3, 150, 1000] {
        let (mut client, server) = duplex(64);
        let mut guarded = Guarded::new(server, Some(Flow::new()), PATIENT);
        let sent = bytes.clone();
        tokio::spawn(async move {
            for piece in sent.as_bytes().chunks(size) {
                client.write_all(piece).await.unwrap();
            }
        });
        let (read, end) = read_all(&mut guarded).await;
        assert_eq!((String::from_utf8(read).unwrap(), end), (bytes.clone(), None));
    }
}

#[tokio::test]
async fn whoever_begins_and_does_not_end_is_cut_off() {
    let (mut client, server) = duplex(4096);
    let mut guarded = Guarded::new(server, Some(Flow::new()), Spans { head: SHORT, ..PATIENT });
    client.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    assert_eq!(read_all(&mut guarded).await, (Vec::new(), Some(io::ErrorKind::TimedOut)));
}

#[tokio::test]
async fn whoever_never_begins_is_cut_off_sooner_than_one_who_has_asked() {
    let (_client, server) = duplex(4096);
    let mut guarded = Guarded::new(server, Some(Flow::new()), Spans { head: SHORT, ..PATIENT });
    assert_eq!(read_all(&mut guarded).await.1, Some(io::ErrorKind::TimedOut));
}

#[tokio::test]
async fn whoever_is_silent_is_cut_off_over_either_version() {
    for flow in [Some(Flow::new()), None] {
        let (mut client, server) = duplex(4096);
        let mut guarded = Guarded::new(server, flow, Spans { idle: SHORT, ..PATIENT });
        client.write_all(PLAIN.as_bytes()).await.unwrap();
        let expected = (PLAIN.as_bytes().to_vec(), Some(io::ErrorKind::TimedOut));
        assert_eq!(read_all(&mut guarded).await, expected);
    }
}

#[tokio::test]
async fn whoever_does_not_take_the_answer_is_cut_off() {
    let (_client, server) = duplex(100);
    let mut guarded = Guarded::new(server, Some(Flow::new()), Spans { taking: SHORT, ..PATIENT });
    let why = guarded.write_all(&[0; 1000]).await.unwrap_err();
    assert_eq!(why.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn whoever_takes_the_answer_a_byte_at_a_time_is_cut_off_too() {
    let (mut client, server) = duplex(100);
    let mut guarded = Guarded::new(server, Some(Flow::new()), Spans { taking: SHORT, ..PATIENT });
    tokio::spawn(async move {
        while client.read_u8().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let why = guarded.write_all(&[0; 10 * patience::TAKEN_BYTES_MIN]).await.unwrap_err();
    assert_eq!(why.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn whoever_still_sends_behind_a_refusal_is_heard_out_for_a_moment() {
    let (mut client, server) = duplex(64);
    let mut guarded = Guarded::new(server, Some(Flow::new()), Spans { linger: SHORT, ..PATIENT });
    client.write_all(b"\r\n").await.unwrap();
    assert_eq!(guarded.read_u8().await.unwrap(), b'r');
    let sender = tokio::spawn(async move {
        client.write_all(&[b'x'; 10_000]).await.unwrap();
        client
    });
    guarded.shutdown().await.unwrap();
    drop(sender.await.unwrap());
}

fn pieces(bytes: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

/// Heads as someone may send them who knows what he does: plain lines, some of them wrong, in any order.
fn head() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "GET /fhir/Patient/p1 HTTP/1.1",
        "POST /oauth/token HTTP/1.1",
        "GET https://a/ HTTP/1.1",
        "GET // HTTP/1.1",
        "get / HTTP/1.1",
    ]);
    let field = prop::sample::select(vec![
        "Host: a",
        "Host: b",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "X: y",
        "X : y",
        " folded",
        "Connection: close",
    ]);
    let end = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n"]);
    let body = prop::sample::select(vec!["", "5\r\nabcde\r\n0\r\n\r\n", "abcde", "0\r\n\r\n", "0\r\nX: y\r\n\r\n"]);
    (line, prop::collection::vec((field, end), 0..4), body).prop_map(|(line, fields, body)| {
        let fields: String = fields.into_iter().map(|(field, end)| format!("{field}{end}")).collect();
        format!("{line}\r\nHost: a\r\n{fields}\r\n{body}")
    })
}

proptest! {
    #[test]
    fn any_split_of_the_same_bytes_gives_the_same_verdict(
        heads in prop::collection::vec(head(), 1..4),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let bytes = heads.concat().into_bytes();
        let whole = verdict(&[&bytes]);
        let split = pieces(&bytes, &cuts);
        let split: Vec<&[u8]> = split.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(&verdict(&split), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(verdict(&single), whole);
    }

    #[test]
    fn arbitrary_bytes_are_never_too_much(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in any::<usize>()) {
        let split = pieces(&bytes, &[cut]);
        let split: Vec<&[u8]> = split.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(verdict(&split), verdict(&[&bytes]));
    }

    #[test]
    fn an_address_that_passes_is_one_that_the_library_reads(address in "[ -~]{0,40}") {
        let head = format!("GET /{address} HTTP/1.1\r\nHost: a\r\n\r\n");
        if passes(head.as_bytes()) {
            let read = format!("/{address}").parse::<http::Uri>();
            prop_assert!(read.is_ok(), "{:?}", read);
        }
    }
}
