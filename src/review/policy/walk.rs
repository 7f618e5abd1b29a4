//! What an expression names: variables, functions, and fields of the object it looks at.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::expression::Problem;
use super::meter::{DEPTH, compiled};
use crate::base::diagnostic::nearest;
use crate::base::path::{Path, Segment};

/// What a rule may name.
pub(super) const VARIABLES: &[&str] = &["object", "before", "action", "target", "flow"];
/// Functions of CEL, its macros apart.
pub(super) const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];
/// What the parser takes apart itself, with how each is written.
const MACROS: &[(&str, &str)] = &[
    ("all", "list.all(x, …)"),
    ("exists", "list.exists(x, …)"),
    ("exists_one", "list.exists_one(x, …)"),
    ("existsOne", "list.existsOne(x, …)"),
    ("filter", "list.filter(x, …)"),
    ("has", "has(object.spec.field)"),
    ("map", "list.map(x, …)"),
];
/// Types, which `type(x) == string` compares with.
const TYPES: &[&str] = &["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// What was found in an expression.
pub(super) struct Walk<'e> {
    /// Offset of a node in the source.
    offset_of: &'e dyn Fn(u64) -> usize,
    bound: Vec<&'e str>,
    /// The variables it names.
    pub(super) names: BTreeSet<&'static str>,
    /// The fields of the object that it names.
    pub(super) paths: BTreeSet<Path>,
    /// The first thing that is wrong.
    pub(super) problem: Option<Problem>,
}

impl<'e> Walk<'e> {
    pub(super) fn new(offset_of: &'e dyn Fn(u64) -> usize) -> Self {
        Self { offset_of, bound: Vec::new(), names: BTreeSet::new(), paths: BTreeSet::new(), problem: None }
    }

    fn wrong(&mut self, at: &Expression, message: String, help: Option<String>) {
        let offset = (self.offset_of)(at.id);
        self.problem.get_or_insert(Problem { message, help, offset });
    }

    /// Looks at an expression that stands in `depth` comprehensions.
    pub(super) fn visit(&mut self, at: &'e Expression, depth: usize) {
        if let Some((root, path)) = field(at)
            && !self.bound.contains(&root)
            && root == "object"
        {
            self.names.insert("object");
            self.paths.insert(path);
            return;
        }
        match &at.expr {
            Expr::Unspecified => self.wrong(at, "something is missing here".to_owned(), None),
            Expr::Literal(_) => {}
            Expr::Ident(name) => self.ident(at, name),
            Expr::Select(select) => self.visit(&select.operand, depth),
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element, depth)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.visit(&entry.key, depth);
                        self.visit(&entry.value, depth);
                    }
                }
            }
            Expr::Struct(_) => self.wrong(at, "a rule makes no messages".to_owned(), None),
            Expr::Call(call) => {
                self.function(at, &call.func_name, call.args.last());
                call.target.iter().for_each(|target| self.visit(target, depth));
                call.args.iter().for_each(|argument| self.visit(argument, depth));
            }
            Expr::Comprehension(comprehension) => {
                self.visit(&comprehension.iter_range, depth);
                if depth >= DEPTH {
                    let message =
                        format!("`all`, `exists`, `filter` and `map` stand in one another at most {DEPTH} deep");
                    self.wrong(at, message, Some("make two rules of it".to_owned()));
                    return;
                }
                let bound = self.bound.len();
                self.bound.push(&comprehension.iter_var);
                self.bound.extend(comprehension.iter_var2.as_deref());
                self.bound.push(&comprehension.accu_var);
                self.visit(&comprehension.accu_init, depth + 1);
                self.visit(&comprehension.loop_cond, depth + 1);
                self.visit(&comprehension.loop_step, depth + 1);
                self.visit(&comprehension.result, depth + 1);
                self.bound.truncate(bound);
            }
        }
    }

    fn ident(&mut self, at: &'e Expression, name: &'e str) {
        if self.bound.contains(&name) || TYPES.contains(&name) {
            return;
        }
        if let Some(known) = VARIABLES.iter().find(|known| **known == name) {
            self.names.insert(known);
            return;
        }
        let candidates =
            VARIABLES.iter().copied().chain(self.bound.iter().copied().filter(|name| !name.starts_with('@')));
        let help = match nearest(name, candidates) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a rule sees {}", VARIABLES.join(", ")),
        };
        self.wrong(at, format!("there is no `{name}` here"), Some(help));
    }

    fn function(&mut self, at: &'e Expression, name: &'e str, last: Option<&'e Expression>) {
        let is_operator = name.contains('_') && !name.chars().any(char::is_alphanumeric) || name.starts_with('@');
        if is_operator || name == operators::INDEX || name == operators::CONDITIONAL {
            return;
        }
        if let Some((_, form)) = MACROS.iter().find(|(known, _)| *known == name) {
            self.wrong(at, format!("`{name}` is written `{form}`"), None);
        } else if !FUNCTIONS.contains(&name) {
            let known = FUNCTIONS.iter().copied().chain(MACROS.iter().map(|(name, _)| *name));
            let help = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("functions are {}", FUNCTIONS.join(", ")),
            };
            self.wrong(at, format!("there is no function `{name}`"), Some(help));
        } else if name == "matches"
            && let Some(Expr::Literal(LiteralValue::String(pattern))) = last.map(|last| &last.expr)
            && compiled(pattern.inner()).is_none()
        {
            let help = "a linear-time regular expression: no look-around, no back-references, no huge repetitions";
            self.wrong(at, "the pattern cannot be compiled".to_owned(), Some(help.to_owned()));
        }
    }
}

/// `object.spec.headers["X-Key"]` as root and path; `None` where it is anything else.
fn field(at: &Expression) -> Option<(&str, Path)> {
    let mut segments = Vec::new();
    let mut at = at;
    loop {
        match &at.expr {
            Expr::Ident(root) => {
                segments.reverse();
                return Some((root, segments.into_iter().collect()));
            }
            Expr::Select(select) => {
                segments.push(Segment::Key(select.field.as_str().into()));
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [operand, index] = call.args.as_slice() else { return None };
                segments.push(match &index.expr {
                    Expr::Literal(LiteralValue::String(key)) => Segment::Key(key.inner().into()),
                    Expr::Literal(LiteralValue::Int(index)) => Segment::Index(usize::try_from(*index.inner()).ok()?),
                    _ => return None,
                });
                at = operand;
            }
            _ => return None,
        }
    }
}
