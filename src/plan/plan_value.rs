//! The plan: ordered actions with reasons, and everything a reviewer is told beside them.

use jiff::Timestamp;

use super::preview::FailOn;
use super::reason::Reason;
use super::review::Review;
use super::shown::Shown;
use crate::base::diagnostic_record::DiagnosticRecord;
use crate::base::digest::Digest;
use crate::base::ident::{Generation, Name, PlanId, Revision};
use crate::base::path::Path;
use crate::base::source::Location;
use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::object::suspension::Suspension;

/// What apply will do, and why.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Random.
    pub plan_id: PlanId,
    /// The program that made it.
    pub trueup_version: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The project.
    pub project: Name,
    /// The target.
    pub target: Name,
    /// Digest of the desired state it was made from.
    pub desired: Digest,
    /// The target's revision it was made from.
    pub revision: Revision,
    /// False when a selection narrows it or a secret could not be compared.
    pub complete: bool,
    /// How a selection narrows it, for the banner: one line, `None` for the whole project.
    pub selection: Option<String>,
    /// In the order they are carried out.
    pub actions: Vec<Action>,
    /// Drifted fields, repeated from the actions, and drift that is left alone is not here.
    pub drift: Vec<Drift>,
    /// Managed objects that are no longer in the manifests and are not removed by this plan.
    pub orphans: Vec<Address>,
    /// Secrets that are compared at apply.
    pub unknown_secrets: Vec<UnknownSecret>,
    /// Objects whose live content already is what the manifests say, for which only what was last applied is renewed.
    pub refresh: Vec<(Address, Generation)>,
    /// What is suspended on the target, the project first: for `reconcile`, which leaves it alone.
    pub suspensions: Vec<Suspension>,
    /// Of the actions' addresses those whose manifest is suspended by its annotation.
    pub suspended: Vec<Address>,
    /// Sentences that a reviewer should read.
    pub warnings: Vec<String>,
    /// Warnings of loading and linting, already located, so that a plan needs no sources.
    pub diagnostics: Vec<DiagnosticRecord>,
    /// Why apply would refuse it without a further flag.
    pub refusals: Vec<Refusal>,
    /// The counts.
    pub summary: Summary,
    /// What the change does, and what the policies say of it.
    pub review: Review,
}

/// One action on one address.
#[derive(Clone, Debug)]
pub struct Action {
    /// The address; of a move the new one.
    pub address: Address,
    /// What is done.
    pub action: ActionKind,
    /// Why.
    pub reason: Reason,
    /// What changes. A create has one entry, `spec`.
    pub changes: Vec<Change>,
    /// The generation of the object the plan was made from; `None` where there was none.
    pub expected: Option<Generation>,
    /// Of a move: the former address.
    pub from: Option<Address>,
    /// Of a make-current: the version.
    pub version: Option<u64>,
    /// Of a replace: whether the old object is archived rather than deleted.
    pub archives: bool,
    /// Who is reached at once, such as `2 audiences and 3 end users`; apply then needs `--allow-send`.
    pub sends: Option<String>,
    /// Drifted fields whose live values are kept (`trueup.dev/ignore-drift`).
    pub keeps: Vec<Path>,
}

/// One changed field.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// From the manifest's root.
    pub path: Path,
    /// `None` where there is nothing.
    pub before: Option<Shown>,
    /// `None` where there will be nothing.
    pub after: Option<Shown>,
    /// By the manifests, or drift that is corrected.
    pub kind: ChangeKind,
    /// What was last applied here, when it is a change that overwrites drift.
    pub overwrites: Option<Shown>,
    /// A long text: shown as a unified diff.
    pub is_text: bool,
    /// Only the order of a list changes.
    pub order_only: bool,
    /// The field that makes a replace of it.
    pub forces_replacement: bool,
    /// Where the value was written.
    pub origin: Option<Origin>,
}

impl Change {
    /// A change by the manifests of which nothing further is to be said.
    #[must_use]
    pub fn new(path: Path, before: Option<Shown>, after: Option<Shown>) -> Self {
        Self {
            path,
            before,
            after,
            kind: ChangeKind::Change,
            overwrites: None,
            is_text: false,
            order_only: false,
            forces_replacement: false,
            origin: None,
        }
    }
}

/// Who caused a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ChangeKind {
    /// The manifests.
    Change,
    /// Somebody else.
    Drift,
}

/// Where a value was written, and what happened to it on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The place.
    pub location: Location,
    /// For people: `patched by target production at trueup.yaml:14:11`.
    pub note: Option<String>,
    /// The commit that last changed the line, where it was asked for.
    pub blame: Option<Blame>,
}

/// The commit that last changed a line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Blame {
    /// Its id, in hex digits.
    pub commit: String,
    /// Who wrote it.
    pub author: String,
    /// When it was written.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// The first line of its message.
    pub summary: String,
}

/// Drifted fields of one object.
#[derive(Clone, Debug)]
pub struct Drift {
    /// The address.
    pub address: Address,
    /// The action that corrects it; `None` in a plan that corrects nothing (`drift`).
    pub action: Option<ActionKind>,
    /// The drifted fields: `before` is live, `after` what the manifests say.
    pub changes: Vec<Change>,
    /// Who made the latest change by hand, and when, where the target's audit may be read.
    pub by: Option<(String, Timestamp)>,
}

/// A secret that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSecret {
    /// The object.
    pub address: Address,
    /// The secret's path.
    pub path: Path,
    /// Generation of the object; `None` for one that is made by this plan.
    pub expected: Option<Generation>,
}

/// Why apply refuses the plan as it stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// More deletes and archives than allowed.
    TooManyDeletes {
        /// Planned.
        planned: usize,
        /// Allowed.
        allowed: usize,
    },
    /// A greater share of the managed objects changes than allowed.
    TooMuchChanged {
        /// Updates, replaces and deletes planned.
        planned: usize,
        /// Managed objects.
        managed: usize,
        /// Percent allowed.
        allowed: f64,
    },
    /// A protected object would be deleted, replaced or archived.
    Protected(Address),
    /// Somebody would be reached at once.
    Sends {
        /// The notifications.
        addresses: Vec<Address>,
    },
    /// Policies refuse it.
    Policy {
        /// How many rules are broken that refuse.
        errors: usize,
    },
    /// The preview shows what `--fail-on` names.
    FailOn {
        /// What.
        reason: FailOn,
        /// How often.
        count: u64,
    },
}

/// How often each action occurs; unchanged objects are only counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Summary {
    /// Creates.
    pub create: usize,
    /// Updates.
    pub update: usize,
    /// Replaces.
    pub replace: usize,
    /// New versions.
    pub new_version: usize,
    /// Pointer moves to versions that exist.
    pub make_current: usize,
    /// Renames.
    #[serde(rename = "move")]
    pub moved: usize,
    /// Deletes.
    pub delete: usize,
    /// Archives.
    pub archive: usize,
    /// Restores.
    pub restore: usize,
    /// Adoptions.
    pub adopt: usize,
    /// Publications of settings.
    pub publish_settings: usize,
    /// Objects left as they are.
    pub unchanged: usize,
}

impl Summary {
    /// Counts actions. `deleting_replaces` are the replaces that delete the old object.
    pub fn count<'a>(actions: impl IntoIterator<Item = &'a ActionKind>, unchanged: usize) -> Self {
        let mut summary = Self { unchanged, ..Self::default() };
        for action in actions {
            let place = match action {
                ActionKind::Create => &mut summary.create,
                ActionKind::Update => &mut summary.update,
                ActionKind::Replace => &mut summary.replace,
                ActionKind::NewVersion => &mut summary.new_version,
                ActionKind::MakeCurrent => &mut summary.make_current,
                ActionKind::Move => &mut summary.moved,
                ActionKind::Delete => &mut summary.delete,
                ActionKind::Archive => &mut summary.archive,
                ActionKind::Restore => &mut summary.restore,
                ActionKind::Adopt => &mut summary.adopt,
                ActionKind::PublishSettings => &mut summary.publish_settings,
            };
            *place += 1;
        }
        summary
    }
}

/// The three numbers of the last line (design §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Create, replace, restore.
    pub add: usize,
    /// Update, new-version, make-current, move, adopt, publish-settings.
    pub change: usize,
    /// Delete, archive, and the replaces that delete.
    pub destroy: usize,
}

impl Totals {
    /// The sums of a summary. `deleting_replaces` are the replaces that delete the old object.
    #[must_use]
    pub fn of(s: &Summary, deleting_replaces: usize) -> Self {
        Self {
            add: s.create + s.replace + s.restore,
            change: s.update + s.new_version + s.make_current + s.moved + s.adopt + s.publish_settings,
            destroy: s.delete + s.archive + deleting_replaces,
        }
    }
}

impl Plan {
    /// The three numbers of the last line.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let deleting = self.actions.iter().filter(|a| a.action == ActionKind::Replace && !a.archives).count();
        Totals::of(&self.summary, deleting)
    }

    /// Whether apply has nothing to do: no action and no secret left to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}
