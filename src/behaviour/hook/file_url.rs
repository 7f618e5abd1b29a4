//! URLs of files that a call may name: `file:///folder/file`, written in one way only.
//!
//! Whatever could mean another file to one reader than to another is refused: a host, percent-encoding, backslashes,
//! a query, a fragment, empty, `.` and `..` segments, control characters. So the path that is checked against the
//! folders is, letter for letter, the path that is opened.

use std::fmt;
use std::path::Path;

const SCHEME: &str = "file://";

/// Bytes of a URL, at most: the longest path an operating system takes.
const URL_LIMIT: usize = 4_096;

/// A URL whose path is absolute and free of anything that has to be interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUrl(String);

/// Why a URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileUrlError {
    /// Another scheme, or none.
    #[error("it must begin with `file://`")]
    Scheme,
    /// `file://host/…`: no other machine is asked.
    #[error("it names a host: write `file:///` and an absolute path")]
    Host,
    /// `%2e`: what it stands for depends on who reads it.
    #[error("it is percent-encoded: write the path as it is")]
    Encoded,
    /// A `?`, `#`, `\`, or a control character.
    #[error("it has a character that is no part of a path")]
    Character,
    /// An empty segment, `.` or `..`.
    #[error("it has an empty, `.` or `..` segment")]
    Segment,
    /// Longer than any path.
    #[error("it is longer than {URL_LIMIT} bytes")]
    TooLong,
}

impl FileUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is anything else than `file://` and an absolute path of plain segments.
    pub fn parse(text: &str) -> Result<Self, FileUrlError> {
        if text.len() > URL_LIMIT {
            return Err(FileUrlError::TooLong);
        }
        let path = text.strip_prefix(SCHEME).ok_or(FileUrlError::Scheme)?;
        let segments = path.strip_prefix('/').ok_or(FileUrlError::Host)?;
        if path.contains('%') {
            return Err(FileUrlError::Encoded);
        }
        if path.chars().any(|c| matches!(c, '?' | '#' | '\\') || c.is_control()) {
            return Err(FileUrlError::Character);
        }
        if segments.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(FileUrlError::Segment);
        }
        Ok(Self(path.to_owned()))
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// Its last segment.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for FileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_path_that_is_taken_goes_only_down(text in "file://(/|host/|)[a./%\\\\?# -]{0,12}") {
            if let Ok(url) = FileUrl::parse(&text) {
                let mut components = url.path().components();
                prop_assert_eq!(components.next(), Some(Component::RootDir));
                prop_assert!(components.all(|component| matches!(component, Component::Normal(_))));
                prop_assert_eq!(url.to_string(), text);
            }
        }
    }
}
