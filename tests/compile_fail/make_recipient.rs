//! An address comes from a principal, never from text.

use privacy::Recipient;

fn main() {}

fn made_up() -> Recipient {
    Recipient { client: String::new(), grant: String::new() }
}
