//! A source file as the table sees it: its module, what it uses of the crate, and where it touches the process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// What is known of a source file; its tests are left out, since a test may set its stage with anything.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// From the repository's root.
    pub(super) path: String,
    /// The module at the crate's root; empty for `lib.rs` and `main.rs`.
    pub(super) module: String,
    /// The modules it names after `crate::`.
    pub(super) uses: BTreeSet<String>,
    /// Where it touches what is outside the process's memory.
    pub(super) touches: Vec<Touch>,
}

/// A use of something that only the command line may use.
#[derive(Debug)]
pub(super) struct Touch {
    pub(super) sort: Sort,
    /// As written.
    pub(super) what: String,
}

/// What is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Standard output and standard error.
    Print,
    /// The environment, standard input, and the process's end.
    Process,
}

/// The repository's root.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file's text.
pub(super) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder, by path from the repository's root; none when it is not there.
pub(super) fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            } else {
                found.push(relative(&entry.path()));
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("a path in the repository");
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The Rust files below a folder.
pub(super) fn rust_files(folder: &str) -> Vec<String> {
    files(folder).into_iter().filter(|path| Path::new(path).extension().is_some_and(|e| e == "rs")).collect()
}

/// The files of the crate that do not hold tests only.
pub(super) fn files_without_tests() -> Vec<String> {
    let tests = test_modules();
    rust_files("src").into_iter().filter(|path| !tests.iter().any(|module| is_of(path, module))).collect()
}

/// All source files, tests apart.
pub(super) fn sources() -> Vec<Source> {
    files_without_tests().into_iter().map(|path| Source::parse(&path, &read(&path))).collect()
}

/// Whether a path is the file of a module (`src/plan/sample`) or lies below it.
fn is_of(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Modules declared as `#[cfg(test)] mod name;`, as paths without `.rs`.
fn test_modules() -> Vec<String> {
    let mut found = Vec::new();
    for path in rust_files("src") {
        let folder = match path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
            _ => path.trim_end_matches(".rs").to_owned(),
        };
        for item in parsed(&path, &read(&path)).items {
            if let syn::Item::Mod(module) = &item
                && module.content.is_none()
                && is_for_tests(&module.attrs)
            {
                found.push(format!("{folder}/{}", module.ident));
            }
        }
    }
    found
}

fn parsed(path: &str, text: &str) -> syn::File {
    syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

impl Source {
    /// Reads a file.
    pub(super) fn parse(path: &str, text: &str) -> Self {
        let below = path.strip_prefix("src/").unwrap_or(path);
        let first = below.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let module = if matches!(first, "lib" | "main") { "" } else { first };
        let mut source = Self { path: path.to_owned(), module: module.to_owned(), ..Self::default() };
        source.visit_file(&parsed(path, text));
        source
    }

    fn path(&mut self, segments: &[String]) {
        if let [first, module, ..] = segments
            && first == "crate"
        {
            self.uses.insert(module.clone());
        }
        self.touches.extend(touch(segments));
    }

    /// Macros and attributes are not parsed: they are read as text, strings included.
    fn tokens(&mut self, tokens: &str) {
        let compact: String = tokens.split_whitespace().collect();
        let mut rest = compact.as_str();
        while let Some(at) = rest.find("crate::") {
            let is_word = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            rest = &rest[at + "crate::".len()..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !is_word && !name.is_empty() {
                self.uses.insert(name);
            }
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => {
                self.tree(&path.tree, &with(&path.ident));
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
            syn::UseTree::Name(name) => self.path(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.path(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.path(before),
        }
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let is_test = match item {
            syn::Item::Mod(item) => is_for_tests(&item.attrs),
            syn::Item::Fn(item) => is_for_tests(&item.attrs),
            syn::Item::Impl(item) => is_for_tests(&item.attrs),
            syn::Item::Use(item) => is_for_tests(&item.attrs),
            _ => false,
        };
        if !is_test {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let name = called.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if matches!(name.as_str(), "println" | "print" | "eprintln" | "eprint" | "dbg") {
            self.touches.push(Touch { sort: Sort::Print, what: format!("{name}!") });
        }
        self.tokens(&called.tokens.to_string());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // Documentation may name anything.
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(&list.tokens.to_string());
        }
    }
}

/// What a path reaches for, if that is outside the process's memory.
fn touch(segments: &[String]) -> Option<Touch> {
    let names: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (is_from_std, names) = match names.as_slice() {
        ["std", rest @ ..] => (true, rest),
        all => (false, all),
    };
    let (sort, length) = match names {
        ["env", ..] if is_from_std => (Sort::Process, 1),
        ["env", "var" | "var_os" | "vars" | "vars_os" | "args" | "args_os" | "current_dir" | "set_var", ..]
        | ["process", "exit" | "abort", ..]
        | ["io", "stdin", ..] => (Sort::Process, 2),
        ["io", "stdout" | "stderr", ..] => (Sort::Print, 2),
        _ => return None,
    };
    let std = if is_from_std { "std::" } else { "" };
    Some(Touch { sort, what: format!("{std}{}", names[..length].join("::")) })
}
