//! Input that is broken, hostile or absurd: said with the right code at the right place, with the right exit code,
//! without a panic, and in the end.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{Project, Run};

/// Nothing here takes a second where machines are idle; what takes this long would take for ever.
const WATCHDOG: Duration = Duration::from_mins(2);
/// Bytes of what is said about one problem, at most.
const SHORT: usize = 8_000;

const SYSTEM: &str = "apiVersion: trueup/v1\nkind: System\nmetadata: { name: crm }\nspec: { platform: web }\n";
const PROJECT: &str = "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: acme }\n";

/// Runs the binary with this standard input; what does not end is killed, and has failed.
fn run(project: &Project, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = project.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let (mut stdin, input) = (child.stdin.take().expect("its input"), input.to_vec());
    // It may end without reading its input, which is its good right.
    std::thread::spawn(move || drop(stdin.write_all(&input)));
    let (send, ended) = mpsc::channel();
    let collect = |mut from: Box<dyn Read + Send>| {
        let send = send.clone();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = from.read_to_end(&mut bytes);
            let _ = send.send(());
            read.map(|_| String::from_utf8(bytes).expect("what is printed is UTF-8")).expect("what it printed")
        })
    };
    let out = collect(Box::new(child.stdout.take().expect("its output")));
    let err = collect(Box::new(child.stderr.take().expect("its errors")));
    for _ in 0..2 {
        if ended.recv_timeout(WATCHDOG).is_err() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends when killed");
            panic!("{arguments:?} does not end");
        }
    }
    let status = child.wait().expect("it ends");
    let run = Run {
        code: status.code().unwrap_or(-1),
        out: out.join().expect("its output"),
        err: err.join().expect("its errors"),
    };
    let all = format!("{}{}", run.out, run.err);
    assert!(!all.contains("panicked") && !all.contains("overflow"), "{}", cut(&all));
    run
}

fn cut(text: &str) -> String {
    text.chars().take(2_000).collect()
}

/// `code file:line:column` of each problem in what was printed; no place where it has none.
fn problems(err: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut fresh = false;
    for line in err.lines() {
        let code = line.strip_prefix("error[").or_else(|| line.strip_prefix("warning["));
        if let Some((code, _)) = code.and_then(|rest| rest.split_once("]: ")) {
            found.push(code.to_owned());
            fresh = true;
        } else if let (Some((_, place)), true, Some(last)) = (line.split_once("--> "), fresh, found.last_mut()) {
            let _ = write!(last, " {place}");
            fresh = false;
        }
    }
    found
}

/// Validates one file of these bytes and gives its problems; every one of them is an error.
fn of_bytes(name: &str, bytes: &[u8]) -> Vec<String> {
    let project = Project::with(&[("trueup.yaml", PROJECT)]);
    std::fs::write(project.join(name), bytes).expect("a written file");
    let run = run(&project, &["validate"], b"");
    let found = problems(&run.err);
    assert_eq!(run.code, 3, "{}", cut(&run.err));
    assert!(run.err.len() < SHORT, "{} bytes: {}", run.err.len(), cut(&run.err));
    found
}

fn of(text: &str) -> Vec<String> {
    of_bytes("a.yaml", text.as_bytes())
}

/// Validates files without a problem, and gives what is said last.
fn fine(files: &[(&str, &str)]) -> String {
    let project = Project::with(files);
    let run = run(&project, &["validate"], b"");
    assert_eq!(run.code, 0, "{}", cut(&run.err));
    run.err.lines().last().unwrap_or_default().to_owned()
}

/// A system with a description between quotes.
fn described(text: &str) -> String {
    format!(
        "apiVersion: trueup/v1\nkind: System\nmetadata: {{ name: crm, description: \"{text}\" }}\nspec: {{ platform: web }}\n"
    )
}

#[test]
fn broken_yaml_is_said_where_it_breaks() {
    for (text, problem) in [
        ("a: [1, 2\nb: 3\n", "yaml-syntax a.yaml:2:2"),
        ("a: \"open\n", "yaml-syntax a.yaml:1:4"),
        ("a: b: c\n", "yaml-syntax a.yaml:1:5"),
        ("a:\n\tb: 1\n", "yaml-syntax a.yaml:2:2"),
        ("a: *nowhere\n", "yaml-syntax a.yaml:1:4"),
        ("a: &a [*a]\n", "alias-budget a.yaml:1:8"),
        ("a: b\0c\n", "yaml-syntax a.yaml:1:5"),
        ("a: !!python/object:os.system x\n", "yaml-unsupported a.yaml:1:4"),
        ("? [a, b]\n: c\n", "yaml-unsupported a.yaml:1:3"),
        ("a: 1\na: 2\n", "duplicate-key a.yaml:2:1"),
        ("a: 123456789012345678901234567890\n", "yaml-unsupported a.yaml:1:4"),
        ("a: 1e999\n", "yaml-unsupported a.yaml:1:4"),
        ("a: .nan\n", "yaml-unsupported a.yaml:1:4"),
        ("just words\n", "not-a-manifest a.yaml:1:1"),
        ("- a\n- b\n", "not-a-manifest a.yaml:1:1"),
    ] {
        let found = of(text);
        assert_eq!(found.first().map(String::as_str), Some(problem), "{text:?}: {found:?}");
    }
    assert_eq!(of_bytes("a.json", b"{\"a\": }"), ["null-value a.json:1:2"]);
}

#[test]
fn what_is_not_utf8_is_not_guessed_at() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(SYSTEM.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let binary: Vec<u8> = (0..=255_u8).cycle().take(10_000).collect();
    let cases: [&[u8]; 4] = [&utf16, b"a: caf\xe9\n", &binary, b"\x7fELF\x02\x01\x01\0\0\xff"];
    for bytes in cases {
        assert_eq!(of_bytes("a.yaml", bytes), ["not-text a.yaml"]);
    }
}

#[test]
fn a_byte_order_mark_and_crlf_move_no_position() {
    let text =
        "\u{feff}apiVersion: trueup/v1\r\nkind: System\r\nmetadata: { name: crm }\r\nspec: { platform: pigeon }\r\n";
    assert_eq!(of(text), ["invalid-value a.yaml:4:19"]);
}

#[test]
fn empty_files_and_comments_are_no_manifests() {
    for text in ["", "\n\n\n", "# nothing\n", "---\n---\n...\n", "\u{feff}", "\r\n", "  \t \n"] {
        assert_eq!(fine(&[("a.yaml", text), ("b.yaml", SYSTEM)]), "no errors in 1 manifest", "{text:?}");
    }
}

#[test]
fn what_is_not_a_file_is_passed_over() {
    let project = Project::with(&[("a.yaml", SYSTEM), ("folder.yaml/b.yaml", "kind: [\n"), (".hidden/c.yaml", "[\n")]);
    std::fs::remove_file(project.join("folder.yaml/b.yaml")).expect("a file less");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", project.join("dangling.yaml")).expect("a link");
        std::os::unix::fs::symlink(".", project.join("round")).expect("a link");
    }
    let run = run(&project, &["validate"], b"");
    assert_eq!((run.code, run.err.trim()), (0, "no errors in 1 manifest"));
}

#[test]
fn a_saved_plan_among_manifests_is_none() {
    let plan = "{\"format_version\": \"1.0\", \"actions\": []}";
    assert_eq!(fine(&[("a.yaml", SYSTEM), ("plan.json", plan)]), "no errors in 1 manifest");
    assert_eq!(of_bytes("plan.json", b"{\"format_version\": \"1.0\""), ["yaml-syntax plan.json:1:1"]);
}

#[test]
fn paths_that_lead_nowhere_are_named() {
    let project = Project::with(&[("a.yaml", SYSTEM)]);
    for path in ["nowhere", "a.yaml/b", "nowhere/at/all.yaml"] {
        let run = run(&project, &["validate", path], b"");
        assert_eq!((run.code, problems(&run.err)), (3, vec![format!("unreadable-file {path}")]), "{}", run.err);
    }
    #[cfg(unix)]
    {
        let run = run(&project, &["validate", "/dev/null"], b"");
        assert_eq!((run.code, problems(&run.err)), (3, vec!["unreadable-file /dev/null".to_owned()]), "{}", run.err);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_read_is_an_error_and_not_an_absence() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::with(&[("trueup.yaml", PROJECT), ("locked/a.yaml", SYSTEM), ("b.yaml", "")]);
    let locked = project.join("locked");
    let mode = |mode| std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(mode)).expect("a mode");
    mode(0o000);
    // The superuser may read everything.
    if std::fs::read_dir(&locked).is_err() {
        let run = run(&project, &["validate"], b"");
        assert_eq!((run.code, problems(&run.err)), (3, vec!["unreadable-file locked".to_owned()]), "{}", run.err);
    }
    mode(0o755);
}

#[test]
fn deep_nesting_ends_at_the_limit() {
    let flow = format!("a: {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let maps = format!("a: {}1{}\n", "{a: ".repeat(10_000), "}".repeat(10_000));
    let block = (0..2_000).fold(String::new(), |text, n| text + &" ".repeat(n) + "a:\n");
    let texts = [flow, maps, block, "- ".repeat(10_000), "? ".repeat(10_000), "[".repeat(1_000_000)];
    for text in texts {
        let found = of(&text);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("too-large a.yaml:")), "{found:?}");
    }
    let json = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in [&json, &format!("{{\"format_version\": {json}")] {
        let found = of_bytes("a.json", text.as_bytes());
        assert!(matches!(found.as_slice(), [one] if one.starts_with("too-large a.json:1:")), "{found:?}");
    }
}

#[test]
fn aliases_have_a_budget() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let before = n - 1;
        let _ = writeln!(bomb, "a{n}: &a{n} [{}]", vec![format!("*a{before}"); 10].join(", "));
    }
    let found = of(&bomb);
    assert!(matches!(found.as_slice(), [one] if one.starts_with("alias-budget a.yaml:6:")), "{found:?}");
}

#[test]
fn a_scalar_of_ten_megabytes_is_only_a_long_text() {
    let long = "x".repeat(10_000_000);
    let audience = |member: &str| {
        format!("apiVersion: trueup/v1\nkind: Audience\nmetadata: {{ name: a }}\nspec:\n  members:\n    - {member}\n")
    };
    for member in [format!("\"{long}\""), format!("|\n      {}", "word ".repeat(2_000_000)), format!(">\n      {long}")]
    {
        assert_eq!(fine(&[("a.yaml", &audience(&member))]), "1 warning in 1 manifest");
    }
    for (text, problem) in [
        (SYSTEM.replace("web", &long), "invalid-value a.yaml:4:19"),
        (SYSTEM.replace("crm", &long), "invalid-name a.yaml:3:19"),
        (SYSTEM.replace("System", &long), "unknown-kind a.yaml:2:7"),
        (SYSTEM.replace("trueup/v1", &long), "api-version a.yaml:1:13"),
        (SYSTEM.replace("{ platform: web }", &long), "wrong-type a.yaml:4:7"),
        (SYSTEM.replace("crm }", &format!("crm, ? {long} : x }}")), "unknown-field a.yaml:3:26"),
        (long.clone(), "not-a-manifest a.yaml:1:1"),
    ] {
        assert_eq!(of(&text).first().map(String::as_str), Some(problem));
    }
    let project = Project::with(&[("a.yaml", &SYSTEM.replace("System", &long))]);
    let run = run(&project, &["validate", "-o", "json"], b"");
    assert!(run.code == 3 && run.out.len() < SHORT, "{} bytes", run.out.len());
}

#[test]
fn a_hundred_thousand_documents_are_read_and_told() {
    let empty = "---\n".repeat(100_000) + SYSTEM;
    assert_eq!(fine(&[("a.yaml", &empty)]), "no errors in 1 manifest");
    // Each is a manifest that ends at its kind: what a full one costs is for the benchmarks.
    let documents = "kind: System\n---\n".repeat(100_000);
    let project = Project::with(&[("a.yaml", &documents)]);
    let run = run(&project, &["validate", "-o", "json"], b"");
    assert_eq!(run.code, 3);
    let told: serde_json::Value = serde_json::from_str(&run.out).expect("one JSON document");
    assert_eq!(told["summary"], serde_json::json!({"errors": 100_000, "warnings": 0, "manifests": 100_000}));
    assert_eq!(told["diagnostics"][99_999]["line"], 199_999);
}

#[test]
fn a_thousand_problems_of_one_document_are_enough() {
    let members: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    let fields = (0..20_000).fold(String::new(), |text, n| text + &format!("  field{n}: 1\n"));
    let steps = (0..3_000).fold(String::new(), |text, n| {
        text + &format!("    - {{ name: s{n}, type: set, values: {{ a: 1 }}, routes: {{ next: nowhere{n} }} }}\n")
    });
    let head = "apiVersion: trueup/v1\nmetadata: { name: a }\n";
    for text in [
        format!("{head}kind: Audience\nspec: {{ members: [{}] }}\n", members.join(", ")),
        format!("{head}kind: System\nspec:\n  platform: web\n{fields}"),
        format!("{head}kind: Workflow\nspec:\n  start: s0\n  steps:\n{steps}"),
    ] {
        let project = Project::with(&[("a.yaml", &text)]);
        let run = run(&project, &["validate"], b"");
        let found = problems(&run.err);
        assert_eq!((run.code, found.len()), (3, 1_001), "{}", cut(&run.err));
        assert!(run.err.contains("more problems of this document are not listed"), "{}", cut(&run.err));
    }
}

#[test]
fn references_to_nothing_are_all_told_and_soon() {
    let webhook = |n: usize| {
        format!(
            "---\napiVersion: trueup/v1\nkind: Webhook\nmetadata: {{ name: w{n} }}\nspec: {{ system: crm{n}, event: e{n}, destination: d{n} }}\n"
        )
    };
    let text: String = (0..1_000).map(webhook).collect();
    let project = Project::with(&[("a.yaml", &text)]);
    let run = run(&project, &["validate"], b"");
    assert_eq!((run.code, problems(&run.err).len()), (3, 3_000), "{}", cut(&run.err));
}

#[test]
fn an_error_at_the_end_of_a_long_line_is_shown_with_what_is_near_it() {
    let long = "x".repeat(1_000_000);
    let text = format!(
        "apiVersion: trueup/v1\nkind: System\nmetadata: {{ name: crm, description: \"{long}\", nope: 1 }}\nspec: {{ platform: web }}\n"
    );
    assert_eq!(
        of(&text),
        ["invalid-value a.yaml:3:37".to_owned(), format!("unknown-field a.yaml:3:{}", 41 + long.len())]
    );
    let text = format!("a: [\"{long}\" }}\n");
    assert_eq!(of(&text), ["yaml-syntax a.yaml:1:4"]);
}

#[test]
fn patterns_that_grow_are_refused() {
    let rows = "    - { property: p, operator: matches, value: \"((a{1000}){1000}){1000}\" }\n".repeat(50);
    let text = format!("apiVersion: trueup/v1\nkind: Audience\nmetadata: {{ name: a }}\nspec:\n  match:\n{rows}");
    let project = Project::with(&[("a.yaml", &text)]);
    let run = run(&project, &["validate"], b"");
    let found = problems(&run.err);
    assert_eq!((run.code, found.len()), (3, 50));
    assert_eq!(found[0], "invalid-pattern a.yaml:6:48");
}

#[test]
fn hostile_texts_stay_texts() {
    let hostile = "\\e[31mred\\a\\u202egnp.exe\\u200b\\n::error::x @everyone `";
    let fields = [
        SYSTEM.replace("crm", &format!("\"{hostile}\"")),
        SYSTEM.replace("System", &format!("\"{hostile}\"")),
        SYSTEM.replace("web", &format!("\"{hostile}\"")),
        SYSTEM.replace("platform", &format!("\"{hostile}\"")),
        SYSTEM.replace("crm", "crm, labels: { a: \"${var.\\e[31m}\" }"),
        // Raw, where YAML lets it pass: direction marks and the escape of eight bits.
        SYSTEM.replace("web", "\u{202e}\u{9b}31m"),
    ];
    for text in &fields {
        let project = Project::with(&[("a.yaml", text)]);
        for format in ["text", "json"] {
            let run = run(&project, &["validate", "-o", format], b"");
            assert_eq!(run.code, 3, "{}", run.err);
            let said = format!("{}{}", run.out, run.err);
            let is_bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{202e}');
            if format == "text" {
                assert_eq!(said.chars().find(|c| is_bad(*c)), None, "{said:?}");
                assert!(!said.lines().any(|line| line.starts_with("::")), "{said}");
            } else {
                assert_eq!(said.chars().find(|c| c.is_control() && *c != '\n'), None, "{said:?}");
            }
        }
    }
    let name = "\u{202e}a\u{1b}[31m\n@x.yaml";
    let project = Project::with(&[(name, "a: [\n")]);
    let run = run(&project, &["validate"], b"");
    assert_eq!(run.code, 3);
    assert!(
        !run.err.contains(['\u{1b}', '\u{202e}']) && run.err.contains("\\u{202e}a\\u{1b}[31m\\n@x.yaml"),
        "{}",
        run.err
    );
}

#[test]
fn a_broken_project_file_ends_the_load() {
    for (text, problem) in [
        ("spec: [\n", "yaml-syntax trueup.yaml:1:7"),
        ("", "not-a-manifest trueup.yaml"),
        ("apiVersion: trueup/v2\nkind: Project\nmetadata: { name: a }\n", "invalid-value trueup.yaml:1:13"),
        ("apiVersion: trueup/v1\nkind: Project\nmetadata: { name: A B }\n", "invalid-name trueup.yaml:3:19"),
        (
            "apiVersion: trueup/v1\nkind: Project\nmetadata: { name: a }\nspec: { target: x }\n",
            "unknown-field trueup.yaml:4:9",
        ),
    ] {
        let project = Project::with(&[("trueup.yaml", text), ("a.yaml", SYSTEM)]);
        for verb in [&["validate"][..], &["plan"], &["apply", "-y"], &["export"], &["graph"]] {
            let run = run(&project, verb, b"");
            assert_eq!((run.code, run.out.as_str()), (3, ""), "{verb:?} {text:?}\n{}", run.err);
            assert!(
                problems(&run.err).iter().any(|found| found.starts_with(problem)),
                "{verb:?} {text:?}\n{}",
                run.err
            );
        }
    }
}

#[test]
fn a_folder_named_like_the_project_file_is_a_folder() {
    assert_eq!(fine(&[("trueup.yaml/a.yaml", SYSTEM)]), "no errors in 1 manifest");
}

#[test]
fn targets_and_variables_are_checked() {
    let file = format!("{PROJECT}spec:\n  variables: {{ unset: {{ type: string }}, count: {{ type: number }} }}\n");
    let system = |text: &str| described(text);
    let with = |text: &str, arguments: &[&str]| {
        let project = Project::with(&[("trueup.yaml", &file), ("a.yaml", &system(text))]);
        let mut all = vec!["validate"];
        all.extend(arguments);
        let run = run(&project, &all, b"");
        (run.code, problems(&run.err))
    };
    let refused = |found: &str| (3, vec![found.to_owned()]);
    assert_eq!(with("x", &["--target", "nowhere"]), refused("unknown-target"));
    // A folder beside the project's looks like a project of its own.
    let elsewhere = Project::with(&[("a.yaml", SYSTEM)]).run(&["validate", "--target", "nowhere"]);
    assert!(elsewhere.err.contains("help: the folder has no trueup.yaml"), "{}", elsewhere.err);
    assert_eq!(with("${var.nope}", &[]), refused("unknown-variable a.yaml:3:38"));
    assert_eq!(with("${var.unset}", &[]), refused("unset-variable a.yaml:3:38"));
    assert_eq!(with("${var.unset}", &["--var", "unset=x"]), (0, Vec::new()));
    assert_eq!(with("x", &["--var", "nope=x"]).0, 3);
    assert_eq!(with("x", &["--var", "count=many"]).0, 3);
    assert_eq!(with("x", &["--var-file", "nowhere.yaml"]), refused("unreadable-file nowhere.yaml"));
    for wrong in [&["--var", "novalue"][..], &["--var", "=x"], &["--target", "No Name"], &["--nope"], &["-o", "xml"]] {
        assert_eq!(with("x", wrong).0, 64, "{wrong:?}");
    }
    // What a variable holds is not read for variables again, so that none can refer to itself.
    assert_eq!(with("${var.unset}", &["--var", "unset=${var.unset}"]), (0, Vec::new()));
}

#[test]
fn standard_input_is_no_better_than_a_file() {
    let project = Project::new();
    for (input, code) in [(&b"\xff\xfe\0"[..], 3), (b"", 0), (b"a: [", 3), (b"\0\0\0", 3), (SYSTEM.as_bytes(), 0)] {
        let run = run(&project, &["validate", "-"], input);
        assert_eq!(run.code, code, "{input:?}\n{}", run.err);
    }
    let run = run(&project, &["validate", "-"], b"a: 1\nb: [}\n");
    assert_eq!(problems(&run.err), ["yaml-syntax <stdin>:2:4"]);
}

#[test]
fn wrong_usage_is_told_from_wrong_input() {
    let project = Project::with(&[("a.yaml", SYSTEM)]);
    for arguments in [&[][..], &["frobnicate"], &["validate", "a", "b"], &["apply"], &["plan", "--only", "Nope"]] {
        assert_eq!(run(&project, arguments, b"").code, 64, "{arguments:?}");
    }
    assert_eq!(run(&project, &["--chdir", "nowhere", "validate"], b"").code, 1);
}

#[test]
fn warnings_are_the_same_in_validate_and_plan_and_change_no_exit_code() {
    let destination = |name: &str| {
        format!(
            "apiVersion: trueup/v1\nkind: Destination\nmetadata: {{ name: {name} }}\nspec: {{ platform: P, method: POST, url: \"http://a.test\" }}\n---\n"
        )
    };
    let webhook = |name: &str| {
        format!(
            "apiVersion: trueup/v1\nkind: Webhook\nmetadata: {{ name: {name} }}\nspec:\n  system: crm\n  event: survey.submitted\n  destination: d\n  conditions: [{{ property: score, operator: lessThan, value: 1 }}, {{ property: score, operator: equalTo, value: 3 }}]\n---\n"
        )
    };
    let text = [destination("d"), destination("spare"), webhook("a"), SYSTEM.to_owned()].concat();
    let project = Project::with(&[("trueup.yaml", PROJECT), ("a.yaml", &text)]);
    let expected =
        ["plain-http a.yaml:4:41", "unused a.yaml:8:19", "plain-http a.yaml:9:41", "impossible-condition a.yaml:18:67"];
    let text_of = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for verb in ["validate", "plan"] {
        let run = run(&project, &[verb, "-o", "json"], b"");
        assert_eq!(run.code, 0, "{verb}\n{}", run.err);
        let told: serde_json::Value = serde_json::from_str(&run.out).expect("one JSON document");
        let shown = |found: &serde_json::Value| {
            let [code, file, line, column] = ["code", "file", "line", "column"].map(|key| text_of(&found[key]));
            format!("{code} {file}:{line}:{column}")
        };
        let found: Vec<String> = told["diagnostics"].as_array().expect("a list").iter().map(shown).collect();
        assert_eq!(found, expected, "{verb}\n{}", run.out);
    }
    let run = run(&project, &["validate", "-"], text.as_bytes());
    assert!(
        run.err.contains("impossible-condition") && !run.err.contains("unused"),
        "a part of a project says nothing of use\n{}",
        run.err
    );
}
