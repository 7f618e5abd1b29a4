//! What a configuration does: events become deliveries, templates become texts, rules tell members, runs take steps.
//!
//! Plain functions over values, without a clock, randomness or input and output: the server carries out what they say,
//! and whoever previews a change asks the same functions. `docs/behaviour.md` has the semantics and the vectors that the
//! tests read.
//!
//! What is asked thousands of times a second has a form that is made once from a spec: [`condition::CompiledCondition`],
//! [`delivery::CompiledWebhook`], [`membership::CompiledAudience`].

pub mod condition;
pub mod delivery;
pub mod end_user;
pub mod event;
pub mod fault;
pub mod hook;
pub mod ingest;
pub mod membership;
pub mod recorded;
pub mod render;
pub mod request;
pub mod run;
