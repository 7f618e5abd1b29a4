//! What people are told of reconciling: from ticks to events and to the status of a commit, each told once.
//!
//! What is due is decided by values ([`news`], [`commit_status`]) over what was told before ([`notes`]); [`lane`] sees to
//! it that it arrives, through whatever [`lane::Carrier`] it is given, and never in the way of a tick.

pub mod commit_status;
pub mod event_v1;
pub mod lane;
pub mod news;
pub mod notes;
mod reason;
