//! Who is looking: colour and width of standard output and standard error.

use std::io::{IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::style::Style;

/// The width where it is not known, and the least and most that is used.
const WIDTH: usize = 120;
const NARROWEST: usize = 60;
const WIDEST: usize = 160;

/// One of the two standard streams as a view needs it.
pub struct Output {
    /// Where to write.
    pub writer: Box<dyn Write + Send>,
    /// How to dress it.
    pub style: Style,
    /// Whether somebody is looking: only then are there progress bars and personal data.
    pub is_terminal: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { writer: _, style, is_terminal } = self;
        f.debug_struct("Output").field("style", style).field("is_terminal", is_terminal).finish_non_exhaustive()
    }
}

/// Standard output. `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` are obeyed; without them, colour only on a terminal.
#[must_use]
pub fn standard_output() -> Output {
    let raw = std::io::stdout();
    let is_terminal = raw.is_terminal();
    let choice = AutoStream::choice(&raw);
    Output { style: style(choice), writer: Box::new(AutoStream::new(raw, choice)), is_terminal }
}

/// Standard error, likewise.
#[must_use]
pub fn standard_error() -> Output {
    let raw = std::io::stderr();
    let is_terminal = raw.is_terminal();
    let choice = AutoStream::choice(&raw);
    Output { style: style(choice), writer: Box::new(AutoStream::new(raw, choice)), is_terminal }
}

fn style(choice: ColorChoice) -> Style {
    let colour = match choice {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => true,
        ColorChoice::Auto | ColorChoice::Never => false,
    };
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0));
    Style { colour, width: width.clamp(NARROWEST, WIDEST) }
}
