//! What is wrong with the policies themselves: errors of the manifests, told before anything is asked of a rule.

use super::cage::Limits;
use super::expression::Problem;
use super::place::{expression_path, within};
use super::rules::{LoadedRule, Rules};
use crate::base::code::Code;
use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::ident::Name;
use crate::base::path::Path;
use crate::desired::Desired;
use crate::desired::client_side::ClientManifest;
use crate::kinds::policy::PolicySpec;

/// Rules that cannot be run, and targets that do not exist.
#[must_use]
pub fn bad_rules(desired: &Desired, limits: Limits) -> Vec<Diagnostic> {
    let policies = desired.client_side.iter().filter_map(|manifest| Some((manifest, manifest.policy()?)));
    let targets = policies.flat_map(|(policy, spec)| bad_targets(desired, policy, spec));
    // A manifest by itself says nothing about the project's targets.
    let mut found: Vec<Diagnostic> = if desired.partial { Vec::new() } else { targets.collect() };
    for rule in &Rules::new(desired, limits).rules {
        if let Err(problem) = &rule.facts {
            found.push(bad_rule(desired, rule, problem));
        }
    }
    found
}

fn bad_rule(desired: &Desired, rule: &LoadedRule<'_>, problem: &Problem) -> Diagnostic {
    let path = expression_path(rule.at);
    let mut found = Diagnostic::error(Code::InvalidExpression, problem.message.clone());
    found.address = Some(rule.policy.address.to_string());
    found.help.clone_from(&problem.help);
    let scalar = rule.policy.positions.value_span(&path);
    found.span = scalar.map(|scalar| within(scalar, &rule.rule.expression, problem.offset, &desired.sources));
    found.path(path)
}

fn bad_targets(desired: &Desired, policy: &ClientManifest, spec: &PolicySpec) -> Vec<Diagnostic> {
    let known = &desired.project.targets;
    let unknown = spec.matches.targets.iter().enumerate().filter(|(_, target)| !known.contains(*target));
    unknown
        .map(|(at, target)| {
            let path = Path::keys("spec.match.targets").index(at);
            let names = || known.iter().map(Name::as_str);
            let help = match nearest(target.as_str(), names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("targets are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let mut found = Diagnostic::error(Code::UnknownTarget, format!("there is no target `{target}`"))
                .of(policy.address.to_string())
                .help(help);
            found.span = policy.positions.value_span(&path);
            found.path(path)
        })
        .collect()
}
