//! Lists of libinjection: one URL-encoded value a line, sent as one argument of a GET.

use super::{Corpus, files, text};
use crate::encode;
use crate::request::{Case, Request};
use std::path::Path;

/// The set.
pub struct LibInjection;

impl Corpus for LibInjection {
    fn name(&self) -> &'static str {
        "libinjection"
    }

    fn read(&self, folder: &Path) -> Result<Vec<Case>, String> {
        let mut cases = Vec::new();
        for path in files(&folder.join("data"), "txt")? {
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let class = match name.as_str() {
                "false_positives" => "benign",
                name if name.contains("xss") => "xss",
                _ => "sqli",
            };
            for (number, line) in text(&path)?.lines().enumerate() {
                let line = line.trim_end_matches('\r');
                if line.trim().is_empty() || line.starts_with('#') {
                    continue;
                }
                let mut target = b"/search?q=".to_vec();
                target.extend(encode::query(&encode::unquery_lenient(line.as_bytes())));
                cases.push(Case {
                    source: "libinjection".into(),
                    class: class.into(),
                    attack: class != "benign",
                    name: format!("{name}:{}", number + 1),
                    request: Request::browser("GET", target),
                });
            }
        }
        Ok(cases)
    }
}
