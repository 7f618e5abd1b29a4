//! Carries out calls to incoming webhooks.

pub mod files;
