//! The laws of the design, one file per law or pair of laws.

mod empty_after_apply;
mod order;
