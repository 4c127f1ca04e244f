//! The apps that a patient or a representative allowed, as that person sees them and stops them. A patient sees and stops as well
//! what a representative allowed about them; a representative sees nothing of what the patient allowed.
//!
//! An app may hold several grants of one person, from several launches; the person thinks of one app. Stopping ends them
//! all, and none is named to anyone: what is asked for is "this app, of mine". A code that is still on its way to the app
//! is worth nothing either: the stop is noted first, and whoever redeems a code looks at the notes last.

use crate::account::Account;
use crate::authority::Authority;
use crate::client::Client;
use crate::grant::{Grant, GrantTable};
use crate::offer::{self, Item};
use crate::ports::{Ports, Space, Unavailable};
use crate::rights::Page;
use fhir::Id;
use privacy::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::form_urlencoded;

/// An app that a person allowed, and what it may see of them now. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The app, as it is registered; nothing when it is no more.
    pub client: Option<Client>,
    /// Its id.
    pub client_id: String,
    /// What it may see, over all that it was granted.
    pub items: Vec<Item>,
    /// Since when.
    pub since_s: i64,
    /// Until when, unless it renews that itself.
    pub until_s: i64,
}

/// What an answer that is under way leaves by: the grant that it is for.
pub struct Lease {
    grants: Arc<GrantTable>,
    id: String,
}

impl Lease {
    /// Whether the grant holds now.
    pub fn holds(&self, now_s: i64) -> bool {
        self.grants.holds(&self.id, now_s)
    }
}

/// How often an account stopped each app, and all of them. A code carries the sum that stood when it was given.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stops {
    of: BTreeMap<String, u64>,
    all: u64,
}

/// Apps whose stops are counted one by one; past that, a stop of one is a stop of all.
const COUNTED_MAX: usize = 200;

impl Stops {
    fn sum(&self, client_id: &str) -> u64 {
        self.all + self.of.get(client_id).copied().unwrap_or_default()
    }

    /// Counts one more; no sum that stood before comes back.
    fn one_more(self, client_id: Option<&str>) -> Stops {
        let Stops { mut of, all } = self;
        match client_id {
            Some(app) if of.len() < COUNTED_MAX || of.contains_key(app) => {
                *of.entry(app.to_owned()).or_default() += 1;
                Stops { of, all }
            }
            Some(_) => Stops { all: all + 1 + of.values().max().copied().unwrap_or_default(), of: BTreeMap::new() },
            None => Stops { of, all: all + 1 },
        }
    }
}

impl<P: Ports> Authority<P> {
    /// The apps that were allowed to see a person's record, the newest first; none for who has no such record. To someone who acts
    /// for several patients, those that may see the one named.
    ///
    /// # Errors
    /// When the shelf does not serve.
    pub async fn allowed_apps(
        &self,
        account: &Account,
        patient: Option<&Id>,
        now_s: i64,
    ) -> Result<Vec<Allowed>, Unavailable> {
        let mut by_client: BTreeMap<String, Vec<Arc<Grant>>> = BTreeMap::new();
        let of = |grant: &Grant| is_own(grant, account) && is_about(grant, patient);
        for grant in self.grants_alive(now_s).into_iter().filter(|grant| of(grant)) {
            by_client.entry(grant.client.clone()).or_default().push(grant);
        }
        let mut apps = Vec::new();
        for (client_id, grants) in by_client {
            let mut items: Vec<Item> = grants
                .iter()
                .flat_map(|grant| offer::items(&grant.scopes, &self.settings.served, Role::Patient))
                .collect();
            items.sort_by_cached_key(Item::to_string);
            items.dedup();
            apps.push(Allowed {
                client: self.client(&client_id).await?,
                client_id,
                items,
                since_s: grants.iter().map(|grant| grant.created_s).min().unwrap_or(now_s),
                until_s: grants.iter().map(|grant| grant.expires_s).max().unwrap_or(now_s),
            });
        }
        apps.sort_by_key(|app| std::cmp::Reverse(app.since_s));
        Ok(apps)
    }

    /// Ends all that a person granted to an app, or all that is about the patient named; gives how many grants that were. An app that
    /// this person did not allow is as one that does not exist.
    ///
    /// # Errors
    /// When the shelf does not serve; what was ended until then stays ended.
    pub async fn stop_app(
        &self,
        account: &Account,
        client_id: &str,
        patient: Option<&Id>,
        now_s: i64,
    ) -> Result<usize, Unavailable> {
        self.note_stop(account, client_id).await?;
        let mut ended = 0;
        loop {
            // A code may be redeemed meanwhile: what it made is ended as well.
            let own = |grant: &Grant| is_own(grant, account) && grant.client == client_id && is_about(grant, patient);
            match self.end_grants(own, now_s).await? {
                0 => return Ok(ended),
                some => ended += some,
            }
        }
    }

    /// Notes that an app was stopped, if there is one that this person could have allowed; for who acts for them as well.
    async fn note_stop(&self, account: &Account, client_id: &str) -> Result<(), Unavailable> {
        if !account.rights().has(Page::Apps) || self.client(client_id).await?.is_none() {
            return Ok(());
        }
        let mut noted = vec![account.id.clone()];
        if let Some(own) = account.own_record() {
            let others = self.accounts().await?.into_iter().filter(|other| other.patients.contains(own));
            noted.extend(others.map(|other| other.id));
        }
        for id in noted {
            let note = |stops: Option<Stops>| Some(stops.unwrap_or_default().one_more(Some(client_id)));
            self.change(Space::Stops, &id, note).await?;
        }
        Ok(())
    }

    /// Makes every code worthless that was given by this account until now: whoever gave it is no longer believed.
    pub(crate) async fn stop_codes(&self, account: &str) -> Result<(), Unavailable> {
        self.change(Space::Stops, account, |stops: Option<Stops>| Some(stops.unwrap_or_default().one_more(None))).await
    }

    /// How often this account stopped this app until now.
    pub(crate) async fn stops(&self, account: &str, client_id: &str) -> Result<u64, Unavailable> {
        let stops: Option<Stops> = self.get(Space::Stops, account).await?;
        Ok(stops.map_or(0, |stops| stops.sum(client_id)))
    }

    /// Whether a grant holds now. Looks at memory alone.
    pub fn grant_holds(&self, id: &str, now_s: i64) -> bool {
        self.grants.holds(id, now_s)
    }

    /// The means to ask that again, for as long as an answer is under way.
    pub fn lease(&self, id: &str) -> Lease {
        Lease { grants: Arc::clone(&self.grants), id: id.to_owned() }
    }
}

/// An app's id as it stands in an address.
pub fn in_address(client_id: &str) -> String {
    form_urlencoded::byte_serialize(client_id.as_bytes()).collect()
}

/// Whether a grant is about a patient, or about nobody's record at all; any is where none is named.
fn is_about(grant: &Grant, patient: Option<&Id>) -> bool {
    patient.is_none_or(|patient| grant.patient.as_ref().is_none_or(|own| own == patient))
}

/// Whether a grant is somebody's own word about a record: a patient's or a representative's, and to the patient also what a
/// representative allowed about them.
fn is_own(grant: &Grant, account: &Account) -> bool {
    let by_themselves = grant.role == account.role && grant.account == account.id;
    match account.role {
        Role::Patient => {
            let own = account.own_record();
            by_themselves || (grant.role == Role::Representative && own.is_some() && grant.patient.as_ref() == own)
        }
        Role::Representative => by_themselves,
        Role::Clinician | Role::PrivacyOfficer | Role::Administrator | Role::Integrator | Role::System => false,
    }
}
