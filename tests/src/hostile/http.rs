//! A client that sends what no library would: heads that two servers read differently, bodies that are not as announced.

use super::house::OTHER;
use crate::http::{Answer, Peer};
use std::io::ErrorKind;

/// Something to send, and the statuses that must come back before the connection is closed.
pub struct Case {
    /// What is wrong with it.
    pub name: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The answers, in their order.
    pub statuses: Vec<u16>,
}

/// What came of it.
pub struct Provoked {
    /// The answers.
    pub answers: Vec<Answer>,
    /// How the connection ended: `UnexpectedEof` when it was closed in good order.
    pub end: ErrorKind,
}

impl Provoked {
    /// Their statuses.
    pub fn statuses(&self) -> Vec<u16> {
        self.answers.iter().map(|answer| answer.status).collect()
    }
}

/// Sends bytes in pieces of this length over a connection of their own, and reads until it ends.
pub async fn provoke(peer: &Peer, bytes: &[u8], piece: usize) -> Provoked {
    let mut connection = peer.connect().await.unwrap();
    for piece in bytes.chunks(piece) {
        // The other side may have heard enough; what it answered is still to be read.
        if connection.write(piece).await.is_err() {
            break;
        }
    }
    let mut answers = Vec::new();
    loop {
        match connection.answer(false).await {
            Ok(answer) => answers.push(answer),
            Err(why) => return Provoked { answers, end: why.kind() },
        }
    }
}

/// What is wrong with a head, with a token that would open what it asks for; each is one 400, 414 or 431.
pub fn heads(host: &str, bearer: &str) -> Vec<Case> {
    let path = "/fhir/Patient";
    let get = |line: &str| format!("{line}\r\nHost: {host}\r\nAuthorization: {bearer}\r\n\r\n");
    let target = |target: &str| get(&format!("GET {target} HTTP/1.1"));
    let field = |field: &str| {
        format!("POST {path}/_search HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n{field}\r\n\r\n")
    };
    let behind = format!("0\r\n\r\nGET {path}/{OTHER} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let malformed = [
        ("both lengths", field("Content-Length: 4\r\nTransfer-Encoding: chunked") + &behind),
        ("both lengths the other way", field("Transfer-Encoding: chunked\r\nContent-Length: 4") + &behind),
        ("two lengths", field("Content-Length: 0\r\nContent-Length: 5") + "abcde"),
        ("the same length twice", field("Content-Length: 5\r\nContent-Length: 5") + "abcde"),
        ("a list of lengths", field("Content-Length: 5, 5") + "abcde"),
        ("a length with a sign", field("Content-Length: +5") + "abcde"),
        ("a length past counting", field("Content-Length: 99999999999999999999")),
        ("a coding after a control character", field("Transfer-Encoding: \u{b}chunked")),
        ("a coding with a space before its colon", field("Transfer-Encoding : chunked")),
        ("a coding that is not taken", field("Transfer-Encoding: gzip, chunked")),
        ("two codings", field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
        ("an old version with a coding", field("Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0")),
        ("a folded line", field("X-A: b\r\n Content-Length: 5")),
        ("a bare line feed", field("X-A: b\nContent-Length: 5")),
        ("a bare carriage return", field("X-A: b\rContent-Length: 5")),
        ("lines of line feeds alone", target(path).replace('\r', "")),
        ("a null", field("X-A: a\0b")),
        ("a letter outside ASCII", field("X-A: \u{e9}")),
        ("a name with a space", field("X A: b")),
        ("two hosts", field(&format!("Host: {host}"))),
        ("another host", field("Host: evil.example")),
        ("no host", format!("GET {path} HTTP/1.1\r\nAuthorization: {bearer}\r\n\r\n")),
        ("an empty host", format!("GET {path} HTTP/1.1\r\nHost:\r\nAuthorization: {bearer}\r\n\r\n")),
        ("a header taken away on the way", field("Connection: close, authorization")),
        (
            "an upgrade",
            field("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"),
        ),
        ("an expectation nobody can meet", field("Expect: the-unexpected")),
        ("an empty line first", format!("\r\n{}", target(path))),
        ("a method in small letters", get(&format!("get {path} HTTP/1.1"))),
        ("the guard's own words", get("refused /line HTTP/1.1")),
        ("two spaces", get(&format!("GET  {path} HTTP/1.1"))),
        ("a tab", get(&format!("GET\t{path} HTTP/1.1"))),
        ("no version", get(&format!("GET {path}"))),
        ("an unknown version", get(&format!("GET {path} HTTP/9.9"))),
        ("a tunnel", get("CONNECT evil.example:443 HTTP/1.1")),
        ("the preface of another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("an asterisk", get("OPTIONS * HTTP/1.1")),
        ("an absolute address elsewhere", target(&format!("http://evil.example{path}/{OTHER}"))),
        ("an absolute address of another host", target(&format!("https://evil.example{path}/{OTHER}"))),
        ("an absolute address with a user", target(&format!("https://{host}@evil.example{path}"))),
        ("an authority in the path", target(&format!("//evil.example{path}"))),
        ("an empty segment", target(&format!("/fhir//Patient/{OTHER}"))),
        ("a dot", target(&format!("/fhir/./Patient/{OTHER}"))),
        ("two dots", target(&format!("/fhir/Observation/../Patient/{OTHER}"))),
        ("two dots, encoded", target(&format!("/fhir/Observation/%2e%2e/Patient/{OTHER}"))),
        ("two dots with a parameter", target(&format!("/fhir/Observation/..;/Patient/{OTHER}"))),
        ("an encoded slash", target(&format!("/fhir/Patient%2f{OTHER}"))),
        ("an encoding of an encoding", target(&format!("/fhir/Patient%252f{OTHER}"))),
        ("an encoded null", target(&format!("{path}/{OTHER}%00"))),
        ("a parameter in the path", target(&format!("/fhir/Patient;x=1/{OTHER}"))),
        ("a backslash", target(&format!("/fhir/Patient\\{OTHER}"))),
        ("a slash at the end", target(&format!("{path}/{OTHER}/"))),
        ("a comma", target(&format!("{path}/me,{OTHER}"))),
        ("digits of full width", target("/fhir/Patient/\u{ff12}")),
        ("an overlong encoding", target("/fhir/Patient/%c0%ae%c0%ae/x")),
        ("a fragment", target(&format!("{path}#x"))),
        ("a query outside ASCII", target(&format!("{path}?name=\u{e9}"))),
    ];
    let bounds = [
        ("a long path", target(&format!("/{}", "a".repeat(1_000))), 414),
        ("a long query", target(&format!("{path}?name={}", "a".repeat(27_000))), 414),
        ("a line without end", "G".repeat(35_000), 414),
        ("many headers", field(&"X-A: b\r\n".repeat(100)), 431),
        ("a long header", field(&format!("X-A: {}", "b".repeat(50_000))), 431),
    ];
    let malformed = malformed.into_iter().map(|(name, bytes)| (name, bytes, 400));
    let all = malformed.chain(bounds);
    all.map(|(name, bytes, status)| Case { name, bytes: bytes.into_bytes(), statuses: vec![status] }).collect()
}

/// A head that is in order, and a body that is not.
pub fn bodies(host: &str, bearer: &str) -> Vec<Case> {
    let post = |fields: &str, body: &str| {
        format!(
            "POST /fhir/Patient/_search HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{fields}\r\n\r\n{body}"
        )
    };
    let chunked = |body: &str| post("Transfer-Encoding: chunked", body);
    let long = "a".repeat(70_000);
    let cases = [
        ("a size with a prefix", chunked("0x5\r\n_id=a\r\n0\r\n\r\n"), vec![400]),
        ("a size with a space", chunked("5 \r\n_id=a\r\n0\r\n\r\n"), vec![400]),
        ("a size past counting", chunked("fffffffffffffffff\r\n_id=a\r\n0\r\n\r\n"), vec![400]),
        ("an extension", chunked("5;a=b\r\n_id=a\r\n0\r\n\r\n"), vec![400]),
        ("an extension with a line feed", chunked("5;\n_id=a\r\n0\r\n\r\n"), vec![400]),
        ("a chunk longer than its size", chunked("5\r\n_id=abc\r\n0\r\n\r\n"), vec![400]),
        ("a chunk that ends in a line feed", chunked("5\n_id=a\n0\n\n"), vec![400]),
        ("trailers", chunked("5\r\n_id=a\r\n0\r\nAuthorization: x\r\n\r\n"), vec![400]),
        ("more than is taken", post(&format!("Content-Length: {}", long.len()), &long), vec![413]),
        ("more than is taken, in chunks", chunked(&format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len())), vec![413]),
        ("words behind a body", post("Content-Length: 5", "_id=a smuggled\r\n\r\n"), vec![200, 400]),
        ("a body without a length", post("X-A: b", "_id=a\r\n\r\n"), vec![200, 400]),
    ];
    cases.into_iter().map(|(name, bytes, statuses)| Case { name, bytes: bytes.into_bytes(), statuses }).collect()
}

/// Addresses that mean one thing, and nothing that the caller may have.
pub fn strangers() -> Vec<(String, u16)> {
    let absent = [
        format!("/fhir/Patient/{OTHER}"),
        format!("/fhir/patient/{OTHER}"),
        format!("/fhir/Patient/{OTHER}."),
        format!("/fhir/Patient/{OTHER}/_history/1"),
        format!("/fhir/Patient/{OTHER}/_history"),
        format!("/fhir/Patient/{OTHER}/$everything"),
        format!("/fhir/Patient/{OTHER}?_pretty=true"),
        format!("/FHIR/Patient/{OTHER}"),
        "/fhir/_history".to_owned(),
        "/fhir?_type=Patient".to_owned(),
        "/fhir/Patient/$match".to_owned(),
    ];
    absent.into_iter().map(|target| (target, 404)).collect()
}
