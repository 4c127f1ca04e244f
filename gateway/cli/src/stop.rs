//! When a gateway is to stop: a signal of the system's, Ctrl-C, or an operator's word.

use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Waits for any of them. The signals are caught from the call on, the second as well as the first.
///
/// # Errors
/// One sentence: signals cannot be received.
pub(crate) async fn asked(drain: Arc<Notify>) -> Result<(), String> {
    let failed = |why| format!("signals cannot be received ({why}); try again");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = drain.notified() => {}
    }
    Ok(())
}
