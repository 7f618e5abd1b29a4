//! Stage 1 of the pipeline: files become documents with positions.

mod finish;
mod map;
mod node;
mod patch;
mod reference;
mod scalar;
mod variables;
mod yaml;
