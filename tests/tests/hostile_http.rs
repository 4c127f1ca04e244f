//! Clients that mean ill: what two servers could read differently is answered with one refusal and a closed connection,
//! whoever neither sends nor takes is cut off, and the next caller is answered rightly.

#![expect(clippy::unwrap_used, clippy::type_complexity, reason = "a test fails by panicking, and lists what it tries")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use tests::hostile::house::{House, OTHER, OTHER_SECRET, OWN, QUERY_SECRET};
use tests::hostile::http::{Case, bodies, heads, provoke, strangers};
use tests::hostile::http2::{Frame, Http2, field, request};
use tokio::net::TcpSocket;

/// More connections than one address may have.
const MANY: usize = 2_100;

async fn each(house: &House, cases: Vec<Case>) {
    for Case { name, bytes, statuses } in cases {
        for piece in [bytes.len(), 1] {
            // A long one byte by byte tells nothing that a short one does not.
            if piece == 1 && bytes.len() > 3_000 {
                continue;
            }
            let came = provoke(house.gateway().peer(), &bytes, piece).await;
            assert_eq!((came.statuses(), came.end), (statuses.clone(), ErrorKind::UnexpectedEof), "{name}, by {piece}");
            for answer in came.answers {
                assert!(!answer.text().contains(OTHER_SECRET), "{name}");
                let outcome = ["OperationOutcome", "Bundle"].contains(&answer.json()["resourceType"].as_str().unwrap());
                assert!(outcome, "{name}: {}", answer.text());
            }
            house.serves(name).await;
        }
    }
}

#[tokio::test]
async fn a_head_that_two_servers_could_read_differently_is_refused_and_the_connection_closed() {
    let house = House::open().await;
    let peer = house.gateway().peer().clone();
    each(&house, heads(peer.host(), &house.grant().bearer())).await;
    house.close().await;
}

#[tokio::test]
async fn a_body_that_is_not_as_announced_is_refused_and_the_connection_closed() {
    let house = House::open().await;
    let peer = house.gateway().peer().clone();
    each(&house, bodies(peer.host(), &house.grant().bearer())).await;
    house.close().await;
}

#[tokio::test]
async fn an_address_with_one_meaning_shows_nothing_of_somebody_else() {
    let house = House::open().await;
    for (target, status) in strangers() {
        let answer = house.get(&target).await;
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert!(!answer.text().contains(OTHER_SECRET), "{target}");
    }
    let searches =
        [format!("_id={OWN},{OTHER}"), format!("_id={OTHER}"), format!("family={QUERY_SECRET}"), "_has=x".to_owned()];
    for search in searches {
        let answer = house.get(&format!("/fhir/Patient?{search}")).await;
        assert!(!answer.text().contains(OTHER_SECRET), "{search}");
    }
    house.close().await;
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests_and_a_refusal_in_its_place() {
    let house = House::open().await;
    let (host, bearer) = (house.gateway().peer().host().to_owned(), house.grant().bearer());
    let good = format!("GET /fhir/Patient/{OWN} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n\r\n");
    let bytes = format!("{good}{good}GET //x HTTP/1.1\r\nHost: {host}\r\n\r\n{good}");
    let came = provoke(house.gateway().peer(), bytes.as_bytes(), bytes.len()).await;
    assert_eq!((came.statuses(), came.end), (vec![200, 200, 400], ErrorKind::UnexpectedEof));
    house.close().await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_ask_again() {
    let house = House::open().await;
    let (host, bearer) = (house.gateway().peer().host().to_owned(), house.grant().bearer());
    let ask = format!("GET /fhir/Patient/{OWN} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n\r\n");
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut connection = house.gateway().peer().connect().await.unwrap();
        let ask = ask.clone();
        asking.spawn(async move {
            for _ in 0..5_000 {
                let answer = connection.exchange(ask.as_bytes(), false).await.unwrap();
                if answer.status != 200 {
                    return answer;
                }
            }
            panic!("nobody was asked to wait")
        });
    }
    for answer in asking.join_all().await {
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_neither_sends_nor_takes_is_cut_off() {
    let house = House::open().await;
    let peer = house.gateway().peer();
    let host = peer.host();
    let silent = async { provoke(peer, b"", 1).await };
    let slow = async { provoke(peer, b"GET / HTTP/1.1\r\nHo", 1).await };
    let head = format!("POST /oauth/token HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\nab");
    let slow_body = async { provoke(peer, head.as_bytes(), 1).await };
    let (silent, slow, slow_body, taken) = tokio::join!(silent, slow, slow_body, never_taking(&house));
    assert_eq!((silent.statuses(), silent.end), (vec![], ErrorKind::UnexpectedEof));
    assert_eq!((slow.statuses(), slow.end), (vec![], ErrorKind::UnexpectedEof));
    assert_eq!((slow_body.statuses(), slow_body.end), (vec![400], ErrorKind::UnexpectedEof));
    assert!(taken, "a connection that takes no answers is still open");
    house.serves("those who wait").await;
    house.close().await;
}

/// Asks for much and takes nothing; whether the connection was ended before everything was answered.
async fn never_taking(house: &House) -> bool {
    const ASKED: usize = 3_000;
    let mut connection = house.gateway().peer().connect().await.unwrap();
    let ask = format!("GET /fhir/metadata HTTP/1.1\r\nHost: {}\r\n\r\n", house.gateway().peer().host());
    for _ in 0..ASKED {
        // It fills up, and then fails once the other side has given up.
        if connection.write(ask.as_bytes()).await.is_err() {
            return true;
        }
    }
    // All the asking fitted into buffers: wait as long as it takes, then see how much of the answer was written.
    tokio::time::sleep(std::time::Duration::from_secs(45)).await;
    for _ in 0..ASKED {
        if connection.answer(false).await.is_err() {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_that_takes_every_place_it_can_leaves_places_for_others() {
    let house = House::open().await;
    let (peer, hoarder) = (house.gateway().peer(), SocketAddr::from(([127, 0, 0, 9], 0)));
    let mut turned_away = false;
    // What is hoarded is cut off after a while; on a slow machine that may be before the last place is taken.
    for _attempt in 0..5 {
        let mut hoard = Vec::new();
        for _ in 0..MANY {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(hoarder).unwrap();
            hoard.push(socket.connect(peer.address()).await.unwrap());
        }
        turned_away = peer.connect_from(hoarder).await.is_err();
        house.serves("the hoarder").await;
        if turned_away {
            break;
        }
    }
    assert!(turned_away, "one address may have every place");
    house.close().await;
}

#[tokio::test]
async fn over_http2_the_same_is_refused() {
    let house = House::open().await;
    let (host, bearer) = (house.gateway().peer().host().to_owned(), house.grant().bearer());
    let own = format!("/fhir/Patient/{OWN}");
    let token = field("authorization", &bearer);
    let other = format!("/fhir/Observation/../Patient/{OTHER}");
    let cases = [
        ("two dots", 400, request("GET", &other, &host, &[&token])),
        ("an empty segment", 400, request("GET", &format!("//{OWN}"), &host, &[&token])),
        ("an encoded slash", 400, request("GET", &format!("/fhir/Patient%2f{OTHER}"), &host, &[&token])),
        ("a method in small letters", 400, request("get", &own, &host, &[&token])),
        ("the guard's own words", 400, request("refused", "/line", &host, &[&token])),
        ("another host", 400, request("GET", &own, &host, &[&token, &field("host", "evil.example")])),
        ("two hosts", 400, request("GET", &own, &host, &[&token, &field("host", &host), &field("host", &host)])),
        ("a letter outside ASCII", 400, request("GET", &own, &host, &[&token, &field("x-a", "\u{e9}")])),
        ("a coding", 0, request("GET", &own, &host, &[&token, &field("transfer-encoding", "chunked")])),
        ("a header of a connection", 0, request("GET", &own, &host, &[&token, &field("connection", "close")])),
        ("a name in capitals", 0, request("GET", &own, &host, &[&token, &field("X-A", "b")])),
        ("a name with a line in it", 0, request("GET", &own, &host, &[&token, &field("x-a\r\nx", "b")])),
        ("a value with a line in it", 0, request("GET", &own, &host, &[&token, &field("x-a", "b\r\nx: y")])),
        ("a length without a body", 0, request("POST", &own, &host, &[&token, &field("content-length", "5")])),
        ("two paths", 0, request("GET", &own, &host, &[&field(":path", &other), &token])),
        ("no path", 400, [field(":method", "GET"), field(":scheme", "https"), token.clone()].concat()),
    ];
    for (name, status, block) in cases {
        let mut connection = Http2::open(house.gateway().peer()).await;
        // Some are a fault of the protocol: then there is no answer, but an end of the stream or the connection.
        assert_eq!(connection.ask(1, &block).await.unwrap_or(0), status, "{name}");
        let mut connection = Http2::open(house.gateway().peer()).await;
        let good = request("GET", &own, &host, &[&token]);
        assert_eq!(connection.ask(1, &good).await, Some(200), "after {name}");
        house.serves(name).await;
    }
    house.close().await;
}

#[tokio::test]
async fn floods_of_frames_end_the_connection_that_sends_them() {
    let house = House::open().await;
    let (host, bearer) = (house.gateway().peer().host().to_owned(), house.grant().bearer());
    let ask = request("GET", &format!("/fhir/Patient/{OWN}"), &host, &[&field("authorization", &bearer)]);
    let more = field("x-a", &"b".repeat(1_000));
    let stream = |turn: u32| 2 * turn + 1;
    let resets = |turn: u32| [Frame::headers(stream(turn), &ask).bytes(), Frame::reset(stream(turn)).bytes()].concat();
    let begun = |turn: u32| match turn {
        0 => Frame { flags: 0, ..Frame::headers(1, &ask) }.bytes(),
        _later => Frame { kind: 9, flags: 0, stream: 1, payload: more.clone() }.bytes(),
    };
    let opened = |turn: u32| Frame { flags: 4, ..Frame::headers(stream(turn), &ask) }.bytes();
    let floods: [(&str, &dyn Fn(u32) -> Vec<u8>); 3] =
        [("resets", &resets), ("a head without end", &begun), ("streams without end", &opened)];
    for (name, frames) in floods {
        let connection = Http2::open(house.gateway().peer()).await;
        assert!(connection.flood(20_000, frames).await, "{name} go on for ever");
        house.serves(name).await;
    }
    // These cost little and change nothing; they need not end anything.
    let empty = |kind: u8, length: usize| {
        move |_turn: u32| Frame { kind, flags: 0, stream: 0, payload: vec![0; length] }.bytes()
    };
    let (pings, settings) = (empty(6, 8), empty(4, 0));
    let floods: [(&str, &dyn Fn(u32) -> Vec<u8>); 2] = [("pings", &pings), ("settings", &settings)];
    for (name, frames) in floods {
        let connection = Http2::open(house.gateway().peer()).await;
        connection.flood(20_000, frames).await;
        house.serves(name).await;
    }
    house.close().await;
}
