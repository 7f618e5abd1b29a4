//! Templates as they are read before and after, with the values that the project's own notifications and steps give.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::Cases;
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::behaviour::render::{OwnTexts, Rendered, RenderedButton, render};
use crate::kinds::template::TemplateSpec;
use crate::kinds::test::Given;
use crate::kinds::workflow::step::Step;
use crate::kinds::{Address, Kind, Spec};
use crate::plan::plan_value::Change;
use crate::plan::preview::SampledPreview;
use crate::plan::shown::Shown;
use crate::review::states::{State, States};

/// Samples that differ which are shown of one template.
const SHOWN: usize = 5;

/// What a template is tried with.
struct RenderSample<'s> {
    name: String,
    template: &'s Name,
    own: OwnTexts<'s>,
    locale: Option<&'s str>,
    overrides: BTreeMap<String, String>,
}

/// What end users would read otherwise, and the templates that were tried.
pub(super) fn previews(states: &States, tests: &[Cases<'_>]) -> (Vec<SampledPreview>, HashSet<Address>) {
    let mut samples = samples(&states.after);
    for Cases { test, spec } in tests {
        for case in &spec.cases {
            let Some(Given::Render(given)) = case.given() else { continue };
            samples.push(RenderSample {
                name: format!("Test/{test} \"{}\"", case.name),
                template: &given.template,
                own: OwnTexts::default(),
                locale: given.locale.as_deref(),
                overrides: given.overrides.clone().into_iter().collect(),
            });
        }
    }
    // What only the state before uses tells of a template that is there on both sides too.
    let names: BTreeSet<String> = samples.iter().map(|sample| sample.name.clone()).collect();
    samples.extend(self::samples(&states.before).into_iter().filter(|sample| !names.contains(&sample.name)));
    let (mut previews, mut tried) = (Vec::new(), HashSet::new());
    for (name, object) in states.after.of_kind(Kind::Template) {
        let address = Address::new(Kind::Template, name.clone());
        let former = states.former(&address);
        let (Spec::Template(after), Some(before)) = (&*object.spec, states.before.objects.get(former)) else {
            continue;
        };
        let Spec::Template(before) = &*before.spec else { continue };
        if before == after {
            continue;
        }
        let mut shown = 0;
        for sample in samples.iter().filter(|sample| sample.template == name || *sample.template == former.name) {
            tried.insert(address.clone());
            for preview in in_each_locale(&address, sample, before, after) {
                if shown < SHOWN {
                    previews.push(preview);
                    shown += 1;
                }
            }
        }
    }
    (previews, tried)
}

fn samples(state: &State) -> Vec<RenderSample<'_>> {
    let mut samples = Vec::new();
    for (name, object) in state.of_kind(Kind::Notification) {
        let Spec::Notification(spec) = &*object.spec else { continue };
        let Some(template) = spec.template.name() else { continue };
        let own = OwnTexts {
            title: spec.title.as_deref(),
            runtime_title: spec.runtime_title.as_deref(),
            runtime_description: spec.runtime_description.as_deref(),
            notification_type: spec.notification_type,
        };
        let overrides = spec.overrides.clone().into_iter().collect();
        samples.push(RenderSample { name: format!("Notification/{name}"), template, own, locale: None, overrides });
    }
    for (name, object) in state.of_kind(Kind::Workflow) {
        let Spec::Workflow(spec) = &*object.spec else { continue };
        for step in &spec.steps {
            let Step::Notify(step) = step else { continue };
            let Some(template) = step.template.name() else { continue };
            let overrides = step.overrides.clone().into_iter().collect();
            let name = format!("Workflow/{name} step {}", step.name);
            samples.push(RenderSample { name, template, own: OwnTexts::default(), locale: None, overrides });
        }
    }
    samples
}

/// A sample rendered in the template's own texts and in each of its languages, where something differs. A language
/// that differs just as the own texts do is not told again.
fn in_each_locale(
    address: &Address,
    sample: &RenderSample<'_>,
    before: &TemplateSpec,
    after: &TemplateSpec,
) -> Vec<SampledPreview> {
    let locales: BTreeSet<&str> = before.locales.keys().chain(after.locales.keys()).map(String::as_str).collect();
    let mut previews: Vec<SampledPreview> = Vec::new();
    let chosen = sample.locale.map_or_else(
        || std::iter::once(None).chain(locales.into_iter().map(Some)).collect(),
        |locale| vec![Some(locale)],
    );
    for locale in chosen {
        let read = |template: &TemplateSpec| render(template, sample.own, locale, &sample.overrides);
        let changes = changes(&read(before), &read(after));
        if changes.is_empty() || previews.iter().any(|known| known.changes == changes) {
            continue;
        }
        let name = match locale.filter(|_| sample.locale.is_none()) {
            Some(locale) => format!("{} in {locale}", sample.name),
            None => sample.name.clone(),
        };
        previews.push(SampledPreview { address: address.clone(), sample: name, changes });
    }
    previews
}

fn changes(before: &Rendered, after: &Rendered) -> Vec<Change> {
    let mut changes = Vec::new();
    let old = texts(before);
    for ((path, old), (_, new)) in old.into_iter().zip(texts(after)) {
        if old != new {
            let is_long = |value: &Option<Value>| match value {
                Some(Value::String(text)) => text.trim_end().contains('\n'),
                Some(_) | None => false,
            };
            changes.push(Change {
                is_text: is_long(&old) || is_long(&new),
                ..Change::new(Path::keys(path), old.map(Shown::Plain), new.map(Shown::Plain))
            });
        }
    }
    changes
}

fn texts(rendered: &Rendered) -> [(&'static str, Option<Value>); 7] {
    let Rendered { notification_type, title, runtime_title, body, button, unresolved } = rendered;
    let kind = serde_json::to_value(notification_type).ok();
    let (text, link) = button.as_ref().map(|RenderedButton { text, link }| (text, link)).unzip();
    let value = |text: &String| Some(Value::String(text.clone()));
    let unresolved = (!unresolved.is_empty()).then(|| Value::String(unresolved.join(", ")));
    [
        ("type", kind),
        ("title", value(title)),
        ("runtimeTitle", value(runtime_title)),
        ("body", value(body)),
        ("button.text", text.and_then(value)),
        ("button.link", link.and_then(value)),
        ("unresolved", unresolved),
    ]
}
