//! The graph drawn: boxes in columns, curves from what refers to what is referred to, each box a link to its action.

use super::graph::{Graph, Node};
use super::page::{Attribute, Page, class};
use super::{Section, actions, section};
use crate::cli::view::visible;
use crate::plan::plan_value::Plan;

/// Sizes of boxes and of what lies between them, in units of the picture.
const WIDTH: i64 = 184;
const HEIGHT: i64 = 46;
const BETWEEN_COLUMNS: i64 = 66;
const BETWEEN_ROWS: i64 = 16;
const MARGIN: i64 = 12;
/// Characters of a name that fit a box.
const NAME: usize = 20;

pub(super) fn write(page: &mut Page, plan: &Plan) {
    let graph = Graph::of(plan);
    if graph.nodes.is_empty() {
        return;
    }
    let about = Section { anchor: "graph", title: "What refers to what", number: plan.review.links.len() };
    section(page, &about, |page| {
        page.leaf(
            "p",
            &[class("quiet")],
            "The objects that the plan touches, coloured, and their neighbours. Arrows lead to what is referred to.",
        );
        let word = Attribute::Word;
        let region =
            [class("wide"), word("role", "region"), word("tabindex", "0"), word("aria-label", "Graph of references")];
        page.put("div", &region, |page| draw(page, &graph));
        if graph.left_out > 0 {
            page.leaf("p", &[class("quiet")], &format!("{} more objects are not drawn.", graph.left_out));
        }
        page.put("details", &[class("fold")], |page| {
            page.leaf("summary", &[], "The same as a list");
            page.put("ul", &[class("names")], |page| {
                for link in &plan.review.links {
                    page.put("li", &[], |page| page.leaf("code", &[], &format!("{} → {}", link.from, link.to)));
                }
            });
        });
    });
}

fn draw(page: &mut Page, graph: &Graph) {
    let (columns, rows) = graph.size();
    let width = MARGIN * 2 + whole(columns) * (WIDTH + BETWEEN_COLUMNS) - BETWEEN_COLUMNS;
    let height = MARGIN * 2 + whole(rows) * (HEIGHT + BETWEEN_ROWS) - BETWEEN_ROWS;
    let attributes = [
        class("graph"),
        Attribute::Numbers("viewBox", vec![0, 0, width, height]),
        Attribute::Number("width", width),
        Attribute::Number("height", height),
        Attribute::Word("role", "group"),
    ];
    page.put("svg", &attributes, |page| {
        for (from, to) in &graph.edges {
            if let (Some(from), Some(to)) = (graph.nodes.get(*from), graph.nodes.get(*to)) {
                edge(page, place(graph, from, rows), place(graph, to, rows));
            }
        }
        // In the order in which they are read, which is that of the keyboard.
        let mut in_order: Vec<&Node> = graph.nodes.iter().collect();
        in_order.sort_by_key(|node| (node.column, node.row));
        for node in in_order {
            boxed(page, node, place(graph, node, rows));
        }
    });
}

/// The upper left corner of a node's box. Columns are centred.
fn place(graph: &Graph, node: &Node, rows: usize) -> (i64, i64) {
    let row = HEIGHT + BETWEEN_ROWS;
    let spare = whole(rows - graph.height(node.column).min(rows)) * row / 2;
    (MARGIN + whole(node.column) * (WIDTH + BETWEEN_COLUMNS), MARGIN + spare + whole(node.row) * row)
}

fn edge(page: &mut Page, (from_x, from_y): (i64, i64), (to_x, to_y): (i64, i64)) {
    let (x, y) = (from_x + WIDTH, from_y + HEIGHT / 2);
    let (end_x, end_y) = (to_x, to_y + HEIGHT / 2);
    let bend = BETWEEN_COLUMNS / 2;
    let curve = vec![('M', vec![x, y]), ('C', vec![x + bend, y, end_x - 8 - bend, end_y, end_x - 8, end_y])];
    page.void("path", &[class("edge"), Attribute::Path(curve)]);
    let head = vec![
        ('M', vec![end_x - 9, end_y - 5]),
        ('L', vec![end_x, end_y]),
        ('L', vec![end_x - 9, end_y + 5]),
        ('Z', Vec::new()),
    ];
    page.void("path", &[class("head"), Attribute::Path(head)]);
}

fn boxed(page: &mut Page, node: &Node, (x, y): (i64, i64)) {
    let number = Attribute::Number;
    let look = node.action.map_or("kind near", |(_, kind)| actions::tone(kind));
    let name = node.address.name.as_str();
    let (start, left_out) = visible::cut(name, NAME);
    let name = if left_out > 0 { format!("{start}…") } else { start.to_owned() };
    let inside = |page: &mut Page| {
        let said = node.action.map(|(_, kind)| format!(", {kind}")).unwrap_or_default();
        page.leaf("title", &[], &format!("{}{said}", node.address));
        page.void(
            "rect",
            &[number("x", x), number("y", y), number("width", WIDTH), number("height", HEIGHT), number("rx", 8)],
        );
        page.leaf("text", &[class("sort"), number("x", x + 14), number("y", y + 18)], &node.address.kind.to_string());
        page.leaf("text", &[class("name"), number("x", x + 14), number("y", y + 35)], &name);
        if let Some((_, kind)) = node.action {
            let attributes = [class("symbol"), number("x", x + WIDTH - 12), number("y", y + 18)];
            page.leaf("text", &attributes, kind.symbol());
        }
    };
    match node.action {
        Some((n, _)) => page.put("a", &[class(look), Attribute::Numbered("href", "#action-", n)], inside),
        None => page.put("g", &[class(look)], inside),
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX / 1_000)
}
