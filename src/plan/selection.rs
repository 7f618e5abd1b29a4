//! `--only`, `--exclude`, `-l`: narrowing a plan.

use std::collections::BTreeMap;

use crate::kinds::Address;

/// Which objects a plan is about; all when everything is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these.
    pub only: Vec<Address>,
    /// Not these.
    pub exclude: Vec<Address>,
    /// Only objects with all of these labels.
    pub labels: Vec<(String, String)>,
}

impl Selection {
    /// Whether it narrows nothing.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty() && self.labels.is_empty()
    }

    /// Whether an object is in it.
    #[must_use]
    pub fn contains(&self, address: &Address, labels: &BTreeMap<String, String>) -> bool {
        (self.only.is_empty() || self.only.contains(address))
            && !self.exclude.contains(address)
            && self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }

    /// One line for the banner; `None` when it narrows nothing.
    #[must_use]
    pub fn banner(&self) -> Option<String> {
        let list = |addresses: &[Address]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        if !self.only.is_empty() {
            parts.push(format!("only {}", list(&self.only)));
        }
        if !self.exclude.is_empty() {
            parts.push(format!("without {}", list(&self.exclude)));
        }
        if !self.labels.is_empty() {
            let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            parts.push(format!("labelled {}", labels.join(", ")));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
