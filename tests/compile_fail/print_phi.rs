//! What nobody has judged cannot be written to a log.

use privacy::Phi;

fn main() {
    println!("{:?}", Phi::new("name"));
    println!("{}", Phi::new("name"));
}
