//! Drift that is corrected three times in a row and comes back: two masters of one object, which no further correction
//! will settle.
//!
//! It is read from the audit, not remembered: a restart forgets nothing, and of two instances both know.

use jiff::{SignedDuration, Timestamp};

use crate::base::digest::Digest;
use crate::kinds::Address;
use crate::object::audit::AuditEntry;
use crate::object::suspension::{RESUMED, Suspension};

/// Corrections in a row after which drift that comes back is a fight.
pub const CORRECTIONS: usize = 3;
/// How far back from the newest change corrections count. What somebody changes once a month is no fight.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The words of the reason of a suspension that a fight has brought about, around what is told of it.
const REASON: &str = "a fight: corrected ";
const IN_A_ROW: &str = " times in a row, and changed again by ";
const AT: &str = " at ";

impl Fight {
    /// The reason of the suspension with which it is stopped.
    #[must_use]
    pub fn reason(&self) -> String {
        let Self { address: _, actor, at, corrections } = self;
        format!("{REASON}{corrections}{IN_A_ROW}{actor}{AT}{at:.0}")
    }

    /// The fight that a suspension stops; `None` where a person suspended for a reason of his own.
    #[must_use]
    pub fn stopped_by(suspension: &Suspension) -> Option<Self> {
        let address = suspension.address.clone()?;
        let (corrections, rest) = suspension.reason.strip_prefix(REASON)?.split_once(IN_A_ROW)?;
        let (actor, at) = rest.rsplit_once(AT)?;
        let (corrections, at) = (corrections.parse().ok()?, at.parse().ok()?);
        Some(Self { address, actor: actor.to_owned(), at, corrections })
    }
}

/// Whether a suspension stops a fight.
#[must_use]
pub fn is_stopped_by(suspension: &Suspension) -> bool {
    Fight::stopped_by(suspension).is_some()
}

/// A fight over one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fight {
    /// The object.
    pub address: Address,
    /// Who changes it again and again.
    pub actor: String,
    /// When it was last changed so.
    pub at: Timestamp,
    /// Corrections in a row before that.
    pub corrections: usize,
}

/// The fight over an object, if there is one. `entries` are its own, oldest first.
#[must_use]
pub fn over(address: &Address, entries: &[AuditEntry]) -> Option<Fight> {
    let mut newest: Option<&AuditEntry> = None;
    let mut corrections = 0;
    let mut restored: Option<Option<Digest>> = None;
    // A correction counts once what it corrected is seen before it.
    let mut open = false;
    for entry in entries.iter().rev().filter(|entry| entry.address.as_ref() == Some(address)) {
        // A person has said that it may go on, and ended the count with that.
        if entry.action == RESUMED {
            break;
        }
        if entry.before == entry.after {
            continue;
        }
        match (newest, entry.plan_id) {
            (None, Some(_)) => return None,
            (None, None) => newest = Some(entry),
            (Some(newest), _) if entry.at < newest.at.checked_sub(WINDOW).unwrap_or(Timestamp::MIN) => break,
            (Some(_), None) => {
                corrections += usize::from(open);
                open = false;
            }
            (Some(_), Some(_)) => {
                // Another content, or two plans one after the other: the manifests changed in between.
                if open || *restored.get_or_insert(entry.after) != entry.after {
                    break;
                }
                open = true;
            }
        }
    }
    let newest = newest.filter(|_| corrections >= CORRECTIONS)?;
    Some(Fight { address: address.clone(), actor: newest.actor.clone(), at: newest.at, corrections })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::{PlanId, Revision};
    use uuid::Uuid;

    /// A letter an entry: `p` a plan restores, `q` a plan brings another content, `h` a change by hand, `r` a resume.
    fn corrections(history: &str) -> Option<usize> {
        let address: Address = "Webhook/nps".parse().expect("an address");
        let digest = |text: &str| Some(Digest::of_bytes(text.as_bytes()));
        let mut before = None;
        let mut entries = Vec::new();
        for (n, letter) in (0_u64..).zip(history.chars()) {
            let (plan, action, after) = match letter {
                'p' => (true, "update", digest("wanted")),
                'q' => (true, "update", digest("other")),
                'h' => (false, "put", digest(&format!("by hand {n}"))),
                _ => (false, RESUMED, before),
            };
            entries.push(AuditEntry {
                sequence: n,
                at: Timestamp::UNIX_EPOCH,
                actor: "kim".to_owned(),
                action: action.to_owned(),
                subject: None,
                address: Some(address.clone()),
                revision: Revision(n),
                plan_id: plan.then(|| PlanId(Uuid::from_u128(u128::from(n)))),
                commit: None,
                before,
                after,
            });
            before = after;
        }
        over(&address, &entries).map(|fight| fight.corrections)
    }

    #[test]
    fn a_suspension_tells_the_fight_that_it_stops() {
        for actor in ["kim", "console (key 1)", "a at b", " times in a row, and changed again by x"] {
            let address: Address = "Webhook/nps".parse().expect("an address");
            let at = Timestamp::from_second(1_900_000_000).expect("a time");
            let fight = Fight { address, actor: actor.to_owned(), at, corrections: 3 };
            let mut suspension = Suspension {
                address: Some(fight.address.clone()),
                reason: fight.reason(),
                actor: "robot".to_owned(),
                since: at,
                until: None,
            };
            assert_eq!(Fight::stopped_by(&suspension), Some(fight));
            suspension.reason = "a fight: I do not like it".to_owned();
            assert_eq!(Fight::stopped_by(&suspension), None);
        }
    }

    #[test]
    fn three_corrections_of_the_same_are_a_fight() {
        assert_eq!(corrections("phphph"), None, "two corrections");
        assert_eq!(corrections("phphphph"), Some(3));
        assert_eq!(corrections("phhphphhhph"), Some(3), "however many changes a correction undoes");
        assert_eq!(corrections("phphphp"), None, "corrected, and not back yet");
        assert_eq!(corrections("phphphphph"), Some(4));
        assert_eq!(corrections("phphphqh"), None, "the manifests changed");
        assert_eq!(corrections("phphqhphphph"), Some(3));
        assert_eq!(corrections("phphphphrph"), None, "a person resumed it");
        assert_eq!(corrections("hphphph"), Some(3));
        assert_eq!(corrections("pppph"), None);
        assert_eq!(corrections(""), None);
    }
}
