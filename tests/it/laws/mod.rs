//! The laws of the design, one file per law or pair of laws.

mod counts;
#[cfg(unix)]
mod delivered_or_dead;
mod empty_after_apply;
mod exported;
mod faults;
mod killed;
#[cfg(unix)]
mod killed_over_http;
mod order;
mod over_http;
mod ownership;
mod plan_writes_nothing;
mod preview_equals_reality;
mod previewed_over_http;
mod pruning;
mod reconciled;
mod reconciled_faults;
#[cfg(unix)]
mod reconciled_killed;
#[cfg(unix)]
mod runs_survive;
mod same_input;
mod secrets;
mod stale_plans;
mod tests_say_what_happens;
