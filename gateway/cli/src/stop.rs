//! When a gateway is to stop: a signal of the system's, Ctrl-C, or an operator's word.

use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What is said of a gateway that ended unasked.
pub(crate) const BY_MISTAKE: &str = "the gateway stopped by a mistake of ours; its log says which part of it";

/// Waits for any of them, while the gateway serves. The signals are caught from the call on, the second as well as the first.
///
/// # Errors
/// One sentence: signals cannot be received, or the gateway ended unasked.
pub(crate) async fn asked(drain: Arc<Notify>, serving: &mut JoinHandle<()>) -> Result<(), String> {
    let failed = |why| format!("signals cannot be received ({why}); try again");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = drain.notified() => {}
        _ = serving => return Err(BY_MISTAKE.to_owned()),
    }
    Ok(())
}
