//! A sandbox, as the configuration says it: nobody in it exists, so nothing that leads to real records may stand beside it.

use super::check::Checking;
use super::file::{File, TestUser};
use fhir::{Id, ResourceType};
use server::context::DemoUser;
use smart::Account;

impl Checking<'_> {
    /// Who can sign in to the sandbox, where it is one.
    pub(super) fn sandbox(&mut self, file: &File) -> Option<Vec<DemoUser>> {
        let sandbox = file.sandbox.as_ref().filter(|sandbox| *sandbox.enabled.get_ref())?;
        let beside = if file.upstream.is_some() { Some("[upstream]") } else { None };
        let beside = beside.or(if file.link.is_empty() { None } else { Some("[[link]]") });
        if let Some(section) = beside {
            let hint = format!("take `{section}` out, or `[sandbox]`: in a sandbox anyone may sign in as anyone");
            self.fault(&sandbox.enabled, "a sandbox stands beside what leads to real records", hint);
        }
        Some(sandbox.users.iter().filter_map(|user| self.test_user(user)).collect())
    }

    fn test_user(&mut self, user: &TestUser) -> Option<DemoUser> {
        let TestUser { username, password, fhir_user } = user;
        if !Account::is_username(username.get_ref()) {
            self.fault(username, "nobody can type this as a user name", "use letters and signs without spaces");
            return None;
        }
        let person = |text: &str| {
            let (kind, id) = text.split_once('/')?;
            let kind: ResourceType = kind.parse().ok()?;
            Id::parse(id).ok()?;
            matches!(kind, ResourceType::Patient | ResourceType::Practitioner).then_some(())
        };
        if person(fhir_user.get_ref()).is_none() {
            self.fault(fhir_user, "this is no person", "write \"Patient/ID\" or \"Practitioner/ID\"");
            return None;
        }
        let (username, fhir_user) = (username.get_ref().clone(), fhir_user.get_ref().clone());
        Some(DemoUser { username, password: password.clone(), fhir_user })
    }
}
