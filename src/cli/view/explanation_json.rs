//! `explain -o json`: an explanation as one document.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::kinds::explain::{Allowed, Child, Explanation};

/// Writes it, indented.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    writeln!(out, "{:#}", document(explanation))
}

fn document(explanation: &Explanation) -> Value {
    let Explanation {
        title,
        type_text,
        required,
        default,
        description,
        reference,
        life_cycle,
        immutable,
        secret,
        class,
        only_with,
        allowed,
        children,
        text,
    } = explanation;
    json!({
        "format_version": "1.0",
        "title": title,
        "type": type_text,
        "required": required,
        "default": default,
        "description": description,
        "refers_to": reference,
        "life_cycle": life_cycle,
        "immutable": immutable,
        "secret": secret,
        "class": class.as_str(),
        "only_with": only_with,
        "allowed": allowed.iter().map(value).collect::<Vec<_>>(),
        "children": children.iter().map(child).collect::<Vec<_>>(),
        "text": text,
    })
}

fn value(allowed: &Allowed) -> Value {
    let Allowed { value, description, group } = allowed;
    json!({ "value": value, "description": description, "group": group })
}

fn child(child: &Child) -> Value {
    let Child { name, type_text, required, description, only_with } = child;
    json!({ "name": name, "type": type_text, "required": required, "description": description, "only_with": only_with })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::explain::explain;

    #[test]
    fn a_field_is_one_document() {
        let explanation = explain("Webhook.system", &[]).expect("an explanation");
        let mut out = Vec::new();
        write(&mut out, &explanation).expect("written");
        let read: Value = serde_json::from_slice(&out).expect("one document");
        assert_eq!(read["title"], "Webhook.spec.system");
        assert_eq!((&read["refers_to"], &read["required"]), (&json!("System"), &json!(true)));
    }
}
