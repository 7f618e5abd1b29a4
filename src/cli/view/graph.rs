//! What refers to what, as a text that draws it: Graphviz's dot or Mermaid.
//!
//! Names come from manifests of strangers, and both languages end up in pages and pull requests: whatever could end a
//! label or begin markup is escaped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use super::visible;
use crate::desired::DesiredObject;
use crate::kinds::Address;

/// Characters of a display name that are drawn.
const LABEL_LIMIT: usize = 60;

/// The language of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// For Graphviz.
    #[default]
    Dot,
    /// For Markdown pages.
    Mermaid,
}

/// Writes the graph of these objects; an arrow leads from an object to what it refers to.
///
/// # Errors
/// When the writer fails.
pub fn write(out: &mut dyn Write, objects: &[DesiredObject], format: GraphFormat) -> io::Result<()> {
    let graph = Graph::new(objects);
    let text = match format {
        GraphFormat::Dot => graph.dot(),
        GraphFormat::Mermaid => graph.mermaid(),
    };
    out.write_all(text.as_bytes())
}

struct Graph<'o> {
    /// Address and display name; `None` for an object that was not loaded.
    nodes: BTreeMap<&'o Address, Option<&'o str>>,
    edges: BTreeSet<(&'o Address, &'o Address)>,
}

impl<'o> Graph<'o> {
    fn new(objects: &'o [DesiredObject]) -> Self {
        let mut nodes = BTreeMap::new();
        let mut edges = BTreeSet::new();
        for object in objects {
            let display_name = object.metadata.display_name.as_deref().unwrap_or_default();
            nodes.insert(&object.address, Some(display_name));
            edges.extend(object.links.iter().map(|link| (&object.address, &link.to)));
        }
        for (_, to) in &edges {
            nodes.entry(to).or_insert(None);
        }
        Self { nodes, edges }
    }

    /// The lines of a label.
    fn label(address: &Address, display_name: Option<&str>) -> Vec<String> {
        let mut lines = vec![address.to_string()];
        match display_name {
            None => lines.push("not loaded".to_owned()),
            Some(name) if !name.is_empty() && name != address.name.as_str() => {
                let shown = visible::line(name);
                let (start, left_out) = visible::cut(&shown, LABEL_LIMIT);
                lines.push(if left_out > 0 { format!("{start}…") } else { start.to_owned() });
            }
            Some(_) => {}
        }
        lines
    }

    fn dot(&self) -> String {
        let mut text = "digraph trueup {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
        // Writing to a string cannot fail.
        for (address, name) in &self.nodes {
            let label: Vec<String> = Self::label(address, *name).iter().map(|line| in_dot(line)).collect();
            let label = label.join("\\n");
            let style = if name.is_none() { ", style=dashed" } else { "" };
            let _ = writeln!(text, "  \"{}\" [label=\"{label}\"{style}];", in_dot(&address.to_string()));
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "  \"{}\" -> \"{}\";", in_dot(&from.to_string()), in_dot(&to.to_string()));
        }
        text + "}\n"
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        let numbers: BTreeMap<&Address, usize> =
            self.nodes.keys().enumerate().map(|(n, address)| (*address, n)).collect();
        for ((address, name), n) in self.nodes.iter().zip(0..) {
            let label: Vec<String> = Self::label(address, *name).iter().map(|line| in_mermaid(line)).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  n{n}[\"{}\"]", label.join("<br/>"));
        }
        for (from, to) in &self.edges {
            if let (Some(from), Some(to)) = (numbers.get(from), numbers.get(to)) {
                let _ = writeln!(text, "  n{from} --> n{to}");
            }
        }
        text
    }
}

/// Within double quotes of dot, where a backslash begins an escape and `&` an HTML entity.
fn in_dot(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Within a quoted label of Mermaid, which reads Markdown, HTML and entities of its own there: every sign that is
/// neither a letter nor harmless becomes such an entity.
fn in_mermaid(line: &str) -> String {
    let mut escaped = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '/' | '.' | ',' | '…') {
            escaped.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph<'a>(addresses: &'a [Address], names: &[Option<&'a str>], edges: &[(usize, usize)]) -> Graph<'a> {
        Graph {
            nodes: addresses.iter().zip(names.iter().copied()).collect(),
            edges: edges.iter().map(|(from, to)| (&addresses[*from], &addresses[*to])).collect(),
        }
    }

    #[test]
    fn arrows_lead_to_what_is_referred_to() {
        let addresses = ["Webhook/a", "Destination/b", "System/c"].map(|text| text.parse().expect("an address"));
        let graph = graph(&addresses, &[Some(""), Some("b"), None], &[(0, 1), (0, 2)]);
        let dot = "digraph trueup {\n  rankdir=LR;\n  node [shape=box];\n  \
            \"System/c\" [label=\"System/c\\nnot loaded\", style=dashed];\n  \
            \"Destination/b\" [label=\"Destination/b\"];\n  \
            \"Webhook/a\" [label=\"Webhook/a\"];\n  \
            \"Webhook/a\" -> \"System/c\";\n  \
            \"Webhook/a\" -> \"Destination/b\";\n}\n";
        assert_eq!(graph.dot(), dot);
        let mermaid = "flowchart LR\n  n0[\"System/c<br/>not loaded\"]\n  n1[\"Destination/b\"]\n  \
            n2[\"Webhook/a\"]\n  n2 --> n0\n  n2 --> n1\n";
        assert_eq!(graph.mermaid(), mermaid);
    }

    #[test]
    fn names_cannot_break_out() {
        let addresses = ["System/c".parse().expect("an address")];
        let hostile = "\"]; x -> y\\ <script> &lt; `end`\n%%{init}%% @all \u{202e}";
        let graph = graph(&addresses, &[Some(hostile)], &[]);
        let label = "System/c\\n\\\"]; x -> y\\\\ <script> &amp;lt; `end`\\\\n%%{init}%% @all \\\\u{202e}";
        assert!(graph.dot().contains(&format!("[label=\"{label}\"];\n")), "{}", graph.dot());
        let mermaid = graph.mermaid();
        let label = mermaid.split('"').nth(1).expect("a label").replace("<br/>", "");
        assert!(label.chars().all(|c| c.is_alphanumeric() || " -/.#;".contains(c)), "{label}");
        assert_eq!(mermaid.lines().count(), 2);
        let long = "ü".repeat(100);
        let graph = super::tests::graph(&addresses, &[Some(&long)], &[]);
        assert!(graph.dot().contains(&format!("{}…\"", "ü".repeat(LABEL_LIMIT))));
    }
}
