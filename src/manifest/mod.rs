//! Stage 1 of the pipeline: files become documents with positions.
//!
//! A path leads to a project ([`load()`] finds it, its manifests and its target); every document is parsed, changed by
//! the target's patches, has its variables replaced, and is handed on as a value that knows where each part of it was
//! written. What a document *means* is the next stage's business.

mod discovery;
mod finish;
mod load;
mod map;
mod node;
mod patch;
mod project;
mod project_file;
mod reference;
mod scalar;
mod settings;
mod variables;
mod yaml;

pub use discovery::FILE_LIMIT;
pub use load::{Document, Failure, Input, LoadOptions, Loaded, STDIN_NAME, load};
pub use project::{Project, Target, TargetSettings};
pub use project_file::{
    ApiVersion, EmbeddedFile, Limits, PROJECT_FILE, PatchFile, ProjectFile, ProjectKind, ProjectMetadata, ProjectSpec,
    TargetFile, VariableDeclaration, project_documentation, project_schema,
};
pub use variables::VariableType;
