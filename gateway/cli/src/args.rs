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
    /// Write a configuration, keys and a throwaway certificate into a folder
    Init {
        /// The folder; made when it is not there
        dir: PathBuf,
    },
    /// Run the gateway by its configuration
    Serve(ConfigArgs),
    /// Read a configuration and say what is wrong with it, and where
    CheckConfig(ConfigArgs),
    /// Try a privacy policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Verify or export the record of disclosures
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Look at messages that were received
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Manage the people who can sign in
    #[command(subcommand)]
    Account(AccountCommand),
    /// Look at registered apps, and manage those that registered themselves
    #[command(subcommand)]
    Client(ClientCommand),
    /// Look at the keys that sign tokens, and let others take their place
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Make a launch for an app, as an EHR does; prints the address to open in the person's browser, good for five minutes
    Launch(LaunchArgs),
    /// Say how a running gateway goes
    Status(DataArgs),
    /// Ask a running gateway to finish what is under way, and to stop
    Drain(DataArgs),
    /// Try the HL7 v2 map
    #[command(subcommand)]
    Hl7v2(Hl7v2Command),
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many people to make up
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(2..))]
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

/// Which configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "sluice.toml")]
    pub(crate) config: PathBuf,
}

/// Which gateway: by its data folder, or by its configuration. One that runs is asked; of one that does not, the folder is
/// opened.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// The gateway's data folder, such as that of a demo
    #[arg(long, value_name = "DIR", default_value = "sluice-demo", conflicts_with = "config")]
    pub(crate) data: PathBuf,
    /// The gateway's configuration, which names its data folder
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// What `policy` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print what of a resource would leave for a purpose
    Apply {
        /// Why someone asks: TREAT, HPAYMT or PATRQT
        #[arg(long, value_name = "P")]
        purpose: String,
        /// One FHIR resource as JSON
        file: PathBuf,
    },
}

/// What `ledger` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Hold every block against its hash and the one before it
    Verify(DataArgs),
    /// Print every entry as AuditEvents, one in a line
    Export(DataArgs),
}

/// What `journal` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// List what was received, without its content
    List {
        #[command(flatten)]
        data: DataArgs,
        /// Only those that are: applied, quarantined, refused or unfinished
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
    },
    /// Show what became of one message, and which of its segments and fields are there
    Show {
        #[command(flatten)]
        data: DataArgs,
        /// Print the message itself, exactly as it came; that is recorded on the ledger
        #[arg(long, requires = "reason")]
        reveal: bool,
        /// Why, for the ledger; names no patient
        #[arg(long, value_name = "TEXT", requires = "reveal")]
        reason: Option<String>,
        /// Its number, as `journal list` shows it
        sequence: u64,
    },
    /// Send one kept message through the live path again
    Replay {
        #[command(flatten)]
        data: DataArgs,
        /// Its number, as `journal list` shows it
        sequence: u64,
    },
}

/// What `account` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Add someone who can sign in; the password is asked for on the terminal
    Add {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        password: PasswordArgs,
        /// What they may do: patient, representative, clinician, privacy-officer, administrator or integrator; without it,
        /// Patient/ID makes a patient, Practitioner/ID a clinician
        #[arg(long, value_name = "ROLE")]
        role: Option<String>,
        /// The person in the records: Patient/ID, Practitioner/ID, or RelatedPerson/ID for a representative
        #[arg(long, value_name = "PERSON")]
        fhir_user: Option<String>,
        /// A patient whom a representative acts for; name each
        #[arg(long, value_name = "ID")]
        patient: Vec<String>,
        /// Say that a patient is 13 or older whose birth date is not known: no one under 13 has an account of their own
        #[arg(long)]
        thirteen_or_older: bool,
        /// Whom the login provider knows them as, the sub of its tokens; then a password is not asked for
        #[arg(long, value_name = "SUB")]
        provider_subject: Option<String>,
        /// The language of their pages, en or es; without it their browser decides
        #[arg(long, value_name = "LANG")]
        locale: Option<String>,
        /// What they type to sign in
        username: String,
    },
    /// List who can sign in
    List(DataArgs),
    /// Switch an account off, and end all that it granted to apps
    Disable {
        #[command(flatten)]
        data: DataArgs,
        /// Its name, as `account list` shows it
        username: String,
    },
    /// Switch an account on again
    Enable {
        #[command(flatten)]
        data: DataArgs,
        /// Its name, as `account list` shows it
        username: String,
    },
    /// Name anew the patients whom a representative acts for, and end what apps were granted about others
    ActFor {
        #[command(flatten)]
        data: DataArgs,
        /// A patient; name each
        #[arg(long, value_name = "ID", required = true)]
        patient: Vec<String>,
        /// Its name, as `account list` shows it
        username: String,
    },
    /// Say whom the house's login provider knows an account as; its browsers have to sign in again
    Link {
        #[command(flatten)]
        data: DataArgs,
        /// The `sub` of this person in the provider's tokens
        #[arg(long, value_name = "SUB")]
        provider_subject: String,
        /// Its name, as `account list` shows it
        username: String,
    },
    /// Let nobody sign in to an account by the login provider any more; its browsers have to sign in again
    Unlink {
        #[command(flatten)]
        data: DataArgs,
        /// Its name, as `account list` shows it
        username: String,
    },
    /// Make a code with which someone who has forgotten their password sets another one, once and within an hour
    Recover {
        #[command(flatten)]
        data: DataArgs,
        /// Its name, as `account list` shows it
        username: String,
    },
    /// Take an account's second factor off, for someone who has lost it; its browsers have to sign in again
    SecondFactorOff {
        #[command(flatten)]
        data: DataArgs,
        /// Why; the person sees it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Its name, as `account list` shows it
        username: String,
    },
    /// Give an account another password; its browsers have to sign in again
    Password {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        password: PasswordArgs,
        /// Its name, as `account list` shows it
        username: String,
    },
}

/// What `client` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// List every registered app
    List(DataArgs),
    /// List what an app has called lately, as a running gateway remembers it: routes and outcomes, nothing of any record
    Calls {
        #[command(flatten)]
        data: DataArgs,
        /// Its id, as `client list` shows it
        client_id: String,
    },
    /// Switch an app off that registered itself, and end all that was granted to it
    Disable {
        #[command(flatten)]
        data: DataArgs,
        /// Its id, as `client list` shows it
        client_id: String,
    },
    /// Switch such an app on again
    Enable {
        #[command(flatten)]
        data: DataArgs,
        /// Its id, as `client list` shows it
        client_id: String,
    },
    /// Take such an app away for good, and end all that was granted to it
    Remove {
        #[command(flatten)]
        data: DataArgs,
        /// Its id, as `client list` shows it
        client_id: String,
    },
}

/// What `keys` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List them: the next, those that sign, former ones, and when each is ready for its next step
    List(DataArgs),
    /// Publish the next keys; run again once they are known everywhere, let them sign
    Rotate {
        #[command(flatten)]
        data: DataArgs,
        /// Let them sign although others may not have heard of them yet
        #[arg(long)]
        force: bool,
    },
    /// Take a former key away once what it signed has run out, or a next one
    Retire {
        #[command(flatten)]
        data: DataArgs,
        /// Take it away at once, and end what it signed
        #[arg(long)]
        force: bool,
        /// Its name, as `keys list` shows it
        kid: String,
    },
}

/// What an EHR says of a launch.
#[derive(Debug, Args)]
pub(crate) struct LaunchArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// For whom, by the name they sign in with; without it, for whoever signs in
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The patient whose chart is open
    #[arg(long, value_name = "ID")]
    pub(crate) patient: Option<String>,
    /// The patient's encounter that is open
    #[arg(long, value_name = "ID", requires = "patient")]
    pub(crate) encounter: Option<String>,
    /// What else is open: a JSON array as SMART's fhirContext, [{"reference":"ImagingStudy/123"}]
    #[arg(long, value_name = "JSON")]
    pub(crate) fhir_context: Option<String>,
    /// What the app is to do, in a word that it knows
    #[arg(long, value_name = "WORD")]
    pub(crate) intent: Option<String>,
    /// Say that the EHR itself shows whose chart it is, so that the app need not
    #[arg(long)]
    pub(crate) no_patient_banner: bool,
    /// Where the EHR says how it looks; without it, how this gateway's pages look
    #[arg(long, value_name = "URL")]
    pub(crate) smart_style_url: Option<String>,
    /// The app, by its client id
    pub(crate) client_id: String,
}

/// Where a password comes from. Never from the command line, which others on the machine can read.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from this file descriptor, up to the end of its first line, instead of asking on the terminal
    #[arg(long, value_name = "N")]
    pub(crate) password_fd: Option<u32>,
}

/// What `hl7v2` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Hl7v2Command {
    /// Print what each message of the files becomes, one line of JSON each
    Map {
        /// Files of messages: bare, in batches or in MLLP frames
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}
