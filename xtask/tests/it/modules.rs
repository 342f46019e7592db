//! Modules of a crate do not import each other in circles: a reader can begin at the bottom. A module and what is inside it
//! may name each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::service::root;

type Module = Vec<String>;

/// The modules of a crate with the modules that each one names.
struct Modules(BTreeMap<Module, BTreeSet<Module>>);

impl Modules {
    fn of(src: &Path) -> Self {
        let mut texts = BTreeMap::new();
        read(src, src, &mut texts);
        let known: BTreeSet<Module> = texts.keys().cloned().collect();
        let named = |(module, text): (&Module, &String)| {
            let paths = paths(text).into_iter().filter_map(|path| absolute(&path, module, &known));
            // The deepest module that the path leads into; what is behind it is an item.
            let modules = paths.filter_map(|path| {
                (0..=path.len()).rev().map(|end| path[..end].to_vec()).find(|path| known.contains(path))
            });
            let others = modules.filter(|other| !other.starts_with(module) && !module.starts_with(other));
            (module.clone(), others.collect())
        };
        Self(texts.iter().map(named).collect())
    }

    /// A circle of modules, if there is one: each names the next, and the last the first.
    fn circle(&self) -> Option<Vec<&Module>> {
        let mut done = BTreeSet::new();
        self.0.keys().find_map(|module| self.visit(module, &mut Vec::new(), &mut done))
    }

    fn visit<'a>(
        &'a self,
        module: &'a Module,
        way: &mut Vec<&'a Module>,
        done: &mut BTreeSet<&'a Module>,
    ) -> Option<Vec<&'a Module>> {
        if let Some(at) = way.iter().position(|other| *other == module) {
            return Some(way[at..].to_vec());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module);
        let found = self.0[module].iter().find_map(|next| self.visit(self.0.get_key_value(next).unwrap().0, way, done));
        way.pop();
        done.insert(module);
        found
    }
}

/// Reads every file below a folder, without its tests.
fn read(src: &Path, folder: &Path, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(src, &path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let module = path.strip_prefix(src).unwrap().with_extension("");
            let module: Module = module.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            let is_root = matches!(module.iter().map(String::as_str).collect::<Vec<_>>()[..], ["lib"] | ["main"]);
            if module.last().is_none_or(|name| name != "tests") {
                let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
                let lines = text.lines().map(|line| line.split("//").next().unwrap());
                texts.insert(if is_root { Vec::new() } else { module }, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
}

/// The paths that a text names: those of its `use` declarations, and those inside it that begin with `crate` or `super`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = text;
    let mut code = String::new();
    while let Some(at) = rest.find("use ") {
        let starts = rest[..at].chars().next_back().is_none_or(|before| before.is_whitespace() || before == ')');
        let Some(end) = rest[at..].find(';').filter(|_| starts) else {
            code.push_str(&rest[..at + 4]);
            rest = &rest[at + 4..];
            continue;
        };
        code.push_str(&rest[..at]);
        expand("", &rest[at + 4..at + end], &mut paths);
        rest = &rest[at + end..];
    }
    code.push_str(rest);
    let mut found: Vec<Vec<String>> = paths.iter().map(|path| segments(path)).collect();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = code.split(|letter: char| !is_word(letter));
    found.extend(words.filter(|word| word.starts_with("crate::") || word.starts_with("super::")).map(segments));
    found
}

fn segments(path: &str) -> Vec<String> {
    let path = path.split(" as ").next().unwrap();
    path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty() && part != "self").collect()
}

/// `a::{b, c::{d, e}}` is three paths.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, inner)) = tree.split_once('{') else {
        paths.push(format!("{before}{tree}"));
        return;
    };
    let inner = &inner[..inner.rfind('}').unwrap_or(inner.len())];
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let item = inner[start..at].trim();
                if !item.is_empty() {
                    expand(&format!("{before}{}", head.trim()), item, paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// A path from the crate's root, where it is one of this crate.
fn absolute(path: &[String], module: &Module, known: &BTreeSet<Module>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            let around = module.len().checked_sub(ups)?;
            Some(module[..around].iter().chain(&path[ups..]).cloned().collect())
        }
        name => {
            let inside: Module = module.iter().cloned().chain([name.to_owned()]).collect();
            known.contains(&inside).then(|| module.iter().chain(path).cloned().collect())
        }
    }
}

#[test]
fn modules_of_a_crate_form_no_circle() {
    let mut crates = 0;
    for folder in ["handlers", "infra", "xtask"] {
        let inner = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        for package in inner.chain([root().join(folder)]).filter(|path| path.join("Cargo.toml").exists()) {
            crates += 1;
            if let Some(circle) = Modules::of(&package.join("src")).circle() {
                let names: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
                panic!("modules of {} import each other: {}", package.display(), names.join(" -> "));
            }
        }
    }
    assert!(crates >= 12, "{crates} crates");
}

#[test]
fn circle_is_found_in_any_form_of_an_import() {
    let folder = crate::service::scratch("modules");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    for (one, other, is_circle) in [
        ("use crate::b::B;", "use super::a::A;", true),
        ("use crate::{c::C, b::{self, B}};", "fn f() { crate::a::f() }", true),
        ("use crate::b::B;", "use crate::c::C;", false),
        ("use crate::b::B;", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}", false),
        ("use crate::b::B; // not crate::c", "// use crate::a::A;", false),
        ("pub(crate) use crate::c::C;", "use crate::a::C;", false),
    ] {
        write("lib.rs", "mod a;\nmod b;\nmod c;\n");
        write("a.rs", one);
        write("b.rs", other);
        write("c.rs", "");
        assert_eq!(Modules::of(&folder).circle().is_some(), is_circle, "{one} {other}");
    }
}
