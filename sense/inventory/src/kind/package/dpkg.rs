//! Debian's packages: `/var/lib/dpkg/status`, and `status.d` of images without a package manager (deb-control(5)).

use super::{Sight, package};
use crate::root::Root;

/// A paragraph's fields that matter here.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// `Package`.
    pub name: String,
    /// `Version`.
    pub version: String,
    /// `Architecture`.
    pub architecture: String,
    /// `Source` without its version; the name itself when absent.
    pub source: String,
    /// The version of `Source`; the version itself when absent.
    pub source_version: String,
    /// `Status`.
    pub status: String,
}

impl Paragraph {
    /// Whether its files are there: neither removed nor only its configuration left.
    pub fn installed(&self) -> bool {
        !matches!(self.status.split_whitespace().nth(2), Some("not-installed" | "config-files"))
    }
}

/// Looks at the databases.
pub(super) fn look(root: &Root, sight: &mut Sight) {
    let mut texts: Vec<String> = root.large("/var/lib/dpkg/status").into_iter().collect();
    let parts = root.list("/var/lib/dpkg/status.d");
    let parts = parts.iter().filter(|name| !name.ends_with(".md5sums"));
    texts.extend(parts.filter_map(|name| root.text(&format!("/var/lib/dpkg/status.d/{name}"))));
    for one in texts.iter().flat_map(|text| parse(text)).filter(Paragraph::installed) {
        let built = package("dpkg", &one.name, &one.architecture, &one.version);
        let built = built.with("architecture", &one.architecture).with("source", &one.source);
        sight.push(built.with("source_version", &one.source_version));
    }
}

/// Paragraphs with a name and a version.
pub fn parse(text: &str) -> Vec<Paragraph> {
    let mut found = Vec::new();
    let mut one = Paragraph::default();
    for line in text.lines().chain(std::iter::once("")) {
        if line.trim().is_empty() {
            finish(std::mem::take(&mut one), &mut found);
        } else if !line.starts_with([' ', '\t'])
            && let Some((name, value)) = line.split_once(':')
        {
            let value = value.trim();
            match name {
                "Package" => one.name = value.into(),
                "Version" => one.version = value.into(),
                "Architecture" => one.architecture = value.into(),
                "Status" => one.status = value.into(),
                "Source" => (one.source, one.source_version) = source(value),
                _ => {}
            }
        }
    }
    found
}

/// `name` or `name (version)`.
fn source(value: &str) -> (String, String) {
    match value.split_once('(') {
        Some((name, version)) => (name.trim().into(), version.trim_end_matches(')').trim().into()),
        None => (value.into(), String::new()),
    }
}

fn finish(mut one: Paragraph, found: &mut Vec<Paragraph>) {
    if one.name.is_empty() || one.version.is_empty() {
        return;
    }
    if one.source.is_empty() {
        one.source = one.name.clone();
    }
    if one.source_version.is_empty() {
        one.source_version = one.version.clone();
    }
    found.push(one);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sources_and_states_are_read() {
        let text = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.1-1)\n\
                    Version: 3.0.1-1+b1\nDescription: x\n Version: 9\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n";
        let found = parse(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].source.as_str(), found[0].source_version.as_str()), ("openssl", "3.0.1-1"));
        assert_eq!((found[0].version.as_str(), found[0].installed()), ("3.0.1-1+b1", true));
        assert_eq!((found[1].source.as_str(), found[1].installed()), ("gone", false));
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "((Package|Version|Source|Status): ?\\PC{0,20}\n|\n| x\n|\\PC{0,9}\n){0,20}") {
            for one in parse(&text) {
                prop_assert!(!one.name.is_empty() && !one.version.is_empty() && !one.source.is_empty());
            }
        }
    }
}
