//! The EHR launch: an EHR opens an app for a person, with a patient, and says where they were.
//!
//! SMART App Launch 2.2.0 ("EHR launch", "Launch context arrives with your access_token"). What the EHR says is kept here
//! under an opaque ticket; the app is opened with the ticket alone, and hands it back when it asks to be authorized. A ticket
//! is for one app, counts once, and ends after a few minutes. It opens nothing by itself: the person must sign in, must be the
//! one whom the EHR named, and must have the patient in their care at every step, as without an EHR. Of a ticket that does
//! not hold one thing is said, whatever is wrong with it.

use crate::account::Account;
use crate::authority::Authority;
use crate::client::Client;
use crate::context::{ContextItem, Unsound, sound_address, sound_intent, sound_items};
use crate::oauth_error::{ErrorCode, OauthError};
use crate::ports::{Ports, Space, Unavailable};
use crate::redirect;
use crate::settings::LAUNCH_S;
use crate::stored;
use fhir::{Id, ResourceType};
use privacy::Scopes;
use privacy::scope::Scope;
use serde::{Deserialize, Serialize};

/// What an EHR says when it asks for a launch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLaunch {
    /// The app.
    pub client_id: String,
    /// For whom, by the name they sign in with; without one, for whoever signs in.
    pub username: Option<String>,
    /// The patient whose chart is open.
    pub patient: Option<String>,
    /// The patient's encounter that is open.
    pub encounter: Option<String>,
    /// What else is open.
    #[serde(default)]
    pub fhir_context: Vec<ContextItem>,
    /// What the app is to do, in a word that it and the EHR agreed on.
    pub intent: Option<String>,
    /// Whether the app must show whose chart it is; it must, unless the EHR says that it does so itself.
    pub need_patient_banner: Option<bool>,
    /// Where the EHR says how it looks; without it, ours.
    pub smart_style_url: Option<String>,
}

/// Why no launch was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoLaunch {
    /// There is no such app.
    #[error("no app is registered under this client id, or it is switched off")]
    UnknownClient,
    /// The app is not one that is opened from an EHR.
    #[error("the app cannot be opened from an EHR; register its launch_uri, and `launch` among its scopes")]
    NotForLaunches,
    /// There is nobody of this name.
    #[error("there is no account of this name that may sign in; `sluice account list` shows those there are")]
    UnknownAccount,
    /// The app is not registered for people of this kind, or they see no records.
    #[error(
        "the app is not registered for the purpose of this person, see its `purposes`; privacy officers, administrators and integrators have none and open no patient's record"
    )]
    NotForThem,
    /// The patient is not theirs to see.
    #[error("the patient is not in this person's care, nor one whom they act for")]
    NotInCare,
    /// What is open is not the patient's.
    #[error("the encounter, or a record of the context, is not one of this patient's")]
    NotOfPatient,
    /// What was said cannot be meant.
    #[error("{0}")]
    Unsound(#[from] Unsound),
    /// A port does not serve.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

/// What is told of a launch to the app that was opened, beside the patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchContext {
    #[serde(with = "stored::maybe_id")]
    pub(crate) encounter: Option<Id>,
    pub(crate) fhir_context: Vec<ContextItem>,
    pub(crate) intent: Option<String>,
    pub(crate) need_patient_banner: bool,
    pub(crate) smart_style_url: Option<String>,
}

impl LaunchContext {
    /// Whether it names records: a visit, or what else was open.
    pub(crate) fn names_records(&self) -> bool {
        self.encounter.is_some() || !self.fhir_context.is_empty()
    }
}

/// A launch that an app has taken up: for whom, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Launched {
    /// The account that it is for, by its opaque id; without one, whoever signs in.
    pub(crate) account: Option<String>,
    #[serde(with = "stored::maybe_id")]
    pub(crate) patient: Option<Id>,
    pub(crate) context: LaunchContext,
}

/// A launch as it waits for its app. Times in seconds since 1970.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticket {
    client: String,
    launched: Launched,
    expires_s: i64,
}

impl Client {
    /// Where an EHR opens the app, if it may be opened from one.
    pub fn launch_address(&self) -> Option<&str> {
        self.launch_uri.as_deref().filter(|_| self.enabled && self.scopes.has(Scope::Launch))
    }

    /// The source for a content security policy's `form-action`: where a form that opens the app leads in the end.
    pub fn launch_source(&self) -> Option<String> {
        self.launch_address().and_then(redirect::policy_source)
    }
}

impl<P: Ports> Authority<P> {
    /// Makes a launch, and gives the address that opens the app with it.
    ///
    /// # Errors
    /// [`NoLaunch`].
    pub async fn new_launch(&self, new: &NewLaunch, now_s: i64) -> Result<String, NoLaunch> {
        let client = self.live_client(&new.client_id).await?.ok_or(NoLaunch::UnknownClient)?;
        let address = client.launch_address().ok_or(NoLaunch::NotForLaunches)?;
        let account = match &new.username {
            None => None,
            Some(name) => {
                let account = self.account(name).await?.filter(|account| account.enabled);
                Some(account.ok_or(NoLaunch::UnknownAccount)?)
            }
        };
        if account.as_ref().is_some_and(|account| !client.is_for(account)) {
            return Err(NoLaunch::NotForThem);
        }
        let launched = launched(new, account.as_ref())?;
        self.is_sound(&launched, account.as_ref()).await?;
        let ticket = Ticket { client: client.client_id.clone(), launched, expires_s: now_s + LAUNCH_S };
        let secret = self.ports.token();
        self.keep(Space::Launch, &secret, &ticket, ticket.expires_s).await?;
        Ok(redirect::with_answer(address, &[("iss", self.settings.issuer()), ("launch", &secret)]))
    }

    /// The apps that can be opened from an EHR for people of this kind, by their names.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn launchable(&self, account: &Account) -> Result<Vec<Client>, Unavailable> {
        let fits = |client: &Client| client.launch_address().is_some() && client.is_for(account);
        let mut clients: Vec<Client> = self.clients().await?.into_iter().filter(fits).collect();
        clients.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(clients)
    }

    /// Takes up the launch that an app hands back, as its flow begins. Of many who try at once, exactly one takes it up; it is
    /// used up even by an app that it was not made for.
    pub(crate) async fn take_up(
        &self,
        client: &Client,
        launch: Option<&str>,
        offered: &Scopes,
        now_s: i64,
    ) -> Result<Option<Launched>, OauthError> {
        let launch = match (launch, offered.has(Scope::Launch)) {
            (None, false) => return Ok(None),
            (None, true) => return Err(OauthError::new(ErrorCode::InvalidRequest, MISSING)),
            (Some(_), false) => return Err(OauthError::new(ErrorCode::InvalidScope, NO_SCOPE)),
            (Some(launch), true) => launch,
        };
        let ticket: Option<Ticket> = self.take(Space::Launch, launch).await?;
        let own = ticket.filter(|ticket| ticket.client == client.client_id && now_s < ticket.expires_s);
        own.map(|ticket| Some(ticket.launched)).ok_or_else(|| OauthError::new(ErrorCode::InvalidRequest, NO_LAUNCH))
    }

    /// Whether what a launch names still goes together: the patient is this person's to ask about, and the rest is of that
    /// patient.
    pub(crate) async fn still_holds(&self, launched: &Launched, account: &Account) -> Result<bool, Unavailable> {
        match self.is_sound(launched, Some(account)).await {
            Ok(()) => Ok(true),
            Err(NoLaunch::Unavailable(why)) => Err(why),
            Err(_) => Ok(false),
        }
    }

    async fn is_sound(&self, launched: &Launched, account: Option<&Account>) -> Result<(), NoLaunch> {
        let Some(patient) = &launched.patient else { return Ok(()) };
        if let Some(account) = account
            && !self.may_ask_about(account, patient).await?
        {
            return Err(NoLaunch::NotInCare);
        }
        let context = &launched.context;
        let encounter = context.encounter.iter().map(|id| (ResourceType::Encounter, id.clone()));
        let named = context.fhir_context.iter().filter_map(ContextItem::of_a_patient);
        for (kind, id) in encounter.chain(named) {
            if !self.ports.is_about(kind, &id, patient).await? {
                return Err(NoLaunch::NotOfPatient);
            }
        }
        Ok(())
    }
}

/// What is said, as it will be kept.
fn launched(new: &NewLaunch, account: Option<&Account>) -> Result<Launched, Unsound> {
    let id = |text: &Option<String>, what| text.as_deref().map(|text| stored::id(text).ok_or(what)).transpose();
    let patient = id(&new.patient, Unsound::Patient)?;
    let encounter = id(&new.encounter, Unsound::Encounter)?;
    sound_items(&new.fhir_context)?;
    sound_intent(new.intent.as_deref())?;
    sound_address(new.smart_style_url.as_deref())?;
    let of_a_patient = encounter.is_some() || new.fhir_context.iter().any(|item| item.of_a_patient().is_some());
    if patient.is_none() && of_a_patient {
        return Err(Unsound::WithoutPatient);
    }
    // A patient has one record, and is told so by every launch.
    let own = account.and_then(Account::own_record).cloned();
    let context = LaunchContext {
        encounter,
        fhir_context: new.fhir_context.clone(),
        intent: new.intent.clone(),
        need_patient_banner: new.need_patient_banner.unwrap_or(true),
        smart_style_url: new.smart_style_url.clone(),
    };
    Ok(Launched { account: account.map(|account| account.id.clone()), patient: patient.or(own), context })
}

const MISSING: &str = "scope has launch, but the parameter launch is missing. Send the value that the EHR opened the app with, \
                       or leave launch out of scope.";
const NO_SCOPE: &str = "launch was sent, but the scope launch cannot be granted. Ask for the scope launch, and have the app \
                        registered for it.";
const NO_LAUNCH: &str = "The value of launch does not hold: it is not known here, has run out after five minutes, was used \
                         before, or is for another app. Open the app from the EHR again.";
