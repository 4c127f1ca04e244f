//! People who can sign in: added, listed, switched off and on, given another password.
//!
//! A password comes here as its argon2id hash alone.

use super::{Admin, Out};
use crate::clock;
use crate::records::Records;
use fhir::{Id, ResourceType};
use privacy::{Operator, Reason, Role};
use serde::{Deserialize, Serialize};
use serde_json::json;
use smart::second::TakenOff;
use smart::{Account, Locale};

/// An account to be added.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// What the person types.
    pub username: String,
    /// The password as a PHC string.
    pub password: String,
    /// The person as a resource: `Patient/…` makes a patient, `Practitioner/…` a clinician.
    pub fhir_user: String,
    /// The language of their pages, `en` or `es`.
    pub locale: Option<String>,
}

impl Admin {
    pub(super) async fn add_account(&self, new: NewAccount, out: &Out) -> Result<(), String> {
        let account = account(new)?;
        if !self.cx.authority.add_account(&account).await.map_err(|why| why.to_string())? {
            return Err(format!(
                "there is an account {} already; give it another password with `sluice account password`, or choose another name",
                account.username
            ));
        }
        let (kind, id) = &account.fhir_user;
        let role = account.role.as_str();
        out.line(&format!("{} can sign in as the {role} {kind}/{id}.", account.username)).await?;
        if !self.holds(*kind, id).await {
            out.line(&format!(
                "The records do not hold {kind}/{id} at the moment: until they do, there is nothing to see."
            ))
            .await?;
        }
        Ok(())
    }

    /// Every account, a line of JSON each; of its password, nothing.
    pub(super) async fn list_accounts(&self, out: &Out) -> Result<(), String> {
        for account in self.cx.authority.accounts().await.map_err(|why| why.to_string())? {
            let (kind, id) = &account.fhir_user;
            let line = json!({
                "username": account.username,
                "role": account.role.as_str(),
                "fhir_user": format!("{kind}/{id}"),
                "locale": account.locale.map(|locale| locale.tag()),
                "enabled": account.enabled,
            });
            out.line(&line.to_string()).await?;
        }
        Ok(())
    }

    pub(super) async fn switch_account(&self, username: &str, enabled: bool, out: &Out) -> Result<(), String> {
        let switched = self.cx.authority.switch_account(username, enabled, clock::now().seconds()).await;
        let ended = switched.map_err(|why| why.to_string())?.ok_or_else(|| unknown(username))?;
        if enabled {
            return out.line(&format!("{username} can sign in again; what was granted before stays ended.")).await;
        }
        out.line(&format!("{username} cannot sign in any more; {ended} grants to apps were ended.")).await
    }

    pub(super) async fn change_password(&self, username: &str, password: String, out: &Out) -> Result<(), String> {
        let changed = self.cx.authority.change_password(username, hashed(password)?, clock::now().seconds()).await;
        if !changed.map_err(|why| why.to_string())? {
            return Err(unknown(username));
        }
        out.line(&format!(
            "{username} has another password. Browsers have to sign in again; apps keep what was granted."
        ))
        .await
    }

    /// Takes a second factor off, for the reason that is kept with it and shown to the person.
    pub(super) async fn take_off_second_factor(
        &self,
        operator: &Operator,
        username: &str,
        reason: &str,
        out: &Out,
    ) -> Result<(), String> {
        let reason = Reason::parse(reason).map_err(|why| why.to_string())?;
        let account = self.cx.authority.account(username).await.map_err(|why| why.to_string())?;
        let account = account.ok_or_else(|| unknown(username))?;
        let (at_s, by) = (clock::now().seconds(), operator.name().to_owned());
        let taken = TakenOff { at_s, by, reason: reason.as_str().to_owned() };
        tracing::warn!(operator = operator.name(), reason = reason.as_str(), "a second factor is taken off");
        if !self.cx.authority.take_off_second_factor(&account, taken).await.map_err(|why| why.to_string())? {
            return Err(format!("{username} has no second factor that could be taken off"));
        }
        out.line(&format!(
            "{username} signs in with the password alone until they set up a second factor again. Their browsers have to \
             sign in again, and they see that it was taken off, and why."
        ))
        .await
    }

    /// Whether the records hold a person, as far as can be told now.
    async fn holds(&self, kind: ResourceType, id: &Id) -> bool {
        match self.cx.records.as_ref() {
            Records::Store(store) => store.current(kind, id).await.is_ok_and(|found| found.is_some()),
            Records::Upstream(upstream, _) => {
                upstream.current(kind, id.as_str()).await.is_ok_and(|found| found.is_some())
            }
        }
    }
}

/// The account as it will be kept.
fn account(new: NewAccount) -> Result<Account, String> {
    let NewAccount { username, password, fhir_user, locale } = new;
    if !Account::is_username(&username) {
        return Err("a user name has 1 to 254 bytes and neither spaces nor control characters".to_owned());
    }
    let person = fhir_user.split_once('/').and_then(|(kind, id)| Some((kind.parse().ok()?, Id::parse(id).ok()?)));
    let (role, fhir_user) = match person {
        Some((ResourceType::Patient, id)) => (Role::Patient, (ResourceType::Patient, id)),
        Some((ResourceType::Practitioner, id)) => (Role::Clinician, (ResourceType::Practitioner, id)),
        Some(_) | None => return Err("a person is Patient/ID or Practitioner/ID".to_owned()),
    };
    let locale = match locale {
        None => None,
        Some(code) => Some(Locale::of(&code).ok_or("a language is en or es")?),
    };
    let id = certs::random::uuid_v4();
    let password_set_s = clock::now().seconds();
    Ok(Account { id, username, password: hashed(password)?, password_set_s, role, fhir_user, locale, enabled: true })
}

/// A password as it may be kept: a hash, never the word itself.
fn hashed(password: String) -> Result<String, String> {
    if certs::password::is_outdated(&password) {
        return Err("a password is handed over as its argon2id hash".to_owned());
    }
    Ok(password)
}

fn unknown(username: &str) -> String {
    format!("there is no account {username}; `sluice account list` shows those there are")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn new(username: &str, fhir_user: &str, locale: Option<&str>) -> Result<Account, String> {
        let locale = locale.map(str::to_owned);
        let password = certs::password::DUMMY.to_owned();
        account(NewAccount { username: username.to_owned(), password, fhir_user: fhir_user.to_owned(), locale })
    }

    #[test]
    fn the_person_decides_the_role() {
        assert_eq!(new("ana", "Patient/p1", None).unwrap().role, Role::Patient);
        assert_eq!(new("cleo", "Practitioner/d1", Some("es")).unwrap().role, Role::Clinician);
    }

    #[test]
    fn what_is_no_account_is_refused() {
        for (username, person, locale) in [
            ("", "Patient/p1", None),
            ("ana maria", "Patient/p1", None),
            ("ana", "Organization/o1", None),
            ("ana", "Patient", None),
            ("ana", "Patient/p 1", None),
            ("ana", "Patient/p1", Some("de")),
        ] {
            assert!(new(username, person, locale).is_err(), "{username} {person} {locale:?}");
        }
    }

    #[test]
    fn a_password_in_plain_is_never_kept() {
        assert!(hashed("correct horse".to_owned()).is_err());
        assert!(hashed(certs::password::DUMMY.to_owned()).is_ok());
    }
}
