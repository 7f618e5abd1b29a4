//! Sources that nobody would write: none panics, hangs, or takes more stack than there is.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::cage::{Cage, Job, Limits, Verdict};
use super::tests::limits;

/// Reads a source and, if it can be, runs it. Whatever happens is in order, as long as it ends.
fn survives(source: &str) {
    let starts = Instant::now();
    let object =
        json!({ "spec": { "url": "https://a.test", "n": 3, "list": [1, 2, 3], "map": { "a": { "b": [1] } } } });
    let (mut cage, facts) = Cage::new(vec![source.to_owned()], limits(20_000));
    assert_eq!(facts.len(), 1);
    if let Err(problem) = &facts[0] {
        assert!(problem.offset <= source.len() && !problem.message.is_empty(), "{source:?}: {problem:?}");
        assert!(!problem.message.contains("failed on it"), "{source:?}: {problem:?}");
    } else {
        let names = ["object", "before", "action", "target", "flow"];
        let variables = names.iter().map(|name| (*name, object.clone())).collect();
        let verdicts = cage.run(vec![Job { rules: vec![0], variables }]);
        assert_ne!(verdicts, [vec![Verdict::Failed("the evaluator failed on it".to_owned())]], "{source:?}");
    }
    assert!(starts.elapsed() < Duration::from_secs(30), "{source:?} took {:?}", starts.elapsed());
}

/// Patterns that make parsers call themselves, at the greatest length that is let in.
#[test]
fn deep_and_long_sources_end() {
    let full = |piece: &str| piece.repeat(1_024 / piece.len());
    for source in [
        full("("),
        full("["),
        full("{"),
        full("!"),
        full("-"),
        full("- "),
        full("1+"),
        full("1+") + "1",
        full("a.b."),
        full(".a"),
        full("a?b:"),
        full("a[0]"),
        full("!-"),
        full("true||") + "t",
        full("true&&") + "t",
        full("a in "),
        full("1=="),
        full("'"),
        full("\"\\"),
        full("[[[[]]]]"),
        full("{'a':"),
        full("a.all(b,"),
        full("has("),
        full("\u{1F600}"),
        full("x.map(y,y)."),
        "(".repeat(32) + "1" + &")".repeat(32) + " == 1",
        "[".repeat(32) + &"]".repeat(32) + " == []",
        "object".to_owned() + &".a".repeat(500),
        "object".to_owned() + &"[0]".repeat(300),
        "1 == ".to_owned() + &"1 + ".repeat(250) + "1",
        "true ? ".repeat(60) + "true" + &" : false".repeat(60),
        "!".repeat(64) + "true",
        "a{b: 1}".to_owned(),
        ".object == 1".to_owned(),
        "object.spec.list.all(object, object.all(target, true))".to_owned(),
        "@charge([1], 0, 0) == [1]".to_owned(),
        "object.map(@result, @result) == []".to_owned(),
        "object.?spec == 1 || [?object] == []".to_owned(),
        "optional.of(1) == 1".to_owned(),
        "0x7fffffffffffffff + 1 == 0 && -9223372036854775808 - 1 == 0".to_owned(),
        "dyn(object.spec) == dyn(object) && type(object) == map".to_owned(),
        "double('nan') == double('inf') || int(1e300) == 1 || uint(-1) == 1u".to_owned(),
        "bytes('a') + b'\\xff' == string(b'\\xff')".to_owned(),
    ] {
        survives(&source);
    }
}

/// Pieces that CEL is made of, in any order.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "object",
            "before",
            "action",
            "target",
            "flow",
            ".spec",
            ".list",
            ".url",
            ".n",
            ".map",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "?",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "==",
            "!=",
            "<",
            ">=",
            "&&",
            "||",
            " in ",
            "1",
            "0",
            "1u",
            "2.5",
            "'a'",
            "\"b\"",
            "r'\\'",
            "b'c'",
            "null",
            "true",
            "false",
            ".all(x, ",
            ".exists(x, ",
            ".map(x, ",
            ".filter(x, ",
            ".exists_one(x, ",
            "has(",
            "size(",
            ".matches('a+')",
            ".startsWith('h')",
            "int(",
            "string(",
            "x",
            " ",
            "\n",
            "//c\n",
            ".contains(",
            "type(",
            "dyn(",
            "`a`",
            "\u{e9}",
        ])
        .prop_map(str::to_owned),
        ".{0,3}",
    ]
}

/// Expressions that are sound, but for their types.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "object",
        "before",
        "action",
        "target",
        "flow",
        "x",
        "object.spec.list",
        "object.spec.n",
        "object.spec.url",
        "1",
        "-1",
        "2.5",
        "'a'",
        "[1, 2]",
        "{'a': 1}",
        "null",
        "true",
        "9223372036854775807",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (two.clone(), prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "<", "&&", "||", "in"]))
                .prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            (two.clone(), prop::sample::select(vec!["all", "exists", "map", "filter", "exists_one"]))
                .prop_map(|((a, b), name)| format!("{a}.{name}(x, {b})")),
            (two.clone(), inner.clone()).prop_map(|((a, b), c)| format!("({a} ? {b} : {c})")),
            two.clone().prop_map(|(a, b)| format!("[{a}, {b}]")),
            two.clone().prop_map(|(a, b)| format!("{{{a}: {b}}}")),
            two.clone().prop_map(|(a, b)| format!("{a}[{b}]")),
            (two, prop::sample::select(vec!["matches", "startsWith", "contains", "size"]))
                .prop_map(|((a, b), name)| format!("{a}.{name}({b})")),
            (
                inner.clone(),
                prop::sample::select(vec!["size", "int", "string", "double", "bytes", "type", "dyn", "bool"])
            )
                .prop_map(|(a, name)| format!("{name}({a})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_ends(source in ".{0,200}") {
        survives(&source);
    }

    #[test]
    fn any_row_of_pieces_ends(pieces in prop::collection::vec(piece(), 0..60)) {
        survives(&pieces.concat());
    }

    #[test]
    fn any_sound_expression_ends(source in expression()) {
        survives(&format!("({source}) == true"));
    }

    #[test]
    fn limits_are_kept(source in expression(), steps in 0u64..100) {
        let (mut cage, facts) = Cage::new(vec![source], Limits { steps, time: Duration::from_mins(1) });
        if facts[0].is_ok() {
            let variables = vec![("object", json!({ "spec": { "list": [1, 2, 3] } }))];
            prop_assert_eq!(cage.run(vec![Job { rules: vec![0], variables }]).len(), 1);
        }
    }
}
