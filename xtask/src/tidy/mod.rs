//! The source is tested like code. `make test` runs this; each check lists its findings as `path: what; do this`.
//!
//! - [`law`]: a room imports `core` and itself, nothing else; heavy libraries have one owner.
//! - [`sizes`]: files, functions and crates, with a ratchet that only goes down.
//! - [`promises`]: what ARCHITECTURE.md and SPECIFICATION.md say is held is held by something that exists.
//! - [`words`]: module pages, banned calls with their replacement, machine paths.

mod law;
pub mod promises;
mod sizes;
mod words;

use std::path::{Path, PathBuf};

/// Runs every check. With `ratchet` the list of today's giants is rewritten, smaller sizes only.
pub fn run(root: &Path, ratchet: bool) -> Vec<String> {
    let mut findings = law::check(root);
    let sources = sources(root);
    findings.extend(sizes::check(root, &sources, ratchet));
    findings.extend(words::check(root, &sources));
    findings.extend(promises::check(&sources));
    findings
}

/// A source file: path relative to the root, and text.
pub struct Source {
    /// Relative path with forward slashes.
    pub path: String,
    /// Text.
    pub text: String,
}

/// Every tracked or new file that git would keep, as text; binary files are left out.
fn sources(root: &Path) -> Vec<Source> {
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let mut sources: Vec<Source> = listed
        .lines()
        .filter_map(|path| {
            let text = std::fs::read_to_string(root.join(PathBuf::from(path))).ok()?;
            Some(Source { path: path.to_string(), text })
        })
        .collect();
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let root = crate::root();
        let findings = super::run(&root, false);
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}
