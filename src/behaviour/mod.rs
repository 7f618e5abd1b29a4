//! What a configuration does: events become deliveries, templates become texts, rules tell members, runs take steps.
//!
//! Plain functions over values, without a clock, randomness or input and output: the server carries out what they say,
//! and whoever previews a change asks the same functions. `docs/behaviour.md` has the semantics and the vectors that the
//! tests read.

pub mod hook;
