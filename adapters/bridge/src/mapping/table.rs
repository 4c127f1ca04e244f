//! A code table: the partner's code to the FHIR code.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One table of `maps/table`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name in its own standard, such as `0085`.
    pub name: String,
    /// The FHIR element type or code system its targets belong to.
    pub system: String,
    /// Code to code, by the published map.
    pub codes: BTreeMap<String, String>,
    /// Codes that the published map leaves blank, filled by us: used with a warning.
    #[serde(default)]
    pub filled: BTreeMap<String, String>,
}

impl Table {
    /// The FHIR code, and whether it is one that we filled in.
    pub fn look_up(&self, code: &str) -> Option<(&str, bool)> {
        let published = self.codes.get(code).map(|to| (to.as_str(), false));
        published.or_else(|| self.filled.get(code).map(|to| (to.as_str(), true)))
    }
}
