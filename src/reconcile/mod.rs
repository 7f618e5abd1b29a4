//! Keeping live state true around the clock: a source is asked for what is wanted, a target for whether it moved, and
//! only when one of them did, the pipeline runs.
//!
//! What is decided is decided by values ([`memory`], [`fight`], [`backoff`]); effects come in as [`hands::Hands`] and
//! [`run::Pace`], so that tests turn the clock and nobody waits.

pub mod backoff;
pub mod fight;
pub mod hands;
mod heal;
pub mod look;
pub mod memory;
pub mod outcome;
pub mod run;
pub mod source;
pub mod tell;
pub mod tick;
pub mod wish;
