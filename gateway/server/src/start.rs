//! Puts a gateway together and runs it until it is told to stop.

use crate::admin::{self, Admin, Life, Socket};
use crate::admit::Limits;
use crate::calls::Calls;
use crate::care::InCare;
use crate::clock;
use crate::context::{Context, Demo, SERVED};
use crate::inbound::{self, Door, Inbox};
use crate::keys::Keys;
use crate::listen::{self, Opening};
use crate::paging::Pages;
use crate::ports::Ports;
use crate::published::{KeyFetcher, LoginProvider, Network, ProviderCaller};
use crate::records::Records;
use crate::route::{ROUTES, Routes};
use crate::tokens::Tokens;
use crate::tries::{self, Tries};
use crate::well_known::{self, Brands};
use bridge::{Adapter, Link};
use certs::digest::sha256;
use certs::rustls::ServerConfig;
use conformance::brand::Brand;
use conformance::capability::{self, Claims, KindClaim, Oauth};
use fhir::{Instant, Interaction, ResourceType};
use privacy::{Gate, Policies};
use smart::settings::BrandId;
use smart::{Authority, Settings};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// Something under way. Boxed here, so that a program that starts a gateway need not compile all of it once more.
pub type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How often ended tickets and idle limiter keys are forgotten, and messages taken up whose delivery failed.
const TIDY: Duration = Duration::from_secs(60);

/// What a gateway rests on, whether it serves or its data folder is only looked into.
pub struct Base {
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    /// The data folder.
    pub data: PathBuf,
    /// The embedded store; with an upstream too it keeps the ledger, the journal and the authorization server's things.
    pub store: Store,
    /// Where records come from.
    pub records: Records,
    /// The gateway's keys.
    pub keys: Keys,
    /// Which servers may be called for the keys that clients publish.
    pub network: Network,
    /// What strangers find.
    pub front: Front,
}

/// What strangers find beside the doors that every gateway has.
#[derive(Default)]
pub struct Front {
    /// Under which name people know the house behind it, and when that was last changed.
    pub brand: Option<(Brand, Instant)>,
    /// Whether apps may register themselves.
    pub registration_open: bool,
    /// The house's own OpenID provider, where people sign in there.
    pub provider: Option<LoginProvider>,
    /// Whether nobody in it exists: then developers may try what they like.
    pub sandbox: bool,
}

/// What a gateway is made of.
pub struct Setup {
    /// What it rests on.
    pub base: Base,
    /// Laboratories' links.
    pub links: Vec<Door>,
    /// Invented people and apps that the first page names; empty unless it is a demo.
    pub demo: Demo,
}

/// A gateway, ready to serve.
pub struct Gateway {
    admin: Arc<Admin>,
    socket: Socket,
    doors: Vec<(Arc<Inbox>, Door)>,
    drain: Arc<Notify>,
}

/// Why a gateway cannot be put together.
#[derive(Debug, thiserror::Error)]
#[error("the gateway cannot start: {0}")]
pub struct StartError(String);

fn fail(why: impl std::fmt::Display) -> StartError {
    StartError(why.to_string())
}

impl Gateway {
    /// Puts it together; messages that were kept but not delivered are taken up before anything is served.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(setup: Setup) -> Running<Result<Gateway, StartError>> {
        Box::pin(Gateway::put_together(setup))
    }

    async fn put_together(setup: Setup) -> Result<Gateway, StartError> {
        let Setup { base, links, demo } = setup;
        let (store, data) = (base.store.clone(), base.data.clone());
        let socket = Socket::bind(&data).map_err(|why| {
            fail(format_args!(
                "its admin socket cannot be made in {} ({why}); give this user the folder",
                data.display()
            ))
        })?;
        let cx = Arc::new(Context { demo, ..context(base).await? });
        tries::register(&cx.authority, clock::now().seconds()).await.map_err(fail)?;
        let mut doors = Vec::new();
        for door in links {
            let (link, adapter) = (door.link.clone(), Arc::clone(&door.adapter));
            let inbox = Arc::new(Inbox::new(link, adapter, store.clone(), Arc::clone(&cx.records)));
            let resumed = inbox.resume().await;
            if resumed > 0 {
                tracing::info!(link = inbox.link_name(), resumed, "messages that were not delivered were taken up");
            }
            doors.push((inbox, door));
        }
        let drain = Arc::new(Notify::new());
        let life = Some(Life { since: clock::now(), drain: Arc::clone(&drain) });
        let inboxes = doors.iter().map(|(inbox, _)| Arc::clone(inbox)).collect();
        Ok(Gateway { admin: Arc::new(Admin { cx, store, data, inboxes, life }), socket, doors, drain })
    }

    /// The authorization server, for registering clients and accounts.
    pub fn authority(&self) -> &Authority<Ports> {
        &self.admin.cx.authority
    }

    /// Told when an operator asks the gateway to stop.
    pub fn drain(&self) -> Arc<Notify> {
        Arc::clone(&self.drain)
    }

    /// Serves until `stop` says so, then ends what is under way.
    pub fn serve(self, listener: Vec<TcpListener>, tls: Arc<ServerConfig>, stop: watch::Receiver<bool>) -> Running<()> {
        Box::pin(self.run(listener, Opening::Tls(tls.into()), stop))
    }

    /// As [`Gateway::serve`], but without TLS and for this machine alone: a bench compares it with peers that speak plainly
    /// too. No command and no setting leads here (`tests/tests/tidy.rs`).
    ///
    /// # Errors
    /// [`StartError`] when the listener can be reached from elsewhere.
    pub fn serve_plainly_to_loopback(
        self,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> Result<Running<()>, StartError> {
        let address = listener.local_addr().map_err(fail)?;
        if !address.ip().is_loopback() {
            return Err(StartError(format!("without TLS it is served on loopback alone, and {address} is not that")));
        }
        Ok(Box::pin(self.run(vec![listener], Opening::PlainFromLoopback, stop)))
    }

    async fn run(self, listener: Vec<TcpListener>, opening: Opening, stop: watch::Receiver<bool>) {
        let cx = &self.admin.cx;
        let mut parts = tokio::task::JoinSet::new();
        for listener in listener {
            parts.spawn(listen::serve(Arc::clone(cx), listener, opening.clone(), stop.clone()));
        }
        let inboxes = self.doors.iter().map(|(inbox, _)| Arc::clone(inbox)).collect();
        for (inbox, Door { listener, tls, .. }) in self.doors {
            parts.spawn(inbound::listen(inbox, listener, tls, stop.clone()));
        }
        parts.spawn(admin::serve(self.socket, Arc::clone(&self.admin), stop.clone()));
        parts.spawn(tidy(Arc::clone(cx), self.admin.store.clone(), inboxes, stop));
        // Each part ends when it is told to stop. One that ends by a mistake of ours ends the gateway: half of one is none.
        while let Some(ended) = parts.join_next().await {
            if let Err(why) = ended {
                tracing::error!(alarm = "part", %why, "a part of the gateway ended by a mistake of ours");
                return;
            }
        }
    }
}

impl Admin {
    /// For a command on the folder of a gateway that does not run. Nothing is taken up and nothing listens.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn of_a_stopped_gateway(
        base: Base,
        links: Vec<(Link, Arc<dyn Adapter>)>,
    ) -> Running<Result<Admin, StartError>> {
        Box::pin(async move {
            let (store, data) = (base.store.clone(), base.data.clone());
            let cx = Arc::new(context(base).await?);
            let inbox = |(link, adapter)| Arc::new(Inbox::new(link, adapter, store.clone(), Arc::clone(&cx.records)));
            let inboxes = links.into_iter().map(inbox).collect();
            Ok(Admin { cx, store, data, inboxes, life: None })
        })
    }
}

async fn context(base: Base) -> Result<Context, StartError> {
    let Base { origin, data: _, store, records, keys, network, front } = base;
    let fhir_base = format!("{origin}/fhir");
    let policies = Policies::shipped(short_digest).map_err(fail)?;
    let no_policies = Policies::read(&[], short_digest).map_err(fail)?;
    let routes = Routes::compile().map_err(fail)?;
    let records = Arc::new(records);
    let brand = front.brand.as_ref().map(|(brand, _)| brand.identifier());
    let brand = brand.map(|own| BrandId { system: own.system, value: own.value });
    let registration_open = front.registration_open || front.sandbox;
    let sandbox = front.sandbox;
    let style = portal::SMART_STYLE_PATH.to_owned();
    let provider = front.provider.as_ref().map(|provider| provider.settings.clone());
    let settings = Settings { brand, registration_open, sandbox, style, provider, ..Settings::new(&origin, &SERVED) };
    let brands = front.brand.as_ref().map(|(brand, changed)| Brands::new(brand, &settings, *changed));
    let oauth =
        Oauth { authorize: settings.at(smart::settings::AUTHORIZE), token: settings.at(smart::settings::TOKEN) };
    let capabilities = capability::statement(&claims(&fhir_base, oauth));
    if let Some(why) = well_known::disagreement(&capabilities, &settings) {
        return Err(fail(format_args!("its documents contradict each other: {why}; this is a mistake of ours")));
    }
    let Keys { ring, pages } = keys;
    let published = KeyFetcher::new(network.clone());
    let caller = ProviderCaller::new(network, front.provider.as_ref());
    let ports = Ports::new(store.clone(), Arc::clone(&ring), Arc::clone(&records), published).with_provider(caller);
    let authority = Authority::open(settings, ports).await.map_err(fail)?;
    Ok(Context {
        origin,
        fhir_base,
        routes,
        gate: Gate::new(store.ledger()),
        policies,
        no_policies,
        calls: Calls::default(),
        tries: Tries::default(),
        records,
        authority,
        keys: ring,
        tokens: Tokens::default(),
        in_care: InCare::default(),
        limits: Limits::default(),
        pages: Pages::new(pages),
        capabilities: capabilities.into(),
        brands,
        demo: Demo::default(),
    })
}

async fn tidy(cx: Arc<Context>, store: Store, inboxes: Vec<Arc<Inbox>>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            () = listen::stopped(&mut stop) => return,
        }
        cx.limits.tidy();
        if let Err(why) = cx.authority.forget_ended(clock::now().seconds()).await {
            tracing::warn!(%why, "ended grants could not be forgotten");
        }
        if let Err(why) = store.tickets().purge(clock::now().seconds()).await {
            tracing::warn!(%why, "ended tickets could not be forgotten");
        }
        if let Err(why) = store.ledger().list_names().await {
            tracing::warn!(%why, "whom a finished part of the ledger names could not be listed");
        }
        for inbox in &inboxes {
            inbox.try_again().await;
        }
    }
}

/// The first characters of a digest, as policies are named by.
pub fn short_digest(bytes: &[u8]) -> String {
    sha256(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// What `/metadata` claims: the rows of the route table, for every type that is served.
fn claims(fhir_base: &str, oauth: Oauth) -> Claims {
    let rows: Vec<Interaction> = ROUTES.iter().filter_map(|route| route.act.interaction()).collect();
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
        date: "2026-11-30".to_owned(),
        kinds: SERVED.into_iter().map(claim).collect(),
        oauth: Some(oauth),
    }
}
