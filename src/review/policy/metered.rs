//! Puts the meter into an expression: what is read is what is run, with a call of [`CHARGE`] around every list that a
//! comprehension goes over, and the metered `matches`.

use std::collections::BTreeSet;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr,
    SelectExpr, StructFieldExpr, operators,
};
use cel::parser::Expression;

use super::meter::{CHARGE, MATCHES};

/// The expression with its meter. `depth` is the number of comprehensions it stands in.
pub(super) fn metered(expression: Expression, depth: usize) -> Expression {
    let Expression { id, expr } = expression;
    let within = |expression| metered(expression, depth);
    let boxed = |expression: Box<Expression>| Box::new(metered(*expression, depth));
    let expr = match expr {
        Expr::Call(CallExpr { func_name, target, args }) => {
            let (target, mut args): (Option<Box<Expression>>, Vec<Expression>) =
                (target.map(boxed), args.into_iter().map(within).collect());
            if func_name == "matches" {
                args.splice(0..0, target.map(|target| *target));
                Expr::Call(CallExpr { func_name: MATCHES.to_owned(), target: None, args })
            } else {
                Expr::Call(CallExpr { func_name, target, args })
            }
        }
        Expr::Comprehension(comprehension) => {
            let copies = copies_of_each(&comprehension);
            let ComprehensionExpr {
                iter_range,
                iter_var,
                iter_var2,
                accu_var,
                accu_init,
                loop_cond,
                loop_step,
                result,
            } = *comprehension;
            Expr::Comprehension(Box::new(ComprehensionExpr {
                iter_range: charged(within(iter_range), copies, depth),
                iter_var,
                iter_var2,
                accu_var,
                accu_init,
                loop_cond,
                loop_step: metered(loop_step, depth + 1),
                result,
            }))
        }
        Expr::List(ListExpr { elements, optional_indices }) => {
            Expr::List(ListExpr { elements: elements.into_iter().map(within).collect(), optional_indices })
        }
        Expr::Map(MapExpr { entries }) => {
            let entry = |IdedEntryExpr { id, expr }| {
                let expr = match expr {
                    EntryExpr::MapEntry(MapEntryExpr { key, value, optional }) => {
                        EntryExpr::MapEntry(MapEntryExpr { key: within(key), value: within(value), optional })
                    }
                    EntryExpr::StructField(StructFieldExpr { field, value, optional }) => {
                        EntryExpr::StructField(StructFieldExpr { field, value: within(value), optional })
                    }
                };
                IdedEntryExpr { id, expr }
            };
            Expr::Map(MapExpr { entries: entries.into_iter().map(entry).collect() })
        }
        Expr::Select(SelectExpr { operand, field, test }) => {
            Expr::Select(SelectExpr { operand: boxed(operand), field, test })
        }
        // Messages are refused before, and the others hold nothing.
        expr @ (Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified) => expr,
    };
    Expression { id, expr }
}

fn charged(range: Expression, copies: usize, depth: usize) -> Expression {
    let id = range.id;
    let number = |number: usize| {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Expression { id, expr: Expr::Literal(LiteralValue::Int(number.into())) }
    };
    let args = vec![range, number(copies), number(depth)];
    Expression { id, expr: Expr::Call(CallExpr { func_name: CHARGE.to_owned(), target: None, args }) }
}

/// How often everything known may be copied for one element.
fn copies_of_each(comprehension: &ComprehensionExpr) -> usize {
    if !matches!(comprehension.accu_init.expr, Expr::List(_)) {
        return copies(&comprehension.loop_step);
    }
    // `map` and `filter` keep what they make. Where that is of the element alone, all of it together is no more than
    // what is gone over, which is paid for anyway.
    let step = &comprehension.loop_step;
    let (condition, appended) = match &step.expr {
        Expr::Call(call) if call.func_name == operators::CONDITIONAL => (call.args.first(), call.args.get(1)),
        _ => (None, Some(step)),
    };
    let made = appended.and_then(|appended| match &appended.expr {
        Expr::Call(call) => match call.args.get(1).map(|list| &list.expr) {
            Some(Expr::List(list)) => list.elements.first(),
            _ => None,
        },
        _ => None,
    });
    let Some(made) = made else { return copies(step) + 1 };
    let mut names = BTreeSet::new();
    named(made, &mut names);
    let of_element = names.iter().all(|name| *name == comprehension.iter_var) && copies(made) == 0;
    condition.map_or(0, copies) + copies(made) + usize::from(!of_element)
}

/// Places of an expression that put values together: elements of lists and maps, and sums.
pub(super) fn copies(expression: &Expression) -> usize {
    match &expression.expr {
        Expr::Call(call) => {
            let of_number =
                call.args.iter().any(|argument| matches!(argument.expr, Expr::Literal(LiteralValue::Int(_))));
            let own = usize::from(call.func_name == operators::ADD && !of_number);
            own + call.target.iter().map(|target| copies(target)).sum::<usize>()
                + call.args.iter().map(copies).sum::<usize>()
        }
        Expr::Comprehension(comprehension) => {
            // A list that grows by one element costs what its comprehension says, not a copy of everything.
            copies(&comprehension.iter_range) + copies_of_each(comprehension)
        }
        Expr::List(list) => list.elements.iter().map(element_copies).sum(),
        Expr::Map(map) => map
            .entries
            .iter()
            .map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => element_copies(&entry.key) + element_copies(&entry.value),
                EntryExpr::StructField(field) => element_copies(&field.value),
            })
            .sum(),
        Expr::Select(select) => copies(&select.operand),
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

fn element_copies(element: &Expression) -> usize {
    if matches!(element.expr, Expr::Literal(_)) { 0 } else { 1 + copies(element) }
}

/// Names of variables, those of comprehensions within included.
fn named<'e>(expression: &'e Expression, names: &mut BTreeSet<&'e str>) {
    match &expression.expr {
        Expr::Ident(name) => {
            names.insert(name);
        }
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).for_each(|at| named(at, names)),
        Expr::Select(select) => named(&select.operand, names),
        Expr::List(list) => list.elements.iter().for_each(|element| named(element, names)),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    named(&entry.key, names);
                    named(&entry.value, names);
                }
            }
        }
        Expr::Comprehension(comprehension) => {
            // Anything that is named in it is enough to be careful.
            names.insert(&comprehension.accu_var);
        }
        Expr::Struct(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}
