//! The command line. What it shows is made by `view`, the only place that knows a terminal.

pub mod view;
