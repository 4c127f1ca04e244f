//! HTTP/1 on the wire: what goes on to the HTTP library is the same in any pieces, and the library's own parser finds the
//! same messages in it, none of which two servers could read differently.
//!
//! The first three bytes are the sizes of the pieces, the rest is what comes over the wire.
#![no_main]

mod guard;
#[path = "../../../gateway/server/src/request.rs"]
#[allow(dead_code, reason = "one part of crate server stands here for the whole")]
mod request;

use guard::passed;
use libfuzzer_sys::fuzz_target;

/// More fields than a head may have.
const FIELDS_MAX: usize = 100;

fuzz_target!(|input: &[u8]| {
    let [first, second, third, wire @ ..] = input else { return };
    let sizes = [first, second, third].map(|size| usize::from(*size) % 97 + 1);
    let mut pieces = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(sizes[pieces.len() % sizes.len()].min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    let (whole, end) = passed(&[wire]);
    assert!(wire.starts_with(&whole));
    assert_eq!(passed(&pieces), (whole.clone(), end));
    messages(&whole);
});

/// Walks over the messages by the library's parser and a plain reading of bodies, up to a body that is not there whole.
fn messages(mut rest: &[u8]) {
    while !rest.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut head = httparse::Request::new(&mut fields);
        let parsed = head.parse(rest).expect("what goes on can be parsed");
        let httparse::Status::Complete(end) = parsed else { panic!("half a head went on") };
        assert!(rest[..end].ends_with(b"\r\n\r\n"));
        let named = |name: &str| {
            let own = head.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            own.map(|field| field.value).collect::<Vec<_>>()
        };
        assert_eq!(named("host").len(), 1, "one host");
        assert!(named("upgrade").is_empty());
        let path = head.path.expect("a path");
        assert!(path.starts_with('/') || path.starts_with("https://"), "{path}");
        assert!(!path.contains(['#', '"']) && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
        rest = &rest[end..];
        match (named("content-length").as_slice(), named("transfer-encoding").as_slice()) {
            ([], []) => {}
            ([length], []) => {
                let digits = std::str::from_utf8(length).expect("digits");
                assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
                let length: usize = digits.parse().expect("a number");
                rest = rest.get(length..).unwrap_or_default();
            }
            ([], [coding]) => {
                assert!(coding.eq_ignore_ascii_case(b"chunked"));
                rest = behind_chunks(rest);
            }
            (lengths, codings) => panic!("{} lengths and {} codings", lengths.len(), codings.len()),
        }
    }
}

/// What stands behind a chunked body; nothing, when it is not there whole.
fn behind_chunks(mut rest: &[u8]) -> &[u8] {
    loop {
        let Ok(httparse::Status::Complete((end, size))) = httparse::parse_chunk_size(rest) else {
            assert!(httparse::parse_chunk_size(rest).is_ok(), "a chunk that went on has a size");
            return &[];
        };
        assert!(rest[..end].iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'\r' | b'\n')));
        let size = usize::try_from(size).expect("a size within the bounds");
        rest = rest.get(end..).unwrap_or_default();
        let Some(after) = rest.get(size..).filter(|after| after.len() >= 2) else { return &[] };
        assert!(after.starts_with(b"\r\n"), "a chunk ends where it says");
        rest = &after[2..];
        if size == 0 {
            return rest;
        }
    }
}
