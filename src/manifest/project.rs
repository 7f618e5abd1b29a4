//! A project as a load found it: its name, the chosen target, its variables and limits.

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::finish::{Context, finish};
use super::node::Node;
use super::patch::{Patch, Patches};
use super::project_file::{
    EmbeddedFile, Limits, PROJECT_FILE, ProjectFile, ProjectSpec, ServerFile, TargetFile, project_schema,
};
use super::settings::{Given, Sources};
use super::variables::Variables;
use super::yaml;
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::ident::Name;
use crate::base::path::{Path, Segment};
use crate::base::positions::Positions;
use crate::base::schema_errors::{SchemaContext, schema_diagnostics};
use crate::base::secret::SecretRef;
use crate::base::source::{FileId, Span};

/// The target implied when a project file names none.
const IMPLIED_TARGET: &str = "local";

/// A project and the target it is loaded for.
#[derive(Clone, Debug)]
pub struct Project {
    /// Owner of what it manages.
    pub name: Name,
    /// Its folder, absolute.
    pub root: PathBuf,
    /// Whether it has a project file.
    pub has_file: bool,
    /// The chosen target.
    pub target: Target,
    /// The names of all its targets.
    pub targets: BTreeSet<Name>,
    /// Safety limits of a plan.
    pub limits: Limits,
}

/// The target a project is loaded for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name in the project file.
    pub name: Name,
    /// What it is and where.
    pub settings: TargetSettings,
    /// Whether `apply` takes nothing but a saved plan.
    pub require_saved_plan: bool,
}

/// What a target is and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSettings {
    /// A database file on this machine.
    Embedded {
        /// The file, absolute; it need not exist.
        data: PathBuf,
    },
    /// A control plane.
    Server {
        /// Its address.
        url: Url,
        /// The public half of a key.
        client_id: String,
        /// Where the secret half comes from.
        client_secret: SecretRef,
    },
}

/// What the loading of manifests needs of a project.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) project: Project,
    pub(super) variables: Variables,
    pub(super) patches: Patches,
    /// The project file's text, for places inside what a patch brought.
    pub(super) text: Option<(FileId, Arc<str>)>,
}

/// A project file that was read and fits its schema.
struct Read {
    file: ProjectFile,
    positions: Positions,
    tree: Node,
}

/// Makes a project of its folder and, if it has one, its project file. `None` when errors leave no project to speak of.
pub(super) fn prepare(
    root: &FilePath,
    file: Option<(FileId, &str)>,
    target: Option<&Name>,
    given: &Given<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Prepared> {
    let read = match file {
        Some((id, text)) => Some(read(id, text, diagnostics)?),
        None => None,
    };
    let empty = ProjectSpec::default();
    let spec = read.as_ref().map_or(&empty, |read| &read.file.spec);
    let positions = read.as_ref().map(|read| &read.positions);
    let target_name = choose(spec, target, positions, diagnostics)?;
    let implied = TargetFile { embedded: Some(EmbeddedFile::default()), ..TargetFile::default() };
    let chosen = spec.targets.get(target_name.as_str()).unwrap_or(&implied);
    let sources = Sources { spec, chosen, target: &target_name, positions };
    let variables = sources.variables(given, diagnostics);
    let path = Path::keys("spec.targets").key(target_name.as_str());
    let place = Place { root, name: &target_name, variables: &variables, positions, path };
    let settings = place.settings(chosen, diagnostics)?;
    let patches = read.as_ref().map(|read| patches(read, &target_name)).unwrap_or_default();
    let patches = Patches::new(target_name.as_str(), patches, diagnostics);
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = read.as_ref().map_or_else(|| Name::from_any(&folder), |read| read.file.metadata.name.clone());
    let mut targets: BTreeSet<Name> = spec.targets.keys().filter_map(|name| name.parse().ok()).collect();
    targets.insert(target_name.clone());
    let target = Target { name: target_name, settings, require_saved_plan: chosen.require_saved_plan };
    let project =
        Project { name, root: root.to_owned(), has_file: read.is_some(), target, targets, limits: spec.limits };
    let text = file.map(|(id, text)| (id, Arc::from(text)));
    Some(Prepared { project, variables, patches, text })
}

fn read(id: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Read> {
    let before = diagnostics.len();
    let mut trees = Vec::new();
    yaml::read(id, text, diagnostics, &mut |tree| trees.push(tree));
    let second = trees.get(1).map(|tree| tree.root.span);
    if let Some(span) = second {
        let message = format!("{PROJECT_FILE} has more than one document");
        let help = "put manifests into files of their own";
        diagnostics.push(Diagnostic::error(Code::NotAManifest, message).at(span).help(help));
    }
    let Some(tree) = trees.into_iter().next() else {
        if diagnostics.len() == before {
            let message = format!("{PROJECT_FILE} is empty");
            let help = "a project file has apiVersion: trueup/v1, kind: Project and metadata: { name: … }";
            let span = Span { file: id, start: 0, end: 0 };
            diagnostics.push(Diagnostic::error(Code::NotAManifest, message).at(span).help(help));
        }
        return None;
    };
    // The values of patches and variables are taken from the tree later, with their places and with null.
    let kept = tree.root.clone();
    let context = Context { variables: None, sources: &[], address: None, allows_null: &in_a_patch };
    let (value, positions) = finish(tree.root, &context, diagnostics);
    check_schema(&value, &positions, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    match serde_json::from_value::<ProjectFile>(value) {
        Ok(file) => {
            check_names(&file.spec, &positions, diagnostics);
            Some(Read { file, positions, tree: kept })
        }
        Err(error) => {
            // The schema is made of the type, so this is a defect; still it is said rather than hidden.
            diagnostics.push(Diagnostic::error(Code::InvalidValue, error.to_string()).at(kept.span));
            None
        }
    }
}

/// Whether a path lies within `spec.targets.<name>.patches[n].merge`.
fn in_a_patch(path: &Path) -> bool {
    let [
        Segment::Key(spec),
        Segment::Key(targets),
        Segment::Key(_),
        Segment::Key(patches),
        Segment::Index(_),
        Segment::Key(merge),
        ..,
    ] = path.segments()
    else {
        return false;
    };
    [(spec, "spec"), (targets, "targets"), (patches, "patches"), (merge, "merge")]
        .iter()
        .all(|(key, name)| &***key == *name)
}

fn check_schema(value: &Value, positions: &Positions, diagnostics: &mut Vec<Diagnostic>) {
    let schema = project_schema();
    let patterns = jsonschema::PatternOptions::regex();
    match jsonschema::options().with_pattern_options(patterns).offline().build(&schema) {
        Ok(validator) => {
            let base = Path::root();
            let context = SchemaContext { schema: &schema, instance: value, positions, base: &base, address: None };
            diagnostics.extend(schema_diagnostics(validator.iter_errors(value), context));
        }
        Err(error) => diagnostics.push(Diagnostic::error(Code::InvalidValue, error.to_string())),
    }
}

fn check_names(spec: &ProjectSpec, positions: &Positions, diagnostics: &mut Vec<Diagnostic>) {
    for name in spec.variables.keys() {
        let is_plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(is_plain) {
            let message = format!("`{name}` is not a name of a variable");
            let diagnostic = Diagnostic::error(Code::InvalidName, message)
                .help("use letters, digits, hyphens, underscores and dots: it is written as `${var.name}`");
            diagnostics.push(placed(diagnostic, Some(positions), &Path::keys("spec.variables").key(name), true));
        }
    }
    for name in spec.targets.keys() {
        if let Err(error) = name.parse::<Name>() {
            let path = Path::keys("spec.targets").key(name);
            diagnostics.push(placed(
                Diagnostic::error(Code::InvalidName, error.to_string()),
                Some(positions),
                &path,
                true,
            ));
        }
    }
}

/// `--target`, else `defaultTarget`, else `local`, else the only one.
fn choose(
    spec: &ProjectSpec,
    wanted: Option<&Name>,
    positions: Option<&Positions>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Name> {
    let mut names: Vec<&str> = spec.targets.keys().map(String::as_str).collect();
    if names.is_empty() {
        names.push(IMPLIED_TARGET);
    }
    let by_default = Path::keys("spec.defaultTarget");
    let (name, path) = match (wanted, &spec.default_target, names.as_slice()) {
        (Some(wanted), _, _) => (wanted.as_str(), None),
        (None, Some(name), _) => (name.as_str(), Some(&by_default)),
        (None, None, names) if names.contains(&IMPLIED_TARGET) => (IMPLIED_TARGET, None),
        (None, None, [only]) => (*only, None),
        (None, None, names) => {
            let message = "no target is chosen and the project has several";
            let help = format!("pass --target, or set spec.defaultTarget to one of {}", names.join(", "));
            let diagnostic = Diagnostic::error(Code::UnknownTarget, message).help(help);
            diagnostics.push(placed(diagnostic, positions, &Path::keys("spec.targets"), true));
            return None;
        }
    };
    if !names.contains(&name) {
        let help = match nearest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if positions.is_none() => {
                format!("the folder has no {PROJECT_FILE}; without one there is only the target `{IMPLIED_TARGET}`")
            }
            None => format!("the targets are {}", names.join(", ")),
        };
        let diagnostic = Diagnostic::error(Code::UnknownTarget, format!("there is no target `{name}`")).help(help);
        diagnostics.push(match path {
            Some(path) => placed(diagnostic, positions, path, false),
            None => diagnostic,
        });
        return None;
    }
    // A name that is none was reported with the file.
    name.parse().ok()
}

/// Where a target is, as its part of the project file says it.
struct Place<'p> {
    root: &'p FilePath,
    name: &'p Name,
    variables: &'p Variables,
    positions: Option<&'p Positions>,
    /// The target in the project file.
    path: Path,
}

impl Place<'_> {
    fn settings(&self, target: &TargetFile, diagnostics: &mut Vec<Diagnostic>) -> Option<TargetSettings> {
        match (&target.embedded, &target.server) {
            (Some(embedded), None) => self.embedded(embedded, diagnostics),
            (None, Some(server)) => self.server(server, diagnostics),
            (None, None) => {
                let message = format!("the target `{}` does not say where it is", self.name);
                let help = "add `embedded: {}`, or `server` with url, clientId and clientSecret";
                let diagnostic = Diagnostic::error(Code::MissingField, message).help(help);
                diagnostics.push(placed(diagnostic, self.positions, &self.path, true));
                None
            }
            (Some(_), Some(_)) => {
                let message = format!("the target `{}` is both embedded and a server", self.name);
                let diagnostic = Diagnostic::error(Code::ExclusiveFields, message).help("keep one of the two");
                diagnostics.push(placed(diagnostic, self.positions, &self.path.key("server"), true));
                None
            }
        }
    }

    fn embedded(&self, embedded: &EmbeddedFile, diagnostics: &mut Vec<Diagnostic>) -> Option<TargetSettings> {
        let Some(written) = &embedded.path else {
            return Some(TargetSettings::Embedded {
                data: self.root.join(".trueup").join(format!("{}.db", self.name)),
            });
        };
        let text = self.resolved(written, &self.path.key("embedded").key("path"), diagnostics)?;
        Some(TargetSettings::Embedded { data: self.root.join(text) })
    }

    fn server(&self, server: &ServerFile, diagnostics: &mut Vec<Diagnostic>) -> Option<TargetSettings> {
        let ServerFile { url, client_id, client_secret } = server;
        let path = self.path.key("server");
        let written = self.resolved(url, &path.key("url"), diagnostics);
        let client_id = self.resolved(client_id, &path.key("clientId"), diagnostics);
        let (written, client_id) = (written?, client_id?);
        let is_fit = |url: &Url| {
            let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            matches!(url.scheme(), "https" | "http") && url.has_host() && bare && url.fragment().is_none()
        };
        match Url::parse(&written).ok().filter(is_fit) {
            Some(url) => Some(TargetSettings::Server { url, client_id, client_secret: client_secret.clone() }),
            None => {
                let message = format!("`{written}` is not the address of a server");
                let help = "write https://host, with nothing before the host and no query";
                let diagnostic = Diagnostic::error(Code::InvalidUrl, message).help(help);
                diagnostics.push(placed(diagnostic, self.positions, &path.key("url"), false));
                None
            }
        }
    }

    /// A text of the project file with its variables replaced.
    fn resolved(&self, written: &str, path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
        match self.variables.replace(written) {
            Ok(replaced) => Some(replaced.value.as_str().map_or_else(|| replaced.value.to_string(), str::to_owned)),
            Err(unresolved) => {
                let problems = unresolved.into_iter();
                diagnostics.extend(problems.map(|problem| placed(problem.diagnostic, self.positions, path, false)));
                None
            }
        }
    }
}

/// The patches of a target as trees, so that their values keep their places.
fn patches(read: &Read, target: &Name) -> Vec<Patch> {
    let tree = ["spec", "targets", target.as_str(), "patches"].into_iter().try_fold(&read.tree, Node::get);
    let patch = |node: &Node| {
        let address = node.get("address")?;
        let merge = node.get("merge")?.clone();
        Some(Patch { address: address.text()?.to_owned(), address_span: address.span, merge })
    };
    tree.map(Node::elements).unwrap_or_default().iter().filter_map(patch).collect()
}

fn placed(mut diagnostic: Diagnostic, positions: Option<&Positions>, path: &Path, key: bool) -> Diagnostic {
    if let Some(place) = positions.and_then(|positions| positions.find(path)) {
        diagnostic.span = Some(if key { place.key_span() } else { place.value });
        diagnostic.path = Some(path.clone());
    }
    diagnostic
}
