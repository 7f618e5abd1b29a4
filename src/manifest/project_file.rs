//! A **Project** is the file `trueup.yaml`: it makes its folder a project with a name, variables and targets.
//!
//! ```yaml
//! apiVersion: trueup/v1
//! kind: Project
//! metadata: { name: acme-adoption }
//! spec:
//!   variables:
//!     slackHost: { type: string, default: hooks.slack.test }
//!   defaultTarget: local
//!   targets:
//!     local: { embedded: {} }
//!     rehearsal:
//!       embedded: { path: rehearsal.db }
//!       variables: { slackHost: rehearsal.slack.test }
//!       patches:
//!         - address: Destination/slack-nps
//!           merge: { spec: { timeoutSeconds: 5 } }
//!       requireSavedPlan: true
//!     production:
//!       server: { url: "https://trueup.acme.example", clientId: ci, clientSecret: { fromEnv: TRUEUP_CLIENT_SECRET } }
//!   limits: { maxDeletes: 10, maxChangedPercent: 30 }
//! ```
//!
//! Manifests are all `*.yaml`, `*.yml` and `*.json` files below the folder. A manifest is patched for the chosen
//! target first; then its `${var.name}` and `${target.name}` are replaced, and it is checked. Without a project file the
//! given folder is a project named after itself, with one target, `local`.
//!
//! A target is either `embedded`, a database file on this machine, or `server`, a control plane that `trueup serve`
//! runs. `url` and `clientId` may hold variables. In a pipeline that runs what strangers propose, `--server-url` pins the
//! address, so that no change of this file sends the key elsewhere.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::variables::VariableType;
use crate::base::ident::Name;
use crate::base::module_text::module_documentation;
use crate::base::schema::{published, without_null};
use crate::base::secret::SecretRef;

/// The name of a project file.
pub const PROJECT_FILE: &str = "trueup.yaml";

/// A project: the folder of this file, its variables, and the targets it is applied to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectFile {
    /// `trueup/v1`.
    pub api_version: ApiVersion,
    /// `Project`.
    pub kind: ProjectKind,
    /// The project's name, and notes about it.
    pub metadata: ProjectMetadata,
    /// Variables, targets and limits.
    #[serde(default)]
    pub spec: ProjectSpec,
}

/// The version of the project file's shape.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first.
    #[serde(rename = "trueup/v1")]
    V1,
}

/// The kind of a project file.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub enum ProjectKind {
    /// A project.
    Project,
}

/// The project's name, and notes about it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectMetadata {
    /// Owner of everything the project manages on a target. Changing it makes a new project.
    pub name: Name,
    /// What people read instead of the name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What the project is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Labels for tools of yours.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Notes for tools of yours.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Variables, targets and limits.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectSpec {
    /// Variables that manifests refer to as `${var.name}`.
    #[serde(default)]
    pub variables: BTreeMap<String, VariableDeclaration>,
    /// The target used unless `--target` says otherwise. Absent: `local`, or the only one there is.
    #[serde(default)]
    pub default_target: Option<String>,
    /// Named places to apply to. Absent: one, `local`, embedded.
    #[serde(default)]
    pub targets: BTreeMap<String, TargetFile>,
    /// Safety limits of a plan.
    #[serde(default)]
    pub limits: Limits,
}

/// A variable.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VariableDeclaration {
    /// The type of its values.
    #[serde(default, rename = "type")]
    pub kind: VariableType,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Its value when nothing else sets one.
    #[serde(default)]
    #[schemars(schema_with = "scalar")]
    pub default: Option<Value>,
}

/// A named place to apply to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetFile {
    /// A database file on this machine; nothing else needs to run.
    #[serde(default)]
    pub embedded: Option<EmbeddedFile>,
    /// A control plane, `trueup serve`, on this machine or another.
    #[serde(default)]
    pub server: Option<ServerFile>,
    /// Values of variables for this target.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Scalar>")]
    pub variables: BTreeMap<String, Value>,
    /// Changes to manifests for this target, applied in this order.
    #[serde(default)]
    pub patches: Vec<PatchFile>,
    /// Whether `apply` takes nothing but a saved plan.
    #[serde(default)]
    pub require_saved_plan: bool,
}

/// A database file on this machine.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedFile {
    /// The file, relative to the project's folder. Absent: `.trueup/<target>.db`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub path: Option<String>,
}

/// A control plane.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerFile {
    /// Its address: https, or http within this machine.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// The public half of a key, as `trueup keys create` prints it.
    #[schemars(length(min = 1, max = 255))]
    pub client_id: String,
    /// The secret half.
    pub client_secret: SecretRef,
}

/// A change to one manifest.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchFile {
    /// The manifest: `Kind/name`.
    #[schemars(regex(pattern = r"^[A-Za-z]+/.+$"))]
    pub address: String,
    /// A JSON merge patch: fields replace those of the manifest, null removes one.
    pub merge: Map<String, Value>,
}

/// Safety limits of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Most objects one plan may delete.
    #[serde(default = "ten")]
    pub max_deletes: u32,
    /// Most of the live objects one plan may change, in percent. Absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub max_changed_percent: Option<f64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_deletes: ten(), max_changed_percent: None }
    }
}

/// A typical project removes objects one by one; more at once is worth a second look.
fn ten() -> u32 {
    10
}

/// Stands for a text, number or boolean in the schema.
struct Scalar;

impl JsonSchema for Scalar {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        scalar(generator)
    }
}

fn scalar(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "number", "boolean"] })
}

/// The JSON Schema (2020-12) of a project file.
#[must_use]
pub fn project_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<ProjectFile>().to_value();
    without_null(&mut schema);
    published(schema, "project.schema.json", "Project")
}

/// What a project file is, in Markdown.
#[must_use]
pub fn project_documentation() -> String {
    module_documentation(include_str!("project_file.rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_described_and_none_takes_null() {
        fn walk(schema: &Value, path: &str) {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{path}.{name}");
            }
            if let Some(map) = schema.as_object() {
                map.iter().for_each(|(key, value)| walk(value, &format!("{path}.{key}")));
            }
        }
        let schema = project_schema();
        walk(&schema, "");
        assert!(!schema.to_string().contains("\"null\""));
    }
}
