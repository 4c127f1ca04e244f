//! `sluice launch`: what an EHR beside the gateway asks for before it opens an app.

use crate::args::{DataArgs, LaunchArgs};
use server::admin::Command;
use smart::context::ContextItem;
use smart::launch::NewLaunch;

/// What is to be asked of which gateway.
///
/// # Errors
/// One sentence: the context is not JSON of the right shape.
pub(crate) fn command(typed: LaunchArgs) -> Result<(DataArgs, Command), String> {
    let LaunchArgs {
        data,
        user,
        patient,
        encounter,
        fhir_context,
        intent,
        no_patient_banner,
        smart_style_url,
        client_id,
    } = typed;
    let fhir_context: Vec<ContextItem> = match fhir_context {
        None => Vec::new(),
        Some(json) => serde_json::from_str(&json).map_err(|why| {
            format!("--fhir-context is no array of objects with a reference, a canonical or an identifier ({why})")
        })?,
    };
    let need_patient_banner = Some(!no_patient_banner);
    let new = NewLaunch {
        client_id,
        username: user,
        patient,
        encounter,
        fhir_context,
        intent,
        need_patient_banner,
        smart_style_url,
    };
    Ok((data, Command::Launch(new)))
}
