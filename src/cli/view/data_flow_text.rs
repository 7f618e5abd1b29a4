//! The data flow for people: what newly reaches a host, personal data first and one by one, then what no longer does.

use std::io::{self, Write};

use super::style::{Role, Style, count};
use super::visible;
use crate::kinds::{Address, DataClass};
use crate::plan::data_flow::{DataFlow, FlowChange};

/// Lines of each sign, at most; the rest is counted.
const LINES: usize = 40;
/// Sources named in one line.
const SOURCES: usize = 4;

/// One line: flows of one class to one host by one object.
struct Line<'f> {
    flow: &'f DataFlow,
    sources: Vec<&'f str>,
}

/// Writes it, and nothing where nothing flows.
///
/// # Errors
/// When the writer fails.
pub(super) fn write(out: &mut dyn Write, flows: &[DataFlow], style: Style) -> io::Result<()> {
    let kept = flows.iter().filter(|flow| flow.change == FlowChange::Kept).count();
    if kept == flows.len() {
        // Nothing that a reviewer would have to weigh.
        return Ok(());
    }
    writeln!(out, "{}", style.paint(Role::Strong, "Data that newly reaches a host, or no longer does:"))?;
    for change in [FlowChange::Added, FlowChange::Removed] {
        let lines = lines(flows, change);
        for line in lines.iter().take(LINES) {
            line.write(out, flows, style)?;
        }
        let more: usize = lines.iter().skip(LINES).map(|line| line.sources.len()).sum();
        if more > 0 {
            writeln!(out, "  {} and {more} more (-o json lists all)", sign(change))?;
        }
    }
    if kept > 0 {
        let text = format!("{} by the same objects as before", count(kept, "flow"));
        writeln!(out, "    {}", style.paint(Role::Faint, text))?;
    }
    writeln!(out)
}

/// Personal data one by one; the rest together, by class, host and object. The flows are sorted that way.
fn lines(flows: &[DataFlow], change: FlowChange) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for flow in flows.iter().filter(|flow| flow.change == change) {
        let same = |line: &&mut Line<'_>| {
            let DataFlow { class, source: _, via, host, change: _ } = line.flow;
            flow.class != DataClass::Personal && *class == flow.class && *via == flow.via && *host == flow.host
        };
        match lines.last_mut().filter(same) {
            Some(line) => line.sources.push(&flow.source),
            None => lines.push(Line { flow, sources: vec![&flow.source] }),
        }
    }
    lines
}

impl Line<'_> {
    fn write(&self, out: &mut dyn Write, flows: &[DataFlow], style: Style) -> io::Result<()> {
        let DataFlow { class, source, via, host, change } = self.flow;
        let role = match change {
            FlowChange::Added => Role::Add,
            FlowChange::Removed => Role::Remove,
            FlowChange::Kept => Role::Faint,
        };
        let class_role = if *class == DataClass::Personal { Role::Warning } else { Role::Faint };
        let mut sources = self.sources.iter().take(SOURCES).copied().collect::<Vec<_>>().join(", ");
        if self.sources.len() > SOURCES {
            sources.push_str(&format!(" and {} more", self.sources.len() - SOURCES));
        }
        let already = carrier(flows, host, source, via).filter(|_| *change == FlowChange::Added);
        let already = already.filter(|_| self.sources.len() == 1);
        let already = already.map(|other| style.paint(Role::Faint, format!("  (there already by {other})")));
        writeln!(
            out,
            "  {} {}  {} → {}  via {via}{}",
            style.paint(role, sign(*change)),
            style.paint(class_role, format!("{:<9}", class.as_str())),
            visible::line(&sources),
            style.paint(Role::Strong, visible::line(host)),
            already.unwrap_or_default(),
        )
    }
}

/// Another object that brings the same to the same host, before and after.
fn carrier<'f>(flows: &'f [DataFlow], host: &str, source: &str, via: &Address) -> Option<&'f Address> {
    // A run's variables are those of its workflow: only an event's properties are the same elsewhere.
    let same = |flow: &&DataFlow| {
        flow.change == FlowChange::Kept
            && flow.host == host
            && flow.source == source
            && flow.via != *via
            && flow.via.kind == via.kind
            && source.contains('.')
    };
    flows.iter().find(same).map(|flow| &flow.via)
}

fn sign(change: FlowChange) -> &'static str {
    match change {
        FlowChange::Added => "+",
        FlowChange::Removed => "-",
        FlowChange::Kept => " ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(class: DataClass, source: &str, via: &str, host: &str, change: FlowChange) -> DataFlow {
        DataFlow { class, source: source.into(), via: via.parse().expect("an address"), host: host.into(), change }
    }

    fn written(flows: &mut [DataFlow]) -> String {
        flows.sort_by(|a, b| a.rank().cmp(&b.rank()));
        let mut out = Vec::new();
        write(&mut out, flows, Style::PLAIN).expect("a writer");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn new_personal_data_comes_first() {
        use DataClass::{Content, Personal, Technical};
        use FlowChange::{Added, Kept, Removed};
        let slack = "hooks.slack.test";
        let mut flows = [
            flow(Technical, "e.os", "Webhook/a", slack, Added),
            flow(Technical, "e.browser", "Webhook/a", slack, Added),
            flow(Content, "e.itemName", "Webhook/a", slack, Removed),
            flow(Personal, "e.answer", "Webhook/a", slack, Added),
            flow(Personal, "e.city", "Webhook/a", slack, Added),
            flow(Personal, "e.city", "Webhook/b", slack, Kept),
            flow(Personal, "email", "Workflow/w", "shop\u{202e}.test", Removed),
        ];
        assert_eq!(
            written(&mut flows),
            "Data that newly reaches a host, or no longer does:\n\
             \x20 + personal   e.answer → hooks.slack.test  via Webhook/a\n\
             \x20 + personal   e.city → hooks.slack.test  via Webhook/a  (there already by Webhook/b)\n\
             \x20 + technical  e.browser, e.os → hooks.slack.test  via Webhook/a\n\
             \x20 - personal   email → shop\\u{202e}.test  via Workflow/w\n\
             \x20 - content    e.itemName → hooks.slack.test  via Webhook/a\n\
             \x20   1 flow by the same objects as before\n\n"
        );
    }

    #[test]
    fn what_stays_alone_is_not_told() {
        let mut flows = [flow(DataClass::Personal, "e.city", "Webhook/b", "a.test", FlowChange::Kept)];
        assert_eq!(written(&mut flows), "");
        assert_eq!(written(&mut []), "");
    }

    #[test]
    fn many_lines_are_cut_and_counted() {
        let mut flows: Vec<DataFlow> = (0..100)
            .map(|n| flow(DataClass::Personal, &format!("e.p{n:03}"), "Webhook/a", "a.test", FlowChange::Added))
            .collect();
        let text = written(&mut flows);
        assert_eq!(text.lines().count(), LINES + 3, "{text}");
        assert!(text.contains("  + and 60 more (-o json lists all)\n"), "{text}");
    }
}
