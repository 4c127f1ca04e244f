//! What is judged and cut still has to be recorded: only the gate opens it.

use privacy::{Page, Redacted};

fn main() {}

fn opened(page: Redacted<Page>) -> Page {
    page.content
}
