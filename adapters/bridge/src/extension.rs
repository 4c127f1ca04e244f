//! How what FHIR R4 has no element for is carried along.
//!
//! Only extensions that R4 itself defines are used, so that every validator and server understands what it is given.

/// Carries legacy fields as they came: one string, each field a line, its place first (`OBX-13: …`). R4 defines it for
/// any element, as the text that stands for the full meaning of its author.
pub const ORIGINAL_TEXT: &str = "http://hl7.org/fhir/StructureDefinition/originalText";
