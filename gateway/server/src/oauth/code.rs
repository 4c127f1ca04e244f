//! The code of a second factor, in an app's launch.

use super::browser::Browser;
use super::launch::{signed_in, stopped};
use crate::context::Context;
use crate::request::Request;
use crate::respond::Reply;
use portal::{App, CodeFault, CodeForm};
use smart::flow::Asking;
use smart::login::{NotSignedIn, Visit};
use smart::settings::LOGIN;

/// The launch that waits for a code.
pub(super) struct Launch<'a> {
    pub(super) browser: &'a Browser,
    pub(super) visit: &'a Visit<'a>,
    pub(super) flow: &'a str,
    pub(super) asking: &'a Asking,
}

/// The page that asks for it.
pub(super) fn page(launch: &Launch<'_>, half: &str, fault: Option<CodeFault>) -> Reply {
    let fields = vec![("flow", launch.flow.to_owned()), ("half", half.to_owned())];
    // Its own address would not bring it back, so there is no way from it to the other language.
    let (frame, app) = (launch.browser.frame(None), Some(App::new(launch.asking)));
    super::code_page(&CodeForm { frame, action: LOGIN, fields, app, fault })
}

/// What was typed.
pub(super) async fn with_code(
    cx: &Context,
    request: &Request,
    launch: &Launch<'_>,
    (half, code): (&str, &str),
) -> Reply {
    if cx.limits.code(request.remote).is_err() {
        return page(launch, half, Some(CodeFault::TooMany));
    }
    match cx.authority.sign_in_with_code(Some(launch.flow), (half, code), launch.visit).await {
        Ok(session) => signed_in(cx, launch.browser, launch.flow, &session).await,
        Err(NotSignedIn::Wrong) => page(launch, half, Some(CodeFault::Wrong)),
        Err(NotSignedIn::TooMany) => page(launch, half, Some(CodeFault::TooMany)),
        Err(NotSignedIn::Stopped(why)) => stopped(launch.browser, &why),
    }
}
