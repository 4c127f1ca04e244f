//! Opening an app for a patient, as an EHR does: a clinician chooses both, and the browser goes to the app with a launch that
//! only this clinician can take up. Patients' names come through the gate, as everywhere.

use super::{Person, done, frame, of, unavailable};
use crate::clock;
use crate::context::Context;
use crate::oauth::browser::Browser;
use crate::oauth::patients::{asked, caller, nobody, refusal, shape};
use crate::oauth::{Answer, alone, page};
use crate::pipeline::of_page;
use crate::request::Request;
use crate::respond::{Credential, Reply};
use http::{Method, StatusCode};
use portal::LaunchForm;
use smart::launch::{NewLaunch, NoLaunch};
use smart::settings::ACCOUNT_LAUNCH;

/// What the notice of the page is called in its address.
const FAILED: &str = "failed";

/// The page, and opening an app.
pub(super) async fn launch(
    cx: &Context,
    request: &Request,
    browser: &Browser,
    person: &Person,
    fields: &[(String, String)],
) -> Answer {
    if request.method == Method::POST {
        return alone(open(cx, browser, person, fields).await);
    }
    let found = async {
        let apps = cx.authority.launchable(&person.account).await?;
        Ok::<_, smart::ports::Unavailable>((apps, cx.authority.in_care_of(&person.account).await?))
    };
    let (apps, patients) = match found.await {
        Ok(found) => found,
        Err(why) => return alone(unavailable(browser, &why)),
    };
    let failed = request.query_pairs().iter().any(|(name, said)| name == "said" && said == FAILED);
    let form = LaunchForm { frame: frame(browser, ACCOUNT_LAUNCH), apps, failed };
    if form.apps.is_empty() || patients.is_empty() {
        // Nobody is to be named, so nothing is disclosed.
        return alone(page(portal::launch_alone(&form), StatusCode::OK));
    }
    let Some(caller) = caller(&person.account, person.session.digest.clone(), patients) else {
        return nobody(&form.frame);
    };
    match of_page(cx, &caller, request, &asked(cx, request)).await {
        Ok(released) => {
            let html = released.page.map(&form, portal::launch).map(&(), shape);
            (Reply::Disclosure(Box::new(html)), Some(caller.principal))
        }
        Err(refused) => refusal(form.frame, refused),
    }
}

/// On to the app. What cannot be opened leads back to the page, where both are chosen anew.
async fn open(cx: &Context, browser: &Browser, person: &Person, fields: &[(String, String)]) -> Reply {
    let new = NewLaunch {
        client_id: of(fields, "app").to_owned(),
        username: Some(person.account.username.clone()),
        patient: Some(of(fields, "patient").to_owned()),
        ..NewLaunch::default()
    };
    match cx.authority.new_launch(&new, clock::now().seconds()).await {
        Ok(address) => Reply::Credential(Credential::see_other(address)),
        Err(NoLaunch::Unavailable(why)) => unavailable(browser, &why),
        Err(why) => {
            tracing::info!(%why, "an app could not be opened for a patient");
            done(browser, ACCOUNT_LAUNCH, FAILED)
        }
    }
}
