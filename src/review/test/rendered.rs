//! A case of a template: what end users read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::case::Case;
use super::configuration::{Configuration, text};
use super::report::{CaseError, Decider};
use crate::base::path::Path;
use crate::behaviour::render::{OwnTexts, Rendered, RenderedButton, render, texts_of};
use crate::kinds::placeholder::{bare_name, hash_names};
use crate::kinds::template::TemplateSpec;
use crate::kinds::test::expectation::Expectation;
use crate::kinds::test::given::GivenRender;
use crate::kinds::{Address, Kind, Spec};

/// Evaluates a case.
pub(super) fn evaluate(
    configuration: &Configuration<'_>,
    given: &GivenRender,
    expected: &Expectation,
    case: &mut Case<'_>,
) -> Result<(), CaseError> {
    let object = configuration.object(Kind::Template, &given.template)?;
    let Spec::Template(template) = &*object.spec else {
        return Err(CaseError::new(format!("{} is no Template", object.address)));
    };
    let read = render(template, OwnTexts::default(), given.locale.as_deref(), &given.overrides);
    let Rendered { notification_type: _, title, runtime_title, body, button, unresolved } = &read;
    touch(&object.address, template, given, case);
    let sources = Sources { configuration, address: &object.address, template, locale: given.locale.as_deref() };
    let (button_text, link) = match button {
        Some(RenderedButton { text, link }) => (Some(text), Some(link)),
        None => (None, None),
    };
    for (field, wanted, actual) in [
        (Field::Title, &expected.title, Some(title)),
        (Field::RuntimeTitle, &expected.runtime_title, Some(runtime_title)),
        (Field::Body, &expected.body, Some(body)),
        (Field::ButtonText, &expected.button_text, button_text),
        (Field::Link, &expected.link, link),
    ] {
        let Some(wanted) = wanted.as_ref().filter(|wanted| Some(*wanted) != actual) else { continue };
        let path = Path::keys(field.name());
        let actual = actual.map(|actual| text(actual));
        case.differs(path.clone(), &path, (Some(text(wanted)), actual), vec![sources.decider(field)]);
    }
    if let Some(wanted) = &expected.unresolved {
        let wanted: BTreeSet<&str> = wanted.iter().map(|name| bare_name(name)).collect();
        let found: BTreeSet<&str> = unresolved.iter().map(String::as_str).collect();
        if wanted != found {
            let decided = wanted.symmetric_difference(&found).filter_map(|name| {
                let says =
                    if found.contains(name) { "has no value" } else { "has a value, or does not stand in these texts" };
                sources.placeholder(name, says)
            });
            let path = Path::keys("unresolved");
            let values: (Option<Value>, Option<Value>) = (Some(json!(wanted)), Some(json!(unresolved)));
            case.differs(path.clone(), &path, values, decided.collect());
        }
    }
    Ok(())
}

fn touch(address: &Address, template: &TemplateSpec, given: &GivenRender, case: &mut Case<'_>) {
    case.touch(|touched| {
        let values: BTreeSet<&str> = given.overrides.keys().map(|key| bare_name(key)).collect();
        for name in template.placeholders().intersection(&values) {
            touched.placeholder(address, name);
        }
    });
}

/// What can be expected of a template.
#[derive(Clone, Copy)]
enum Field {
    Title,
    RuntimeTitle,
    Body,
    ButtonText,
    Link,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::RuntimeTitle => "runtimeTitle",
            Self::Body => "body",
            Self::ButtonText => "buttonText",
            Self::Link => "link",
        }
    }
}

/// Where the texts of a template come from for a reader.
struct Sources<'s> {
    configuration: &'s Configuration<'s>,
    address: &'s Address,
    template: &'s TemplateSpec,
    locale: Option<&'s str>,
}

impl Sources<'_> {
    /// The place of the text that is read, by the precedence of [`render`].
    fn source(&self, field: Field) -> (Path, String) {
        let local = self.locale.and_then(|tag| texts_of(&self.template.locales, tag));
        let own = |field: &str| (Path::keys("spec").key(field), "the template's own text".to_owned());
        let of_locale = |tag: &str, field: &str| {
            (Path::keys("spec.locales").key(tag).key(field), format!("the text of the locale `{tag}`"))
        };
        let title = || match local {
            Some((tag, texts)) if texts.title.is_some() => of_locale(tag, "title"),
            _ => own("title"),
        };
        match (field, local) {
            (Field::RuntimeTitle, Some((tag, texts))) if texts.runtime_title.is_some() => {
                of_locale(tag, "runtimeTitle")
            }
            (Field::RuntimeTitle, _) if self.template.runtime_title.is_some() => own("runtimeTitle"),
            (Field::Title | Field::RuntimeTitle, _) => title(),
            (Field::Body, Some((tag, texts))) if texts.body.is_some() => of_locale(tag, "body"),
            (Field::Body, _) => own("body"),
            (Field::ButtonText | Field::Link, _) if self.template.button.is_none() => {
                (Path::keys("spec.button"), "the template has no button".to_owned())
            }
            (Field::ButtonText, Some((tag, texts))) if texts.button.is_some() => {
                let (path, says) = of_locale(tag, "button");
                (path.key("text"), says)
            }
            (Field::ButtonText, _) => (Path::keys("spec.button.text"), "the template's own text".to_owned()),
            (Field::Link, _) => (Path::keys("spec.button.link"), "the button's link".to_owned()),
        }
    }

    fn decider(&self, field: Field) -> Decider {
        let (path, says) = self.source(field);
        self.configuration.decider(self.address, path, says)
    }

    /// The first of the texts that are read in which a placeholder stands, else the template.
    fn placeholder(&self, name: &str, says: &str) -> Option<Decider> {
        let value = self.template;
        let canonical = serde_json::to_value(value).ok()?;
        let root = json!({ "spec": canonical });
        let fields = [Field::Title, Field::RuntimeTitle, Field::Body, Field::ButtonText, Field::Link];
        let path = fields.into_iter().map(|field| self.source(field).0).find(|path| {
            let text = path.of(&root).and_then(Value::as_str);
            text.is_some_and(|text| hash_names(text).contains(&name))
        });
        let path = path.unwrap_or_else(|| Path::keys("spec.body"));
        Some(self.configuration.decider(self.address, path, format!("###{name}### {says}")))
    }
}
