//! A launch under way: what is known so far, and what is to be done next.
//!
//! A flow is bound to the browser that opened it, and from the sign-in on to that browser's session. Every step reads
//! client, account and care relationship anew, so what was switched off meanwhile stops the flow where it stands.
//! The step is never stored: it follows from the facts.

use crate::account::Account;
use crate::authority::Authority;
use crate::authorize::{Request, error_location};
use crate::client::Client;
use crate::launch::Launched;
use crate::login::Session;
use crate::oauth_error::{ErrorCode, OauthError};
use crate::offer::{self, Item};
use crate::ports::{Ports, Space, Unavailable};
use crate::redirect;
use crate::rights::Launches;
use crate::stored;
use fhir::{Id, ResourceType};
use privacy::{Purpose, Scopes};
use serde::{Deserialize, Serialize};

/// A launch under way. Times in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: String,
    #[serde(with = "stored::scopes")]
    pub(crate) offered: Scopes,
    /// The digest of the browser's token.
    pub(crate) browser: String,
    /// The digest of the session's token, once someone has signed in.
    pub(crate) session: Option<String>,
    #[serde(with = "stored::maybe_id")]
    pub(crate) patient: Option<Id>,
    pub(crate) login_again: bool,
    /// The purpose of use that the app asserted.
    #[serde(default, with = "stored::maybe_purpose")]
    pub(crate) purpose: Option<Purpose>,
    /// What the EHR that opened the app said.
    pub(crate) launched: Option<Launched>,
    /// What the app was as it asked: see [`Authority::as_registered`].
    #[serde(default)]
    pub(crate) registered: String,
    pub(crate) expires_s: i64,
}

impl Flow {
    pub(crate) fn new(
        client: &Client,
        asked: Request,
        launched: Option<Launched>,
        (browser, registered): (String, String),
        expires_s: i64,
    ) -> Flow {
        Flow {
            client: client.client_id.clone(),
            redirect_uri: asked.redirect_uri,
            state: asked.state,
            nonce: asked.nonce,
            challenge: asked.challenge,
            offered: asked.offered,
            browser,
            session: None,
            patient: None,
            login_again: asked.login_again,
            purpose: asked.purpose,
            launched,
            registered,
            expires_s,
        }
    }

    /// Why the app asks, for this person; nothing where nobody in their role asks for records and the app gave no reason.
    pub(crate) fn purpose_of(&self, account: &Account) -> Option<Purpose> {
        self.purpose.or(account.purpose())
    }
}

/// What a page of a flow must name and allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// The app.
    pub client: Client,
    /// The source for a content security policy's `form-action`: where the app will be answered.
    pub answers_to: Option<String>,
}

/// What is to be done next.
pub enum Step {
    /// Someone must sign in.
    Login(Asking),
    /// A clinician or a representative must choose one of these patients.
    Choose(Asking, Choice),
    /// The person must say what they allow.
    Consent(Asking, Consent),
    /// This person cannot go on with this app.
    Unfit(Asking, Unfit),
}

/// Among which patients someone chooses.
#[derive(Clone)]
pub struct Choice {
    /// Who chooses.
    pub account: Account,
    /// The digest that names the session, for records of what the page shows.
    pub session: String,
    /// The patients in their care, or whom they act for.
    pub patients: Vec<Id>,
}

/// What a person is asked to allow.
#[derive(Clone)]
pub struct Consent {
    /// Who is asked.
    pub account: Account,
    /// The digest that names the session, for records of what the page shows.
    pub session: String,
    /// The patient it is about.
    pub patient: Option<Id>,
    /// Whether there was a choice, so that one can go back to it.
    pub can_choose_again: bool,
    /// Why the app asks.
    pub purpose: Purpose,
    /// Whether the app is told which records were open when an EHR opened it.
    pub tells_context: bool,
    /// What is asked for, one by one.
    pub items: Vec<Item>,
    /// Those of the records that are asked for of everyone in the person's care.
    pub in_care: Vec<Item>,
    /// Parts that can be allowed in place of a whole that is asked for.
    pub instead: Vec<Item>,
}

/// Why this person cannot go on with this app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unfit {
    /// The app is not registered for patients.
    NotForPatients,
    /// The app is not registered for clinicians.
    NotForClinicians,
    /// The app asks for a purpose for which nobody in this person's role may ask.
    NotTheirPurpose,
    /// No patient is in this clinician's care, or there is none whom this representative acts for.
    NobodyInCare,
    /// The person looks after this server and sees no patient's record.
    SeesNoRecords,
    /// The account has no record of its own.
    NoRecord,
    /// An EHR opened the app for somebody else.
    OtherPerson,
    /// What an EHR opened the app with is no longer so: the patient is not in this person's care, or the visit not theirs.
    LaunchOver,
}

/// Why a flow cannot go on in this browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// It has ended, belongs to another browser, or never was. One answer for all three.
    Lost,
    /// The app was switched off, or its address is no longer registered.
    ClientOff,
    /// What the page showed is no longer so; the step must be shown again.
    Changed,
    /// A port does not serve.
    Unavailable(Unavailable),
}

impl From<Unavailable> for Stopped {
    fn from(why: Unavailable) -> Stopped {
        Stopped::Unavailable(why)
    }
}

/// Whose record the flow is about, once that is settled.
pub(crate) enum Context {
    Settled { purpose: Purpose, patient: Option<Id>, can_choose_again: bool },
    Choose(Vec<Id>),
    Unfit(Unfit),
}

impl<P: Ports> Authority<P> {
    /// What is to be done next in this flow, by this browser, with this session.
    ///
    /// # Errors
    /// [`Stopped`], when there is nothing that could be done.
    pub async fn step(&self, id: &str, browser: &str, session: Option<&str>, now_s: i64) -> Result<Step, Stopped> {
        let mut flow = self.flow(id, browser, now_s).await?;
        let client = self.flow_client(&flow).await?;
        let asking = Asking { answers_to: redirect::policy_source(&flow.redirect_uri), client };
        let Some((session, account)) = self.session(session, now_s).await? else { return Ok(Step::Login(asking)) };
        if flow.session.as_ref() != Some(&session.digest) {
            if flow.login_again {
                return Ok(Step::Login(asking));
            }
            // Someone else signed in meanwhile: the choice of the one before is not theirs.
            flow.session = Some(session.digest.clone());
            flow.patient = None;
            self.keep_again(id, &flow).await?;
        }
        match self.context(&flow, &asking.client, &account).await? {
            Context::Unfit(why) => Ok(Step::Unfit(asking, why)),
            Context::Choose(patients) => {
                Ok(Step::Choose(asking, Choice { account, session: session.digest, patients }))
            }
            Context::Settled { purpose, patient, can_choose_again } => {
                let (offered, served) = (&flow.offered, &self.settings.served);
                let items = offer::items(offered, served, account.role);
                let in_care = offer::others_in_care(offered, served, account.role);
                let instead = offer::instead(offered, served);
                let tells_context = flow.launched.as_ref().is_some_and(|launched| launched.context.names_records());
                let consent = Consent {
                    purpose,
                    account,
                    session: session.digest,
                    patient,
                    can_choose_again,
                    tells_context,
                    items,
                    in_care,
                    instead,
                };
                Ok(Step::Consent(asking, consent))
            }
        }
    }

    /// Someone chooses a patient; `None` goes back to the choice.
    ///
    /// # Errors
    /// `Changed` when the session is another or the patient is not one whom they may choose (any more).
    pub async fn choose(
        &self,
        id: &str,
        browser: &str,
        session: Option<&str>,
        patient: Option<&str>,
        now_s: i64,
    ) -> Result<(), Stopped> {
        let mut flow = self.flow(id, browser, now_s).await?;
        let (_, account) = self.bound_session(&flow, session, now_s).await?;
        flow.patient = match patient {
            None => None,
            Some(patient) => {
                let patient = stored::id(patient).ok_or(Stopped::Changed)?;
                if !self.choices_of(&account).await?.contains(&patient) {
                    return Err(Stopped::Changed);
                }
                Some(patient)
            }
        };
        self.keep_again(id, &flow).await
    }

    /// The person does not go on; gives the address that tells the app.
    ///
    /// # Errors
    /// [`Stopped`], when there is no such flow in this browser.
    pub async fn deny(&self, id: &str, browser: &str, now_s: i64) -> Result<String, Stopped> {
        let flow = self.flow(id, browser, now_s).await?;
        self.flow_client(&flow).await?;
        if self.take::<Flow>(Space::Flow, id).await?.is_none() {
            return Err(Stopped::Lost);
        }
        let why = OauthError::new(ErrorCode::AccessDenied, "The person did not allow the app to go on.");
        Ok(error_location(&self.settings, &flow.redirect_uri, flow.state.as_deref(), &why))
    }

    /// The flow with this id, in the browser that opened it.
    pub(crate) async fn flow(&self, id: &str, browser: &str, now_s: i64) -> Result<Flow, Stopped> {
        let flow: Flow = self.look(Space::Flow, id).await?.ok_or(Stopped::Lost)?;
        self.own(flow, browser, now_s)
    }

    /// Writes a flow anew while it is under way: one that was ended meanwhile, by a consent or a refusal, stays so.
    pub(crate) async fn keep_again(&self, id: &str, flow: &Flow) -> Result<(), Stopped> {
        let is_there = self.replace(Space::Flow, id, flow, flow.expires_s).await?;
        if is_there { Ok(()) } else { Err(Stopped::Lost) }
    }

    /// The flow, if it is this browser's and still runs.
    pub(crate) fn own(&self, flow: Flow, browser: &str, now_s: i64) -> Result<Flow, Stopped> {
        let own = self.ports.equal(self.digest(browser).as_bytes(), flow.browser.as_bytes());
        if own && now_s < flow.expires_s { Ok(flow) } else { Err(Stopped::Lost) }
    }

    /// The flow's app, as it is registered now.
    pub(crate) async fn flow_client(&self, flow: &Flow) -> Result<Client, Stopped> {
        let client = self.live_client(&flow.client).await?;
        client.filter(|client| client.may_redirect_to(&flow.redirect_uri)).ok_or(Stopped::ClientOff)
    }

    /// The session, if it is the one that the flow is bound to.
    pub(crate) async fn bound_session(
        &self,
        flow: &Flow,
        session: Option<&str>,
        now_s: i64,
    ) -> Result<(Session, Account), Stopped> {
        let (session, account) = self.session(session, now_s).await?.ok_or(Stopped::Changed)?;
        if flow.session.as_ref() == Some(&session.digest) { Ok((session, account)) } else { Err(Stopped::Changed) }
    }

    /// Whose record it is about: the one that an EHR opened the app for, a patient's own, or the one that was chosen; all of them
    /// only while the person may ask about them.
    pub(crate) async fn context(
        &self,
        flow: &Flow,
        client: &Client,
        account: &Account,
    ) -> Result<Context, Unavailable> {
        let launched = flow.launched.as_ref();
        if launched.is_some_and(|own| own.account.as_ref().is_some_and(|whose| *whose != account.id)) {
            return Ok(Context::Unfit(Unfit::OtherPerson));
        }
        let rights = account.rights();
        let Some(purpose) = flow.purpose_of(account).filter(|_| rights.sees_records()) else {
            return Ok(Context::Unfit(Unfit::SeesNoRecords));
        };
        if !purpose.is_open_to(account.role) {
            return Ok(Context::Unfit(Unfit::NotTheirPurpose));
        }
        if !client.may_act_for(purpose, account) {
            let for_patients = rights.purpose == Some(Purpose::PatientRequest);
            return Ok(Context::Unfit(if for_patients { Unfit::NotForPatients } else { Unfit::NotForClinicians }));
        }
        let settled = |patient: Option<&Id>, can_choose_again| Context::Settled {
            purpose,
            patient: patient.cloned(),
            can_choose_again,
        };
        if let Some(own) = launched.filter(|own| own.patient.is_some()) {
            if !self.still_holds(own, account).await? {
                return Ok(Context::Unfit(Unfit::LaunchOver));
            }
            return Ok(settled(own.patient.as_ref(), false));
        }
        if !offer::needs_patient_of(account.role, &flow.offered) {
            return Ok(settled(None, false));
        }
        match rights.launches {
            Launches::Nobody => Ok(Context::Unfit(Unfit::SeesNoRecords)),
            Launches::Own => Ok(match account.own_record() {
                Some(own) => settled(Some(own), false),
                None => Context::Unfit(Unfit::NoRecord),
            }),
            Launches::Named | Launches::InCare => {
                let patients = self.choices_of(account).await?;
                Ok(match (&flow.patient, patients.as_slice()) {
                    (_, []) => Context::Unfit(Unfit::NobodyInCare),
                    (_, [only]) => settled(Some(only), false),
                    (Some(chosen), _) if patients.contains(chosen) => settled(Some(chosen), true),
                    (Some(_) | None, _) => Context::Choose(patients),
                })
            }
        }
    }

    /// The patients in a clinician's care; none for anyone else.
    ///
    /// # Errors
    /// When the records cannot be had.
    pub async fn in_care_of(&self, account: &Account) -> Result<Vec<Id>, Unavailable> {
        match (account.rights().launches, &account.fhir_user) {
            (Launches::InCare, Some((ResourceType::Practitioner, id))) => self.ports.patients_in_care_of(id).await,
            (_, _) => Ok(Vec::new()),
        }
    }

    /// The patients among whom someone chooses: those in a clinician's care, those whom a representative acts for.
    async fn choices_of(&self, account: &Account) -> Result<Vec<Id>, Unavailable> {
        match account.rights().launches {
            Launches::InCare => self.in_care_of(account).await,
            Launches::Named => Ok(account.patients.clone()),
            Launches::Own | Launches::Nobody => Ok(Vec::new()),
        }
    }

    /// Whether this person may (still) ask about this patient.
    pub(crate) async fn may_ask_about(&self, account: &Account, patient: &Id) -> Result<bool, Unavailable> {
        match account.rights().launches {
            Launches::Own => Ok(account.own_record() == Some(patient)),
            Launches::Named | Launches::InCare => Ok(self.choices_of(account).await?.contains(patient)),
            Launches::Nobody => Ok(false),
        }
    }
}
