//! A **Template** holds the texts of notifications on one workstation system.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Template
//! metadata: { name: lead-assigned }
//! spec:
//!   system: desk
//!   title: New lead assigned
//!   type: push
//!   runtimeTitle: "Lead ###LEAD_NAME###"
//!   body: |
//!     The lead ###LEAD_NAME### is yours. Open it to be guided through the next step.
//!   button: { text: Open, link: "###URL###" }
//!   locales:
//!     de: { title: Neuer Lead, runtimeTitle: "Lead ###LEAD_NAME###", body: "Der Lead ###LEAD_NAME### gehört dir.", button: { text: Öffnen } }
//! ```
//!
//! `###NAME###` may stand anywhere in the texts and in the button's link; who sends the notification gives the values.
//! There is at most one button, and all it can do is open a link. `system` names a System with `platform: workstation`
//! and may be left out when the project has exactly one of those.
//!
//! A template is frozen once a notification, a published workflow or a call has used it. A later change replaces it: a
//! new template with a new id is made, everything in the project that refers to it is re-pointed in the same apply, and
//! the old one is archived, where it keeps answering callers from outside that send its id.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::Kind;
use super::field::{Compare, DataClass, Field, field};
use super::finding::Findings;
use super::life_cycle::LifeCycle;
use super::managed::Managed;
use super::placeholder::hash_names;
use super::scope::{Scope, Siblings};
use super::system::check_workstation;
use crate::base::code::Code;
use crate::base::ident::Name;
use crate::base::path::Path;

/// Spec of a Template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateSpec {
    /// The workstation system it belongs to; may be absent when the project has exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Name>,
    /// Its title.
    #[schemars(length(min = 1))]
    pub title: String,
    /// How its notifications appear: `push` or `popup`, in any case.
    #[serde(default, rename = "type")]
    pub notification_type: NotificationType,
    /// The text end users read, with `###PLACEHOLDER###`s.
    #[schemars(length(min = 1))]
    pub body: String,
    /// Title that end users see in the list and in the push message; the title when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub runtime_title: Option<String>,
    /// Its only button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<Button>,
    /// Texts in other languages, by BCP 47 tag such as `de` or `pt-BR`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locales: BTreeMap<String, LocaleTexts>,
}

/// How a notification appears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationType {
    /// A message that comes up and goes into the list.
    #[default]
    Push,
    /// A window in front of everything else.
    Popup,
}

/// A button that opens a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Button {
    /// What stands on it.
    #[schemars(length(min = 1))]
    pub text: String,
    /// What it opens: a URL, a dynamic link or a permalink, with `###PLACEHOLDER###`s.
    #[schemars(length(min = 1))]
    pub link: String,
}

/// The texts in one language; what is absent stays in the template's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct LocaleTexts {
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub title: Option<String>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub body: Option<String>,
    /// The title that end users see in the list and in the push message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub runtime_title: Option<String>,
    /// The button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<LocaleButton>,
}

/// The button in one language; its link is the same in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct LocaleButton {
    /// What stands on it.
    #[schemars(length(min = 1))]
    pub text: String,
}

impl<'de> Deserialize<'de> for NotificationType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        match text.to_ascii_lowercase().as_str() {
            "push" => Ok(Self::Push),
            "popup" => Ok(Self::Popup),
            _ => Err(D::Error::custom("expected push or popup")),
        }
    }
}

impl JsonSchema for NotificationType {
    fn schema_name() -> Cow<'static, str> {
        "NotificationType".into()
    }
    fn inline_schema() -> bool {
        true
    }
    /// The source itself writes `Push`; what an editor offers is the canonical form.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "if": { "type": "string", "pattern": "^([Pp][Uu][Ss][Hh]|[Pp][Oo][Pp][Uu][Pp])$" },
            "else": { "enum": ["push", "popup"] }
        })
    }
}

impl Managed for TemplateSpec {
    const LIFE_CYCLE: LifeCycle = LifeCycle::FrozenOnceUsed;
    const OUTPUTS: &'static [&'static str] = &["id"];
    const FIELDS: &'static [Field] = &[
        field("spec.system").refers_to(Kind::System),
        field("spec.title").class(DataClass::Content),
        field("spec.type"),
        field("spec.body").compare(Compare::Text).class(DataClass::Content),
        field("spec.runtimeTitle").class(DataClass::Content),
        field("spec.button").compare(Compare::Group),
        field("spec.button.text").class(DataClass::Content),
        field("spec.button.link").class(DataClass::Content),
        field("spec.locales").compare(Compare::Map),
        field("spec.locales.*").compare(Compare::Group),
        field("spec.locales.*.title").class(DataClass::Content),
        field("spec.locales.*.body").compare(Compare::Text).class(DataClass::Content),
        field("spec.locales.*.runtimeTitle").class(DataClass::Content),
        field("spec.locales.*.button").compare(Compare::Group),
        field("spec.locales.*.button.text").class(DataClass::Content),
    ];

    fn complete(&mut self, siblings: &Siblings) -> bool {
        complete_system(&mut self.system, siblings)
    }

    fn normalise(&mut self) {
        self.locales.retain(|_, texts| *texts != LocaleTexts::default());
        if self.locales.keys().any(|tag| canonical_tag(tag) != *tag) {
            let written = std::mem::take(&mut self.locales);
            self.locales = written.into_iter().map(|(tag, texts)| (canonical_tag(&tag), texts)).collect();
        }
    }

    fn check(&self, findings: &mut Findings) {
        if let Some(Button { text: _, link }) = &self.button
            && !link.starts_with("###")
            && !has_scheme(link)
        {
            findings
                .warning(
                    Code::ButtonLink,
                    Path::keys("spec.button.link"),
                    format!("`{link}` starts with neither a scheme nor a placeholder"),
                )
                .help("a link starts with a scheme such as https://");
        }
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (tag, texts) in &self.locales {
            let at = Path::keys("spec.locales").key(tag);
            if !is_language_tag(tag) {
                findings
                    .error(Code::InvalidValue, at.clone(), format!("`{tag}` is not a language tag"))
                    .at_key()
                    .help("write a BCP 47 tag such as de or pt-BR");
            }
            if let Some(first) = seen.insert(canonical_tag(tag), tag) {
                findings
                    .error(Code::DuplicateKey, at.clone(), format!("`{first}` and `{tag}` are the same language"))
                    .at_key()
                    .related("the other one", Path::keys("spec.locales").key(first));
            }
            if texts.button.is_some() && self.button.is_none() {
                findings
                    .error(
                        Code::InvalidValue,
                        at.key("button"),
                        "the template has no button that this could be the text of",
                    )
                    .at_key()
                    .help("add spec.button with a text and a link, or remove this one");
            }
        }
    }

    fn check_in(&self, _name: &Name, scope: &dyn Scope, findings: &mut Findings) {
        check_workstation(self.system.as_ref(), scope, findings);
    }
}

impl TemplateSpec {
    /// The names of all placeholders in its texts, those of its locales and the link included.
    #[must_use]
    pub fn placeholders(&self) -> BTreeSet<&str> {
        let Self { system: _, title, notification_type: _, body, runtime_title, button, locales } = self;
        let mut texts: Vec<&str> = vec![title, body];
        texts.extend(runtime_title.as_deref());
        if let Some(Button { text, link }) = button {
            texts.extend([text.as_str(), link.as_str()]);
        }
        for LocaleTexts { title, body, runtime_title, button } in locales.values() {
            texts.extend([title, body, runtime_title].into_iter().flatten().map(String::as_str));
            texts.extend(button.as_ref().map(|button| button.text.as_str()));
        }
        texts.into_iter().flat_map(hash_names).collect()
    }
}

/// Fills an absent system from the project's only workstation.
pub(super) fn complete_system(system: &mut Option<Name>, siblings: &Siblings) -> bool {
    if system.is_some() {
        return false;
    }
    system.clone_from(&siblings.sole_workstation);
    system.is_some()
}

/// Whether it begins like a URL: a letter, then letters, digits, `+`, `-`, `.`, then a colon (RFC 3986 §3.1).
fn has_scheme(link: &str) -> bool {
    link.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// The shape of BCP 47: a language of 2 to 8 letters, then parts of 1 to 8 letters or digits.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    parts
        .next()
        .is_some_and(|language| (2..=8).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Tags are alike in any case; canonical is `zh-Hant-TW` (RFC 5646 §2.1.1).
fn canonical_tag(tag: &str) -> String {
    let mut after_singleton = false;
    let parts = tag.split('-').enumerate().map(|(n, part)| {
        let lower = part.to_ascii_lowercase();
        let plain = n == 0 || after_singleton;
        after_singleton |= part.len() == 1;
        match part.len() {
            2 if !plain => lower.to_ascii_uppercase(),
            4 if !plain => lower.get(..1).unwrap_or_default().to_ascii_uppercase() + lower.get(1..).unwrap_or_default(),
            _ => lower,
        }
    });
    parts.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kinds::{Address, Spec};

    fn read(spec: Value) -> TemplateSpec {
        serde_json::from_value(spec).expect("a readable spec")
    }

    fn found(spec: Value) -> Vec<(Code, String)> {
        let mut findings = Findings::default();
        read(spec).check(&mut findings);
        findings.into_vec().into_iter().map(|f| (f.code, f.path.to_string())).collect()
    }

    #[test]
    fn the_type_is_read_in_any_case_and_defaults_to_push() {
        let read_type = |value: Value| serde_json::from_value::<NotificationType>(value).ok();
        for (written, wanted) in
            [("push", NotificationType::Push), ("Push", NotificationType::Push), ("POPUP", NotificationType::Popup)]
        {
            assert_eq!(read_type(json!(written)), Some(wanted));
        }
        assert_eq!(read_type(json!("toast")), None);
        assert_eq!(read(json!({"title": "t", "body": "b"})).notification_type, NotificationType::Push);
    }

    #[test]
    fn the_canonical_form_has_canonical_tags_and_no_empty_locale() -> Result<(), serde_json::Error> {
        let mut spec = read(json!({"title": "t", "type": "Popup", "body": "b",
            "locales": {"PT-br": {"title": "x"}, "zh-hant-tw": {"title": "y"}, "fr": {}}}));
        spec.normalise();
        assert_eq!(
            serde_json::to_value(&spec)?,
            json!({"title": "t", "type": "popup", "body": "b", "locales": {"pt-BR": {"title": "x"}, "zh-Hant-TW": {"title": "y"}}})
        );
        assert_eq!(canonical_tag("de-DE-U-CO-phonebk"), "de-DE-u-co-phonebk");
        Ok(())
    }

    #[test]
    fn a_link_starts_with_a_scheme_or_a_placeholder() {
        let link = |link: &str| found(json!({"title": "t", "body": "b", "button": {"text": "Go", "link": link}}));
        for fine in ["https://a.test", "walkme-link:abc", "###URL###", "###BASE###/x"] {
            assert_eq!(link(fine), [], "{fine}");
        }
        for odd in ["www.a.test/x", "/leads/1", "a ###URL###"] {
            assert_eq!(link(odd), [(Code::ButtonLink, "spec.button.link".to_owned())], "{odd}");
        }
    }

    #[test]
    fn locales_are_checked() {
        let locales = |locales: Value| found(json!({ "title": "t", "body": "b", "locales": locales }));
        assert_eq!(locales(json!({"de": {"title": "x"}, "pt-BR": {"body": "y"}})), []);
        assert_eq!(locales(json!({"d_e": {}})), [(Code::InvalidValue, "spec.locales.d_e".to_owned())]);
        assert_eq!(locales(json!({"DE": {}, "de": {}})), [(Code::DuplicateKey, "spec.locales.de".to_owned())]);
        assert_eq!(
            locales(json!({"de": {"button": {"text": "Los"}}})),
            [(Code::InvalidValue, "spec.locales.de.button".to_owned())]
        );
    }

    #[test]
    fn placeholders_are_those_of_all_texts() {
        let spec = read(json!({"title": "###A###", "body": "###B###", "runtimeTitle": "###C###",
            "button": {"text": "###D###", "link": "###E###"},
            "locales": {"de": {"title": "###F###", "body": "###G###", "runtimeTitle": "###H###", "button": {"text": "###I###"}}}}));
        assert_eq!(spec.placeholders().into_iter().collect::<String>(), "ABCDEFGHI");
    }

    #[test]
    fn the_system_is_a_workstation() {
        let system = |name: &str, platform: &str| {
            let spec = Kind::System.read_spec(&json!({ "platform": platform })).expect("a system");
            (Address::new(Kind::System, Name::from_any(name)), spec)
        };
        let scope: BTreeMap<Address, Spec> =
            [system("crm", "web"), system("desk", "workstation"), system("desk-2", "workstation")].into();
        let found = |system: Option<&str>| {
            let mut spec = read(json!({"title": "t", "body": "b"}));
            spec.system = system.map(Name::from_any);
            let mut findings = Findings::default();
            spec.check_in(&Name::from_any("t"), &scope, &mut findings);
            findings.into_vec().into_iter().map(|f| (f.code, f.message)).collect::<Vec<_>>()
        };
        assert_eq!(found(Some("desk")), []);
        assert_eq!(found(Some("elsewhere")), [], "an unknown system is the field table's business");
        assert_eq!(found(Some("crm")), [(Code::NotAWorkstation, "System/crm is not a workstation system".to_owned())]);
        assert_eq!(
            found(None),
            [(Code::SystemRequired, "the system cannot be told: the project has 2 workstation systems".to_owned())]
        );
    }

    #[test]
    fn an_absent_system_is_the_only_workstation() {
        let mut spec = read(json!({"title": "t", "body": "b"}));
        assert!(!spec.complete(&Siblings::default()));
        assert!(spec.complete(&Siblings { sole_workstation: Some(Name::from_any("desk")) }));
        assert_eq!(spec.system, Some(Name::from_any("desk")));
        assert!(!spec.complete(&Siblings { sole_workstation: Some(Name::from_any("other")) }));
    }
}
