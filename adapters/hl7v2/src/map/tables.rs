//! The map files, built into the program and compiled once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bridge::mapping::{Map, Sources, Table, compile};

use super::engine::Step;
use super::steps;

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../maps/", $folder, "/", $name, ".toml")))),+]
    };
}

const DATATYPES: &[(&str, &str)] = files!("datatype": "CX", "DLN", "EI", "EI-PLAC", "EI-FILL", "XPN", "XCN-id",
    "XCN-name", "XAD", "XON", "CQ");

const SEGMENTS: &[(&str, &str)] = files!("segment": "PID-Patient", "OBR-DiagnosticReport", "OBR-ServiceRequest",
    "OBR-Specimen", "SPM-Specimen", "OBX-Observation", "XCN-Practitioner", "XON-Organization");

const TABLES: &[(&str, &str)] = files!("table": "0001", "0038", "0074", "0078", "0085", "0119", "0123", "0136",
    "0136-available", "0190", "0190-type", "0200", "0201", "0202", "0203", "0485");

/// Every map of this dialect.
pub(crate) struct Maps {
    pub(crate) patient: Map<Step>,
    pub(crate) report: Map<Step>,
    pub(crate) request: Map<Step>,
    pub(crate) specimen: Map<Step>,
    pub(crate) specimen_of_order: Map<Step>,
    pub(crate) observation: Map<Step>,
    pub(crate) practitioner: Map<Step>,
    pub(crate) organization: Map<Step>,
    pub(crate) address: Map<Step>,
    pub(crate) identifier: Map<Step>,
    /// What a result, its interpretation and a report are said to be: asked for each of them.
    pub(crate) result_status: &'static Table,
    pub(crate) interpretation: &'static Table,
    pub(crate) report_status: &'static Table,
    pub(crate) tables: &'static BTreeMap<String, Table>,
}

/// The maps, compiled at first use. The files are part of the program and a test compiles them all, so a fault in one
/// cannot reach a user.
pub(crate) static MAPS: LazyLock<Maps> =
    LazyLock::new(|| Maps::compile().unwrap_or_else(|fault| panic!("a map of this program is broken: {fault}")));

impl Maps {
    /// Compiles every file.
    pub(crate) fn compile() -> Result<Maps, String> {
        let mut tables = BTreeMap::new();
        for (name, text) in TABLES {
            let table: Table = toml::from_str(text).map_err(|error| format!("table {name}: {error}"))?;
            tables.insert((*name).to_owned(), table);
        }
        let tables: &'static BTreeMap<String, Table> = Box::leak(Box::new(tables));
        let sources = Sources { datatypes: DATATYPES, tables };
        let segment = |wanted: &str| {
            let (name, text) = SEGMENTS
                .iter()
                .chain(DATATYPES)
                .find(|(name, _text)| *name == wanted)
                .ok_or_else(|| format!("there is no map {wanted}"))?;
            compile(name, text, &sources, &steps::named).map_err(|fault| fault.to_string())
        };
        let table = |name: &str| tables.get(name).ok_or_else(|| format!("there is no table {name}"));
        Ok(Maps {
            patient: segment("PID-Patient")?,
            report: segment("OBR-DiagnosticReport")?,
            request: segment("OBR-ServiceRequest")?,
            specimen: segment("SPM-Specimen")?,
            specimen_of_order: segment("OBR-Specimen")?,
            observation: segment("OBX-Observation")?,
            practitioner: segment("XCN-Practitioner")?,
            organization: segment("XON-Organization")?,
            address: segment("XAD")?,
            identifier: segment("CX")?,
            result_status: table("0085")?,
            interpretation: table("0078")?,
            report_status: table("0123")?,
            tables,
        })
    }

    /// Those that write whole resources, for checking.
    #[cfg(test)]
    pub(crate) fn resources(&self) -> [&Map<Step>; 8] {
        [
            &self.patient,
            &self.report,
            &self.request,
            &self.specimen,
            &self.specimen_of_order,
            &self.observation,
            &self.practitioner,
            &self.organization,
        ]
    }
}
