use super::*;
use crate::base::code::Code;
use crate::base::source::FileId;

fn span(sources: &SourceMap, file: FileId, part: &str) -> Span {
    let text = &sources.file(file).unwrap().text;
    let start = text.find(part).unwrap();
    let small = |n: usize| u32::try_from(n).unwrap();
    Span { file, start: small(start), end: small(start + part.len()) }
}

fn shown(diagnostics: &[Diagnostic], sources: &SourceMap, manifests: usize) -> String {
    let mut out = Vec::new();
    write(&mut out, diagnostics, sources, manifests, Style::PLAIN).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn looks_like_a_compiler() {
    let mut sources = SourceMap::default();
    let first = sources.add("destinations.yaml", "kind: Destination\nspec:\n  methd: POST\n  url: x\n");
    let second = sources.add("webhooks.yaml", "metadata: { name: a }\n---\nmetadata: { name: b }\n");
    let diagnostics = [
        Diagnostic::error(Code::DuplicateAddress, "`Webhook/b` stands twice")
            .at(span(&sources, second, "b }"))
            .related("first here", span(&sources, second, "a }")),
        Diagnostic::error(Code::UnknownField, "`methd` is not a field of Destination")
            .at(span(&sources, first, "methd"))
            .help("did you mean `method`?"),
        Diagnostic::warning(Code::UnreadableFile, "cannot be read").in_file("z/broken.yaml"),
    ];
    let expected = r"error[unknown-field]: `methd` is not a field of Destination
 --> destinations.yaml:3:3
  |
3 |   methd: POST
  |   ^^^^^
  |
  = help: did you mean `method`?

error[duplicate-address]: `Webhook/b` stands twice
 --> webhooks.yaml:3:19
  |
3 | metadata: { name: b }
  |                   ^^^
 ::: webhooks.yaml:1:19
  |
1 | metadata: { name: a }
  |                   --- first here

warning[unreadable-file]: cannot be read
--> z/broken.yaml

2 errors, 1 warning in 12 manifests
";
    assert_eq!(shown(&diagnostics, &sources, 12), expected);
}

#[test]
fn a_long_line_is_shown_around_its_mark() {
    let mut sources = SourceMap::default();
    let file = sources.add("big.yaml", format!("text: {}MARK{}\n", "x".repeat(5_000_000), "y".repeat(5_000_000)));
    let mark = span(&sources, file, "MARK");
    let diagnostics = vec![Diagnostic::error(Code::InvalidValue, "no").at(mark); 200];
    let text = shown(&diagnostics, &sources, 1);
    assert!(
        text.contains(&format!("--> big.yaml:1:5000007\n  |\n1 | …{}MARK{}…", "x".repeat(60), "y".repeat(116))),
        "{text}"
    );
    let whole = Span { file, start: 6, end: mark.end + 5_000_000 };
    let text = shown(&[Diagnostic::error(Code::InvalidValue, "no").at(whole)], &sources, 1);
    assert!(text.len() < 1_000 && text.contains("^^^^"), "{text}");
}

#[test]
fn a_long_span_is_marked_at_its_first_lines() {
    let mut sources = SourceMap::default();
    let text = "spec:\n  a: 1\n".to_owned() + &"  b: 2\n".repeat(100_000);
    let end = u32::try_from(text.len()).unwrap();
    let file = sources.add("a.yaml", text);
    let shown =
        shown(&[Diagnostic::error(Code::MissingField, "no `kind`").at(Span { file, start: 0, end })], &sources, 1);
    assert!(shown.lines().count() < 14, "{shown}");
    assert!(shown.contains("--> a.yaml:1:1\n"), "{shown}");
}

#[test]
fn escapes_of_sources_and_messages_are_neutralised() {
    let mut sources = SourceMap::default();
    let file = sources.add("a\u{1b}[2J.yaml", "name: \u{1b}[31mred\u{202e}x\r\n");
    let hostile = Diagnostic::error(Code::InvalidName, "`\u{1b}[0m\u{7}` is not a name")
        .at(span(&sources, file, "red"))
        .help("\u{9b}31m");
    let text = shown(&[hostile], &sources, 1);
    let expected = r"error[invalid-name]: `\u{1b}[0m\u{7}` is not a name
 --> a\u{1b}[2J.yaml:1:12
  |
1 | name: \u{1b}[31mred\u{202e}x
  |                 ^^^
  |
  = help: \u{9b}31m

1 error in 1 manifest
";
    assert_eq!(text, expected);
    let coloured = Style { colour: true, width: 80 };
    let mut out = Vec::new();
    write(&mut out, &[Diagnostic::error(Code::InvalidName, "a")], &sources, 0, coloured).unwrap();
    assert!(out.contains(&0x1b));
}

#[test]
fn spans_at_the_edges_do_not_panic() {
    let mut sources = SourceMap::default();
    for text in ["", "\n", "a", "ä\n", "\r\n\r\n", "a: \t1\n\n\n"] {
        let file = sources.add("a.yaml", text);
        for start in 0..9 {
            for end in 0..9 {
                let at = Span { file, start, end };
                let diagnostic = Diagnostic::error(Code::WrongType, "x").at(at).related("here", at);
                assert!(shown(&[diagnostic], &sources, 1).starts_with("error[wrong-type]: x"));
            }
        }
    }
    let nowhere = Span { file: FileId(99), start: 0, end: 1 };
    assert!(shown(&[Diagnostic::error(Code::WrongType, "x").at(nowhere)], &sources, 1).starts_with("error"));
}

#[test]
fn the_last_line_counts() {
    assert_eq!(summary(0, 0, 3), "no errors in 3 manifests");
    assert_eq!(summary(0, 2, 1), "2 warnings in 1 manifest");
    assert_eq!(summary(1, 0, 0), "1 error in 0 manifests");
}
