//! Puts a gateway together and runs it until it is told to stop.

use crate::admit::Limits;
use crate::clock;
use crate::context::{Context, SERVED};
use crate::inbound::{self, Inbox};
use crate::keys::Keys;
use crate::listen::{self, Opening};
use crate::paging::Pages;
use crate::ports::Ports;
use crate::records::Records;
use crate::route::{Act, ROUTES, Routes};
use crate::tokens::Tokens;
use bridge::{Adapter, Link};
use certs::digest::sha256;
use certs::rustls::ServerConfig;
use conformance::capability::{self, Claims, KindClaim, Oauth};
use fhir::{Interaction, ResourceType};
use privacy::{Gate, Policies};
use smart::{Authority, Settings};
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How often ended tickets and idle limiter keys are forgotten.
const TIDY: Duration = Duration::from_secs(60);

/// What a gateway is made of.
pub struct Setup {
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    /// The embedded store; with an upstream too it keeps the ledger, the journal and the authorization server's things.
    pub store: Store,
    /// Where records come from.
    pub records: Records,
    /// The gateway's keys.
    pub keys: Keys,
    /// Laboratories' links and how each is spoken with.
    pub links: Vec<(Link, Arc<dyn Adapter>, TcpListener)>,
}

/// A gateway, ready to serve.
pub struct Gateway {
    context: Arc<Context>,
    store: Store,
    links: Vec<(Arc<Inbox>, TcpListener)>,
}

/// Why a gateway cannot be put together.
#[derive(Debug, thiserror::Error)]
#[error("the gateway cannot start: {0}")]
pub struct StartError(String);

impl Gateway {
    /// Puts it together; messages that were kept but not delivered are taken up before anything is served.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn new(setup: Setup) -> Result<Gateway, StartError> {
        let fail = |why: &dyn std::fmt::Display| StartError(why.to_string());
        let Setup { origin, store, records, keys, links } = setup;
        let fhir_base = format!("{origin}/fhir");
        let policies = Policies::shipped(short_digest).map_err(|why| fail(&why))?;
        let routes = Routes::compile().map_err(|why| fail(&why))?;
        let records = Arc::new(records);
        let settings = Settings { origin: origin.clone(), fhir_base: fhir_base.clone(), served: SERVED.to_vec() };
        let oauth =
            Oauth { authorize: settings.at(smart::settings::AUTHORIZE), token: settings.at(smart::settings::TOKEN) };
        let capabilities = capability::statement(&claims(&fhir_base, oauth)).into();
        let Keys { access, identity, pages } = keys;
        let pages = Pages::new(pages);
        let ports = Ports::new(store.clone(), access, identity, Arc::clone(&records));
        let authority = Authority::open(settings, ports).await.map_err(|why| fail(&why))?;
        let gate = Gate::new(store.ledger());
        let context = Context {
            origin,
            fhir_base,
            routes,
            gate,
            policies,
            records: Arc::clone(&records),
            authority,
            tokens: Tokens::default(),
            limits: Limits::default(),
            pages,
            capabilities,
        };
        let mut inboxes = Vec::new();
        for (link, adapter, listener) in links {
            let inbox = Arc::new(Inbox::new(link, adapter, store.clone(), Arc::clone(&records)));
            let resumed = inbox.resume().await;
            if resumed > 0 {
                tracing::info!(link = inbox.link_name(), resumed, "messages that were not delivered were taken up");
            }
            inboxes.push((inbox, listener));
        }
        Ok(Gateway { context: Arc::new(context), store, links: inboxes })
    }

    /// The authorization server, for registering clients and accounts.
    pub fn authority(&self) -> &Authority<Ports> {
        &self.context.authority
    }

    /// Serves until `stop` says so, then ends what is under way.
    pub async fn serve(self, listener: Vec<TcpListener>, tls: Arc<ServerConfig>, stop: watch::Receiver<bool>) {
        self.run(listener, Opening::Tls(tls.into()), stop).await;
    }

    /// As [`Gateway::serve`], but without TLS and for this machine alone: a bench compares it with peers that speak plainly
    /// too. No command and no setting leads here (`tests/tests/tidy.rs`).
    ///
    /// # Errors
    /// [`StartError`] when the listener can be reached from elsewhere.
    pub async fn serve_plainly_to_loopback(
        self,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> Result<(), StartError> {
        let address = listener.local_addr().map_err(|why| StartError(why.to_string()))?;
        if !address.ip().is_loopback() {
            return Err(StartError(format!("without TLS it is served on loopback alone, and {address} is not that")));
        }
        self.run(vec![listener], Opening::PlainFromLoopback, stop).await;
        Ok(())
    }

    async fn run(self, listener: Vec<TcpListener>, opening: Opening, stop: watch::Receiver<bool>) {
        let mut parts = tokio::task::JoinSet::new();
        for listener in listener {
            parts.spawn(listen::serve(Arc::clone(&self.context), listener, opening.clone(), stop.clone()));
        }
        for (inbox, listener) in self.links {
            parts.spawn(inbound::listen(inbox, listener, stop.clone()));
        }
        parts.spawn(tidy(Arc::clone(&self.context), self.store, stop));
        while parts.join_next().await.is_some() {}
    }
}

async fn tidy(cx: Arc<Context>, store: Store, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            () = listen::stopped(&mut stop) => return,
        }
        cx.limits.tidy();
        cx.authority.forget_ended(clock::now().seconds());
        if let Err(why) = store.tickets().purge(clock::now().seconds()).await {
            tracing::warn!(%why, "ended tickets could not be forgotten");
        }
    }
}

/// The first characters of a digest, as policies are named by.
pub fn short_digest(bytes: &[u8]) -> String {
    sha256(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// What `/metadata` claims: the rows of the route table, for every type that is served.
fn claims(fhir_base: &str, oauth: Oauth) -> Claims {
    let rows: Vec<Interaction> = ROUTES
        .iter()
        .filter_map(|route| match route.act {
            Act::Fhir(interaction) => Some(interaction),
            Act::Capabilities
            | Act::SmartConfiguration
            | Act::OpenIdConfiguration
            | Act::Jwks
            | Act::Authorize
            | Act::Login
            | Act::Choose
            | Act::Consent
            | Act::Token
            | Act::Revoke
            | Act::ErrorPage
            | Act::Stylesheet
            | Act::Start
            | Act::Live
            | Act::Ready => None,
        })
        .collect();
    let claim = |kind: ResourceType| {
        let searched = !fhir::search::parameters(kind).is_empty();
        let mut interactions: Vec<Interaction> =
            rows.iter().copied().filter(|row| *row != Interaction::Search || searched).collect();
        interactions.sort();
        interactions.dedup();
        KindClaim { kind, interactions }
    };
    Claims {
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        fhir_base: fhir_base.to_owned(),
        date: "2026-11-24".to_owned(),
        kinds: SERVED.into_iter().map(claim).collect(),
        oauth: Some(oauth),
    }
}
