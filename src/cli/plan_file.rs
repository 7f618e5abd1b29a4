//! Saved plans: telling them from manifests, and reading them.

use std::path::Path;

use super::exit::{self, Exit};
use crate::base::error_text::chain;
use crate::plan::Plan;
use crate::plan::file_v1;

/// Whether a file is a saved plan (of whatever version): a JSON document with `format_version` at its top.
///
/// A file that cannot be read is none; reading it as a manifest will say why.
#[must_use]
pub fn is_plan(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        return false;
    }
    let Ok(bytes) = std::fs::read(path) else { return false };
    match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(value) => value.get("format_version").is_some(),
        // Cut off or damaged: what it begins with tells what it was meant to be.
        Err(_) => String::from_utf8_lossy(bytes.get(..400).unwrap_or(&bytes)).contains("\"format_version\""),
    }
}

/// Reads a saved plan.
///
/// # Errors
/// When the file cannot be read or is no plan this program understands, which is said on standard error.
pub fn read(path: &Path) -> Result<Plan, Exit> {
    let bytes = std::fs::read(path).map_err(|error| {
        exit::say_error(&format!("failed to read the plan {}: {error}", path.display()), None);
        Exit::InvalidInput
    })?;
    file_v1::read(&bytes).map_err(|error| {
        let message = format!("{}: failed to {}", path.display(), chain(&error));
        exit::say_error(&message, Some("make a new one with `trueup plan --out FILE`"));
        Exit::InvalidInput
    })
}
