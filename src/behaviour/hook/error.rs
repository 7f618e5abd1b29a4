//! What can be wrong with a call: a stable code for programs, a sentence for people.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($variant:ident $text:literal $doc:literal;)+) => {
        /// The stable code of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum HookCode { $(#[doc = $doc] $variant,)+ }

        impl HookCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As it stands in an answer.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// When it is answered.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }
        }
    };
}

codes! {
    MalformedCall "malformed-call" "The body is no JSON object of the form of a call.";
    UnknownOperation "unknown-operation" "The operation is none of the eight.";
    UnknownField "unknown-field" "A field that the operation does not have.";
    MissingField "missing-field" "A field that the operation needs is absent or null.";
    WrongType "wrong-type" "A field's value is of another JSON type.";
    InvalidValue "invalid-value" "A field's value breaks a rule.";
    InvalidId "invalid-id" "An id is no base64 of `Type:n` of the type that is meant.";
    ConflictingFields "conflicting-fields" "Two fields name the same thing and do not agree.";
    UnknownData "unknown-data" "The workflow has no data of a parameter's name.";
    WrongDataType "wrong-data-type" "The workflow's data of a parameter's name are of another type.";
    MissingData "missing-data" "Data that a request must give are not among the parameters.";
    DuplicateParameter "duplicate-parameter" "Two parameters have one name.";
    UploadRefused "upload-refused" "A file is to come as a part of a multipart request; a call is JSON.";
    FileNotAllowed "file-not-allowed" "A file's URL lies in no folder that the server may read for calls, or is no plain `file:///` URL.";
    FileUnreadable "file-unreadable" "A file in an allowed folder does not exist or cannot be read.";
    FileTooLarge "file-too-large" "A file is larger than a request may keep.";
    DataTooLarge "data-too-large" "All data of the request together would be larger than it may keep.";
    UnknownProcess "unknown-process" "No live workflow has this name or id.";
    AmbiguousProcess "ambiguous-process" "Several workflows have this display name.";
    UnknownVersion "unknown-version" "The workflow has no such version, or none that is released.";
    UnknownRequest "unknown-request" "The project has no such request.";
    UnknownAction "unknown-action" "The request has no such action.";
    UnknownUser "unknown-user" "No user has this id.";
    OperationNotAllowed "operation-not-allowed" "The incoming webhook does not offer the operation.";
    WorkflowNotAllowed "workflow-not-allowed" "The incoming webhook does not reach the workflow.";
    ProcessNotPublic "process-not-public" "The workflow is no sub-process with public access.";
    SecurityError "security-error" "The caller's user, or the user on whose behalf is called, lacks the right.";
    RequestClosed "request-closed" "The request has ended.";
    ActionClosed "action-closed" "The action is not open any more.";
    NotCancellable "not-cancellable" "The action's step has no route for being cancelled this way.";
    NotAssigned "not-assigned" "The action is assigned to nobody.";
    WrongActivity "wrong-activity" "The action belongs to another activity than the call says.";
    TestMismatch "test-mismatch" "The call says test and the request is none, or the other way round.";
}

/// One thing that is wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct HookError {
    /// For programs.
    pub code: HookCode,
    /// For people. Never contains a secret or the content of a file.
    pub message: String,
}

impl HookError {
    /// An error of a code.
    pub fn new(code: HookCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for HookCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for HookCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
