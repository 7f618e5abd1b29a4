//! `reconcile` in this process over a rig: its folder or another source, its secrets, its target, its clock.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use trueup::desired::Desired;
use trueup::desired::load::{LoadedProject, NoProject};
use trueup::desired::secrets::Secrets;
use trueup::manifest::{Input, LoadOptions, Project};
use trueup::object::suspension::SuspendOrder;
use trueup::provider::{Reader, Writer};
use trueup::reconcile::hands::{Hands, Opening};
use trueup::reconcile::outcome::{Outcome, Tick};
use trueup::reconcile::run::{Reconcile, Source};
use trueup::reconcile::source::Folder;
use trueup::reconcile::tick::Reconciler;
use trueup::reconcile::wish::{Mode, Wish};
use uuid::Uuid;

use crate::rig::{Opener, Rig};

/// What somebody does once the next plan is made and not yet applied.
pub(crate) enum Meanwhile {
    /// Changes an object by hand. Not for a rig with a server.
    Touch(&'static str),
    /// Suspends.
    Suspend(SuspendOrder),
}

/// The hands of a rig: its folder, its secrets, its target, its clock.
pub(crate) struct RigHands {
    opener: Opener,
    ids: AtomicU64,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl Hands for RigHands {
    fn load(&self, folder: &Path) -> Result<LoadedProject, NoProject> {
        trueup::cli::project::read(&LoadOptions {
            path: Input::Path(folder.to_owned()),
            working_folder: folder.to_owned(),
            target: None,
            vars: Vec::new(),
            var_files: Vec::new(),
            threads: None,
        })
    }

    fn secrets(&self, desired: &Desired) -> Secrets {
        self.opener.secrets(desired)
    }

    fn reader<'a>(&'a self, _project: &'a Project) -> Opening<'a, dyn Reader> {
        Box::pin(async { Ok(self.opener.reader().await?) })
    }

    fn writer<'a>(&'a self, _project: &'a Project) -> Opening<'a, dyn Writer> {
        Box::pin(async {
            let meanwhile = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(Meanwhile::Touch(address)) = meanwhile {
                self.opener.touch_by_hand(address).await;
            }
            let writer = self.opener.writer().await?;
            if let Some(Meanwhile::Suspend(order)) = meanwhile {
                writer.suspend(&order).await?;
            }
            Ok(writer)
        })
    }

    fn commit(&self, _folder: &Path) -> Option<String> {
        Some("c0ffee".to_owned())
    }

    fn files_outside(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn now(&self) -> Timestamp {
        self.opener.now()
    }

    fn new_id(&self) -> Uuid {
        // Beside the ids of the rig's own plans.
        Uuid::from_u128((1 << 64) + u128::from(self.ids.fetch_add(1, Ordering::SeqCst)))
    }

    fn interrupted(&self) -> bool {
        false
    }
}

fn wish(mode: Mode) -> Wish {
    Wish {
        mode,
        prune: true,
        allow_send: true,
        max_deletes: Some(usize::MAX),
        max_changed_percent: None,
        actor: "robot@here (reconcile)".to_owned(),
        version: "0.0.0".to_owned(),
    }
}

/// Reconciles the rig's folder.
pub(crate) fn reconciling(rig: &Rig, mode: Mode) -> Reconcile<RigHands> {
    reconciling_meanwhile(rig, mode, &Arc::default())
}

/// Reconciles the rig's folder, and somebody does something in the middle of a tick.
pub(crate) fn reconciling_meanwhile(
    rig: &Rig,
    mode: Mode,
    meanwhile: &Arc<Mutex<Option<Meanwhile>>>,
) -> Reconcile<RigHands> {
    let folder = rig.project.path().canonicalize().expect("a folder");
    of(rig, Source::Folder(Folder::new(folder)), mode, meanwhile)
}

/// Reconciles another source with the rig's target.
pub(crate) fn following(rig: &Rig, source: Source, mode: Mode) -> Reconcile<RigHands> {
    of(rig, source, mode, &Arc::default())
}

fn of(rig: &Rig, source: Source, mode: Mode, meanwhile: &Arc<Mutex<Option<Meanwhile>>>) -> Reconcile<RigHands> {
    let meanwhile = Arc::clone(meanwhile);
    let hands = RigHands { opener: rig.opener(), ids: AtomicU64::new(rand_start()), meanwhile };
    Reconcile::new(source, vec![Reconciler::new(hands, wish(mode))])
}

/// Plans of two reconcilers of one test must not have the same id.
fn rand_start() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1 << 32, Ordering::SeqCst)
}

/// One tick.
pub(crate) fn once(rig: &Rig, reconcile: &mut Reconcile<RigHands>) -> Tick {
    rig.wait(reconcile.once()).remove(0)
}

/// A tick that writes.
pub(crate) fn applies(rig: &Rig, reconcile: &mut Reconcile<RigHands>) -> Tick {
    let tick = once(rig, reconcile);
    assert!(matches!(*tick.outcome, Outcome::Applied { .. }), "{:?}", tick.outcome);
    tick
}

/// A tick that finds all as it is wanted.
pub(crate) fn in_sync(rig: &Rig, reconcile: &mut Reconcile<RigHands>) -> Tick {
    let tick = once(rig, reconcile);
    assert!(matches!(*tick.outcome, Outcome::InSync), "{:?}", tick.outcome);
    tick
}
