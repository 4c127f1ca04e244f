//! The person's word, turned into an authorization code.
//!
//! The flow is taken away by the answer, so one consent makes one code. The form says which patient its page was about;
//! if that is no longer so the page is shown again, and nothing is granted that nobody saw.

use crate::authority::Authority;
use crate::flow::{Context, Flow, Stopped};
use crate::launch::LaunchContext;
use crate::offer::{self, Item};
use crate::ports::{Ports, Space};
use crate::redirect;
use crate::settings::CODE_S;
use crate::stored;
use fhir::Id;
use privacy::scope::Scope;
use privacy::{Purpose, Scopes};
use serde::{Deserialize, Serialize};

/// What an authorization code stands for. Times in seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    #[serde(with = "stored::scopes")]
    pub(crate) scopes: Scopes,
    #[serde(with = "stored::maybe_id")]
    pub(crate) patient: Option<Id>,
    /// What the EHR that opened the app said.
    pub(crate) launch: Option<LaunchContext>,
    pub(crate) account: String,
    pub(crate) username: String,
    /// The digest of the session in which it was allowed.
    pub(crate) session: String,
    pub(crate) auth_s: i64,
    /// Why the app will ask.
    #[serde(with = "stored::purpose")]
    pub(crate) purpose: Purpose,
    /// How often the person had stopped the app when it was given.
    pub(crate) stops: u64,
    /// What the app was as the person saw it.
    #[serde(default)]
    pub(crate) registered: String,
    pub(crate) expires_s: i64,
}

/// What came back from the consent page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    /// The items left ticked.
    pub kept: &'a [Item],
    /// The patient that the page named.
    pub patient: Option<&'a str>,
}

impl<P: Ports> Authority<P> {
    /// The person allows what is left ticked; gives the address that takes the code to the app, or `access_denied` when
    /// nothing is left.
    ///
    /// # Errors
    /// `Changed` when session or patient are not those that the page showed; [`Stopped`] otherwise as for every step.
    pub async fn allow(
        &self,
        id: &str,
        browser: &str,
        session: Option<&str>,
        word: Word<'_>,
        now_s: i64,
    ) -> Result<String, Stopped> {
        let seen = self.flow(id, browser, now_s).await?;
        let (session, account) = self.bound_session(&seen, session, now_s).await?;
        let client = self.flow_client(&seen).await?;
        if self.as_registered(&client)? != seen.registered {
            return Err(Stopped::ClientOff);
        }
        let (purpose, patient) = match self.context(&seen, &client, &account).await? {
            Context::Settled { purpose, patient, .. } => (purpose, patient),
            Context::Choose(_) | Context::Unfit(_) => return Err(Stopped::Changed),
        };
        if patient.as_ref().map(Id::as_str) != word.patient {
            return Err(Stopped::Changed);
        }
        let scopes = offer::narrow(&seen.offered, word.kept, &self.settings.served, account.role);
        if offer::is_nothing(&scopes) {
            return self.deny(id, browser, now_s).await;
        }
        let flow: Flow = self.take(Space::Flow, id).await?.ok_or(Stopped::Lost)?;
        if flow != seen {
            return Err(Stopped::Lost);
        }
        let launched = scopes.has(Scope::Launch);
        let stops = self.stops(&account.id, &client.client_id).await?;
        let code = Code {
            purpose,
            client: client.client_id,
            redirect_uri: flow.redirect_uri.clone(),
            challenge: flow.challenge,
            nonce: flow.nonce,
            patient: patient.filter(|_| launched || offer::needs_patient_of(account.role, &scopes)),
            launch: flow.launched.map(|own| own.context).filter(|_| launched),
            scopes,
            account: account.id,
            username: account.username,
            session: session.digest,
            auth_s: session.created_s,
            stops,
            registered: flow.registered,
            expires_s: now_s + CODE_S,
        };
        let secret = self.ports.token();
        self.keep(Space::Code, &secret, &code, code.expires_s).await?;
        let mut answer = vec![("code", secret.as_str())];
        answer.extend(flow.state.as_deref().map(|state| ("state", state)));
        answer.push(("iss", self.settings.issuer()));
        Ok(redirect::with_answer(&flow.redirect_uri, &answer))
    }
}
