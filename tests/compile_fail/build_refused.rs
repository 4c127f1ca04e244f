//! A refusal of someone known has been through the gate.

use privacy::{Refusal, Refused};

fn main() {}

fn refused(why: Refusal) -> Refused {
    Refused::new(why)
}
