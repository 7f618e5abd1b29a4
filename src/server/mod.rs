//! HTTP: the control plane as callers see it. What is done is done by `runtime` and `store`; here requests are let in,
//! read and answered.
//!
//! A request passes `connection` (limits, TLS, time), `trace` (request id, log, metrics, panics), `api::gate` (token,
//! scope, project, size) and reaches a handler of an area under `api`, where each endpoint is declared once.

pub mod access;
pub mod api;
pub mod connection;
mod engine_metrics;
pub mod folder_lock;
pub mod linger;
pub mod metrics;
pub mod patience;
pub mod serve;
pub mod settings;
pub mod state;
pub mod trace;
