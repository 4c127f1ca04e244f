//! What can be typed after `sluice`: the one place that names commands and options.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A FHIR R4 privacy gateway.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, about = "A FHIR R4 privacy gateway", disable_help_subcommand = true)]
pub(crate) struct Sluice {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole gateway on this machine, with people who do not exist
    Demo(DemoArgs),
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many people to make up
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub(crate) population: u32,
    /// The number they are grown from: the same seed gives the same people
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where records, keys and the ledger are kept
    #[arg(long, value_name = "DIR", default_value = "sluice-demo")]
    pub(crate) data: PathBuf,
    /// The port of FHIR, sign-in and pages on localhost; 0 takes a free one
    #[arg(long, value_name = "P", default_value_t = 8443)]
    pub(crate) port: u16,
    /// The port of HL7 v2 over MLLP on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "P", default_value_t = 2575)]
    pub(crate) mllp_port: u16,
    /// Keep the records in this FHIR server instead of the embedded store
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<String>,
    /// Write addresses, users and clients into this file once everything is up
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

