//! # trueup
//!
//! *To true up: to bring into line.* YAML manifests describe templates, audiences, notifications, webhooks,
//! destinations, incoming webhooks and workflows; this crate compares them with live state, plans what to do, and
//! does it.
//!
//! The modules in the order a manifest passes through them (the blank lines keep the order):

pub mod base;

pub mod kinds;

pub mod object;

pub mod behaviour;

pub mod manifest;

pub mod desired;

pub mod lint;

pub mod live;

pub mod diff;

pub mod plan;

pub mod apply;

pub mod export;

pub mod review;

pub mod reconcile;

pub mod store;

pub mod provider;

pub mod runtime;

pub mod server;

pub mod steward;

pub mod cli;
