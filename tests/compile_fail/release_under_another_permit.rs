//! A page leaves under the permit it was judged by: release takes no other.

use fhir::Instant;
use privacy::ledger::Ledger;
use privacy::{Gate, Page, Permit, Redacted};

fn main() {}

async fn handed_in<L: Ledger>(gate: &Gate<L>, page: Redacted<Page>, other: Permit, now: Instant) {
    let _ = gate.release(page, other, now).await;
}
