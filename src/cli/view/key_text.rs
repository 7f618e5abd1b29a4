//! Keys of the API as text and as JSON.

use std::io::{self, Write};

use serde_json::json;

use crate::object::access::AccessKey;
use crate::store::NewKey;

/// A new key with its secret, which is shown nowhere else.
///
/// # Errors
/// When the writer fails.
pub fn made(out: &mut dyn Write, new: &NewKey) -> io::Result<()> {
    let NewKey { key, secret } = new;
    writeln!(out, "client id      {}", key.client_id)?;
    writeln!(out, "client secret  {}", secret.expose_to_target())?;
    writeln!(out, "name           {}", key.name)?;
    writeln!(out, "project        {}", key.project)?;
    writeln!(out, "scopes         {}", key.scopes)?;
    writeln!(out, "\nThe secret is not shown again.")
}

/// The same for programs.
///
/// # Errors
/// When the writer fails.
pub fn made_json(out: &mut dyn Write, new: &NewKey) -> io::Result<()> {
    let NewKey { key, secret } = new;
    let AccessKey { client_id, name, project, scopes, created_at: _, revoked_at: _ } = key;
    let secret = secret.expose_to_target();
    let value = json!({
        "client_id": client_id, "client_secret": secret, "name": name, "project": project, "scopes": scopes,
    });
    writeln!(out, "{value:#}")
}

/// Keys, a line each.
///
/// # Errors
/// When the writer fails.
pub fn list(out: &mut dyn Write, keys: &[AccessKey]) -> io::Result<()> {
    if keys.is_empty() {
        return writeln!(out, "There are no keys.");
    }
    let widest = |text: fn(&AccessKey) -> &str| keys.iter().map(|key| text(key).len()).max().unwrap_or_default();
    let (project, name) = (widest(|key| key.project.as_str()), widest(|key| key.name.as_str()));
    for key in keys {
        let AccessKey { client_id, name: called, project: of, scopes, created_at, revoked_at } = key;
        write!(out, "{client_id}  {of:project$}  {called:name$}  {created_at:.0}  {scopes}")?;
        match revoked_at {
            Some(at) => writeln!(out, "  revoked {at:.0}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// The same for programs.
///
/// # Errors
/// When the writer fails.
pub fn list_json(out: &mut dyn Write, keys: &[AccessKey]) -> io::Result<()> {
    writeln!(out, "{:#}", json!({ "format_version": "1.0", "keys": keys }))
}
