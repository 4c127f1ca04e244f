//! What nobody has judged cannot be sent: an answer takes a disclosure.

use privacy::{Disclosure, Page, Phi};

fn answer(_: Disclosure<Page>) {}

fn main() {}

fn handler(found: Phi<Page>) {
    answer(found)
}
