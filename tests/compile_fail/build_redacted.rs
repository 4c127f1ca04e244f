//! Judged and cut is what was judged and cut: nobody says so of a page of their own.

use privacy::{Page, Permit, Redacted};

fn main() {}

fn redacted(permit: Permit, content: Page) -> Redacted<Page> {
    Redacted::new(permit, content)
}
