//! Random histories keep the invariants.
