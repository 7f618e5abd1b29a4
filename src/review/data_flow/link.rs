//! What the link of a template's button carries to the host that it opens.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, host};
use crate::behaviour::render::{OwnTexts, render};
use crate::kinds::DataClass;
use crate::kinds::notification::NotificationSpec;
use crate::kinds::overrides::{Overrides, template_in};
use crate::kinds::placeholder::hash_names;
use crate::kinds::reference::Reference;
use crate::kinds::template::TemplateSpec;
use crate::review::states::State;

/// Where a link leads once its placeholders have these values, and which of them it carries there.
pub(super) struct Link<'l> {
    pub host: String,
    /// Names of placeholders, in the link or, for a template that cannot be looked at, all that are given.
    pub carries: BTreeSet<&'l str>,
}

/// The link of a template, filled in; `None` where there is none, or it leads to no host.
///
/// The link of a template outside the project is not known: it may be any, with any of the values in it.
pub(super) fn of_reference<'l>(
    state: &'l State,
    template: &'l Reference,
    overrides: &'l Overrides,
) -> Option<Link<'l>> {
    match template_in(state, template) {
        Some((_, template)) => of(template, overrides),
        None => Some(Link { host: host::ANY_HOST.to_owned(), carries: overrides.keys().map(String::as_str).collect() }),
    }
}

fn of<'l>(template: &'l TemplateSpec, overrides: &Overrides) -> Option<Link<'l>> {
    let button = template.button.as_ref()?;
    let carries: BTreeSet<&str> = hash_names(&button.link).into_iter().collect();
    // What has no value yet is a variable to whoever looks for the host.
    let mut values: BTreeMap<String, String> =
        carries.iter().map(|name| ((*name).to_owned(), format!("{{{{{name}}}}}"))).collect();
    values.extend(overrides.iter().map(|(name, value)| (name.clone(), value.clone())));
    let link = render(template, OwnTexts::default(), None, &values).button?.link;
    Some(Link { host: host::of_link(&link)?, carries })
}

/// What callers from outside put into the link. What they put is not known, and taken for content.
pub(super) fn of_template(template: &TemplateSpec) -> BTreeSet<Edge> {
    let link = of(template, &Overrides::new());
    let edges = link.into_iter().flat_map(|Link { host, carries }| {
        carries.into_iter().map(move |name| placeholder(name, &host)).collect::<Vec<_>>()
    });
    edges.collect()
}

/// What a notification puts into its template's link.
pub(super) fn of_notification(state: &State, spec: &NotificationSpec) -> BTreeSet<Edge> {
    let Some(Link { host, carries }) = of_reference(state, &spec.template, &spec.overrides) else {
        return BTreeSet::new();
    };
    let edge = |name: &str| {
        if spec.overrides.contains_key(name) { given(name, &host) } else { placeholder(name, &host) }
    };
    carries.into_iter().map(edge).collect()
}

/// A value that is written out in a manifest.
pub(super) fn given(name: &str, host: &str) -> Edge {
    Edge { class: DataClass::Content, source: format!("override {name}"), host: host.to_owned() }
}

pub(super) fn placeholder(name: &str, host: &str) -> Edge {
    Edge { class: DataClass::Content, source: format!("placeholder {name}"), host: host.to_owned() }
}
