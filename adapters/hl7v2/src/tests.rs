//! The dialect from outside: maps that hold, goldens, and properties.

use super::*;
use crate::map::Maps;

#[test]
fn every_map_compiles_and_writes_only_paths_that_r4_has() {
    let maps = Maps::compile().expect("every map compiles");
    let faults: Vec<String> = maps.resources().into_iter().flat_map(bridge::lint::paths).collect();
    assert_eq!(faults, Vec::<String>::new());
}
