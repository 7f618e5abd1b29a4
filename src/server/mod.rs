//! The control plane over HTTP: access, the API, its description, operation.
