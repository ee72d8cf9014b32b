//! No files of a crate import each other in a circle. Found by reading `use` lines and paths; what is compiled for tests
//! alone is left out, and a module that only passes on a name does not use it. This reads words and not types: it does not
//! see a method that another file adds to a type.

use super::{ROOT, files};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// How many names may lead to the next one before a search gives up.
const STEPS: usize = 16;

/// A module: its file, what it contains, and what it names.
#[derive(Default)]
struct Module {
    file: PathBuf,
    parent: Option<usize>,
    /// Several of one name are for several systems.
    children: BTreeMap<String, Vec<usize>>,
    /// Modules whose file belongs to another crate or is made by a build script.
    foreign: BTreeSet<String>,
    defined: BTreeSet<String>,
    /// What `use` brings in: the name and its path.
    imports: BTreeMap<String, Vec<Vec<String>>>,
    /// Modules of which everything is imported.
    globs: Vec<Vec<String>>,
    /// All paths in the code, of one word or more.
    paths: BTreeSet<Vec<String>>,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn begins_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The words and signs of a source. Comments and characters are left out. A string is a token that begins with `"`.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut found, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => {
                while i < chars.len() && !(at(i) == '*' && at(i + 1) == '/') {
                    i += 1;
                }
                i += 2;
            }
            '"' => {
                let from = i;
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                found.push(chars[from..i.min(chars.len())].iter().collect());
                i += 1;
            }
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            ':' if at(i + 1) == ':' => {
                found.push("::".into());
                i += 2;
            }
            c if is_word(c) => {
                let from = i;
                while is_word(at(i)) {
                    i += 1;
                }
                let word: String = chars[from..i].iter().collect();
                let hashes = (i..).take_while(|i| at(*i) == '#').count();
                if ["r", "br", "cr"].contains(&word.as_str()) && at(i + hashes) == '"' {
                    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                    i += hashes + 1;
                    while i < chars.len() && !chars[i..].starts_with(&end) {
                        i += 1;
                    }
                    i += end.len();
                } else {
                    found.push(word);
                }
            }
            c => {
                if !c.is_whitespace() {
                    found.push(c.into());
                }
                i += 1;
            }
        }
    }
    found
}

/// The index behind the bracket that closes the one at `open`.
fn behind(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// The index behind the item, field or variant that begins at `from`.
fn behind_item(tokens: &[String], from: usize) -> usize {
    let mut i = from;
    while i < tokens.len() {
        match tokens[i].as_str() {
            ";" | "," => return i + 1,
            "{" => return behind(tokens, i),
            "(" | "[" => i = behind(tokens, i),
            _ => i += 1,
        }
    }
    i
}

/// The source without attributes and without the items that are compiled for tests alone. Of the attributes only the
/// path of a module stays, as one token `#"…` before it.
fn compiled(tokens: &[String]) -> Vec<String> {
    const FOR_TESTS: [&str; 5] = ["cfg(test)", "test", "cfg(fuzzing)", "cfg(doctest)", "cfg(any(test,fuzzing))"];
    let (mut kept, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        if tokens[i] != "#" || tokens.get(i + 1).is_none_or(|next| next != "[") {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        let end = behind(tokens, i + 1);
        let attribute = &tokens[i + 2..end - 1];
        i = end;
        if FOR_TESTS.contains(&attribute.concat().as_str()) {
            while tokens.get(i).is_some_and(|token| token == "#") {
                i = behind(tokens, i + 1);
            }
            i = behind_item(tokens, i);
        } else if let [path, _, file] = attribute
            && path == "path"
        {
            kept.push(format!("#{file}"));
        }
    }
    kept
}

/// Each name that a `use` brings in, with its path; `*` for everything.
fn use_tree(tokens: &[String], prefix: &[String], found: &mut Vec<(String, Vec<String>)>) {
    let (mut path, mut i) = (prefix.to_vec(), 0);
    while i < tokens.len() {
        match tokens[i].as_str() {
            "{" => {
                let inner = &tokens[i + 1..behind(tokens, i) - 1];
                let (mut depth, mut from) = (0, 0);
                for (j, token) in inner.iter().enumerate() {
                    match token.as_str() {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        "," if depth == 0 => {
                            use_tree(&inner[from..j], &path, found);
                            from = j + 1;
                        }
                        _ => {}
                    }
                }
                if from < inner.len() {
                    use_tree(&inner[from..], &path, found);
                }
                return;
            }
            "*" => return found.push(("*".into(), path)),
            "as" => return found.push((tokens[i + 1].clone(), path)),
            "::" => {}
            "self" if !path.is_empty() => {}
            word => path.push(word.into()),
        }
        i += 1;
    }
    if let Some(name) = path.last() {
        found.push((name.clone(), path.clone()));
    }
}

/// All modules of a crate, beginning with its root.
#[derive(Default)]
struct Tree(Vec<Module>);

impl Tree {
    fn read(root: &Path) -> Self {
        let mut tree = Self(vec![Module { file: root.into(), ..Module::default() }]);
        tree.read_file(0, root.parent().unwrap());
        tree
    }

    /// `below` is where the files of its modules are.
    fn read_file(&mut self, module: usize, below: &Path) {
        let text = fs::read_to_string(&self.0[module].file).unwrap();
        self.read_tokens(module, &compiled(&tokens(&text)), below);
    }

    fn child(&mut self, module: usize, name: &str, file: PathBuf) -> usize {
        self.0.push(Module { file, parent: Some(module), ..Module::default() });
        let child = self.0.len() - 1;
        self.0[module].children.entry(name.into()).or_default().push(child);
        child
    }

    fn read_tokens(&mut self, module: usize, tokens: &[String], below: &Path) {
        const ITEMS: [&str; 9] = ["struct", "enum", "trait", "fn", "const", "static", "type", "union", "macro_rules"];
        let (mut i, mut depth, mut given) = (0, 0, None);
        while i < tokens.len() {
            let next = |n: usize| tokens.get(i + n).map_or("", String::as_str);
            match tokens[i].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                path if path.starts_with("#\"") => given = Some(&path[2..]),
                "use" => {
                    let end = (i..tokens.len()).find(|j| tokens[*j] == ";").unwrap_or(tokens.len());
                    let mut found = Vec::new();
                    use_tree(&tokens[i + 1..end], &[], &mut found);
                    for (name, path) in found {
                        let module = &mut self.0[module];
                        if name == "*" {
                            module.globs.push(path);
                        } else {
                            module.imports.entry(name).or_default().push(path);
                        }
                    }
                    i = end;
                }
                "mod" if next(2) == ";" => {
                    let name = next(1).to_owned();
                    match given.take() {
                        Some(path) if path.starts_with("..") => drop(self.0[module].foreign.insert(name)),
                        Some(path) => {
                            let file = self.0[module].file.parent().unwrap().join(path);
                            let child = self.child(module, &name, file);
                            self.read_file(child, &below.join(&name));
                        }
                        None => {
                            let files = [below.join(format!("{name}.rs")), below.join(&name).join("mod.rs")];
                            let file = files.into_iter().find(|file| file.is_file());
                            let file = file.unwrap_or_else(|| panic!("{}: mod {name}", self.0[module].file.display()));
                            let child = self.child(module, &name, file);
                            self.read_file(child, &below.join(&name));
                        }
                    }
                    i += 2;
                }
                "mod" if next(2) == "{" => {
                    let (name, end) = (next(1).to_owned(), behind(tokens, i + 2));
                    if tokens[i..end].windows(2).any(|two| two == ["include", "!"]) {
                        self.0[module].foreign.insert(name);
                        i = end;
                        continue;
                    }
                    let child = self.child(module, &name, self.0[module].file.clone());
                    self.read_tokens(child, &tokens[i + 3..end - 1], &below.join(&name));
                    i = end - 1;
                }
                word if depth == 0 && ITEMS.contains(&word) => {
                    let name = if ["!", "mut"].contains(&next(1)) { next(2) } else { next(1) };
                    if !["fn", "unsafe", "extern"].contains(&name) {
                        self.0[module].defined.insert(name.to_owned());
                        i += 1;
                    }
                }
                word if begins_word(word) => {
                    let (from, mut path) = (i, vec![word.to_owned()]);
                    while tokens.get(i + 1).is_some_and(|token| token == "::")
                        && tokens.get(i + 2).is_some_and(|token| begins_word(token))
                    {
                        path.push(tokens[i + 2].clone());
                        i += 2;
                    }
                    let is_part = from > 0 && [".", "::"].contains(&tokens[from - 1].as_str());
                    if !is_part {
                        self.0[module].paths.insert(path);
                    }
                }
                _ => {}
            }
            i += 1;
        }
    }

    /// The modules that define what `path` leads to, seen from `from`. None for other crates and for what is local.
    fn definers(&self, from: usize, path: &[String], steps: usize) -> BTreeSet<usize> {
        let Some(steps) = steps.checked_sub(1) else { return BTreeSet::new() };
        let (mut at, mut rest) = (from, path);
        while let [word, more @ ..] = rest {
            at = match word.as_str() {
                "crate" => 0,
                "self" => at,
                "super" => match self.0[at].parent {
                    Some(parent) => parent,
                    None => return BTreeSet::new(),
                },
                _ => break,
            };
            rest = more;
        }
        self.definers_in(at, rest, rest.len() < path.len(), steps)
    }

    /// The same for a path that begins in `at`. If the module was `named`, what is not found in it is its own: a macro may
    /// define it.
    fn definers_in(&self, at: usize, path: &[String], named: bool, steps: usize) -> BTreeSet<usize> {
        let module = &self.0[at];
        let Some((word, rest)) = path.split_first() else { return BTreeSet::new() };
        if let Some(children) = module.children.get(word) {
            return children.iter().flat_map(|child| self.definers_in(*child, rest, true, steps)).collect();
        }
        if module.defined.contains(word) {
            return BTreeSet::from([at]);
        }
        if module.foreign.contains(word) {
            return BTreeSet::new();
        }
        if let Some(imports) = module.imports.get(word) {
            let whole = |import: &Vec<String>| [import, rest].concat();
            let leads = imports.iter().map(whole).filter(|whole| whole != path);
            return leads.flat_map(|whole| self.definers(at, &whole, steps)).collect();
        }
        let through: BTreeSet<usize> = module
            .globs
            .iter()
            .flat_map(|glob| self.modules(at, glob, steps))
            .filter(|there| *there != at && self.0[*there].knows(word))
            .flat_map(|there| self.definers(there, path, steps))
            .collect();
        if through.is_empty() && named { BTreeSet::from([at]) } else { through }
    }

    /// The modules that a path names, if it names any.
    fn modules(&self, from: usize, path: &[String], steps: usize) -> BTreeSet<usize> {
        let Some(steps) = steps.checked_sub(1) else { return BTreeSet::new() };
        let mut at = BTreeSet::from([from]);
        for (i, word) in path.iter().enumerate() {
            at = at
                .into_iter()
                .flat_map(|at| match word.as_str() {
                    "crate" => BTreeSet::from([0]),
                    "self" => BTreeSet::from([at]),
                    "super" => self.0[at].parent.into_iter().collect(),
                    word => match (self.0[at].children.get(word), self.0[at].imports.get(word)) {
                        (Some(children), _) => children.iter().copied().collect(),
                        (None, Some(imports)) => imports
                            .iter()
                            .filter(|import| **import != path[..=i])
                            .flat_map(|import| self.modules(at, import, steps))
                            .collect(),
                        (None, None) => BTreeSet::new(),
                    },
                })
                .collect();
        }
        at
    }

    /// For each file the files that define what it names, with the names.
    fn edges(&self) -> BTreeMap<&Path, BTreeMap<&Path, BTreeSet<String>>> {
        let mut edges: BTreeMap<&Path, BTreeMap<&Path, BTreeSet<String>>> = BTreeMap::new();
        for (i, module) in self.0.iter().enumerate() {
            for path in &module.paths {
                for there in self.definers(i, path, STEPS) {
                    let file = self.0[there].file.as_path();
                    if file != module.file {
                        edges.entry(&module.file).or_default().entry(file).or_default().insert(path.join("::"));
                    }
                }
            }
        }
        edges
    }
}

impl Module {
    fn knows(&self, word: &str) -> bool {
        self.defined.contains(word) || self.children.contains_key(word) || self.imports.contains_key(word)
    }
}

/// Each import that is part of a circle, in words. Paths are shown as seen from `shown_from`.
fn circles(root: &Path, shown_from: &Path) -> Vec<String> {
    let tree = Tree::read(root);
    let edges = tree.edges();
    let mut reached: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for file in edges.keys() {
        let (mut seen, mut next) = (BTreeSet::new(), vec![*file]);
        while let Some(file) = next.pop() {
            next.extend(edges.get(file).into_iter().flat_map(BTreeMap::keys).filter(|file| seen.insert(**file)));
        }
        reached.insert(file, seen);
    }
    let shown = |path: &Path| path.strip_prefix(shown_from).unwrap().to_str().unwrap().replace('\\', "/");
    let mut found = Vec::new();
    for (from, targets) in &edges {
        for (to, names) in targets {
            if reached.get(to).is_some_and(|reached| reached.contains(from)) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                found.push(format!("{} imports {} ({})", shown(from), shown(to), names.join(", ")));
            }
        }
    }
    found
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let is_root = |file: &PathBuf| {
        let name = file.file_name().unwrap();
        name == "lib.rs" || name == "main.rs" || fs::read_to_string(file).unwrap().contains("\nfn main()")
    };
    let is_source = |file: &PathBuf| {
        let path = file.strip_prefix(ROOT).unwrap();
        path.components().any(|part| part.as_os_str() == "src")
    };
    let mut roots: Vec<PathBuf> = files("crates", &["rs"]).into_iter().filter(is_source).filter(is_root).collect();
    roots.push(Path::new(ROOT).join("src/lib.rs"));
    assert!(roots.len() > 15, "{roots:?}");
    let found: Vec<String> = roots.iter().flat_map(|root| circles(root, Path::new(ROOT))).collect();
    assert!(found.is_empty(), "files import each other in a circle: {found:#?}");
}

/// The circles of a made-up crate.
fn made_up(files: &[(&str, &str)]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    circles(&root.path().join("lib.rs"), root.path())
}

#[test]
fn a_circle_of_files_is_noticed() {
    let lib = ("lib.rs", "mod a;\nmod b;\nmod c;\n");
    let b = ("b.rs", "pub fn g() { super::c::h() }");
    for c in [
        "pub fn h() { crate::a::f() }",
        "use crate::{b, a::f};\npub fn h() { f() }",
        "use super::a;\npub fn h() { a::f() }",
        "use super::a::*;\npub fn h() { f() }",
        "mod inner { use super::super::a::f as other; pub fn k() { other() } }\npub fn h() { inner::k() }",
    ] {
        let found = made_up(&[lib, ("a.rs", "use crate::b::g;\npub fn f() { g() }"), b, ("c.rs", c)]);
        assert_eq!(found.len(), 3, "{c}: {found:#?}");
    }
    // A child that imports its parent, which imports the child.
    let parent = ("a/mod.rs", "mod child;\npub const N: usize = 1;\npub fn f() { child::g() }");
    let found = made_up(&[("lib.rs", "mod a;\n"), parent, ("a/child.rs", "pub fn g() { let _n = super::N; }")]);
    assert_eq!(found.len(), 2, "{found:#?}");
    // A file that replaces another on one system.
    let lib = ("lib.rs", "mod b;\n#[cfg(unix)]\nmod a;\n#[cfg(windows)]\n#[path = \"other.rs\"]\nmod a;\n");
    let other = ("other.rs", "pub fn f() { crate::b::g() }");
    let found = made_up(&[lib, ("a.rs", "pub fn f() {}"), other, ("b.rs", "pub fn g() { crate::a::f() }")]);
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn what_only_tests_or_comments_name_is_no_circle() {
    let lib = ("lib.rs", "mod a;\nmod b;\npub use a::f;\n");
    for b in [
        "pub fn g() {}",
        "// crate::a::f\n/* crate::a::f */\npub fn g() { let _s = \"crate::a::f\"; }",
        "pub fn g() {}\n#[cfg(test)]\nmod tests { use crate::a::f; fn t() { f() } }",
        "pub fn g() { let _f = r#\"crate::a::f\"#; let _c = '\"'; }",
    ] {
        let found = made_up(&[lib, ("a.rs", "use crate::b::g;\npub fn f() { g() }"), ("b.rs", b)]);
        assert!(found.is_empty(), "{b}: {found:#?}");
    }
}
