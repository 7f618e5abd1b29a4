//! From stored deliveries to requests that arrive.
//!
//! Every destination has a *lane* of its own, so that a slow or dead one holds up nobody: a small buffer of what is due
//! and some attempts under way; whatever else waits for it waits in the store and is read in by time. A delivery is
//! shaped when it is tried, from the webhook and the destination as they are then: whoever mends one of them helps what
//! is waiting, too. What an attempt came to is written down when it has ended; one that is cut off has not happened.

mod attempt;
pub(in crate::runtime) mod figures;
mod lane;
pub(in crate::runtime) mod lanes;
pub(in crate::runtime) mod queued;
mod schedule;

pub use figures::{DeliveryFigures, DeliverySnapshot};
