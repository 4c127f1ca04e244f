//! A disclosure is made by the gate alone.

use privacy::{Disclosure, Page, Recipient};

fn main() {}

fn disclosed(content: Page, to: Recipient) -> Disclosure<Page> {
    Disclosure { content, to, about: Vec::new(), receipts: Vec::new() }
}
