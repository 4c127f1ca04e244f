//! A request's journey, in one straight line. Whatever of a record is answered passes through [`journey`].

use crate::authenticate::{self, Caller, Stranger};
use crate::context::Context;
use crate::interaction::content::{self, Native};
use crate::interaction::{self, Asked, read, search};
use crate::request::Request;
use crate::respond::{Asker, Body, Public, Reply, Shape, respond};
use crate::route::{Act, Authn, Cors, Matched};
use crate::{admit, calls, care, clock, oauth, paging, well_known};
use fhir::Interaction;
use http::header::HeaderName;
use http::{Method, Response, StatusCode};
use privacy::faults::{self, Point};
use privacy::{Disclosure, Facts, Judging, Page, Redacted, Refusal, Refused, Unread, decide};
use smart::Mishap;

/// Answers a request.
pub(crate) async fn serve(cx: &Context, request: &Request) -> Response<Body> {
    let head = request.method == Method::HEAD;
    let unknown = Asker { route: None, principal: None, correlation: &request.correlation, head, challenge: "Bearer" };
    let matched = match cx.routes.find(&request.method, &request.path) {
        Ok(matched) => matched,
        Err((route, why)) => return respond(Reply::stranger(why), &Asker { route, ..unknown }),
    };
    let asker = Asker { route: Some(matched.route), ..unknown };
    if request.method == Method::OPTIONS {
        return respond(preflight(&matched), &asker);
    }
    match matched.route.authn {
        Authn::Anyone | Authn::Session => {
            // Boxed, so that a request for a record does not carry the room that a sign-in needs.
            let (reply, principal) = Box::pin(public(cx, request, &matched)).await;
            respond(reply, &Asker { principal: principal.as_deref(), ..asker })
        }
        Authn::Bearer => match authenticate::bearer(cx, request) {
            Ok(caller) => {
                #[cfg(feature = "faults")]
                if let Some(answered_before) = crate::seeded::answered_before(request) {
                    return respond(answered_before, &asker);
                }
                let reply = fhir(cx, &caller, request, &matched).await;
                // Whoever was told that an app is stopped sees nothing leave for it, however long ago it asked.
                let granted = cx.authority.grant_holds(&caller.principal.grant, clock::now().seconds());
                if matches!(reply, Reply::Disclosure(_)) && !granted {
                    let (challenge, why) = authenticate::withdrawn();
                    // Its answer stands on the ledger, and so does that it never left.
                    let refused = unread(cx, &caller, request, matched.route.act.interaction(), why).await;
                    return respond(Reply::Refused(refused), &Asker { challenge, ..asker });
                }
                let error = reply.issue_code();
                let response = respond(reply, &Asker { principal: Some(&caller.principal), ..asker });
                let response = response.map(|body| body.leaving_by(|| cx.authority.lease(&caller.principal.grant)));
                cx.calls
                    .note(&caller.principal.client, calls::by_route(request, matched.route, response.status(), error));
                #[cfg(feature = "faults")]
                crate::seeded::remember(request, &response);
                response
            }
            Err(stranger) => {
                let Stranger { challenge, why, client } = *stranger;
                let reply = Reply::stranger(why);
                let error = reply.issue_code();
                let response = respond(reply, &Asker { challenge, ..asker });
                if let Some(client) = client {
                    cx.calls.note(&client, calls::by_route(request, matched.route, response.status(), error));
                }
                response
            }
        },
    }
}

/// A page that was released, and what links to the next one are bound to: what it was decided with.
pub(crate) struct Released {
    pub(crate) page: Disclosure<Page>,
    pub(crate) binding: String,
}

/// One question of one of our own pages, and its answer.
pub(crate) async fn of_page(
    cx: &Context,
    caller: &Caller,
    request: &Request,
    asked: &Asked,
) -> Result<Released, Refused> {
    admitted(cx, caller, request, Some(asked.question.interaction)).await?;
    journey(cx, caller, asked).await
}

/// One question, one answer. FHIR requests and pages come through here, once they are admitted.
async fn journey(cx: &Context, caller: &Caller, asked: &Asked) -> Result<Released, Refused> {
    let _expected = cx.gate.ledger().expect_entry();
    let answer = async {
        let (redacted, binding) = judged(cx, caller, asked).await?;
        Ok(Released { page: cx.gate.release(redacted, clock::now()).await?, binding })
    };
    match answer.await {
        Ok(released) => {
            faults::pass(Point::AfterReleaseBeforeFirstByte);
            Ok(released)
        }
        Err(why) => Err(cx.gate.refuse(&caller.principal, &asked.question, why, clock::now()).await),
    }
}

async fn judged(cx: &Context, caller: &Caller, asked: &Asked) -> Result<(Redacted<Page>, String), Refusal> {
    let (principal, question) = (&caller.principal, asked.question.clone());
    let reach = care::reach(cx, principal, &question).await?; // whom a person may see now
    let denied = cx.authority.meets(&principal.client, Mishap::Purpose);
    let policies = if denied { &cx.no_policies } else { &cx.policies };
    let permit = decide(Facts { principal, question, reach, policies })?; // may they, for this purpose
    let from = asked.begin(&permit)?;
    let binding = if asked.is_one() { String::new() } else { paging::binding(&permit) };
    let mut page = Judging::begin(permit, asked.wanted(), from);
    while let Some(from) = page.wants() {
        let found = interaction::perform(cx, page.permit(), asked, &from).await?; // Phi, from the store or upstream
        page.add(found)?; // every row: subject, label, elements
    }
    let page = if asked.is_one() { page.close_one()? } else { page.close() };
    Ok((page, binding))
}

/// Not too often? Asked before anything else is done for someone known, a refusal on the ledger included: of those for
/// asking too often, one a second is recorded and stands for all.
async fn admitted(
    cx: &Context,
    caller: &Caller,
    request: &Request,
    interaction: Option<Interaction>,
) -> Result<(), Refused> {
    let throttled = cx.authority.meets(&caller.principal.client, Mishap::Throttled);
    let limited = if throttled { Err(admit::throttled(1)) } else { cx.limits.request(&caller.principal) };
    match limited {
        Ok(()) => Ok(()),
        Err(why) if cx.limits.is_to_be_recorded(&caller.principal) => {
            Err(unread(cx, caller, request, interaction, why).await)
        }
        Err(why) => Err(Refused::unrecorded(why)),
    }
}

/// Refuses a request that was not read as a question.
async fn unread(
    cx: &Context,
    caller: &Caller,
    request: &Request,
    interaction: Option<Interaction>,
    why: Refusal,
) -> Refused {
    let unread = Unread { interaction, address: request.address(), trace: request.trace() };
    cx.gate.refuse_unread(&caller.principal, &unread, why, clock::now()).await
}

/// The FHIR interactions.
async fn fhir(cx: &Context, caller: &Caller, request: &Request, matched: &Matched) -> Reply {
    match answer(cx, caller, request, matched).await {
        Ok(disclosure) => Reply::Disclosure(Box::new(disclosure)),
        Err(refused) => Reply::Refused(refused),
    }
}

async fn answer(
    cx: &Context,
    caller: &Caller,
    request: &Request,
    matched: &Matched,
) -> Result<Disclosure<Shape>, Refused> {
    admitted(cx, caller, request, matched.route.act.interaction()).await?;
    let asked = match interaction::asked(cx, request, matched) {
        Ok(asked) => asked,
        Err(why) => return Err(unread(cx, caller, request, matched.route.act.interaction(), why).await),
    };
    let Released { page, binding } = journey(cx, caller, &asked).await?;
    if asked.is_one() {
        let Some(native) = Native::asked(request, asked.question.kind) else {
            return Ok(page.map(&read::Condition::of(request), read::shape));
        };
        return match page.try_map(&native, content::shape) {
            Ok(shape) => Ok(shape),
            Err(why) => Err(cx.gate.refuse(&caller.principal, &asked.question, why, clock::now()).await),
        };
    }
    Ok(page.map(&search::Frame::of(cx, &asked, binding), search::shape))
}

/// What needs no token, and whom it is for where a page shows health data to someone with a session.
async fn public(cx: &Context, request: &Request, matched: &Matched) -> oauth::Answer {
    let reply = match matched.route.act {
        Act::Capabilities => well_known::capabilities(cx),
        Act::SmartConfiguration => well_known::smart_configuration(cx),
        Act::OpenIdConfiguration => well_known::openid_configuration(cx),
        Act::Jwks => well_known::jwks(cx),
        Act::Brands => well_known::brands(cx, request),
        Act::SmartStyle => well_known::smart_style(),
        Act::Live => Reply::Public(Public::ok("text/plain", "alive\n")),
        Act::Ready => well_known::ready(cx).await,
        Act::Authorize
        | Act::Login
        | Act::Provider
        | Act::ProviderAnswer
        | Act::Choose
        | Act::Consent
        | Act::Token
        | Act::Revoke
        | Act::Introspect
        | Act::UserInfo
        | Act::Register
        | Act::Registration
        | Act::RegisterPage
        | Act::ClientCalls
        | Act::CallsPage
        | Act::Sandbox
        | Act::Try
        | Act::TryCallback
        | Act::ErrorPage
        | Act::Stylesheet
        | Act::Account(_)
        | Act::Start => return oauth::answer(cx, request, matched).await,
        Act::Fhir(_) => Reply::stranger(Refusal::fault("a FHIR route without a token")),
    };
    (reply, None)
}

/// CORS preflight (Fetch standard): which methods and headers a browser app may use.
fn preflight(matched: &Matched) -> Reply {
    let methods: Vec<&str> = matched.route.methods.iter().map(Method::as_str).collect();
    let document = Public { status: StatusCode::NO_CONTENT, ..Public::ok("", "") };
    if matched.route.cors == Cors::Never {
        return Reply::Public(document.with(http::header::ALLOW, methods.join(", ")));
    }
    let named = |name: &'static str| HeaderName::from_static(name);
    Reply::Public(
        document
            .with(named("access-control-allow-methods"), methods.join(", "))
            .with(named("access-control-allow-headers"), "Authorization, Content-Type, Accept, Prefer, If-None-Match")
            .with(named("access-control-max-age"), "600"),
    )
}
