//! A server behind the gateway that has lost its mind: the caller gets one of two refusals, or what is his own; nothing
//! that the server said of itself or of others; and the next caller, who asks the same connection pool, the right answer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tests::app;
use tests::hostile::house::{BEHIND_SECRET, House, OTHER, OTHER_SECRET, OWN_SECRET};
use tests::hostile::upstream::{Evil, Expected, TRICKS};
use tests::http::Answer;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What every answer must be, whatever happened behind.
fn judge(trick: &str, expected: Expected, answer: &Answer) {
    let (status, text) = (answer.status, answer.text());
    for secret in [BEHIND_SECRET, OTHER_SECRET, OTHER] {
        assert!(!text.contains(secret) && !String::from_utf8_lossy(&answer.head).contains(secret), "{trick}: {text}");
    }
    let refused = |allowed: &[u16]| {
        assert!(allowed.contains(&status), "{trick}: {status} {text}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{trick}: {text}");
    };
    match expected {
        Expected::Unusable => refused(&[502]),
        Expected::Late => refused(&[502, 504]),
        Expected::OwnOrUnusable if status != 200 => refused(&[502]),
        Expected::Own | Expected::OwnOrUnusable => {
            assert_eq!(status, 200, "{trick}: {text}");
            assert_eq!(answer.json()["resourceType"], "Bundle", "{trick}: {text}");
            let rows = usize::from(trick != "wrong-subject");
            assert_eq!(text.matches(OWN_SECRET).count(), rows, "{trick}: {text}");
        }
    }
}

/// A place where nobody may be led.
async fn elsewhere() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn nobody_came(elsewhere: &TcpListener) {
    let came = tokio::time::timeout(std::time::Duration::from_millis(10), elsewhere.accept()).await;
    assert!(came.is_err(), "the gateway followed where the server led");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_server_behind_does_the_caller_gets_a_refusal_or_what_is_his_own() {
    let elsewhere = elsewhere().await;
    let evil = Evil::start(elsewhere.local_addr().unwrap()).await;
    let house = House::before(evil.base()).await;
    let mut asking = JoinSet::new();
    for (trick, expected) in TRICKS {
        let (peer, grant) = (house.gateway().peer().clone(), house.grant().clone());
        asking.spawn(async move {
            let mut connection = peer.connect().await.unwrap();
            let answer = app::get(&mut connection, &grant, &format!("/fhir/Observation?code={trick}")).await;
            judge(trick, expected, &answer);
            // The same caller, over the same connection, is served on.
            let honest = app::get(&mut connection, &grant, "/fhir/Observation?code=honest").await;
            judge("honest", Expected::Own, &honest);
        });
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
        house.serves("a trick").await;
    }
    for alarm in ["alarm=\"foreign-row\" rows=2", "alarm=\"foreign-row\" rows=1", "alarm=\"upstream\" total="] {
        assert!(house.says(alarm).await, "{alarm} is not in the log");
    }
    nobody_came(&elsewhere).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_on_which_anything_went_wrong_is_not_used_again() {
    // Everything that leaves a connection open behind it, one after the other, so that the next would be offered the same.
    let broken = [
        "length-one-less",
        "length-one-more-and-waits",
        "two-lengths",
        "extra-bytes",
        "answers-twice",
        "rows-of-another",
        "wrong-subject",
        "wrong-type",
        "nobodys-row",
        "keys-twice",
        "html",
        "bomb",
        "diagnostics",
    ];
    let elsewhere = elsewhere().await;
    let evil = Evil::start(elsewhere.local_addr().unwrap()).await;
    let house = House::before(evil.base()).await;
    for trick in broken {
        let (_, expected) = TRICKS.into_iter().find(|(name, _)| *name == trick).unwrap();
        judge(trick, expected, &house.get(&format!("/fhir/Observation?code={trick}")).await);
        for _ in 0..3 {
            house.serves(trick).await;
        }
    }
    assert_eq!(evil.asked_again(), Vec::<String>::new());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_of_one_record_meets_the_same_tricks() {
    let elsewhere = elsewhere().await;
    let evil = Evil::start(elsewhere.local_addr().unwrap()).await;
    let house = House::before(evil.base()).await;
    let mut asking = JoinSet::new();
    for (trick, expected) in TRICKS {
        // A page's tricks; and a record of somebody else is as if it were not there, whichever id it goes by.
        let of_pages = ["rows-of-another", "next-elsewhere", "nobodys-row", "answers-twice"].contains(&trick);
        let absent = ["wrong-subject", "not-found"].contains(&trick);
        if of_pages || expected == Expected::Late {
            continue;
        }
        let (peer, grant) = (house.gateway().peer().clone(), house.grant().clone());
        asking.spawn(async move {
            let mut connection = peer.connect().await.unwrap();
            let answer = app::get(&mut connection, &grant, &format!("/fhir/Observation/{trick}")).await;
            let text = answer.text();
            assert!(!text.contains(OTHER_SECRET) && !text.contains(BEHIND_SECRET), "{trick}: {text}");
            let allowed: &[u16] = match expected {
                Expected::Unusable | Expected::Late | Expected::Own if absent => &[404],
                Expected::Unusable | Expected::Late => &[502],
                Expected::Own => &[200],
                Expected::OwnOrUnusable => &[200, 502],
            };
            assert!(allowed.contains(&answer.status), "{trick}: {} {text}", answer.status);
        });
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
    house.serves("reads").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_end_end() {
    let elsewhere = elsewhere().await;
    let evil = Evil::start(elsewhere.local_addr().unwrap()).await;
    let house = House::before(evil.base()).await;
    let answer = house.get("/fhir/Observation?code=next-for-ever").await;
    assert!([200, 502].contains(&answer.status), "{}", answer.text());
    assert!(!answer.text().contains(OTHER_SECRET));
    assert!(evil.asked().len() < 100, "{} pages were asked for", evil.asked().len());
    house.serves("pages without end").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_for_a_caller_who_left_is_nobodys() {
    let elsewhere = elsewhere().await;
    let evil = Evil::start(elsewhere.local_addr().unwrap()).await;
    let house = House::before(evil.base()).await;
    let peer = house.gateway().peer();
    let bearer = house.grant().bearer();
    for _ in 0..8 {
        let mut connection = peer.connect().await.unwrap();
        let host = peer.host();
        let ask = format!(
            "GET /fhir/Observation?code=slow-then-right HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n\r\n"
        );
        connection.write(ask.as_bytes()).await.unwrap();
        let before = evil.asked().len();
        while !evil.asked().iter().skip(before.saturating_sub(1)).any(|asked| asked.contains("slow-then-right")) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        drop(connection);
    }
    for _ in 0..100 {
        house.serves("callers who left").await;
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    assert_eq!(evil.asked_again(), Vec::<String>::new());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_a_refusal() {
    let elsewhere = elsewhere().await;
    let evil = Evil::start(elsewhere.local_addr().unwrap()).await;
    let house = House::before(evil.base()).await;
    house.serves("the beginning").await;
    drop(evil);
    let answer = house.get("/fhir/Observation?code=honest").await;
    judge("nobody", Expected::Unusable, &answer);
    house.close().await;
}
