//! The forms in which a plan is shown, all of one value.

use std::io::{self, Write};

use super::Problems;
use super::view::finding::Finding;
use super::view::style::Style;
use super::view::{github, html, markdown, plan_json, plan_text, sarif};
use crate::plan::Plan;

/// A form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum PlanFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// One comment on a pull request, or a step's summary.
    Markdown,
    /// A page for a browser, in one file.
    Html,
    /// What policies and lints object to, as SARIF 2.1.0 for code scanning.
    Sarif,
    /// What refuses the plan or deserves a look, as annotations of GitHub Actions.
    Github,
}

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Colour and width, of text.
    pub style: Style,
    /// Personal data in the open.
    pub show_personal: bool,
    /// From the repository's root to the project's folder, for forms that name files from there.
    pub prefix: &'a str,
}

impl PlanFormat {
    /// Writes a plan.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(self, out: &mut dyn Write, plan: &Plan, look: Look<'_>) -> io::Result<()> {
        let Look { style, show_personal, prefix } = look;
        match self {
            Self::Text => plan_text::write(out, plan, style, show_personal),
            Self::Json => plan_json::write(out, plan, show_personal),
            Self::Markdown => markdown::write(out, plan, show_personal),
            Self::Html => html::write(out, plan, show_personal),
            Self::Sarif => sarif::write(out, &Finding::of_plan(plan), prefix),
            Self::Github => github::write(out, &Finding::of_plan_and_its_notes(plan), prefix),
        }
    }

    /// In which form problems are told of which no plan could be made.
    #[must_use]
    pub fn problems(self) -> Problems {
        match self {
            Self::Text | Self::Html => Problems::Text,
            Self::Json => Problems::Document,
            Self::Markdown => Problems::Markdown,
            Self::Sarif => Problems::Sarif,
            Self::Github => Problems::Github,
        }
    }
}
