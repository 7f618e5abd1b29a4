//! Patterns of the operator `like`: `%` stands for any characters, none included; everything else for itself.

/// A pattern, taken apart at its `%`.
#[derive(Clone, Debug)]
pub(super) struct Like {
    /// Before the first `%`; the whole pattern where there is none.
    first: Box<str>,
    rest: Option<Rest>,
}

#[derive(Clone, Debug)]
struct Rest {
    /// Between two `%`, in order; none is empty.
    middle: Box<[Box<str>]>,
    /// After the last `%`.
    last: Box<str>,
}

impl Like {
    pub(super) fn new(pattern: &str) -> Self {
        let Some((first, rest)) = pattern.split_once('%') else { return Self { first: pattern.into(), rest: None } };
        let (middle, last) = rest.rsplit_once('%').unwrap_or(("", rest));
        let middle = middle.split('%').filter(|part| !part.is_empty()).map(Box::from).collect();
        Self { first: first.into(), rest: Some(Rest { middle, last: last.into() }) }
    }

    /// Whether a whole text fits. Takes the leftmost place of each part, which is right because what follows a `%` may
    /// be preceded by anything; so the time is at most the text's length times the pattern's.
    pub(super) fn fits(&self, text: &str) -> bool {
        let Some(Rest { middle, last }) = &self.rest else { return text == &*self.first };
        let Some(mut text) = text.strip_prefix(&*self.first) else { return false };
        for part in middle {
            let Some((_, after)) = text.split_once(&**part) else { return false };
            text = after;
        }
        text.ends_with(&**last)
    }
}

#[cfg(test)]
mod tests {
    use super::Like;

    #[test]
    fn only_the_percent_sign_is_special() {
        for (text, pattern, fits) in [
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%b%", true),
            ("abc", "a%c", true),
            ("abc", "a%%c", true),
            ("ac", "a%a%c", false),
            ("aac", "a%a%c", true),
            ("aba", "ab%ba", false),
            ("", "%", true),
            ("", "", true),
            ("x", "", false),
            ("abc", "a_c", false),
            ("a_c", "a_c", true),
            ("Abc", "a%", false),
            ("grün", "gr%n", true),
        ] {
            assert_eq!(Like::new(pattern).fits(text), fits, "{text} like {pattern}");
        }
    }
}
