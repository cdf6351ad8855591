//! Sizes of files and functions. Today's giants stand in `xtask/ratchet.txt` with their size; they may shrink, never grow.

use super::Source;
use std::collections::BTreeMap;
use std::path::Path;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Longest file, lines. Tables may ask for more in the ratchet list.
const FILE_LINES: usize = 600;
/// Longest function, lines.
const FUNCTION_LINES: usize = 70;
/// Longest `lib.rs`, lines: a page and the list of modules.
const LIB_LINES: usize = 80;

/// Largest crate, lines of Rust without tests.
const CRATE_LINES: usize = 7000;

const RATCHET: &str = "xtask/ratchet.txt";

/// Checks every Rust, C and TypeScript source of ours.
pub fn check(root: &Path, sources: &[Source], ratchet: bool) -> Vec<String> {
    let mut sizes = BTreeMap::new();
    for source in
        sources.iter().filter(|source| [".rs", ".c", ".h", ".ts", ".tsx"].iter().any(|end| source.path.ends_with(end)))
    {
        let lines = source.text.lines().count();
        let limit = if source.path.ends_with("/src/lib.rs") { LIB_LINES } else { FILE_LINES };
        if lines > limit {
            sizes.insert(source.path.clone(), (lines, limit));
        }
        if source.path.ends_with(".rs") {
            functions(source, &mut sizes);
        }
    }
    for (name, lines) in crates(sources).into_iter().filter(|(_, lines)| *lines > CRATE_LINES) {
        sizes.insert(name, (lines, CRATE_LINES));
    }
    let listed = listed(root);
    if ratchet {
        return write(root, &sizes, &listed);
    }
    let mut findings = Vec::new();
    for (name, (lines, limit)) in &sizes {
        match listed.get(name) {
            None => findings.push(format!("{name}: {lines} lines, at most {limit}; split it by what its parts do")),
            Some(stood) if lines > stood => {
                findings.push(format!("{name}: grew from {stood} to {lines} lines; a giant may only shrink"));
            }
            // A crate changes every day: it may be smaller than listed until it is small.
            Some(stood) if lines < stood && !name.ends_with('/') => {
                findings
                    .push(format!("{name}: shrank from {stood} to {lines} lines; run `cargo xtask tidy --ratchet`"));
            }
            Some(_) => {}
        }
    }
    let gone = listed.keys().filter(|name| !sizes.contains_key(*name));
    findings.extend(gone.map(|name| format!("{name}: is small now; run `cargo xtask tidy --ratchet`")));
    findings
}

/// Lines of each crate: Rust below `src` without the tests at a file's end; its name is its folder with a slash.
fn crates(sources: &[Source]) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs") && !source.path.ends_with("/tests.rs")) {
        if let Some((folder, _)) = source.path.split_once("/src/") {
            let code = source.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
            *lines.entry(format!("{folder}/")).or_default() += code.count();
        }
    }
    lines
}

struct Functions<'s> {
    path: &'s str,
    place: Vec<String>,
    sizes: &'s mut BTreeMap<String, (usize, usize)>,
}

impl Functions<'_> {
    fn measure(&mut self, name: String, span: proc_macro2::Span) {
        let lines = span.end().line - span.start().line + 1;
        if lines > FUNCTION_LINES {
            let place: String = self.place.iter().map(|part| format!("{part}::")).collect();
            self.sizes.insert(format!("{}:{place}{name}", self.path), (lines, FUNCTION_LINES));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(item.sig.ident.to_string(), item.block.span());
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(item.sig.ident.to_string(), item.block.span());
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.place.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.place.pop();
    }
}

fn functions(source: &Source, sizes: &mut BTreeMap<String, (usize, usize)>) {
    // A file that does not parse is the compiler's finding, not ours.
    if let Ok(file) = syn::parse_file(&source.text) {
        Functions { path: &source.path, place: Vec::new(), sizes }.visit_file(&file);
    }
}

fn listed(root: &Path) -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(root.join(RATCHET)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' ').and_then(|(name, size)| Some((name.to_string(), size.parse().ok()?))))
        .collect()
}

/// Rewrites the list with today's sizes where they are smaller; new giants are refused unless the list does not exist yet.
fn write(root: &Path, sizes: &BTreeMap<String, (usize, usize)>, listed: &BTreeMap<String, usize>) -> Vec<String> {
    let first = !root.join(RATCHET).exists();
    let mut text =
        String::from("# Giants of today: name and lines. May shrink, never grow (cargo xtask tidy --ratchet).\n");
    let mut findings = Vec::new();
    for (name, (lines, limit)) in sizes {
        match listed.get(name) {
            Some(stood) => text.push_str(&format!("{name} {}\n", (*lines).min(*stood))),
            None if first => text.push_str(&format!("{name} {lines}\n")),
            None => {
                findings.push(format!("{name}: {lines} lines, at most {limit}; a new giant is not added to the list"))
            }
        }
    }
    if let Err(cause) = std::fs::write(root.join(RATCHET), text) {
        findings.push(format!("{RATCHET}: cannot be written ({cause})"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_its_code_without_tests() {
        let source = |path: &str, lines: usize| Source { path: path.into(), text: "x\n".repeat(lines) };
        let sources = [
            source("sense/sensor/src/a/b.rs", 4000),
            source("sense/sensor/src/c.rs", 3001),
            source("sense/sensor/src/d/tests.rs", 900),
            source("sense/sensor/bpf/c.bpf.c", 900),
            Source { path: "sense/sensor/src/e.rs".into(), text: "x\n#[cfg(test)]\nmod tests {}\n".into() },
            source("sense/sensor/tests/it.rs", 900),
            source("sense/sensor/README.md", 900),
            source("core/base/src/lib.rs", 10),
        ];
        let found: Vec<_> = crates(&sources).into_iter().collect();
        assert_eq!(found, [("core/base/".to_string(), 10), ("sense/sensor/".to_string(), 7002)]);
    }

    #[test]
    fn a_long_function_is_found_with_its_place() {
        let body = "let x = 1;\n".repeat(80);
        let source = Source {
            path: "a/src/b.rs".into(),
            text: format!("mod inner {{ fn long() {{\n{body}}} }}\nfn short() {{}}\n"),
        };
        let mut sizes = BTreeMap::new();
        functions(&source, &mut sizes);
        assert_eq!(sizes.keys().collect::<Vec<_>>(), ["a/src/b.rs:inner::long"]);
    }
}
