//! MLLP: any split of the same bytes gives what a plain reading of the whole gives, and no more is held than the bound.
//!
//! The first byte is the bound, the next four are the sizes of the pieces, the rest is what comes over the wire.
#![no_main]

use bridge::{Framed, Framer};
use hl7v2::mllp::{Mllp, frame};
use libfuzzer_sys::fuzz_target;

const VT: u8 = 0x0b;
const FS: u8 = 0x1c;
const CR: u8 = 0x0d;

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Message(Vec<u8>),
    Truncated,
    Noise(usize),
    TooLong,
}

fuzz_target!(|input: &[u8]| {
    let [bound, first, second, third, fourth, wire @ ..] = input else { return };
    let bound = usize::from(*bound) % 64 + 1;
    let sizes = [first, second, third, fourth].map(|size| usize::from(*size) % 17 + 1);
    let expected = plainly(wire, bound);
    let mut pieces = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(sizes[pieces.len() % sizes.len()].min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    assert_eq!(seen(&[wire], bound), expected);
    assert_eq!(seen(&pieces, bound), expected);
    assert_eq!(seen(&wire.chunks(1).collect::<Vec<_>>(), bound), expected);
    match frame(wire) {
        Some(framed) => assert_eq!(seen(&[&framed], wire.len()), [Seen::Message(wire.to_vec())]),
        None => assert!(wire.contains(&VT) || wire.contains(&FS)),
    }
});

fn seen(pieces: &[&[u8]], bound: usize) -> Vec<Seen> {
    let mut framer = Mllp::bounded(bound);
    let mut all = Vec::new();
    for piece in pieces {
        for framed in framer.push(piece) {
            all.push(match framed {
                Framed::Message(message) => Seen::Message(message.expose().to_vec()),
                Framed::Truncated => Seen::Truncated,
                Framed::Noise { bytes } => Seen::Noise(bytes),
                Framed::TooLong => Seen::TooLong,
            });
        }
        assert!(framer.held_bytes() <= bound + 1);
    }
    all
}

/// The whole wire at once, byte by byte: a message stands between a vertical tab and the first file separator that a
/// carriage return follows.
fn plainly(wire: &[u8], bound: usize) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut at = 0;
    let mut noise = 0;
    while at < wire.len() {
        if wire[at] != VT {
            (noise, at) = (noise + 1, at + 1);
            continue;
        }
        if noise > 0 {
            all.push(Seen::Noise(std::mem::take(&mut noise)));
        }
        let mut message = Vec::new();
        at += 1;
        loop {
            match wire.get(at..).unwrap_or_default() {
                [] | [FS] => return all,
                [FS, CR, ..] => {
                    all.push(Seen::Message(message));
                    at += 2;
                    break;
                }
                [VT, ..] => {
                    all.push(Seen::Truncated);
                    message.clear();
                }
                [FS, VT, ..] => {
                    all.push(Seen::Truncated);
                    message.clear();
                    at += 1;
                }
                [byte, ..] => {
                    message.push(*byte);
                    if message.len() > bound {
                        all.push(Seen::TooLong);
                        return all;
                    }
                }
            }
            at += 1;
        }
    }
    all
}
