//! What a browser brings along: its cookies, its language, and where a form came from.

use crate::context::Context;
use crate::request::Request;
use cookie::{Cookie, SameSite};
use http::header;
use portal::{Frame, SignedIn};
use smart::login::Visit;
use smart::{Locale, Whence};

/// The browser's own token: a launch can be gone on with only where it began.
const BROWSER: &str = "__Host-sluice-browser";
/// The session of the person who signed in.
const SESSION: &str = "__Host-sluice-session";
/// Bytes of a cookie that is looked at.
const COOKIE_BYTES_MAX: usize = 4096;

/// A browser and its wishes.
pub(super) struct Browser {
    /// Its own token, if it has one.
    pub(super) token: Option<String>,
    /// Its session's token.
    pub(super) session: Option<String>,
    /// Who is signed in with it, once that was looked up: its pages say so.
    pub(super) signed_in: Option<SignedIn>,
    /// The language of its pages, and whether it was named in the request.
    locale: Locale,
    is_named: bool,
}

impl Browser {
    /// Reads cookies and language.
    pub(super) fn of(request: &Request) -> Browser {
        // HTTP/2 may send each cookie in a line of its own (RFC 9113 section 8.2.3).
        let lines = request.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let cookies = lines.collect::<Vec<_>>().join("; ");
        let cookies = if cookies.len() <= COOKIE_BYTES_MAX { cookies.as_str() } else { "" };
        let named = |name: &str| {
            let mut all = Cookie::split_parse(cookies).filter_map(Result::ok).filter(|cookie| cookie.name() == name);
            let first = all.next()?;
            // Two of one name: someone planted one. An empty one is no secret.
            if all.next().is_some() || first.value().is_empty() { None } else { Some(first.value().to_owned()) }
        };
        let chosen = request.query_pairs().into_iter().find(|(name, _)| name == "lang").map(|(_, tag)| tag);
        let chosen = chosen.or_else(|| {
            let form = request.form_pairs().ok()?;
            form.into_iter().find(|(name, _)| name == "lang").map(|(_, tag)| tag)
        });
        let chosen = chosen.and_then(|tag| Locale::of(&tag));
        let locale = chosen.unwrap_or_else(|| Locale::negotiate(request.header("accept-language")));
        let is_named = chosen.is_some();
        Browser { token: named(BROWSER), session: named(SESSION), signed_in: None, locale, is_named }
    }

    /// Takes the language that an account is kept with, unless the request names one.
    pub(super) fn prefer(&mut self, locale: Option<Locale>) {
        if let Some(own) = locale.filter(|_| !self.is_named) {
            self.locale = own;
        }
    }

    /// The language of pages, and the address of this one.
    pub(super) fn frame(&self, here: Option<String>) -> Frame {
        Frame { signed_in: self.signed_in.clone(), locale: self.locale, here }
    }

    /// Roughly which browser it is, and where.
    pub(super) fn whence(&self, request: &Request) -> Whence {
        Whence::of(request.header(header::USER_AGENT.as_str()), request.remote)
    }

    /// This browser as someone who signs in with it, by its own token.
    pub(super) fn visit<'a>(&'a self, browser: &'a str, whence: &'a Whence, now_s: i64) -> Visit<'a> {
        Visit { browser, session: self.session.as_deref(), whence, now_s }
    }

    /// A path of ours with the flow and the language in force.
    pub(super) fn path(&self, path: &str, flow: &str) -> String {
        format!("{path}?flow={flow}&lang={}", self.locale.tag())
    }

    /// A path of a person's own pages, one word for it, and the language in force.
    pub(super) fn own_path(&self, path: &str, name: &str, word: &str) -> String {
        let lang = self.locale.tag();
        if word.is_empty() { format!("{path}?lang={lang}") } else { format!("{path}?{name}={word}&lang={lang}") }
    }
}

/// The header that keeps the browser's token.
pub(super) fn keep_browser(token: &str) -> String {
    keep(BROWSER, token)
}

/// The header that keeps a session. It ends with the browser, or earlier on our side.
pub(super) fn keep_session(token: &str) -> String {
    keep(SESSION, token)
}

/// The header that makes the browser forget its session.
pub(super) fn drop_session() -> String {
    let mut gone = ours(SESSION, "");
    gone.set_max_age(cookie::time::Duration::ZERO);
    gone.to_string()
}

fn keep(name: &'static str, value: &str) -> String {
    ours(name, value).to_string()
}

fn ours(name: &'static str, value: &str) -> Cookie<'static> {
    let cookie = Cookie::build((name, value.to_owned()));
    cookie.path("/").secure(true).http_only(true).same_site(SameSite::Lax).build()
}

/// Whether a form was sent by another site (Fetch Metadata; Origin where that is not told).
pub(super) fn is_foreign(cx: &Context, request: &Request) -> bool {
    match (request.header("sec-fetch-site"), request.header(header::ORIGIN.as_str())) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        // Our own `no-referrer` makes browsers say `null`; the flow's secret and its cookie bind the form all the same.
        (None, Some(origin)) => origin != cx.origin && origin != "null",
        (None, None) => request.headers.contains_key("sec-fetch-site"),
    }
}
