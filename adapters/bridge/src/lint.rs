//! Refuses a map that writes to a path FHIR R4 does not have, or looks a code up that is none.

use std::collections::BTreeMap;

use fhir::path::ElementPath;

use crate::mapping::{Map, Table};

/// Every fault of one compiled map: each path it writes, checked against the R4 element tables.
pub fn paths<S>(map: &Map<S>) -> Vec<String> {
    map.paths()
        .into_iter()
        .filter_map(|path| ElementPath::check(path).err().map(|fault| format!("{path}: {fault}")))
        .collect()
}

/// Every fault of the tables: targets that are not among the codes of the value set they name.
pub fn tables(tables: &BTreeMap<String, Table>, known: &[(&str, &[&str])]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, table) in tables {
        let Some((_system, codes)) = known.iter().find(|(system, _codes)| *system == table.system) else {
            faults.push(format!("table {name} names the system {}, which is not known", table.system));
            continue;
        };
        for (from, to) in table.codes.iter().chain(&table.filled) {
            if !codes.contains(&to.as_str()) {
                faults.push(format!("table {name}: {from} goes to {to}, which {} does not have", table.system));
            }
        }
    }
    faults
}
