//! A page leaves under the permit it was judged by: nothing puts another in its place.

use privacy::{Page, Permit, Redacted};

fn main() {}

fn swapped(page: Redacted<Page>, other: Permit) -> Redacted<Page> {
    Redacted { permit: other, ..page }
}
