//! What can be written, what is refused before it is run, and what becomes of rules that want too much.

use std::time::Duration;

use serde_json::{Value, json};

use super::cage::{Cage, Job, Limits, Verdict};
use super::expression::{Facts, Problem};
use super::meter::environment;
use super::walk::FUNCTIONS;

pub(super) fn limits(steps: u64) -> Limits {
    Limits { steps, time: Duration::from_mins(1) }
}

fn read(source: &str) -> Result<Facts, Problem> {
    let (_, mut facts) = Cage::new(vec![source.to_owned()], limits(1));
    facts.remove(0)
}

pub(super) fn run_with(source: &str, object: &Value, limits: Limits) -> Verdict {
    let (mut cage, facts) = Cage::new(vec![source.to_owned()], limits);
    assert!(facts[0].is_ok(), "{source}: {facts:?}");
    let variables = vec![("object", object.clone()), ("target", json!("local")), ("flow", json!([]))];
    let mut verdicts = cage.run(vec![Job { rules: vec![0], variables }]);
    verdicts.remove(0).remove(0)
}

fn run(source: &str, object: &Value) -> Verdict {
    run_with(source, object, Limits::default())
}

fn destination() -> Value {
    json!({
        "kind": "Destination",
        "metadata": { "name": "chat", "labels": { "team": "red" } },
        "spec": {
            "url": "https://chat.acme.test/x", "timeoutSeconds": 10, "rate": 1.5, "auth": { "type": "none" },
            "headers": { "X-A": "1" }, "list": [1, 2, 3],
        }
    })
}

#[test]
fn rules_are_true_or_false_or_have_no_answer() {
    let object = destination();
    for source in [
        "object.spec.url.startsWith('https://')",
        "object.spec.timeoutSeconds + 1 == 11",
        "object.spec.rate < 2.0 && object.spec.timeoutSeconds <= 10",
        "object.spec.list.all(x, x > 0) && object.spec.list.map(x, x * 2) == [2, 4, 6]",
        "object.spec.list.filter(x, x > 1).size() == 2 && object.spec.list.exists_one(x, x == 3)",
        "'team' in object.metadata.labels && has(object.metadata.labels.team)",
        "!has(object.spec.signing)",
        "object.metadata.name.matches('^[a-z-]+$') && target == 'local'",
        "object.spec.headers.all(name, name.startsWith('X-'))",
        "flow.all(f, f.class != 'personal')",
        "object.spec.list.exists(x, object.spec.list.exists(y, x + y == 6))",
    ] {
        assert_eq!(run(source, &object), Verdict::Holds, "{source}");
        assert_eq!(run(&format!("!({source})"), &object), Verdict::Broken, "{source}");
    }
    let failed = |source: &str| match run(source, &object) {
        Verdict::Failed(why) => why,
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(failed("object.spec.signing.secret == 'x'"), "there is no `signing`: ask `has(…)` first");
    assert_eq!(failed("object.spec.timeoutSeconds / 0 == 1"), "it divides by zero");
    assert_eq!(failed("object.spec.url"), "it comes to something that is neither true nor false");
    assert_eq!(failed("object.spec.list[7] == 1"), "a list is shorter than the index asks");
    assert!(failed("object.spec.url > 1").contains("string and int"), "{}", failed("object.spec.url > 1"));
}

/// An error speaks of types and of what the rule says, never of what an object holds.
#[test]
fn no_error_repeats_a_value() {
    let object = json!({ "spec": { "who": "kim@acme.test", "n": 77, "list": ["kim@acme.test"], "map": { "a": 1 } } });
    for source in [
        "object.spec.who > object.spec.n",
        "object.spec.who + object.spec.n == 1",
        "object.spec.map[object.spec.who] == 1",
        "object.spec.list[object.spec.n] == 'a'",
        "int(object.spec.who) == 1",
        "object.spec.n / 0 == 1",
        "object.spec.who.matches('(' + object.spec.who)",
        "object.spec.list in object.spec.n",
        "{object.spec.list: 1} == {}",
        "object.spec.n.startsWith(object.spec.who)",
        "object.spec.list.all(x, x.y == 1)",
        "9223372036854775807 + object.spec.n == 1",
        "object.spec.who ? true : false",
        "object.spec.who",
    ] {
        match run(source, &object) {
            Verdict::Failed(why) => assert!(!why.contains("kim") && !why.contains("77"), "{source}: {why}"),
            other => panic!("{source}: {other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_run_is_told_with_its_place() {
    let long = format!("'{}' == object.kind", "x".repeat(1_024));
    for (source, message, help, at) in [
        ("object.spec.url ==", "this is no expression", None, 18),
        ("objekt.spec.url == 'x'", "there is no `objekt` here", Some("did you mean `object`?"), 0),
        ("true || banana", "there is no `banana` here", Some("a rule sees object, before, action, target, flow"), 8),
        ("object.kind.startWith('a')", "there is no function `startWith`", Some("did you mean `startsWith`?"), 0),
        ("object.spec.list.all(x)", "`all` is written `list.all(x, …)`", None, 0),
        ("'a' + object.kind", "a rule is true or false, and this is a number, text or list", None, 0),
        ("[1, 2].map(x, x)", "a rule is true or false, and this is a list", None, 0),
        ("true ? 'yes' : 'no'", "a rule is true or false, and this is a text", None, 0),
        ("[1].all(a, [1].all(b, [1].all(c, true)))", "at most 2 deep", Some("make two rules of it"), 0),
        ("object.kind.matches('(a')", "the pattern cannot be compiled", None, 0),
        ("object.kind.matches('((a{99}){99}){99}')", "the pattern cannot be compiled", None, 0),
        (&long, "1024 are the most", Some("make two rules of it"), 0),
        (&"(".repeat(200), "brackets stand in one another more than 32 deep", None, 32),
    ] {
        let problem = read(source).expect_err(source);
        assert!(problem.message.contains(message), "{source}: {problem:?}");
        if let Some(help) = help {
            assert_eq!(problem.help.as_deref(), Some(help), "{source}");
        }
        if at > 0 {
            assert_eq!(problem.offset, at, "{source}: {problem:?}");
        }
    }
}

#[test]
fn a_rule_about_one_field_is_known_to_be() {
    let field = |source: &str| read(source).expect(source).field.map(|path| path.to_string());
    assert_eq!(field("object.spec.url.startsWith('a')").as_deref(), Some("spec.url"));
    assert_eq!(field("has(object.spec.auth) && object.spec.auth.type == 'none'").as_deref(), Some("spec.auth.type"));
    assert_eq!(field("object.spec.headers['X-A'] == '1'").as_deref(), Some("spec.headers.X-A"));
    assert_eq!(field("object.spec.url == object.kind"), None);
    assert_eq!(field("action != 'delete'"), None);
    let names = read("before == null || action == 'create' || flow.all(object, object.host == target)");
    let names: Vec<&str> = names.expect("a rule").names.into_iter().collect();
    assert_eq!(names, ["action", "before", "flow", "target"], "what a comprehension binds is not the variable");
}

/// What an evaluation takes is counted, also where it is lists of lists that grow.
#[test]
fn rules_that_want_too_much_are_given_up_on_soon() {
    let list: Vec<u32> = (0..2_000).collect();
    let object = json!({ "spec": { "list": list } });
    let starts = std::time::Instant::now();
    for source in [
        "object.spec.list.all(x, object.spec.list.all(y, x + y >= 0))",
        "object.spec.list.map(x, object.spec.list).size() > 0",
        "object.spec.list.map(x, object.spec.list.map(y, object.spec.list)).size() > 0",
        "[object.spec.list.map(y, y)].map(l, object.spec.list.map(z, l)).size() > 0",
        "object.spec.list.exists(x, (object.spec.list + object.spec.list + object.spec.list).size() < x)",
        // An error beside `false &&`, or in `exists`, is passed over by CEL; what is spent is not.
        "object.spec.list.exists(x, object.spec.list.all(y, y > 5)) || true",
        "false && true || object.spec.list.all(x, object.spec.list.all(y, x + y >= 0)) || true",
    ] {
        match run(source, &object) {
            Verdict::Failed(why) => assert!(why.starts_with("it takes too long"), "{source}: {why}"),
            other => panic!("{source}: {other:?}"),
        }
    }
    assert!(starts.elapsed() < Duration::from_secs(30), "{:?}", starts.elapsed());
    // What goes over a long list once, or keeps a part of it, is well within.
    let members: Vec<String> = (0..25_000).map(|n| format!("user{n}@acme.test")).collect();
    let object = json!({ "spec": { "members": members } });
    for source in [
        "object.spec.members.all(m, m.endsWith('@acme.test'))",
        "object.spec.members.filter(m, m.endsWith('@acme.test')).size() == 25000",
        "object.spec.members.map(m, m.size()).exists(n, n > 10)",
    ] {
        assert_eq!(run(source, &object), Verdict::Holds, "{source}");
    }
}

/// A rule that is given up on costs its time once, and says so once.
#[test]
fn a_rule_that_was_given_up_on_is_not_run_again() {
    let object = json!({ "spec": { "list": [1, 2, 3] } });
    let job = || Job { rules: vec![0, 1], variables: vec![("object", object.clone())] };
    let sources = vec!["object.spec.list.all(x, x > 0)".to_owned(), "object.spec.list.size() == 3".to_owned()];
    let (mut cage, _) = Cage::new(sources, limits(2));
    let verdicts = cage.run(vec![job(), job()]);
    assert!(matches!(verdicts[0].as_slice(), [Verdict::Failed(_), Verdict::Holds]), "{verdicts:?}");
    assert!(matches!(verdicts[1].as_slice(), [Verdict::NotRun, Verdict::Holds]), "{verdicts:?}");
    assert!(matches!(cage.run(vec![job()])[0].as_slice(), [Verdict::NotRun, Verdict::Holds]));
}

/// The deadline stops what a count of steps would let go on, and the thread lives on.
#[test]
fn what_takes_too_long_is_told_to_stop() {
    let list: Vec<u32> = (0..3_000).collect();
    let object = json!({ "spec": { "list": list } });
    let endless = "object.spec.list.all(x, object.spec.list.all(y, x + y >= 0))".to_owned();
    let limits = Limits { steps: u64::MAX, time: Duration::from_millis(20) };
    let (mut cage, _) = Cage::new(vec![endless, "object.spec.list.size() == 3000".to_owned()], limits);
    let job = || Job { rules: vec![0, 1], variables: vec![("object", object.clone())] };
    let verdicts = cage.run(vec![job(), job()]);
    assert!(matches!(&verdicts[0][0], Verdict::Failed(why) if why.starts_with("it takes too long")), "{verdicts:?}");
    assert_eq!(verdicts[1][0], Verdict::NotRun);
}

#[test]
fn every_function_that_is_offered_is_there() {
    let env = environment();
    for name in FUNCTIONS {
        let source = format!("{name}(1) == 1 || 'a'.{name}('a') || {name}('a', 'a')");
        let program = env.compile(&source).expect(name);
        let context = cel::Context::with_env(std::sync::Arc::new(environment()));
        if let Err(error) = program.execute(&context) {
            assert!(!error.to_string().contains("Undeclared"), "{name}: {error}");
        }
    }
}
