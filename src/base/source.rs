//! Files as they were read, and byte spans into them.
//!
//! A [`Span`] is three small integers; line and column are computed only when something is shown.

use std::sync::{Arc, OnceLock};

/// The place of a file in its [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// Bytes `start..end` of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A file's path as people see it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the project's folder with forward slashes; `<stdin>` for standard input.
    pub path: Arc<str>,
    /// The whole text, byte order mark removed.
    pub text: Arc<str>,
}

/// All files of a load, in an order that does not depend on how they were read.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    /// Of each file where its lines start, once a position in it was asked for: a plan locates every manifest, and
    /// counting the lines of a large file for each of them would cost the square of their number.
    starts: Vec<OnceLock<Vec<u32>>>,
}

/// Where a span lies for people: 1-based lines and columns, columns in characters, the end exclusive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Path of the file.
    pub file: Arc<str>,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column one past the last character.
    pub end_column: u32,
}

impl SourceMap {
    /// A map of these files; `FileId(n)` is the nth.
    #[must_use]
    pub fn new(files: Vec<SourceFile>) -> Self {
        let starts = files.iter().map(|_| OnceLock::new()).collect();
        Self { files, starts }
    }

    /// Adds a file.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile { path: path.into(), text: text.into() });
        self.starts.push(OnceLock::new());
        id
    }

    /// The file of an id this map gave out.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// All files in order.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Computes line and column. A span outside its file (a defect) is moved to the file's end rather than panicking.
    #[must_use]
    pub fn locate(&self, span: Span) -> Option<Location> {
        let file = self.file(span.file)?;
        let starts = self.starts.get(span.file.0 as usize)?.get_or_init(|| line_starts(&file.text));
        let (line, column) = line_and_column(&file.text, starts, span.start as usize);
        let (end_line, end_column) = line_and_column(&file.text, starts, span.end.max(span.start) as usize);
        Some(Location { file: Arc::clone(&file.path), line, column, end_line, end_column })
    }
}

fn line_starts(text: &str) -> Vec<u32> {
    let after_breaks = text.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n').map(|(_, after)| after);
    std::iter::once(0).chain(after_breaks).collect()
}

fn line_and_column(text: &str, starts: &[u32], offset: usize) -> (u32, u32) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let line = starts.partition_point(|start| *start as usize <= offset);
    let line_start = line.checked_sub(1).and_then(|at| starts.get(at)).map_or(0, |start| *start as usize);
    let column = text.get(line_start..offset).unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let mut map = SourceMap::default();
        let file = map.add("a.yaml", "ä: 1\nb: 2\n");
        let at = |start, end| map.locate(Span { file, start, end });
        let first = at(4, 5).map(|l| (l.line, l.column, l.end_line, l.end_column));
        assert_eq!(first, Some((1, 4, 1, 5)));
        let second = at(9, 10).map(|l| (l.line, l.column));
        assert_eq!(second, Some((2, 4)));
        assert!(at(400, 500).is_some(), "a span past the end is shown at the end");
    }
}
