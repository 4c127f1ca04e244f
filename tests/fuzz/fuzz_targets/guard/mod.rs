//! The server's guard before the HTTP library, without its sockets: the files that decide, and what holds bytes for them.

#[path = "../../../../gateway/server/src/guard/flow.rs"]
#[allow(dead_code, reason = "one part of crate server stands here for the whole")]
mod flow;
#[path = "../../../../gateway/server/src/guard/head.rs"]
#[allow(dead_code, reason = "one part of crate server stands here for the whole")]
mod head;

use flow::{Flow, Then};

/// What became of a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// All that was shown went on, or waits for more.
    Open,
    /// A head was not taken; what the caller is told.
    Refused(String),
    /// A body broke what its head announced.
    Broken,
}

/// Shows pieces to a guard and gives what went on.
pub fn passed(pieces: &[&[u8]]) -> (Vec<u8>, End) {
    let mut flow = Flow::new();
    let (mut out, mut held) = (Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let passed = flow.pass(&held);
        out.extend(held.drain(..passed.bytes));
        match passed.then {
            Then::More => {}
            Then::Refuse(fault) => return (out, End::Refused(fault.refusal().public().to_owned())),
            Then::Broken => return (out, End::Broken),
        }
        assert!(held.len() <= head::HEAD_BYTES_MAX, "no more is held than a head may have");
    }
    (out, End::Open)
}
