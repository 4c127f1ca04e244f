//! What a client may ask of a FHIR server, as an enum; whoever decides must spell out every one.

use std::fmt;

/// One RESTful interaction (R4, section 3.1.0, code system restful-interaction).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interaction {
    /// The current version of one resource.
    Read,
    /// One version of one resource.
    Vread,
    /// The versions of one resource.
    History,
    /// The versions of all resources of a type.
    HistoryType,
    /// The versions of everything.
    HistorySystem,
    /// A search over one type.
    Search,
    /// A search over all types.
    SearchSystem,
    /// A new resource under an id of the server's choice.
    Create,
    /// A whole new version.
    Update,
    /// A change of parts.
    Patch,
    /// A removal.
    Delete,
    /// Many entries, all or nothing.
    Transaction,
    /// Many entries, each for itself.
    Batch,
    /// The capability statement.
    Capabilities,
    /// An operation such as `$export`.
    Operation,
}

impl Interaction {
    /// Every interaction.
    pub const ALL: &'static [Interaction] = &[
        Interaction::Read,
        Interaction::Vread,
        Interaction::History,
        Interaction::HistoryType,
        Interaction::HistorySystem,
        Interaction::Search,
        Interaction::SearchSystem,
        Interaction::Create,
        Interaction::Update,
        Interaction::Patch,
        Interaction::Delete,
        Interaction::Transaction,
        Interaction::Batch,
        Interaction::Capabilities,
        Interaction::Operation,
    ];

    /// The code of restful-interaction, as CapabilityStatement and AuditEvent write it.
    pub fn code(self) -> &'static str {
        match self {
            Interaction::Read => "read",
            Interaction::Vread => "vread",
            Interaction::History => "history-instance",
            Interaction::HistoryType => "history-type",
            Interaction::HistorySystem => "history-system",
            Interaction::Search => "search-type",
            Interaction::SearchSystem => "search-system",
            Interaction::Create => "create",
            Interaction::Update => "update",
            Interaction::Patch => "patch",
            Interaction::Delete => "delete",
            Interaction::Transaction => "transaction",
            Interaction::Batch => "batch",
            Interaction::Capabilities => "capabilities",
            Interaction::Operation => "operation",
        }
    }
}

impl fmt::Display for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
