//! A rule's expression: read, looked at before it is ever run, and run.

use std::collections::BTreeSet;

use cel::parser::{Expression, ParseErrors};
use cel::{Context, Env, Value};

use super::error_text::error_text;
use super::meter;
use super::metered::{copies, metered};
use super::type_of::not_boolean;
use super::walk::Walk;
use crate::base::path::Path;

/// Bytes of a source: a rule that is longer is better written as two.
pub(super) const SOURCE_LENGTH: usize = 1024;
/// Brackets within one another. The parser calls itself for each, in frames of tens of kilobytes.
const NESTING: usize = 32;
/// Operators in a row that the parser calls itself for: `!`, `-`, `?`.
const CHAIN: usize = 64;

/// What is wrong with an expression, and at which byte of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// One sentence, no full stop.
    pub(super) message: String,
    /// What to do.
    pub(super) help: Option<String>,
    /// Byte of the source.
    pub(super) offset: usize,
}

/// What is known of an expression that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The variables it names.
    pub(super) names: BTreeSet<&'static str>,
    /// The field of the object it is about, if that is one.
    pub(super) field: Option<Path>,
}

/// An expression that can be run. Made, run and dropped on a thread with a large stack: all three call themselves for
/// each level of it.
pub(super) struct Compiled {
    source: String,
    expression: Expression,
    copies: u64,
}

/// What one evaluation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// True.
    Holds,
    /// False.
    Broken,
    /// No answer: why.
    Failed(String),
    /// It wanted more than it may spend.
    Spent,
}

/// Reads an expression, and refuses what could not be run.
pub(super) fn compile(env: &Env, source: &str) -> Result<(Compiled, Facts), Problem> {
    bounded(source)?;
    let program = env.compile(source).map_err(|errors| syntax(source, &errors))?;
    let offset_of = |id| program.source_info().offset_for(id).map_or(0, |(start, _)| byte_of_char(source, start));
    let root = program.expression();
    let mut walk = Walk::new(&offset_of);
    walk.visit(root, 0);
    if let Some(problem) = walk.problem {
        return Err(problem);
    }
    if let Some(name) = not_boolean(root) {
        let message = format!("a rule is true or false, and this is {name}");
        let help = "compare it with something, for example by `==`";
        return Err(Problem { message, help: Some(help.to_owned()), offset: 0 });
    }
    let facts = Facts { field: one_field(&walk.paths), names: walk.names };
    let copies = copies(root) as u64;
    let expression = metered(root.clone(), 0);
    Ok((Compiled { source: source.to_owned(), expression, copies }, facts))
}

/// The one field that all paths lie on; `None` where there are several, or it is the object itself.
fn one_field(paths: &BTreeSet<Path>) -> Option<Path> {
    let longest = paths.iter().max_by_key(|path| path.segments().len())?;
    let on_it = paths.iter().all(|path| longest.starts_with(path));
    (on_it && !longest.segments().is_empty()).then(|| longest.clone())
}

/// Refuses what the parser would exhaust its stack on.
fn bounded(source: &str) -> Result<(), Problem> {
    let problem = |message: String, offset| Problem { message, help: None, offset };
    if source.len() > SOURCE_LENGTH {
        let message = format!("the expression has {} bytes, and {SOURCE_LENGTH} are the most", source.len());
        return Err(Problem { help: Some("make two rules of it".to_owned()), ..problem(message, 0) });
    }
    // Brackets in texts are counted too: whoever writes 32 of them in a text can do without.
    let (mut depth, mut chain) = (0usize, 0usize);
    for (offset, character) in source.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '!' | '-' | '?' => chain += 1,
            _ => {}
        }
        if depth > NESTING {
            return Err(problem(format!("brackets stand in one another more than {NESTING} deep"), offset));
        }
        if chain > CHAIN {
            return Err(problem(format!("there are more than {CHAIN} of `!`, `-` and `?`"), offset));
        }
    }
    Ok(())
}

/// The first of the parser's complaints.
fn syntax(source: &str, errors: &ParseErrors) -> Problem {
    let first = errors.errors.first();
    let message = first.map_or("it cannot be read", |error| error.msg.as_str());
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    // The parser lists everything that could stand there: dozens of token names.
    let message = message.split(" expecting ").next().unwrap_or(message).trim().to_owned();
    let (line, column) = first.map_or((1, 1), |error| error.pos);
    let whole = |number: isize| usize::try_from(number).unwrap_or(0).saturating_sub(1);
    let line_start: usize = source.split_inclusive('\n').take(whole(line)).map(str::len).sum();
    let rest = source.get(line_start..).unwrap_or_default();
    let offset = line_start + rest.char_indices().nth(whole(column)).map_or(rest.trim_end().len(), |(at, _)| at);
    Problem { message: format!("this is no expression: {message}"), help: None, offset }
}

fn byte_of_char(source: &str, character: u32) -> usize {
    source.char_indices().nth(character as usize).map_or(source.len(), |(at, _)| at)
}

impl Compiled {
    /// Runs it. [`meter::begin`] has been called on this thread.
    pub(super) fn run(&self, context: &Context<'_, '_>) -> Answer {
        if !meter::pay_for_copies(self.copies) {
            return Answer::Spent;
        }
        let outcome = Value::resolve(&self.expression, context);
        if meter::is_spent() {
            return Answer::Spent;
        }
        match outcome {
            Ok(Value::Bool(true)) => Answer::Holds,
            Ok(Value::Bool(false)) => Answer::Broken,
            Ok(_) => Answer::Failed("it comes to something that is neither true nor false".to_owned()),
            Err(error) => Answer::Failed(error_text(&error, &self.source)),
        }
    }
}
