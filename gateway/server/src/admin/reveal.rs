//! Showing an operator a message whole: through the gate, with their name and their reason on the ledger first.
//!
//! The second place where a disclosure is taken apart (the first sends HTTP): here its bytes go to the one person at the
//! other end of the socket, or to the terminal of the command that opened the folder. It is held against them once more.

use super::{Admin, Out};
use crate::clock;
use privacy::{Look, Operator, Reason};

impl Admin {
    /// Records the look, then shows the message exactly as it came.
    pub(super) async fn reveal(
        &self,
        operator: &Operator,
        sequence: u64,
        reason: &str,
        out: &Out,
    ) -> Result<(), String> {
        let reason = Reason::parse(reason).map_err(|why| why.to_string())?;
        let (kept, raw) = self.message(sequence).await?;
        let look = Look {
            operator: operator.clone(),
            reason,
            whose: self.inbox_of(&kept.link).whose(&raw).await,
            link: kept.link,
            sequence,
            correlation: certs::random::uuid_v4(),
        };
        let shown = self.cx.gate.show_message(look, raw, clock::now()).await.map_err(|why| why.public().to_owned())?;
        let (to, content) = shown.deliver();
        if !to.is_operator(operator) {
            tracing::error!(alarm = "wrong-recipient", "a message was to be shown to someone else");
            return Err("the message was to be shown to someone else; that is a mistake of ours".to_owned());
        }
        out.bytes(&content).await
    }
}
