//! Line and column of many spans, without reading each file from its start for each of them.

use std::collections::HashMap;
use std::sync::Arc;

use super::source::{FileId, Location, SourceMap, Span};

/// Computes locations; keeps the starts of the lines of the files it was asked about.
///
/// [`SourceMap::locate`] is enough for one span. Ten thousand spans in a file of 10 MB need this.
#[derive(Debug)]
pub struct Locator<'m> {
    sources: &'m SourceMap,
    starts: HashMap<FileId, Vec<usize>>,
    /// Where columns were counted last: file, byte, column before it. Saves recounting within one very long line.
    last: Option<(FileId, usize, usize)>,
}

impl<'m> Locator<'m> {
    /// A locator for these files.
    #[must_use]
    pub fn new(sources: &'m SourceMap) -> Self {
        Self { sources, starts: HashMap::new(), last: None }
    }

    /// The files.
    #[must_use]
    pub fn sources(&self) -> &'m SourceMap {
        self.sources
    }

    /// As [`SourceMap::locate`].
    pub fn locate(&mut self, span: Span) -> Option<Location> {
        let file = self.sources.file(span.file)?;
        let (line, column) = self.position(span.file, &file.text, span.start as usize);
        let (end_line, end_column) = self.position(span.file, &file.text, span.end.max(span.start) as usize);
        Some(Location { file: Arc::clone(&file.path), line, column, end_line, end_column })
    }

    /// The bytes of a line, counted from 1, without its line break.
    pub fn line(&mut self, file: FileId, line: u32) -> Option<std::ops::Range<usize>> {
        let text = &self.sources.file(file)?.text;
        let starts = line_starts(&mut self.starts, file, text);
        let at = (line as usize).checked_sub(1)?;
        let start = *starts.get(at)?;
        let end = starts.get(at + 1).map_or(text.len(), |next| next - 1);
        Some(start..end)
    }

    fn position(&mut self, file: FileId, text: &str, offset: usize) -> (u32, u32) {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let starts = line_starts(&mut self.starts, file, text);
        let line = starts.partition_point(|start| *start <= offset);
        let line_start = line.checked_sub(1).and_then(|at| starts.get(at)).copied().unwrap_or(0);
        let (from, counted) = match self.last {
            Some((of, byte, counted)) if of == file && byte >= line_start && byte <= offset => (byte, counted),
            Some(_) | None => (line_start, 0),
        };
        let column = counted + text.get(from..offset).unwrap_or_default().chars().count();
        self.last = Some((file, offset, column));
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column + 1).unwrap_or(u32::MAX))
    }
}

fn line_starts<'s>(starts: &'s mut HashMap<FileId, Vec<usize>>, file: FileId, text: &str) -> &'s [usize] {
    starts.entry(file).or_insert_with(|| {
        std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_source_map_at_every_byte_and_in_every_order() {
        let mut map = SourceMap::default();
        let text = "ä: 1\n\nb: \u{1F600}2\r\nc";
        let file = map.add("a.yaml", text);
        let end = u32::try_from(text.len()).unwrap_or(0) + 2;
        let spans: Vec<Span> =
            (0..end).flat_map(|start| (start..end).map(move |end| Span { file, start, end })).collect();
        let mut locator = Locator::new(&map);
        for span in spans.iter().chain(spans.iter().rev()) {
            assert_eq!(locator.locate(*span), map.locate(*span), "{span:?}");
        }
    }

    #[test]
    fn lines_come_without_their_breaks() {
        let mut map = SourceMap::default();
        let file = map.add("a.yaml", "one\ntwo");
        let mut locator = Locator::new(&map);
        assert_eq!(locator.line(file, 1), Some(0..3));
        assert_eq!(locator.line(file, 2), Some(4..7));
        assert_eq!(locator.line(file, 3), None);
        assert_eq!(locator.line(file, 0), None);
    }
}
