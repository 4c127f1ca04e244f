//! One permit, one answer.

use privacy::{Cursor, Judging, Permit, Wanted};

fn main() {}

fn twice(permit: Permit, wanted: Wanted) -> (Judging, Judging) {
    (Judging::begin(permit, wanted, Cursor::Start), Judging::begin(permit, wanted, Cursor::Start))
}

fn copied(permit: &Permit) -> Permit {
    permit.clone()
}
