//! How text is dressed: colours by role, and the width there is.

use std::fmt::Display;

use anstyle::{AnsiColor, Effects};

use crate::object::action::ActionKind;

/// Colour and width of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape codes are written.
    pub colour: bool,
    /// Columns; longer lines are broken where there is a good place.
    pub width: usize,
}

/// What a piece of text is, by which its colour is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Comes into being.
    Add,
    /// Changes.
    Change,
    /// Goes away.
    Remove,
    /// Something else happens to it.
    Other,
    /// A word that came, within a line that changed.
    AddedWord,
    /// A word that went, within a line that changed.
    RemovedWord,
    /// Beside the point, such as where a value was written.
    Faint,
    /// A name or heading.
    Strong,
    /// An error, a refusal.
    Error,
    /// A warning.
    Warning,
}

impl Style {
    /// Without colour, 120 columns: for files, pipes and tests.
    pub const PLAIN: Self = Self { colour: false, width: 120 };

    /// The text in the colour of its role.
    pub fn paint(&self, role: Role, text: impl Display) -> String {
        if !self.colour {
            return text.to_string();
        }
        let style = role.style();
        format!("{style}{text}{style:#}")
    }
}

impl Role {
    fn style(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        let marked = Effects::BOLD | Effects::UNDERLINE;
        match self {
            Self::Add => plain.fg_color(Some(AnsiColor::Green.into())),
            Self::Change => plain.fg_color(Some(AnsiColor::Yellow.into())),
            Self::Remove => plain.fg_color(Some(AnsiColor::Red.into())),
            Self::Other => plain.fg_color(Some(AnsiColor::Cyan.into())),
            Self::AddedWord => plain.fg_color(Some(AnsiColor::Green.into())).effects(marked),
            Self::RemovedWord => plain.fg_color(Some(AnsiColor::Red.into())).effects(marked),
            Self::Faint => plain.dimmed(),
            Self::Strong => plain.bold(),
            Self::Error => plain.fg_color(Some(AnsiColor::Red.into())).bold(),
            Self::Warning => plain.fg_color(Some(AnsiColor::Yellow.into())).bold(),
        }
    }

    /// The role of an action's symbol.
    #[must_use]
    pub fn of(action: ActionKind) -> Self {
        match action {
            ActionKind::Create | ActionKind::Restore => Self::Add,
            ActionKind::Update | ActionKind::Replace => Self::Change,
            ActionKind::Delete | ActionKind::Archive => Self::Remove,
            ActionKind::NewVersion
            | ActionKind::MakeCurrent
            | ActionKind::Move
            | ActionKind::Adopt
            | ActionKind::PublishSettings => Self::Other,
        }
    }
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
