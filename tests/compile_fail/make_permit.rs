//! A permit comes from a decision alone.

use privacy::{Permit, Policy, Principal, Question};
use std::sync::Arc;

fn main() {}

fn mine(principal: Arc<Principal>, question: Question, policy: Arc<Policy>) -> Permit {
    Permit { principal, question, policy }
}
