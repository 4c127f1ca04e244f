//! A permit stays what was decided.

use privacy::{Permit, Principal, Question};
use std::sync::Arc;

fn main() {}

fn for_another(mut permit: Permit, principal: Arc<Principal>) -> Permit {
    permit.principal = principal;
    permit
}

fn for_more(permit: &mut Permit, question: Question) {
    *permit.question() = question;
}
