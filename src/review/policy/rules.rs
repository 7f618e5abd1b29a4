//! A project's policies, compiled once for everything they are asked about.

use std::collections::BTreeMap;

use super::cage::{Cage, Limits};
use super::expression::{Facts, Problem};
use crate::base::ident::Name;
use crate::desired::Desired;
use crate::desired::client_side::ClientManifest;
use crate::kinds::Kind;
use crate::kinds::policy::{Match, Rule};

/// All rules of all policies, in the order of the policies' names.
pub(super) struct Rules<'d> {
    /// The rules; the place of each is the cage's.
    pub(super) rules: Vec<LoadedRule<'d>>,
    /// What runs them.
    pub(super) cage: Cage,
}

/// One rule.
pub(super) struct LoadedRule<'d> {
    /// Its policy.
    pub(super) policy: &'d ClientManifest,
    /// Which objects the policy looks at.
    pub(super) matches: &'d Match,
    /// Its place in the policy.
    pub(super) at: usize,
    /// As written.
    pub(super) rule: &'d Rule,
    /// What is known of it, or why it cannot be run.
    pub(super) facts: Result<Facts, Problem>,
}

impl<'d> Rules<'d> {
    pub(super) fn new(desired: &'d Desired, limits: Limits) -> Self {
        let policies = desired.client_side.iter().filter_map(|manifest| Some((manifest, manifest.policy()?)));
        let written: Vec<_> = policies
            .flat_map(|(policy, spec)| {
                spec.rules.iter().enumerate().map(move |(at, rule)| (policy, &spec.matches, at, rule))
            })
            .collect();
        let sources = written.iter().map(|(_, _, _, rule)| rule.expression.clone()).collect();
        let (cage, facts) = Cage::new(sources, limits);
        let rules = written
            .into_iter()
            .zip(facts)
            .map(|((policy, matches, at, rule), facts)| LoadedRule { policy, matches, at, rule, facts })
            .collect();
        Self { rules, cage }
    }
}

impl LoadedRule<'_> {
    /// Whether it names one of these variables.
    pub(super) fn names(&self, names: &[&str]) -> bool {
        self.facts.as_ref().is_ok_and(|facts| names.iter().any(|name| facts.names.contains(name)))
    }

    /// Whether it can be run, and holds for a target at all.
    pub(super) fn applies_to(&self, target: &Name) -> bool {
        self.facts.is_ok() && (self.matches.targets.is_empty() || self.matches.targets.contains(target))
    }

    /// Whether its policy looks at an object of this kind with these labels.
    pub(super) fn looks_at(&self, kind: Kind, labels: &BTreeMap<String, String>) -> bool {
        let Match { kinds, labels: wanted, targets: _ } = self.matches;
        (kinds.is_empty() || kinds.contains(&kind)) && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}
