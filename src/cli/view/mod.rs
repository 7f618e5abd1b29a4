//! Values turned into output: each view is a function of a value, a [`style::Style`] and a writer.
//!
//! Nothing here decides anything, and only `terminal` knows whether somebody is looking.

#[cfg(test)]
mod agreement;
mod attention;
mod change_lines;
mod change_text;
mod data_flow_text;
mod preview_text;

pub mod apply_json;
pub mod apply_text;
pub mod delivery_text;
pub mod diagnostic_json;
pub mod diagnostic_text;
pub mod drift;
pub mod explanation_json;
pub mod explanation_text;
pub mod finding;
pub mod github;
pub mod graph;
pub mod html;
pub mod key_text;
pub mod log;
pub mod markdown;
pub mod message;
pub mod plan_json;
pub mod plan_text;
pub mod policy_text;
pub mod reconcile_json;
pub mod reconcile_text;
pub mod sarif;
pub mod sent_text;
pub mod standing;
pub mod style;
pub mod terminal;
pub mod test_json;
pub mod test_junit;
pub mod test_text;
pub mod value_text;
pub mod visible;
