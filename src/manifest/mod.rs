//! Stage 1 of the pipeline: files become documents with positions.

mod map;
mod node;
mod scalar;
mod yaml;
