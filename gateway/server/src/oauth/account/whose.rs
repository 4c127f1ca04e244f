//! Whose record a page is to be about, where someone acts for several: their names, each a link.

use super::{Person, frame};
use crate::context::Context;
use crate::oauth::Answer;
use crate::oauth::browser::Browser;
use crate::oauth::patients::{asked, caller, nobody, refusal, shape};
use crate::pipeline::of_page;
use crate::request::Request;
use crate::respond::Reply;
use portal::WhoseForm;

/// The page of names; `here` is its address, `to` where each link leads, up to the patient's id.
pub(super) async fn choose(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    person: &Person,
    here: &str,
    to: String,
) -> Answer {
    let form = WhoseForm { frame: frame(browser, here), to };
    let patients = person.account.patients.clone();
    let Some(caller) = caller(&person.account, person.session.digest.clone(), patients) else {
        return nobody(&form.frame);
    };
    match of_page(cx, &caller, request, &asked(cx, request)).await {
        Ok(released) => {
            let html = released.page.map(&form, portal::whose).map(&(), shape);
            (Reply::Disclosure(Box::new(html)), Some(caller.principal))
        }
        Err(refused) => refusal(form.frame, refused),
    }
}
