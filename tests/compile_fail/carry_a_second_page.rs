//! A second page cannot ride along when the first is given another shape.

use privacy::{Disclosure, Page};

fn main() {}

fn beside(first: Disclosure<Page>, second: &Page) -> Disclosure<usize> {
    first.map(second, |first, second| first.rows.len() + second.rows.len())
}

fn captured(first: Disclosure<Page>, second: Page) -> Disclosure<usize> {
    first.map(&(), |first, _| first.rows.len() + second.rows.len())
}

fn as_text(first: Disclosure<Page>, second: String) -> Disclosure<usize> {
    first.map(&second, |first, second| first.rows.len() + second.len())
}
