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

    /// What brings an object in that it leaves out, as the beginning of a sentence of advice.
    #[must_use]
    pub fn how_to_include(&self, address: &Address) -> String {
        // The flags narrow each other: another --only does not help against a label or an --exclude.
        if self.exclude.contains(address) {
            return format!("leave out --exclude {address}");
        }
        if !self.labels.is_empty() {
            let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            return format!("label {address} {} too", labels.join(", "));
        }
        if self.only.is_empty() { format!("give a path that has {address}") } else { format!("add --only {address}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_fits_what_narrows() {
        let address: Address = "System/crm".parse().expect("an address");
        let advice = |selection: Selection| selection.how_to_include(&address);
        let only = vec!["Webhook/nps".parse().expect("an address")];
        let labels = vec![("story".to_owned(), "nps".to_owned())];
        assert_eq!(advice(Selection { only: only.clone(), ..Selection::default() }), "add --only System/crm");
        assert_eq!(
            advice(Selection { only, labels, ..Selection::default() }),
            "label System/crm story=nps too",
            "a further --only would not be enough"
        );
        let exclude = vec![address.clone()];
        assert_eq!(advice(Selection { exclude, ..Selection::default() }), "leave out --exclude System/crm");
        assert_eq!(advice(Selection::default()), "give a path that has System/crm");
    }
}
