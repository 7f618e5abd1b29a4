//! What end users read of a template: texts chosen by precedence, placeholders filled in.
//!
//! A text of the notification goes before the one of the end user's locale, and that before the template's own
//! (design §5). A placeholder without a value stays as it is written, and is reported.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::kinds::placeholder::bare_name;
use crate::kinds::template::{Button, LocaleTexts, NotificationType, TemplateSpec};

/// Texts of a notification that stand in place of the template's.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnTexts<'n> {
    /// For administrators.
    pub title: Option<&'n str>,
    /// In place of the runtime title.
    pub runtime_title: Option<&'n str>,
    /// In place of the body.
    pub runtime_description: Option<&'n str>,
    /// In place of the template's type.
    pub notification_type: Option<NotificationType>,
}

/// The texts as they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rendered {
    /// How it appears.
    #[serde(rename = "type")]
    pub notification_type: NotificationType,
    /// For administrators.
    pub title: String,
    /// The title that end users see.
    pub runtime_title: String,
    /// The text that end users see.
    pub body: String,
    /// The button, if the template has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<RenderedButton>,
    /// Placeholders without a value, in the order they stand in the fields above, each once.
    pub unresolved: Vec<String>,
}

/// The button as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenderedButton {
    /// What stands on it.
    pub text: String,
    /// What it opens.
    pub link: String,
}

/// Renders a template. Keys of `overrides` may have their hashes or not; their values are put in as they are, and are not
/// searched for placeholders in turn.
#[must_use]
pub fn render(
    template: &TemplateSpec,
    own: OwnTexts<'_>,
    locale: Option<&str>,
    overrides: &BTreeMap<String, String>,
) -> Rendered {
    let none = LocaleTexts::default();
    let texts = locale.and_then(|tag| texts_of(&template.locales, tag)).map_or(&none, |(_, texts)| texts);
    let LocaleTexts { title: local_title, body: local_body, runtime_title: local_runtime_title, button: local_button } =
        texts;
    let title = local_title.as_deref().unwrap_or(&template.title);
    let runtime_title = own
        .runtime_title
        .or(local_runtime_title.as_deref())
        .or(template.runtime_title.as_deref())
        // The notification's own title is for administrators: end users get the template's.
        .unwrap_or(title);
    let body = own.runtime_description.or(local_body.as_deref()).unwrap_or(&template.body);
    let mut filler = Filler { overrides, unresolved: Vec::new() };
    Rendered {
        notification_type: own.notification_type.unwrap_or(template.notification_type),
        title: filler.fill(own.title.unwrap_or(title)),
        runtime_title: filler.fill(runtime_title),
        body: filler.fill(body),
        button: template.button.as_ref().map(|Button { text, link }| RenderedButton {
            text: filler.fill(local_button.as_ref().map_or(text, |button| &button.text)),
            link: filler.fill(link),
        }),
        unresolved: filler.unresolved,
    }
}

/// The texts for a language tag, and the tag they stand under: its own, or those of the nearest tag that is got by
/// leaving off parts from its end (`de-AT` falls back to `de`, RFC 4647 §3.4), in any case. `de` does not get `de-AT`'s.
#[must_use]
pub fn texts_of<'t>(locales: &'t BTreeMap<String, LocaleTexts>, tag: &str) -> Option<(&'t str, &'t LocaleTexts)> {
    let mut tag = tag;
    loop {
        let found = locales.iter().find(|(other, _)| other.eq_ignore_ascii_case(tag));
        if let Some((own, texts)) = found {
            return Some((own, texts));
        }
        (tag, _) = tag.rsplit_once(['-', '_'])?;
    }
}

struct Filler<'o> {
    overrides: &'o BTreeMap<String, String>,
    unresolved: Vec<String>,
}

impl Filler<'_> {
    /// Puts values in the place of placeholders, which are found as [`crate::kinds::placeholder::hash_names`] does.
    fn fill(&mut self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("###") {
            filled.push_str(before);
            let Some((name, beyond)) = after.split_once("###") else {
                filled.push_str("###");
                rest = after;
                continue;
            };
            if name.is_empty() || name.contains(['#', '\n']) {
                filled.push_str("###");
                rest = after;
                continue;
            }
            match self.value(name) {
                Some(value) => filled.push_str(value),
                None => {
                    filled.extend(["###", name, "###"]);
                    if !self.unresolved.iter().any(|known| known == name) {
                        self.unresolved.push(name.to_owned());
                    }
                }
            }
            rest = beyond;
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, name: &str) -> Option<&str> {
        let bare = self.overrides.get(name);
        bare.or_else(|| self.overrides.iter().find(|(key, _)| bare_name(key) == name).map(|(_, value)| value))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
