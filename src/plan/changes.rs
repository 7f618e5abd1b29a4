//! Differences as a plan shows them: guarded by type, with where each value was written.

use serde_json::Value;

use super::plan_value::{Change, ChangeKind, Origin};
use super::shown::{SecretState, Shown};
use crate::base::path::Path;
use crate::base::positions::Note;
use crate::base::secret::SecretRef;
use crate::base::source::SourceMap;
use crate::desired::DesiredObject;
use crate::diff::{Cause, Judged};
use crate::kinds::field::Compare;
use crate::kinds::{FieldTree, Kind};

/// Where the value at a path of a manifest was written.
#[must_use]
pub fn origin(object: &DesiredObject, path: &Path, sources: &SourceMap) -> Option<Origin> {
    let place = object.positions.find(path)?;
    let shown = |span| sources.locate(span).map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
    let note = place.note.and_then(|note| match note {
        Note::Patched { target, original } => {
            let before = original.and_then(shown).map(|at| format!("; before the patch at {at}")).unwrap_or_default();
            Some(format!("patched by target {target}{before}"))
        }
        Note::Resolved { variables } => {
            let each = variables.iter().map(|variable| {
                let at = variable.span.and_then(shown).map(|at| format!(" at {at}")).unwrap_or_default();
                format!("{} set by {}{at}", variable.name, variable.set_by)
            });
            Some(each.collect::<Vec<_>>().join(", "))
        }
        Note::Removed { .. } => None,
        Note::Aliased { used } => shown(*used).map(|at| format!("used at {at}")),
    });
    Some(Origin { location: sources.locate(place.value)?, note, blame: None })
}

/// The one entry of a whole new object: its spec.
#[must_use]
pub fn whole(
    object: &DesiredObject,
    canonical: &Value,
    state: &dyn Fn(Option<&SecretRef>) -> SecretState,
    sources: &SourceMap,
) -> Vec<Change> {
    let path = Path::keys("spec");
    let Some(value) = path.of(canonical) else { return Vec::new() };
    let after = Shown::with_states(object.address.kind.field_tree().at(&path), value, state);
    vec![Change { origin: origin(object, &path, sources), ..Change::new(path, None, Some(after)) }]
}

/// One entry for a judged difference. `state` says what is known of a secret's content at its path.
#[must_use]
pub fn judged(kind: Kind, judged: &Judged, object: &DesiredObject, state: SecretState, sources: &SourceMap) -> Change {
    let Judged { difference, cause, applied } = judged;
    let tree = kind.field_tree().at(&difference.path);
    let show = |value: &Value| Shown::new(tree, value, state);
    let (change, overwrites) = match cause {
        Cause::Change => (ChangeKind::Change, None),
        Cause::Drift => (ChangeKind::Drift, None),
        Cause::ChangeOverDrift => (ChangeKind::Change, applied.as_ref().map(show)),
    };
    Change {
        path: difference.path.clone(),
        before: difference.before.as_ref().map(show),
        after: difference.after.as_ref().map(show),
        kind: change,
        overwrites,
        is_text: is_text(tree, difference.before.as_ref(), difference.after.as_ref()),
        order_only: difference.order_only,
        forces_replacement: false,
        origin: origin(object, &difference.path, sources),
    }
}

/// An entry for a secret whose content, not reference, changed.
#[must_use]
pub fn secret(object: &DesiredObject, path: &Path, state: SecretState, sources: &SourceMap) -> Change {
    let reference = object.secrets.iter().find(|secret| secret.path == *path).map(|secret| secret.reference.clone());
    let content = Some(Shown::Secret { state, reference });
    Change { origin: origin(object, path, sources), ..Change::new(path.clone(), content.clone(), content) }
}

fn is_text(tree: Option<&FieldTree>, before: Option<&Value>, after: Option<&Value>) -> bool {
    let by_table = tree.and_then(FieldTree::field).is_some_and(|field| field.compare == Compare::Text);
    let lines = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|text| text.contains('\n'));
    let texts = before.is_none_or(Value::is_string) && after.is_none_or(Value::is_string);
    texts && (lines(before) || lines(after)) && (by_table || before.is_some() && after.is_some())
}
