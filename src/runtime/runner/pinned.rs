//! The versions that runs are pinned to, read once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::ident::ObjectId;
use crate::behaviour::run::effect::NotifyRequest;
use crate::kinds::reference::Reference;
use crate::kinds::workflow::WorkflowSpec;
use crate::kinds::{Kind, Spec};
use crate::store::{Store, StoreError};

/// A version of a workflow.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) spec: Arc<WorkflowSpec>,
    /// The ids its references resolved to when it was made, by path.
    references: BTreeMap<String, ObjectId>,
}

impl Pinned {
    /// Template and audiences of a notification, as this version means them.
    pub(super) fn recipients(&self, request: &NotifyRequest) -> Result<(ObjectId, Vec<ObjectId>), String> {
        let id = |reference: &Reference, path: String| match reference {
            Reference::Id(id) => Ok(*id),
            Reference::Name(name) => {
                self.references.get(&path).copied().ok_or_else(|| format!("{path}: `{name}` is not known"))
            }
        };
        let template = id(&request.template, format!("{}.template", request.path))?;
        let audiences = request.audiences.iter().enumerate();
        let audiences = audiences.map(|(n, audience)| id(audience, format!("{}.audiences[{n}]", request.path)));
        Ok((template, audiences.collect::<Result<_, _>>()?))
    }
}

/// Versions kept in memory; they never change. More than this many are read again.
const KEPT: usize = 256;

/// Versions that were asked for.
#[derive(Default)]
pub(super) struct Versions(Mutex<HashMap<(ObjectId, u64), Arc<Pinned>>>);

impl Versions {
    /// A version of a workflow; `None` when there is no such version.
    pub(super) async fn of(
        &self,
        store: &Store,
        workflow: ObjectId,
        version: u64,
    ) -> Result<Option<Arc<Pinned>>, StoreError> {
        let key = (workflow, version);
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(stored) = store.reads().version(workflow, version).await? else { return Ok(None) };
        let damaged = |reason: String| StoreError::Corrupt { what: format!("version {version} of {workflow}"), reason };
        let spec = match Kind::Workflow.read_spec(&stored.spec) {
            Ok(Spec::Workflow(spec)) => Arc::from(spec),
            Ok(other) => return Err(damaged(format!("it is a {}", other.kind()))),
            Err(error) => return Err(damaged(error.to_string())),
        };
        let pinned = Arc::new(Pinned { spec, references: stored.references });
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, Arc::clone(&pinned));
        Ok(Some(pinned))
    }
}
