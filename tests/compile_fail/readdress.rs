//! Nothing changes whom a disclosure is for.

use privacy::{Disclosure, Page, Recipient};

fn main() {}

fn assigned(mut disclosure: Disclosure<Page>, to: Recipient) -> Disclosure<Page> {
    disclosure.to = to;
    disclosure
}

fn written_through(disclosure: &mut Disclosure<Page>, to: Recipient) {
    *disclosure.to() = to;
}
