//! The extensions that carry what FHIR R4 has no element for.
//!
//! The base is reserved for examples, so that it can never become somebody else's; one line changes it for a site that
//! publishes its own.

/// Carries a legacy field that has no FHIR element: sub-extensions `at` (such as `OBX-13`) and `value` (as it came).
pub const KEPT: &str = "https://sluice.example/fhir/StructureDefinition/legacy-field";

/// Carries a value whose type FHIR R4 does not know, or that cannot be read as what it claims to be: sub-extensions
/// `type` (such as `XPN`) and `value` (as it came).
pub const TYPED: &str = "https://sluice.example/fhir/StructureDefinition/legacy-value";
