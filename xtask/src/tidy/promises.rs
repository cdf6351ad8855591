//! Promises on paper: each invariant of ARCHITECTURE.md names a test that exists, each row of SPECIFICATION.md a test or a
//! figure that some code writes.

use super::Source;

/// Checks both pages.
pub fn check(sources: &[Source]) -> Vec<String> {
    let text = |path: &str| sources.iter().find(|source| source.path == path).map_or("", |source| &source.text);
    let mut findings = Vec::new();
    for (number, invariant) in invariants(text("ARCHITECTURE.md")) {
        let tests = tests(&invariant);
        if tests.is_empty() {
            findings.push(format!("ARCHITECTURE.md: invariant {number} names no test; write `path::test_function`"));
        }
        for (path, name) in tests.iter().filter(|(path, name)| !exists(sources, path, name)) {
            findings.push(format!("ARCHITECTURE.md: invariant {number} names {path}::{name}, which does not exist"));
        }
    }
    for row in promised(text("SPECIFICATION.md")) {
        let tests = tests(&row.held_by);
        for (path, name) in tests.iter().filter(|(path, name)| !exists(sources, path, name)) {
            findings.push(format!("SPECIFICATION.md: {} names {path}::{name}, which does not exist", row.id));
        }
        if (tests.is_empty() || row.measured()) && !written(sources, &row.id) {
            findings.push(format!("SPECIFICATION.md: no code writes the figure {}; name a test or write it", row.id));
        }
    }
    findings
}

/// The numbered items of the section on invariants, each with its further lines.
fn invariants(page: &str) -> Vec<(usize, String)> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let section = page.lines().skip_while(|line| *line != "## Invariants").skip(1);
    for line in section.take_while(|line| !line.starts_with("## ")) {
        match line.split_once(". ").and_then(|(number, rest)| Some((number.parse().ok()?, rest))) {
            Some((number, rest)) => items.push((number, rest.to_string())),
            None => items.last_mut().into_iter().for_each(|(_, text)| text.push_str(&format!(" {line}"))),
        }
    }
    items
}

/// A row of the specification.
pub struct Promise {
    /// Id of the figure, or of the promise where a test holds it.
    pub id: String,
    /// What holds it.
    held_by: String,
}

impl Promise {
    /// Whether a bench or a program measures it.
    pub fn measured(&self) -> bool {
        ["`make ", "`garrison ", "`cargo xtask"].iter().any(|word| self.held_by.contains(word))
    }
}

/// Rows of the table of promises.
pub fn promised(page: &str) -> Vec<Promise> {
    let cells =
        |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_string()).collect::<Vec<_>>();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id |")).map(cells);
    rows.filter_map(|row| Some(Promise { id: row.first()?.clone(), held_by: row.last()?.clone() })).collect()
}

/// `path::test_function` in backticks: a path of the repository and the name of a function below it.
fn tests(text: &str) -> Vec<(String, String)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter_map(|quoted| quoted.rsplit_once("::"));
    named.filter(|(path, _)| path.contains('/')).map(|(path, name)| (path.to_string(), name.to_string())).collect()
}

fn exists(sources: &[Source], path: &str, name: &str) -> bool {
    let below = |source: &&Source| source.path == path || source.path.starts_with(&format!("{path}/"));
    sources.iter().filter(below).any(|source| source.text.contains(&format!("fn {name}(")))
}

/// Whether a program or script names the figure; an id that ends with `*` stands for all that begin like it.
fn written(sources: &[Source], id: &str) -> bool {
    let begin = id.trim_end_matches('*');
    let page =
        |path: &str| path.ends_with(".md") || path.starts_with("xtask/src/tidy/") || path == "xtask/src/figures.rs";
    let named = |text: &str| {
        let mut rest = text.match_indices(begin).map(|(at, _)| &text[at + begin.len()..]);
        rest.any(|rest| {
            id.ends_with('*') || !rest.starts_with(|letter: char| letter.is_alphanumeric() || ".-".contains(letter))
        })
    };
    sources.iter().any(|source| !page(&source.path) && named(&source.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn an_invariant_without_a_living_test_is_found() {
        let page = "# A\n## Invariants\n\n1. Good. — `core/base::holds`\n2. Old. —\n   `core/base::gone`\n3. None. — `base`\n## Where\n4. no\n";
        let sources = [source("ARCHITECTURE.md", page), source("core/base/src/a.rs", "fn holds() {}")];
        let findings = check(&sources);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("invariant 2 names core/base::gone"), "{findings:?}");
        assert!(findings[1].contains("invariant 3 names no test"), "{findings:?}");
    }

    #[test]
    fn a_figure_that_nobody_writes_is_found() {
        let page = "| id | promise | held by |\n|---|---|---|\n| S2.cpu | x | `make bench` |\n| S2.c | x | `make bench` |\n\
            | L3.query-* | x | `make bench` |\n| OCSF | x | `core/record::valid` |\n| R9 | x | a person |\n";
        let sources = [
            source("SPECIFICATION.md", page),
            source("tests/bench/src/a.rs", "id: \"S2.cpu\" id: \"L3.query-count\""),
            source("core/record/tests/it.rs", "fn valid() {}"),
        ];
        let findings = check(&sources);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].contains("figure S2.c;") && findings[1].contains("figure R9;"), "{findings:?}");
    }
}
