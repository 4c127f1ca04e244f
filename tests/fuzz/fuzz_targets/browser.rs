//! What a browser brings along: cookies, forms, query and path, read by the server's own files, which need no socket.
//!
//! The input is lines of `name: value` up to an empty line, then the body. `path:` and `query:` are taken for the first line
//! of a request.
#![no_main]

#[path = "../../../gateway/server/src/oauth/browser.rs"]
#[allow(dead_code, reason = "one part of crate server stands here for the whole")]
mod browser;
mod context;
#[path = "../../../gateway/server/src/request.rs"]
#[allow(dead_code, reason = "one part of crate server stands here for the whole")]
mod request;

use browser::{Browser, is_foreign, keep_browser, keep_session};
use context::Context;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use request::{Request, checked_path};
use std::net::{IpAddr, Ipv4Addr};

const ORIGIN: &str = "https://localhost:8443";

fuzz_target!(|input: &[u8]| {
    let cut = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = cut.map_or((input, &[][..]), |at| (&input[..at], &input[at + 2..]));
    let mut request = Request {
        method: Method::POST,
        path: "/oauth/login".to_owned(),
        query: None,
        headers: HeaderMap::new(),
        body: body.to_vec().into(),
        remote: IpAddr::V4(Ipv4Addr::LOCALHOST),
        correlation: "c1".to_owned(),
    };
    for line in head.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        match name {
            b"path" => path(&String::from_utf8_lossy(value)),
            b"query" => request.query = std::str::from_utf8(value).ok().map(str::to_owned),
            _ => {
                let pair = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
                if let (Ok(name), Ok(value)) = pair {
                    request.headers.append(name, value);
                }
            }
        }
    }
    cookies(&request);
    let cx = Context { origin: ORIGIN.to_owned() };
    let site = request.header("sec-fetch-site");
    let foreign = is_foreign(&cx, &request);
    assert!(!matches!(site, Some("same-origin" | "none")) || !foreign);
    assert!(!matches!(site, Some("cross-site" | "same-site")) || foreign);
    let other = request.header("origin").is_some_and(|origin| origin != ORIGIN && origin != "null");
    assert!(!(other && !request.headers.contains_key("sec-fetch-site")) || foreign);
    let form = request.form_pairs();
    let media = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    assert!(form.is_err() || body.is_empty() || media.trim().starts_with("application/x-www-form-urlencoded"));
    assert!(request.query_pairs().len() <= request.query.as_deref().unwrap_or_default().len() + 1);
});

/// A token is taken only where the browser sent that name once, and only as it stands there.
fn cookies(request: &Request) {
    let browser = Browser::of(request);
    let lines: Vec<&str> = request.headers.get_all("cookie").iter().filter_map(|line| line.to_str().ok()).collect();
    let all = lines.join("; ");
    for (name, token) in [("__Host-sluice-browser", &browser.token), ("__Host-sluice-session", &browser.session)] {
        let pairs = all.split(';').filter_map(|pair| pair.split_once('='));
        let sent: Vec<&str> = pairs.filter(|(known, _)| known.trim() == name).map(|(_, value)| value.trim()).collect();
        match token {
            Some(token) => {
                assert!(sent.len() == 1 && sent[0].trim_matches('"') == token.trim_matches('"'), "{sent:?} {token}")
            }
            None => assert!(sent.len() != 1 || all.len() > 4096 || sent[0].is_empty(), "{sent:?}"),
        }
    }
    let frame = browser.frame(None);
    assert!(browser.path("/oauth/login", "f").ends_with(frame.locale.tag()));
    let kept = keep_browser("abc-_123");
    assert!(kept.contains("__Host-sluice-browser=abc-_123") && kept.contains("Secure") && kept.contains("HttpOnly"));
    assert!(keep_session("x").contains("SameSite=Lax"));
}

/// A path that is taken means one thing: no library finds anything in it to resolve or decode.
fn path(path: &str) {
    if checked_path(path).is_ok() {
        let url = url::Url::parse(&format!("https://localhost{path}")).expect("an address");
        assert_eq!((url.path(), url.query(), url.fragment()), (path, None, None));
        assert!(path.starts_with('/') && !path.contains("//") && !path.contains('%'));
    }
}
