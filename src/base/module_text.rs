//! The documentation of a source file, which is the reference page of what the file describes.

/// The text of the `//!` lines that a source file begins with.
#[must_use]
pub fn module_documentation(source: &str) -> String {
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_lines_count() {
        assert_eq!(module_documentation("//! a\n//!\n//!   b\n\n//! c\n"), "a\n\n  b");
    }
}
