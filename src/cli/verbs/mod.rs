//! One file per verb: its arguments and what it does.

pub mod adopt;
pub mod apply;
pub mod completion;
pub mod deliveries;
pub mod destroy;
pub mod drift;
pub mod explain;
pub mod export;
pub mod graph;
pub mod init;
pub mod keys;
pub mod outputs;
pub mod plan;
pub mod reconcile;
pub mod resume;
pub mod rotate;
pub mod schema;
pub mod send;
pub mod serve;
pub mod show;
pub mod status;
pub mod suspend;
pub mod test;
pub mod unlock;
pub mod validate;
pub mod version;

use clap::Subcommand;

use super::Context;
use super::exit::Exit;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a project: a project file and manifests that apply at once.
    Init(init::Arguments),
    /// Check manifests: schema, types, references, lint. Offline.
    Validate(validate::Arguments),
    /// Compare what the configuration does with what its tests expect. Offline.
    Test(test::Arguments),
    /// Show what apply would do, and why.
    #[command(visible_alias = "diff")]
    Plan(plan::Arguments),
    /// Show a saved plan.
    Show(show::Arguments),
    /// Bring the target into line.
    Apply(apply::Arguments),
    /// Remove everything that is managed.
    Destroy(destroy::Arguments),
    /// Show what was changed outside the manifests, by whom and when.
    Drift(drift::Arguments),
    /// Write live objects as manifests.
    Export(export::Arguments),
    /// Write manifests for objects made by hand, and manage them.
    Adopt(adopt::Arguments),
    /// Keep live state as the manifests say, around the clock.
    Reconcile(Box<reconcile::Arguments>),
    /// Print ids and server-made secrets that callers outside need.
    Outputs(outputs::Arguments),
    /// Give an IncomingWebhook a new URL, and end the old one.
    Rotate(rotate::Arguments),
    /// Take the lease away from an apply that was killed.
    Unlock(unlock::Arguments),
    /// Keep `reconcile` from writing: to a project on a target, or to single objects of it.
    Suspend(suspend::Arguments),
    /// Let `reconcile` write again to what was suspended.
    Resume(resume::Arguments),
    /// Show how a project stands on a target: its objects, drift, what is suspended, who holds the lease.
    Status(status::Arguments),
    /// Run the control plane: configuration of many projects, and what is configured carried out.
    Serve(Box<serve::Arguments>),
    /// Make, list and revoke keys of the control plane's API.
    Keys(keys::Arguments),
    /// Send an event or a notification to a control plane.
    #[command(subcommand)]
    Send(send::Thing),
    /// Show deliveries with their attempts.
    Deliveries(deliveries::Arguments),
    /// Print a JSON Schema; without a name, list them.
    Schema(schema::Arguments),
    /// Explain a kind, a field, an event or a diagnostic code; without a topic, list the kinds.
    Explain(explain::Arguments),
    /// Draw what refers to what. Offline.
    Graph(graph::Arguments),
    /// Print the completion script of a shell.
    Completion(completion::Arguments),
    /// Print the version.
    Version(version::Arguments),
}

impl Verb {
    /// Runs the verb.
    pub fn run(self, context: &Context) -> Exit {
        match self {
            Self::Init(arguments) => init::run(context, &arguments),
            Self::Validate(arguments) => validate::run(context, &arguments),
            Self::Test(arguments) => test::run(context, &arguments),
            Self::Plan(arguments) => plan::run(context, &arguments),
            Self::Show(arguments) => show::run(context, &arguments),
            Self::Apply(arguments) => apply::run(context, &arguments),
            Self::Destroy(arguments) => destroy::run(context, &arguments),
            Self::Drift(arguments) => drift::run(context, &arguments),
            Self::Export(arguments) => export::run(context, &arguments),
            Self::Adopt(arguments) => adopt::run(context, &arguments),
            Self::Reconcile(arguments) => reconcile::run(context, &arguments),
            Self::Outputs(arguments) => outputs::run(context, &arguments),
            Self::Rotate(arguments) => rotate::run(context, &arguments),
            Self::Unlock(arguments) => unlock::run(context, &arguments),
            Self::Suspend(arguments) => suspend::run(context, &arguments),
            Self::Resume(arguments) => resume::run(context, &arguments),
            Self::Status(arguments) => status::run(context, &arguments),
            Self::Serve(arguments) => serve::run(context, &arguments),
            Self::Keys(arguments) => keys::run(context, &arguments),
            Self::Send(thing) => send::run(context, thing),
            Self::Deliveries(arguments) => deliveries::run(context, &arguments),
            Self::Schema(arguments) => schema::run(context, &arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::Graph(arguments) => graph::run(context, &arguments),
            Self::Completion(arguments) => completion::run(&arguments),
            Self::Version(arguments) => version::run(&arguments),
        }
    }
}
