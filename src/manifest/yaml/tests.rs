use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// What was read: the values, and of each problem its code, line and column.
fn load(text: &str) -> (Vec<Value>, Vec<(Code, u32, u32)>) {
    let mut sources = crate::base::source::SourceMap::default();
    let file = sources.add("a.yaml", text);
    let mut diagnostics = Vec::new();
    let mut values = Vec::new();
    read(file, text, &mut diagnostics, &mut |tree| values.push(value(&tree.root)));
    let place = |diagnostic: &Diagnostic| {
        let location = sources.locate(diagnostic.span.unwrap()).unwrap();
        (diagnostic.code, location.line, location.column)
    };
    let problems = diagnostics.iter().map(place).collect();
    (values, problems)
}

fn value(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Boolean(value) => (*value).into(),
        Content::Number(value) => Value::Number(value.clone()),
        Content::Text(value) => value.as_str().into(),
        Content::List(elements) => elements.iter().map(value).collect(),
        Content::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect::<Map<_, _>>().into()
        }
    }
}

fn one(text: &str) -> Value {
    let (mut values, problems) = load(text);
    assert_eq!(problems, [], "{text}");
    assert_eq!(values.len(), 1, "{text}");
    values.remove(0)
}

fn problems(text: &str) -> Vec<(Code, u32, u32)> {
    load(text).1
}

#[test]
fn documents_follow_each_other() {
    assert_eq!(load("a: 1\n---\n---\n# nothing\n---\nb: 2\n...\n"), (vec![json!({"a": 1}), json!({"b": 2})], vec![]));
    assert_eq!(load(""), (vec![], vec![]));
    assert_eq!(load("# only a comment\n"), (vec![], vec![]));
    assert_eq!(load("--- null\n"), (vec![Value::Null], vec![]));
}

#[test]
fn line_ends_of_other_systems_are_fine() {
    assert_eq!(one("a: 1\r\nb:\r\n  - x\r\n  - y\r\n"), json!({"a": 1, "b": ["x", "y"]}));
}

#[test]
fn json_is_read_too() {
    let text = "{\n\t\"a\": [1, 2.5, -3e2, true, null, \"\\u00e4\\/\\ud83d\\ude00\"],\n\t\"<<\": \"no\"\n}\n";
    assert_eq!(one(text), json!({"a": [1, 2.5, -300.0, true, null, "ä/😀"], "<<": "no"}));
}

#[test]
fn tags_of_the_core_count_on_quoted_scalars_too() {
    let text = "a: !!int \"7\"\nb: !!str 7\nc: !!float 1\nd: !!bool 'true'\ne: !!map {}\nf: !!seq []\ng: !!str\n";
    assert_eq!(one(text), json!({"a": 7, "b": "7", "c": 1.0, "d": true, "e": {}, "f": [], "g": ""}));
}

#[test]
fn other_tags_are_refused_where_they_stand() {
    for text in ["a: !secret x\n", "a: ! x\n", "a: !!binary x\n", "a: !!map []\n", "a: !x {}\n"] {
        assert_eq!(problems(text), [(Code::YamlUnsupported, 1, 4)], "{text}");
    }
    assert_eq!(problems("a: !!int x\n"), [(Code::YamlUnsupported, 1, 10)]);
}

#[test]
fn a_second_key_is_refused_at_its_place() {
    assert_eq!(load("a: 1\nb: 2\na: 3\n"), (vec![json!({"a": 1, "b": 2})], vec![(Code::DuplicateKey, 3, 1)]));
    assert_eq!(problems("1: a\n\"1\": b\n"), [(Code::DuplicateKey, 2, 1)]);
    assert_eq!(problems("{no: 1, 'no': 2}"), [(Code::DuplicateKey, 1, 9)]);
    let mut many: String = (0..40).map(|n| format!("k{n}: {n}\n")).collect();
    many.push_str("k7: again\nk7: again\n");
    assert_eq!(problems(&many), [(Code::DuplicateKey, 41, 1), (Code::DuplicateKey, 42, 1)]);
}

#[test]
fn the_first_of_two_keys_is_named_too() {
    let mut diagnostics = Vec::new();
    read(FileId(0), "a: 1\na: 2\n", &mut diagnostics, &mut |_| {});
    let first = Span { file: FileId(0), start: 0, end: 1 };
    assert_eq!(diagnostics[0].related, [("first here".to_owned(), first)]);
}

#[test]
fn merge_keys_give_way_to_explicit_and_earlier_ones() {
    let text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {c: 3, <<: [*x, *y]}\nw:\n  <<: *y\n  b: 9\n";
    let value = one(text);
    assert_eq!(value["z"], json!({"c": 3, "a": 1, "b": 1}));
    assert_eq!(value["w"], json!({"b": 9, "c": 2}));
    assert_eq!(one("'<<': 1\n"), json!({"<<": 1}));
    assert_eq!(problems("<<: 1\n"), [(Code::YamlUnsupported, 1, 5)]);
    assert_eq!(problems("<<: [{}, 1]\n"), [(Code::YamlUnsupported, 1, 10)]);
    assert_eq!(problems("<<: {}\n<<: {}\n"), [(Code::DuplicateKey, 2, 1)]);
}

#[test]
fn aliases_stay_within_their_document() {
    assert_eq!(
        one("a: &a [1, 2]\nb: *a\n*a2 : 1\n".replace("*a2 : 1\n", "").as_str()),
        json!({"a": [1, 2], "b": [1, 2]})
    );
    assert_eq!(one("a: &a k\n*a : 1\n"), json!({"a": "k", "k": 1}));
    assert_eq!(problems("a: &a 1\n---\nb: *a\n"), [(Code::YamlSyntax, 3, 4)]);
    assert_eq!(problems("a: &a [*a]\n"), [(Code::AliasBudget, 1, 8)]);
}

#[test]
fn an_alias_bomb_is_an_error_and_the_next_document_is_read() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..10 {
        let list = vec![format!("*a{}", n - 1); 9].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    bomb.push_str("---\nb: 1\n");
    let (values, problems) = load(&bomb);
    assert_eq!(values, [json!({"b": 1})]);
    assert_eq!(problems.iter().map(|p| p.0).collect::<Vec<_>>(), [Code::AliasBudget]);
}

#[test]
fn anchors_in_anchors_cannot_fill_the_memory() {
    let mut text = String::new();
    for n in 0..100 {
        text.push_str(&format!("&a{n} ["));
    }
    text.push_str(&"x, ".repeat(20_000));
    text.push_str(&"]".repeat(100));
    assert_eq!(problems(&text).iter().map(|p| p.0).collect::<Vec<_>>(), [Code::AliasBudget]);
}

#[test]
fn depth_is_limited_with_and_without_aliases() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(problems(&nested(DEPTH_LIMIT)), []);
    assert_eq!(problems(&nested(DEPTH_LIMIT + 1)), [(Code::TooLarge, 1, 129)]);
    assert_eq!(problems(&"[".repeat(20_000))[0].0, Code::TooLarge);
    let block: String = (0..3_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert_eq!(problems(&block)[0].0, Code::TooLarge);
    let (left, right) = ("[".repeat(100), "]".repeat(100));
    assert_eq!(problems(&format!("- &a {left}{right}\n- {left}*a{right}\n"))[0].0, Code::TooLarge);
}

#[test]
fn a_document_may_not_have_too_many_values() {
    let text = format!("[{}]", "1,".repeat(NODE_LIMIT));
    assert_eq!(problems(&text).iter().map(|p| p.0).collect::<Vec<_>>(), [Code::TooLarge]);
}

#[test]
fn keys_are_scalars() {
    assert_eq!(load("? [a]\n: 1\nb: 2\n"), (vec![json!({"b": 2})], vec![(Code::YamlUnsupported, 1, 3)]));
    assert_eq!(problems("a: &a {}\n*a : 1\n"), [(Code::YamlUnsupported, 2, 1)]);
    assert_eq!(problems(": 1\n").iter().map(|p| p.0).collect::<Vec<_>>(), [Code::YamlUnsupported]);
    assert_eq!(one("no: 1\n12: 2\n0x1: 3\n"), json!({"no": 1, "12": 2, "0x1": 3}));
}

#[test]
fn numbers_that_json_cannot_hold_are_refused() {
    assert_eq!(problems("a: 18446744073709551616\n"), [(Code::YamlUnsupported, 1, 4)]);
    assert_eq!(problems("a: [.nan, -.inf]\n"), [(Code::YamlUnsupported, 1, 5), (Code::YamlUnsupported, 1, 11)]);
}

#[test]
fn reading_goes_on_after_a_broken_document() {
    let (values, problems) = load("a: 1\n---\nb: [1, 2\n---\nc: 3\n---\nd: *nothing\ne: {x: 1, x: 2}\n");
    assert_eq!(values[0], json!({"a": 1}));
    assert_eq!(values[1], json!({"c": 3}));
    let codes: Vec<_> = problems.iter().map(|p| (p.0, p.1)).collect();
    assert_eq!(codes, [(Code::YamlSyntax, 3), (Code::YamlSyntax, 7), (Code::DuplicateKey, 8)]);
}

#[test]
fn spans_cover_what_was_written() {
    let text = "ä: 'ö'\nlist:\n  - one\n  - &x {k: v}   # comment\n  - *x\n\ntext: |\n  two\n  lines\n\n\nend: 1\n";
    let mut roots = Vec::new();
    read(FileId(0), text, &mut Vec::new(), &mut |tree| roots.push(tree.root));
    let root = roots.remove(0);
    let slice = |span: Span| &text[span.start as usize..span.end as usize];
    let entry = root.entry("ä").unwrap();
    assert_eq!((slice(entry.key_span), slice(entry.value.span)), ("ä", "'ö'"));
    let list = root.get("list").unwrap();
    assert_eq!(slice(list.span), "- one\n  - &x {k: v}   # comment\n  - *x");
    assert_eq!(slice(list.elements()[1].span), "{k: v}");
    assert_eq!(slice(list.elements()[2].span), "{k: v}");
    let used = match list.elements()[2].note.as_deref() {
        Some(Note::Aliased { used }) => slice(*used),
        other => panic!("{other:?}"),
    };
    assert_eq!(used, "*x");
    assert_eq!(slice(root.get("text").unwrap().span), "two\n  lines");
    assert_eq!(slice(root.span).lines().last(), Some("end: 1"));
}

/// Whether a text has a scalar for which we decide otherwise than the oracle, by design.
fn deviates(oracle: &Value) -> bool {
    match oracle {
        Value::String(_) | Value::Bool(_) | Value::Null | Value::Number(_) => false,
        Value::Array(list) => list.iter().any(deviates),
        Value::Object(map) => map.iter().any(|(key, value)| key == "<<" || deviates(value)),
    }
}

fn agrees(text: &str) -> Result<(), TestCaseError> {
    let (mut values, problems) = load(text);
    let Ok(oracle) = serde_yaml::from_str::<Value>(text) else { return Ok(()) };
    if problems.is_empty() && values.len() == 1 && !deviates(&oracle) {
        prop_assert_eq!(values.remove(0), oracle, "{:?}", text);
    }
    Ok(())
}

fn scalar_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[1-9][0-9]{0,18}",
        "-?[1-9][0-9]{0,5}\\.[0-9]{1,5}",
        "[1-9]e[1-9]",
        "0x[1-9A-Fa-f][0-9A-Fa-f]{0,5}",
        "0o[1-7][0-7]{0,5}",
        prop::sample::select(vec![
            "no",
            "yes",
            "on",
            "off",
            "y",
            "null",
            "~",
            "Null",
            "true",
            "True",
            "FALSE",
            "1:30",
            "1_000",
            "2031-12-01",
            "''",
            "\"\"",
            "'no'",
            "\"1\"",
            "\"\\u00e4\\n\"",
            "'it''s'",
            "0",
            "\"a b\"",
            "a b c",
            "http://x.test/y?z=1",
            "###N###",
            "a#b",
        ])
        .prop_map(str::to_owned),
    ]
}

fn flow() -> impl Strategy<Value = String> {
    scalar_text().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|list| format!("[{}]", list.join(", "))),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..5).prop_map(|map| {
                let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    })
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // The emitter takes these for line breaks, as YAML 1.1 had it; in 1.2 they are characters like others.
        "[^\\pC\u{2028}\u{2029}]{0,12}".prop_map(Value::from),
        "[a-z0-9 :#\\-\\n\"'|>&*!%@`~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..5)
                .prop_map(|map| Value::from(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flow_texts_are_read_as_the_oracle_reads_them(text in flow()) {
        agrees(&text)?;
        agrees(&format!("a: {text}\nb:\n  - {text}\n"))?;
    }

    #[test]
    fn what_two_emitters_write_is_read_back(tree in tree()) {
        // Digits with a leading zero are texts to us: the emitter writes such texts quoted or plain, and both are right.
        let yaml = serde_yaml::to_string(&tree).unwrap();
        let (values, problems) = load(&yaml);
        prop_assert_eq!(problems, vec![], "{:?}", yaml);
        prop_assert_eq!(values.first().unwrap_or(&Value::Null), &tree, "{:?}", yaml);
        let json = serde_json::to_string_pretty(&tree).unwrap();
        let (values, problems) = load(&json);
        prop_assert_eq!(problems, vec![], "{:?}", json);
        prop_assert_eq!(values.first().unwrap_or(&Value::Null), &tree, "{:?}", json);
    }

    #[test]
    fn nothing_makes_the_loader_panic(text in "\\PC{0,80}") {
        load(&text);
    }

    #[test]
    fn nothing_like_yaml_makes_the_loader_panic(text in "[\\[\\]{}:,&*!|>'\"%#?~<\\- \\n\\ta0.\u{e4}]{0,120}") {
        load(&text);
        agrees(&text)?;
    }
}
