//! Where the objects around a plan stand in a picture: in columns, what refers left of what is referred to, and in each
//! column near what they are joined to.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::Address;
use crate::object::action::ActionKind;
use crate::plan::plan_value::Plan;

/// The most objects that are drawn: more than can be told apart.
pub(super) const NODES: usize = 80;
/// Rounds in which the columns are put in order.
const ROUNDS: usize = 6;

/// One object in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// The object.
    pub(super) address: Address,
    /// What is done to it first, and the action's number in the plan; `None` for one that is only nearby.
    pub(super) action: Option<(usize, ActionKind)>,
    /// The column, from the left.
    pub(super) column: usize,
    /// The place in the column, from the top.
    pub(super) row: usize,
}

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Graph {
    /// By address.
    pub(super) nodes: Vec<Node>,
    /// From what refers to what is referred to, by their place in `nodes`.
    pub(super) edges: Vec<(usize, usize)>,
    /// Objects that found no place.
    pub(super) left_out: usize,
}

impl Graph {
    /// Lays out what a plan touches and what is near it. An object that is joined to nothing is not in the picture.
    pub(super) fn of(plan: &Plan) -> Self {
        let links = &plan.review.links;
        let mut actions: BTreeMap<&Address, (usize, ActionKind)> = BTreeMap::new();
        for (n, action) in plan.actions.iter().enumerate() {
            actions.entry(&action.address).or_insert((n, action.action));
        }
        let joined: BTreeSet<&Address> =
            links.iter().filter(|link| link.from != link.to).flat_map(|link| [&link.from, &link.to]).collect();
        let mut chosen: Vec<&Address> = joined.into_iter().collect();
        // What the plan touches goes before what is only nearby.
        chosen.sort_by_key(|address| (!actions.contains_key(address), *address));
        let left_out = chosen.len().saturating_sub(NODES);
        chosen.truncate(NODES);
        chosen.sort();
        let place: BTreeMap<&Address, usize> = chosen.iter().enumerate().map(|(n, address)| (*address, n)).collect();
        let ends = links.iter().filter_map(|link| Some((*place.get(&link.from)?, *place.get(&link.to)?)));
        let edges: BTreeSet<(usize, usize)> = ends.filter(|(from, to)| from != to).collect();
        let edges: Vec<(usize, usize)> = edges.into_iter().collect();
        let columns = columns(chosen.len(), &edges);
        let rows = rows(&columns, &edges);
        let nodes = chosen.iter().zip(columns.iter().zip(rows)).map(|(address, (column, row))| Node {
            address: (*address).clone(),
            action: actions.get(address).copied(),
            column: *column,
            row,
        });
        Self { nodes: nodes.collect(), edges, left_out }
    }

    /// How many columns there are, and how many rows the longest has.
    pub(super) fn size(&self) -> (usize, usize) {
        let columns = self.nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
        let rows = self.nodes.iter().map(|node| node.row + 1).max().unwrap_or(0);
        (columns, rows)
    }

    /// The rows of a column.
    pub(super) fn height(&self, column: usize) -> usize {
        self.nodes.iter().filter(|node| node.column == column).count()
    }
}

/// Each node right of all that refer to it, and what nothing refers to right before the first that it refers to.
///
/// Kinds refer to kinds without a cycle. A plan file may say otherwise: then as many rounds as nodes end it.
fn columns(number: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut column = vec![0_usize; number];
    for _ in 0..number {
        let mut moved = false;
        for (from, to) in edges {
            let least = column.get(*from).map_or(0, |from| from + 1).min(number - 1);
            if let Some(place) = column.get_mut(*to).filter(|place| **place < least) {
                *place = least;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let referred: BTreeSet<usize> = edges.iter().map(|(_, to)| *to).collect();
    for node in (0..number).filter(|node| !referred.contains(node)) {
        let targets = edges.iter().filter(|(from, _)| *from == node).filter_map(|(_, to)| column.get(*to));
        let nearest = targets.min().map(|nearest| nearest.saturating_sub(1));
        if let (Some(place), Some(nearest)) = (column.get_mut(node), nearest) {
            *place = nearest;
        }
    }
    // A cycle may leave columns empty.
    let used: BTreeSet<usize> = column.iter().copied().collect();
    let rank: BTreeMap<usize, usize> = used.into_iter().enumerate().map(|(rank, column)| (column, rank)).collect();
    column.iter().map(|place| rank.get(place).copied().unwrap_or_default()).collect()
}

/// Places within the columns: each node near the middle of those it is joined to, going right and left in turn.
fn rows(columns: &[usize], edges: &[(usize, usize)]) -> Vec<usize> {
    let last = columns.iter().copied().max().unwrap_or(0);
    let mut orders: Vec<Vec<usize>> = (0..=last)
        .map(|column| (0..columns.len()).filter(|node| columns.get(*node) == Some(&column)).collect())
        .collect();
    let mut row = vec![0_usize; columns.len()];
    settle(&orders, &mut row);
    for round in 0..ROUNDS {
        let going_right = round % 2 == 0;
        let mut turn: Vec<usize> = (0..orders.len()).collect();
        if !going_right {
            turn.reverse();
        }
        for column in turn {
            let Some(order) = orders.get_mut(column) else { continue };
            order.sort_by_cached_key(|node| {
                let neighbours = edges.iter().filter_map(|(from, to)| {
                    if going_right { (to == node).then_some(*from) } else { (from == node).then_some(*to) }
                });
                let places: Vec<usize> = neighbours.filter_map(|neighbour| row.get(neighbour).copied()).collect();
                let own = row.get(*node).copied().unwrap_or_default();
                // In thousandths, so that what compares is whole.
                let middle = (places.iter().sum::<usize>() * 1_000).checked_div(places.len());
                (middle.unwrap_or(own * 1_000), own)
            });
            settle(&orders, &mut row);
        }
    }
    row
}

fn settle(orders: &[Vec<usize>], row: &mut [usize]) {
    for order in orders {
        for (place, node) in order.iter().enumerate() {
            if let Some(row) = row.get_mut(*node) {
                *row = place;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::reason::Reason;
    use crate::plan::review::PlanLink;
    use crate::plan::sample::{action, address, counted, empty};

    fn plan(links: &[(&str, &str)], touched: &[&str]) -> Plan {
        let mut plan = empty();
        let update = |at: &&str| action(ActionKind::Update, at, Reason::ManifestChanged, Vec::new());
        plan.actions = touched.iter().map(update).collect();
        plan.review.links = links.iter().map(|(from, to)| PlanLink { from: address(from), to: address(to) }).collect();
        counted(plan, 0)
    }

    fn columns_of(graph: &Graph) -> BTreeMap<String, usize> {
        graph.nodes.iter().map(|node| (node.address.to_string(), node.column)).collect()
    }

    #[test]
    fn what_refers_stands_left_of_what_is_referred_to() {
        let links = [("Webhook/w", "Destination/d"), ("Webhook/w", "System/s"), ("EventType/e", "System/s")];
        let graph = Graph::of(&plan(&links, &["Webhook/w"]));
        let columns = columns_of(&graph);
        assert_eq!((columns["Webhook/w"], columns["Destination/d"], columns["System/s"]), (0, 1, 1));
        assert_eq!(graph.edges.len(), 3);
        let node = graph.nodes.iter().find(|node| node.address == address("Webhook/w"));
        assert_eq!(node.and_then(|node| node.action), Some((0, ActionKind::Update)));
    }

    #[test]
    fn a_cycle_and_too_many_objects_are_drawn_all_the_same() {
        let cycle = Graph::of(&plan(&[("Webhook/a", "Webhook/b"), ("Webhook/b", "Webhook/a")], &["Webhook/a"]));
        assert_eq!((cycle.nodes.len(), cycle.edges.len()), (2, 2));
        let names: Vec<String> = (0..200).map(|n| format!("Webhook/w{n}")).collect();
        let links: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "System/s")).collect();
        let many = Graph::of(&plan(&links, &["System/s", "Webhook/w199"]));
        assert_eq!((many.nodes.len(), many.left_out), (NODES, 121));
        assert!(many.nodes.iter().filter(|node| node.action.is_some()).count() == 2);
        // No two stand in one place.
        let places: BTreeSet<(usize, usize)> = many.nodes.iter().map(|node| (node.column, node.row)).collect();
        assert_eq!(places.len(), NODES);
        assert_eq!(Graph::of(&empty()), Graph::default());
    }
}
