//! A person's own pages: who is signed in, where else, and which apps they allowed.
//!
//! Every form of these pages carries a token that only this session's pages know. What a person names in one, a session or
//! an app, is looked for among their own things alone.

mod app_read;
mod apps;
mod launch;
pub(super) mod login;
mod own;
mod recover;
mod second;
mod seen;
mod sessions;
mod whose;

use super::browser::{Browser, drop_session};
use super::{Answer, alone, page};
use crate::clock;
use crate::context::Context;
use crate::request::Request;
use crate::respond::{Credential, Reply};
use crate::route::AccountPage;
use http::{Method, StatusCode, header};
use portal::{Frame, Message, message};
use smart::ports::Unavailable;
use smart::rights::{Page, Rights};
use smart::settings::{ACCOUNT, ACCOUNT_LOGIN, ACCOUNT_LOGOUT};
use smart::{Account, login::Session};

/// The person who is signed in with this browser.
pub(super) struct Person {
    pub(super) session: Session,
    pub(super) account: Account,
}

/// Who is signed in with this browser; the browser's pages say so from here on.
pub(super) async fn recognise(cx: &Context, browser: &mut Browser) -> Result<Option<Person>, Unavailable> {
    let token = browser.session.as_deref();
    let Some((session, account)) = cx.authority.session(token, clock::now().seconds()).await? else { return Ok(None) };
    let form = cx.authority.form_token(token.unwrap_or(""));
    browser.prefer(account.locale);
    browser.signed_in = Some(portal::SignedIn { username: account.username.clone(), form });
    Ok(Some(Person { session, account }))
}

/// Answers one of the pages.
pub(super) async fn answer(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    person: Option<Person>,
    asked: AccountPage,
) -> Answer {
    match asked {
        AccountPage::Login => return alone(login::login(cx, request, browser).await),
        AccountPage::Recover => return alone(recover::recover(cx, request, browser).await),
        AccountPage::Logout => return alone(logout(cx, request, browser, person.as_ref()).await),
        AccountPage::Overview
        | AccountPage::Sessions
        | AccountPage::SecondFactor
        | AccountPage::Launch
        | AccountPage::Apps
        | AccountPage::AppsFile
        | AccountPage::AppRead
        | AccountPage::AppReadFile
        | AccountPage::Disclosures
        | AccountPage::DisclosuresFile => {}
    }
    let Some(person) = person else { return alone(to_login(browser, asked)) };
    let fields = match fields(cx, request, browser) {
        Ok(fields) => fields,
        Err(refused) => return alone(*refused),
    };
    let rights = person.account.rights();
    if let Some(wanted) = right_of(asked).filter(|wanted| !rights.has(*wanted)) {
        return alone(page(message(&browser.frame(None), &missing(wanted, &rights)), StatusCode::FORBIDDEN));
    }
    match asked {
        AccountPage::Overview | AccountPage::Login | AccountPage::Recover | AccountPage::Logout => {
            alone(page(portal::account(&frame(browser, ACCOUNT), &rights), StatusCode::OK))
        }
        AccountPage::Sessions => alone(sessions::sessions(cx, request, browser, &person, &fields).await),
        AccountPage::SecondFactor => alone(second::second(cx, request, browser, &person, &fields).await),
        AccountPage::Launch => {
            let answer = launch::launch(cx, request, browser, &person, &fields).await;
            still_entitled(cx, browser, &person, asked, answer).await
        }
        AccountPage::Apps
        | AccountPage::AppsFile
        | AccountPage::AppRead
        | AccountPage::AppReadFile
        | AccountPage::Disclosures
        | AccountPage::DisclosuresFile => {
            let answer = match asked {
                AccountPage::Apps => apps::apps(cx, request, browser, &person, &fields).await,
                AccountPage::AppsFile => apps::file(cx, request, browser, &person).await,
                AccountPage::AppRead => app_read::read(cx, request, browser, &person, false).await,
                AccountPage::AppReadFile => app_read::read(cx, request, browser, &person, true).await,
                AccountPage::DisclosuresFile => seen::file(cx, request, browser, &person).await,
                AccountPage::Disclosures
                | AccountPage::Overview
                | AccountPage::Login
                | AccountPage::Recover
                | AccountPage::Logout
                | AccountPage::Sessions
                | AccountPage::Launch
                | AccountPage::SecondFactor => seen::page(cx, request, browser, &person).await,
            };
            still_entitled(cx, browser, &person, asked, answer).await
        }
    }
}

/// The right that a page needs; none where everyone has it who signs in.
fn right_of(asked: AccountPage) -> Option<Page> {
    match asked {
        AccountPage::Overview | AccountPage::Login | AccountPage::Recover | AccountPage::Logout => None,
        AccountPage::Sessions => Some(Page::Sessions),
        AccountPage::SecondFactor => Some(Page::SecondFactor),
        AccountPage::Launch => Some(Page::Launch),
        AccountPage::Apps | AccountPage::AppsFile | AccountPage::AppRead | AccountPage::AppReadFile => Some(Page::Apps),
        AccountPage::Disclosures | AccountPage::DisclosuresFile => Some(Page::Disclosures),
    }
}

/// What is said to someone who has not a page.
fn missing(wanted: Page, rights: &Rights) -> Message<'static> {
    if !rights.sees_records() {
        return Message::SeesNoRecords;
    }
    match wanted {
        Page::Launch => Message::ForClinicians,
        Page::Apps | Page::Disclosures | Page::Sessions | Page::SecondFactor => Message::ForPatients,
    }
}

/// The answer, if the session holds once more now that it is ready, and the person may ask about the same patients as before:
/// nothing of a record is shown to one that was ended.
async fn still_entitled(
    cx: &Context,
    browser: &Browser,
    person: &Person,
    asked: AccountPage,
    answer: Answer,
) -> Answer {
    if !matches!(answer.0, Reply::Disclosure(_)) {
        return answer;
    }
    let same = |now: &Account| now.role == person.account.role && now.patients == person.account.patients;
    match cx.authority.session(browser.session.as_deref(), clock::now().seconds()).await {
        Ok(Some((_, now))) if same(&now) => answer,
        Ok(Some(_) | None) => alone(to_login(browser, asked)),
        Err(why) => alone(unavailable(browser, &why)),
    }
}

/// The names and values of a form that is one of this session's own; of a request without a form, none.
fn fields(cx: &Context, request: &Request, browser: &Browser) -> Result<Vec<(String, String)>, Box<Reply>> {
    if request.method != Method::POST {
        return Ok(Vec::new());
    }
    let fields = request.form_pairs().map_err(|why| Box::new(Reply::stranger(why)))?;
    if cx.authority.is_form_of(browser.session.as_deref(), of(&fields, "form")) {
        return Ok(fields);
    }
    Err(Box::new(page(message(&browser.frame(None), &Message::ForeignForm), StatusCode::FORBIDDEN)))
}

/// A field's value; nothing where it is not there.
pub(super) fn of<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
}

fn frame(browser: &Browser, path: &str) -> Frame {
    browser.frame(Some(path.to_owned()))
}

/// On to the sign-in page, and from there back.
fn to_login(browser: &Browser, wanted: AccountPage) -> Reply {
    let to = wanted.word();
    Reply::Credential(Credential::see_other(browser.own_path(ACCOUNT_LOGIN, "to", to)))
}

/// On to one of the pages, with a word for its notice.
fn done(browser: &Browser, path: &str, said: &str) -> Reply {
    Reply::Credential(Credential::see_other(browser.own_path(path, "said", said)))
}

pub(super) fn unavailable(browser: &Browser, why: &Unavailable) -> Reply {
    tracing::error!(%why, "a person's own page cannot be shown");
    page(message(&browser.frame(None), &Message::Unavailable), StatusCode::SERVICE_UNAVAILABLE)
}

/// Ends the session, on our side and in the browser.
async fn logout(cx: &Context, request: &Request, browser: &Browser, person: Option<&Person>) -> Reply {
    if request.method != Method::POST {
        return match person {
            Some(_) => Reply::Credential(Credential::see_other(browser.own_path(ACCOUNT, "to", ""))),
            None => page(message(&frame(browser, ACCOUNT_LOGOUT), &Message::SignedOut), StatusCode::OK),
        };
    }
    // Whoever is not signed in has nothing that a foreign form could end.
    if person.is_some()
        && let Err(refused) = fields(cx, request, browser)
    {
        return *refused;
    }
    if let Err(why) = cx.authority.sign_out(browser.session.as_deref(), clock::now().seconds()).await {
        return unavailable(browser, &why);
    }
    let go = Credential::see_other(browser.own_path(ACCOUNT_LOGOUT, "to", ""));
    Reply::Credential(go.with(header::SET_COOKIE, drop_session()))
}
