//! People who can sign in: added, listed, switched off and on, given another password or the way to one.
//!
//! A password comes here as its argon2id hash alone.

use super::newcomer::{NewAccount, Newcomer, known_as, named, newcomer};
use super::{Admin, Out};
use crate::clock;
use crate::records::Records;
use fhir::{Id, Instant, ResourceType};
use privacy::{Operator, Reason};
use serde_json::json;
use smart::Account;
use smart::account::Added;
use smart::age::{Age, YEARS};
use smart::provider::Relinked;
use smart::second::TakenOff;
use smart::settings::{ACCOUNT_RECOVER, RECOVERY_S};

impl Admin {
    pub(super) async fn add_account(&self, new: NewAccount, out: &Out) -> Result<(), String> {
        let Newcomer { account, of_age } = newcomer(new, self.cx.authority.settings.provider.as_ref())?;
        if let Some(patient) = account.own_record() {
            self.is_of_age(patient, of_age).await?;
        }
        self.stands_beside(&account).await?;
        match self.cx.authority.add_account(&account).await.map_err(|why| why.to_string())? {
            Added::Done => {}
            Added::NameTaken => {
                return Err(format!(
                    "there is an account {} already; give it another password with `sluice account password`, or choose another name",
                    account.username
                ));
            }
            Added::SubjectTaken => {
                return Err(
                    "another account belongs to this subject already; one of them has the wrong --provider-subject"
                        .to_owned(),
                );
            }
        }
        let role = account.role.as_str();
        let own = account.fhir_user.iter().map(|(kind, id)| format!(" {kind}/{id}")).collect::<String>();
        let whom: Vec<String> = account.patients.iter().map(|patient| format!("Patient/{patient}")).collect();
        let whom = if whom.is_empty() { String::new() } else { format!(" for {}", whom.join(", ")) };
        out.line(&format!("{} can sign in as the {role}{own}{whom}.", account.username)).await?;
        let patients = account.patients.iter().map(|patient| (ResourceType::Patient, patient.clone()));
        for (kind, id) in account.fhir_user.iter().cloned().chain(patients) {
            if !self.holds(kind, &id).await {
                out.line(&format!(
                    "The records do not hold {kind}/{id} at the moment: until they do, there is nothing to see."
                ))
                .await?;
            }
        }
        Ok(())
    }

    /// Whether a patient may have an account of their own; `said` is what the operator vouches for.
    async fn is_of_age(&self, patient: &Id, said: bool) -> Result<(), String> {
        let age = self.cx.records.age(patient, clock::now().seconds()).await;
        match age.map_err(|_| format!("the record of Patient/{patient} cannot be had now; try again when it can"))? {
            Age::Over => Ok(()),
            Age::Unknown if said => Ok(()),
            Age::Under => Err(format!(
                "Patient/{patient} is under {YEARS}, and no one under {YEARS} has an account of their own; add a representative instead: \
                 `sluice account add NAME --role representative --patient {patient}`"
            )),
            Age::Unknown => Err(format!(
                "it is not known whether Patient/{patient} is {YEARS} or older, and no one under {YEARS} has an account of their own: the \
                 record has no birth date that says so; if you know that they are, say --thirteen-or-older, or else add a representative: \
                 `sluice account add NAME --role representative --patient {patient}`"
            )),
        }
    }

    /// Whether a representative's own entry stands in the record of one whom they act for.
    async fn stands_beside(&self, account: &Account) -> Result<(), String> {
        let Some((ResourceType::RelatedPerson, own)) = &account.fhir_user else { return Ok(()) };
        for patient in &account.patients {
            if self.cx.records.is_about(ResourceType::RelatedPerson, own, patient).await.is_ok_and(|is_about| is_about)
            {
                return Ok(());
            }
        }
        Err(format!(
            "RelatedPerson/{own} does not stand in the record of a patient whom --patient names; leave --fhir-user out, or name that patient"
        ))
    }

    /// Names anew whom a representative acts for.
    pub(super) async fn act_for(
        &self,
        operator: &Operator,
        username: &str,
        patients: &[String],
        out: &Out,
    ) -> Result<(), String> {
        let patients = named(patients)?;
        let ended = self.cx.authority.act_for(username, &patients, clock::now().seconds()).await;
        let ended = ended.map_err(|why| why.to_string())?;
        let ended = ended.ok_or_else(|| {
            format!(
                "there is no representative {username}; `sluice account list` shows those there are, with their roles"
            )
        })?;
        let account = self.account_id(username).await;
        tracing::info!(operator = operator.name(), account, ended, "a representative acts for others than before");
        out.line(&format!(
            "{username} acts for {} from now on; {ended} grants to apps about others were ended.",
            count(&patients)
        ))
        .await
    }

    /// Says anew whom the login provider knows an account as, or takes that away.
    pub(super) async fn relink(
        &self,
        operator: &Operator,
        username: &str,
        subject: Option<String>,
        out: &Out,
    ) -> Result<(), String> {
        let own = self.cx.authority.settings.provider.as_ref();
        let known = subject.map(|subject| known_as(subject, own)).transpose()?;
        let linked = known.is_some();
        let relinked = self.cx.authority.relink(username, known, clock::now().seconds()).await;
        match relinked.map_err(|why| why.to_string())? {
            Relinked::Done => {}
            Relinked::UnknownAccount => return Err(unknown(username)),
            Relinked::SubjectTaken => return Err("another account belongs to this subject already".to_owned()),
            Relinked::NoWayLeft => {
                return Err(format!(
                    "{username} has no password, so nobody could sign in any more; give it one with `sluice account password` first, or \
                     switch it off"
                ));
            }
        }
        let account = self.account_id(username).await;
        tracing::warn!(
            operator = operator.name(),
            account,
            linked,
            "who signs in to an account by the login provider was changed"
        );
        let now = if linked {
            "is signed in to by that subject of the login provider"
        } else {
            "is not signed in to by the login provider"
        };
        out.line(&format!("{username} {now} from now on; its browsers have to sign in again.")).await
    }

    /// Makes a code with which someone sets another password; it is all that is answered, and stands in no log.
    pub(super) async fn recover_account(&self, operator: &Operator, username: &str, out: &Out) -> Result<(), String> {
        let now_s = clock::now().seconds();
        let code = self.cx.authority.begin_recovery(username, now_s).await.map_err(|why| why.to_string())?;
        let account = self.account_id(username).await;
        tracing::warn!(operator = operator.name(), account, "a code was made that sets a password");
        out.line(&code).await?;
        out.line(&format!(
            "With this code {username} sets another password at {}{ACCOUNT_RECOVER}, once, until {}. A second factor that is on is \
             asked for as well. Give it to that very person, and make sure that it is they.",
            self.cx.origin,
            Instant::from_seconds(now_s + RECOVERY_S)
        ))
        .await
    }

    /// An account's own id, for the log, which names nobody.
    async fn account_id(&self, username: &str) -> String {
        let account = self.cx.authority.account(username).await.ok().flatten();
        account.map_or_else(String::new, |account| account.id)
    }

    /// Every account, a line of JSON each; of its password, nothing.
    pub(super) async fn list_accounts(&self, out: &Out) -> Result<(), String> {
        for account in self.cx.authority.accounts().await.map_err(|why| why.to_string())? {
            let patients: Vec<String> = account.patients.iter().map(|patient| format!("Patient/{patient}")).collect();
            let line = json!({
                "username": account.username,
                "role": account.role.as_str(),
                "fhir_user": account.fhir_user.map(|(kind, id)| format!("{kind}/{id}")),
                "acts_for": patients,
                "password": !account.password.is_empty(),
                "provider": account.provider.is_some(),
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

/// A password as it may be kept: a hash, never the word itself.
pub(super) fn hashed(password: String) -> Result<String, String> {
    if certs::password::is_outdated(&password) {
        return Err("a password is handed over as its argon2id hash".to_owned());
    }
    Ok(password)
}

fn count(patients: &[Id]) -> String {
    match patients.len() {
        1 => "one patient".to_owned(),
        several => format!("{several} patients"),
    }
}

fn unknown(username: &str) -> String {
    format!("there is no account {username}; `sluice account list` shows those there are")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_plain_is_never_kept() {
        assert!(hashed("correct horse".to_owned()).is_err());
        assert!(hashed(certs::password::DUMMY.to_owned()).is_ok());
    }
}
