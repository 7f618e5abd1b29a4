//! Who is in an audience.

use std::collections::HashSet;

use super::condition::{CompiledCondition, InvalidCondition, Values};
use super::end_user::EndUserIds;
use crate::kinds::audience::AudienceSpec;

/// An audience made ready for the end users of one System.
#[derive(Clone, Debug)]
pub struct CompiledAudience(Rule);

#[derive(Clone, Debug)]
enum Rule {
    /// Ids as the system keeps them.
    Members(HashSet<Box<str>>),
    Match(CompiledCondition),
    /// Neither members nor a condition: nobody.
    Nobody,
}

impl CompiledAudience {
    /// Makes an audience ready. Ids stand in manifests as they are written by people; `ids` makes of them what the
    /// system keeps.
    ///
    /// # Errors
    /// When a condition cannot be evaluated, which the checks of the kind refuse earlier.
    pub fn new(spec: &AudienceSpec, ids: EndUserIds<'_>) -> Result<Self, InvalidCondition> {
        let AudienceSpec { members, rule } = spec;
        Ok(Self(match (members, rule) {
            (Some(members), _) => Rule::Members(members.iter().map(|id| ids.kept(id).into()).collect()),
            (None, Some(rule)) => Rule::Match(CompiledCondition::untyped(rule)?),
            (None, None) => Rule::Nobody,
        }))
    }

    /// Whether an end user is in it. `end_user` is the id as the system keeps it; somebody of whom no attributes are
    /// known has an empty map.
    #[must_use]
    pub fn has(&self, end_user: &str, attributes: &(impl Values + ?Sized)) -> bool {
        match &self.0 {
            Rule::Members(members) => members.contains(end_user),
            Rule::Match(rule) => rule.holds(attributes),
            Rule::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests;
