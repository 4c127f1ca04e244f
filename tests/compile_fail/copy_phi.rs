//! What nobody has judged cannot be copied or read in passing, and no text is let out by a look.

use privacy::Phi;

fn main() {
    let found = Phi::new(String::from("name"));
    let _ = found.clone();
    let _ = found.len();
    let _ = found.inspect(|name| name.clone());
    let _ = found.reveal();
}
