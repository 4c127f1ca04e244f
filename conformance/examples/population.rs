//! Prints a population as NDJSON: `population SEED N`, shared resources first, then each person's.

use std::io::{self, BufWriter, Write};

use conformance::population;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (seed, count) = (number(1), number(25));
    let mut out = BufWriter::new(io::stdout().lock());
    for row in population::shared(seed) {
        writeln!(out, "{}", row.json)?;
    }
    for index in 0..u32::try_from(count).unwrap_or(u32::MAX) {
        for row in population::person(seed, index).resources {
            writeln!(out, "{}", row.json)?;
        }
    }
    out.flush()
}
