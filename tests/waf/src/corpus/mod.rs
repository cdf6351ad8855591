//! Corpora: labelled requests from the sets in `../shared/data/waf`.

pub mod ftw;
mod gotestwaf;
mod httpparams;
mod libinjection;
pub mod origin;

use crate::request::Case;
use std::path::{Path, PathBuf};

/// A set of labelled requests.
pub trait Corpus: Sync {
    /// Its name, which is also its folder's.
    fn name(&self) -> &'static str;
    /// All its cases, from its folder.
    fn read(&self, folder: &Path) -> Result<Vec<Case>, String>;
}

/// Every corpus there is.
pub const ALL: &[&dyn Corpus] = &[&httpparams::HttpParams, &gotestwaf::GoTestWaf, &libinjection::LibInjection];

/// Where the sets lie: `GARRISON_WAF_DATA`, or `shared/data/waf` beside the repository.
pub fn data() -> PathBuf {
    std::env::var_os("GARRISON_WAF_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/waf"), PathBuf::from)
}

/// A file as text, or why not.
pub fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|cause| format!("{}: {cause}", path.display()))
}

/// Files below a folder with an extension, sorted by path.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Cases by (source, class) of a corpus; `None`, said aloud, where it is absent.
    fn counts(name: &str) -> Option<BTreeMap<(String, String), usize>> {
        let folder = data().join(name);
        if !folder.exists() {
            println!("skipped: corpus {name} not present");
            return None;
        }
        let corpus = ALL.iter().find(|corpus| corpus.name() == name).unwrap();
        let mut counts = BTreeMap::new();
        for case in corpus.read(&folder).unwrap() {
            *counts.entry((case.source, case.class)).or_default() += 1;
        }
        Some(counts)
    }

    #[test]
    fn httpparams_has_the_rows_its_page_names() {
        let Some(counts) = counts("httpparams") else { return };
        let of = |class: &str| counts.get(&("httpparams".to_string(), class.to_string())).copied();
        let found = ["benign", "sqli", "xss", "path-traversal", "cmdi"].map(of);
        assert_eq!(found, [Some(19_304), Some(10_852), Some(532), Some(290), Some(89)]);
    }

    #[test]
    fn gotestwaf_has_the_products_its_page_names() {
        let Some(counts) = counts("gotestwaf") else { return };
        let of = |part: &str| {
            let source = format!("gotestwaf/{part}");
            counts.iter().filter(|((name, _), _)| *name == source).map(|(_, count)| count).sum::<usize>()
        };
        assert_eq!(["community", "owasp", "owasp-api", "false-pos"].map(of), [159, 502, 20, 141]);
    }

    #[test]
    fn libinjection_has_both_kinds() {
        let Some(counts) = counts("libinjection") else { return };
        let of = |class: &str| counts.iter().filter(|((_, kind), _)| kind == class).map(|(_, n)| n).sum::<usize>();
        let [sqli, xss, benign] = ["sqli", "xss", "benign"].map(of);
        assert!(sqli > 15_000 && xss > 1_500 && benign > 400, "{sqli} {xss} {benign}");
    }
}
