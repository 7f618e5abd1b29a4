//! Contents of secrets: read once per distinct reference, through a source that the command line passes in.

use std::collections::BTreeMap;

use super::{DesiredObject, SecretLink};
use crate::base::code::Code;
use crate::base::diagnostic::Diagnostic;
use crate::base::secret::{SecretRef, SecretText};

/// Reads contents. The command line's implementation guards commands and files outside the project.
pub trait SecretSource {
    /// Reads one.
    ///
    /// # Errors
    /// Why the content is not available; never the content.
    fn read(&self, reference: &SecretRef) -> Result<SecretText, SecretProblem>;
}

/// Why a secret is not available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// The environment variable is not set, or is empty.
    #[error("the environment variable {0} is not set, or empty")]
    NotSet(String),
    /// The file cannot be read.
    #[error("the file {path} cannot be read: {reason}")]
    Unreadable {
        /// As written.
        path: String,
        /// Why.
        reason: String,
    },
    /// Reading it was not allowed.
    #[error("{0}")]
    NotAllowed(String),
    /// The command failed.
    #[error("the command `{program}` failed: {reason}")]
    CommandFailed {
        /// The program.
        program: String,
        /// Its exit status, or why it did not start; never its output.
        reason: String,
    },
    /// The content is not text, or empty.
    #[error("the content is {0}")]
    Unusable(&'static str),
    /// The content looks like what consoles show in place of a secret.
    #[error("the content looks like a mask (****), not like a secret")]
    Masked,
}

impl SecretProblem {
    /// The code that explains it.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Masked => Code::SecretMasked,
            Self::NotSet(_)
            | Self::Unreadable { .. }
            | Self::NotAllowed(_)
            | Self::CommandFailed { .. }
            | Self::Unusable(_) => Code::SecretUnavailable,
        }
    }
}

/// Contents by reference.
#[derive(Debug, Default)]
pub struct Secrets(BTreeMap<SecretRef, Result<SecretText, SecretProblem>>);

impl Secrets {
    /// Reads each distinct reference once.
    pub fn read<'r>(source: &dyn SecretSource, references: impl IntoIterator<Item = &'r SecretRef>) -> Self {
        let mut contents = BTreeMap::new();
        for reference in references {
            if !contents.contains_key(reference) {
                let content = source
                    .read(reference)
                    .and_then(|content| if content.looks_masked() { Err(SecretProblem::Masked) } else { Ok(content) });
                contents.insert(reference.clone(), content);
            }
        }
        Self(contents)
    }

    /// The content of a reference, if it is available.
    #[must_use]
    pub fn get(&self, reference: &SecretRef) -> Option<&SecretText> {
        self.0.get(reference)?.as_ref().ok()
    }

    /// Why a reference is not available.
    #[must_use]
    pub fn problem(&self, reference: &SecretRef) -> Option<&SecretProblem> {
        self.0.get(reference)?.as_ref().err()
    }

    /// What is wrong with an object's secrets, at the references to them: for a verb that cannot go on without one.
    #[must_use]
    pub fn diagnostics(&self, object: &DesiredObject) -> Vec<Diagnostic> {
        let problem = |secret: &SecretLink| {
            let problem = self.problem(&secret.reference)?;
            let message = format!("the secret {} is not available: {problem}", secret.path);
            let mut found =
                Diagnostic::error(problem.code(), message).of(object.address.to_string()).path(secret.path.clone());
            found.span = object.positions.find(&secret.path).map(|place| place.value);
            Some(found)
        };
        object.secrets.iter().filter_map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Counting(Cell<usize>);

    impl SecretSource for Counting {
        fn read(&self, reference: &SecretRef) -> Result<SecretText, SecretProblem> {
            self.0.set(self.0.get() + 1);
            match reference {
                SecretRef::FromEnv(name) if name == "MASK" => Ok(SecretText::new("********".into())),
                SecretRef::FromEnv(name) => Ok(SecretText::new(name.repeat(8))),
                SecretRef::FromFile(_) | SecretRef::FromCommand(_) => Err(SecretProblem::Unusable("empty")),
            }
        }
    }

    #[test]
    fn each_reference_is_read_once_and_masks_are_refused() {
        let source = Counting(Cell::new(0));
        let (a, mask) = (SecretRef::FromEnv("A".into()), SecretRef::FromEnv("MASK".into()));
        let secrets = Secrets::read(&source, [&a, &mask, &a]);
        assert_eq!(source.0.get(), 2);
        assert!(secrets.get(&a).is_some());
        assert_eq!(secrets.problem(&mask), Some(&SecretProblem::Masked));
    }
}
