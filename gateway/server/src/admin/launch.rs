//! A launch for an EHR beside this gateway: it asks here, and opens the address that it is given in the person's browser.

use super::{Admin, Out};
use crate::clock;
use privacy::Operator;
use smart::launch::NewLaunch;

impl Admin {
    /// Makes a launch; its address is all that is answered, and stands in no log.
    pub(super) async fn new_launch(&self, operator: &Operator, new: &NewLaunch, out: &Out) -> Result<(), String> {
        let address = self.cx.authority.new_launch(new, clock::now().seconds()).await.map_err(|why| why.to_string())?;
        tracing::info!(operator = operator.name(), client = new.client_id, "a launch was made");
        out.line(&address).await
    }
}
