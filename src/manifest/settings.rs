//! Gathering the values of variables: defaults, the target's, those of files and of flags, with their places.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::finish::{Context, finish};
use super::node::Content;
use super::project_file::{PROJECT_FILE, ProjectSpec, TargetFile};
use super::variables::{Setting, Variables};
use super::yaml;
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::base::positions::Positions;
use crate::base::source::{FileId, Span};

/// Where variables are given values from outside the project file.
pub(super) struct Given<'g> {
    /// `--var`, in the order given: name and text.
    pub(super) vars: &'g [(String, String)],
    /// `--var-file`: how it is called, its id and its text.
    pub(super) files: &'g [(Arc<str>, FileId, Arc<str>)],
}

/// Everything that gives variables of a project their values.
pub(super) struct Sources<'s> {
    pub(super) spec: &'s ProjectSpec,
    pub(super) chosen: &'s TargetFile,
    pub(super) target: &'s Name,
    pub(super) positions: Option<&'s Positions>,
}

impl Sources<'_> {
    /// Gathers the values, weakest first, so that a stronger one takes the place of what is there.
    pub(super) fn variables(&self, given: &Given<'_>, diagnostics: &mut Vec<Diagnostic>) -> Variables {
        let mut settings: BTreeMap<&str, Option<Setting>> =
            self.spec.variables.keys().map(|name| (name.as_str(), None)).collect();
        for (name, declaration) in &self.spec.variables {
            if let Some(value) = &declaration.default {
                let path = Path::keys("spec.variables").key(name).key("default");
                self.set(
                    &mut settings,
                    name,
                    value.clone(),
                    "its default".into(),
                    self.place(&path, false),
                    diagnostics,
                );
            }
        }
        for (name, value) in &self.chosen.variables {
            let path = Path::keys("spec.targets").key(self.target.as_str()).key("variables").key(name);
            let set_by = format!("target {}", self.target).into();
            if self.check_declared(name, self.place(&path, true), diagnostics) {
                self.set(&mut settings, name, value.clone(), set_by, self.place(&path, false), diagnostics);
            }
        }
        for (called, file, text) in given.files {
            self.variable_file(&mut settings, called, *file, text, diagnostics);
        }
        for (name, text) in given.vars {
            if !self.check_declared(name, None, diagnostics) {
                continue;
            }
            let Some(declaration) = self.spec.variables.get(name) else { continue };
            if let Some(value) = declaration.kind.parse(text) {
                self.set(&mut settings, name, value, "--var".into(), None, diagnostics);
            } else {
                let message = format!("`{text}`, given by --var for `{name}`, is not a {}", declaration.kind.as_str());
                diagnostics.push(Diagnostic::error(Code::WrongType, message));
            }
        }
        let target = Setting { value: self.target.as_str().into(), set_by: "the target".into(), span: None };
        let named = |(name, setting): (&str, Option<Setting>)| (Arc::from(format!("var.{name}")), setting);
        let mut all: BTreeMap<Arc<str>, Option<Setting>> = settings.into_iter().map(named).collect();
        all.insert("target.name".into(), Some(target));
        Variables(all)
    }

    fn variable_file(
        &self,
        settings: &mut BTreeMap<&str, Option<Setting>>,
        called: &Arc<str>,
        file: FileId,
        text: &str,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut roots = Vec::new();
        yaml::read(file, text, diagnostics, &mut |tree| roots.push(tree.root));
        for root in roots {
            if !matches!(root.content, Content::Map(_)) {
                let message = "a file of variables is a map of names to values";
                diagnostics.push(Diagnostic::error(Code::WrongType, message).at(root.span));
                continue;
            }
            let places: Vec<(String, Span, Span)> =
                root.entries().iter().map(|entry| (entry.key.clone(), entry.key_span, entry.value.span)).collect();
            let context = Context { variables: None, sources: &[], address: None, allows_null: &|_| false };
            let (value, _) = finish(root, &context, diagnostics);
            for (name, key, span) in places {
                let Some(value) = value.get(&name) else { continue };
                if self.check_declared(&name, Some(key), diagnostics) {
                    self.set(settings, &name, value.clone(), Arc::clone(called), Some(span), diagnostics);
                }
            }
        }
    }

    fn set(
        &self,
        settings: &mut BTreeMap<&str, Option<Setting>>,
        name: &str,
        value: Value,
        set_by: Arc<str>,
        span: Option<Span>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let Some(declaration) = self.spec.variables.get(name) else { return };
        if declaration.kind.accepts(&value) {
            if let Some(setting) = settings.get_mut(name) {
                *setting = Some(Setting { value, set_by, span });
            }
            return;
        }
        let message = format!("the variable `{name}` is a {}, and this is not", declaration.kind.as_str());
        let mut diagnostic = Diagnostic::error(Code::WrongType, message);
        diagnostic.span = span;
        diagnostics.push(diagnostic);
    }

    fn check_declared(&self, name: &str, place: Option<Span>, diagnostics: &mut Vec<Diagnostic>) -> bool {
        if self.spec.variables.contains_key(name) {
            return true;
        }
        let mut diagnostic = Diagnostic::error(Code::UnknownVariable, format!("the variable `{name}` is not declared"));
        diagnostic.span = place;
        diagnostic.help = match nearest(name, self.spec.variables.keys().map(String::as_str)) {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => Some(format!("declare it under spec.variables in {PROJECT_FILE}")),
        };
        diagnostics.push(diagnostic);
        false
    }

    fn place(&self, path: &Path, key: bool) -> Option<Span> {
        let place = self.positions?.find(path)?;
        Some(if key { place.key_span() } else { place.value })
    }
}
