//! Paths with `*` and `?` in their names, walked on the disk.

use crate::limits::{LISTED, MATCHES};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Whether a name is of a pattern: `*` any bytes, `?` one byte. Steps back to the last star only, so it takes at most
/// name × pattern steps.
pub fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((star_at, from)) = star else { return false };
                star = Some((star_at, from + 1));
                at = star_at + 1;
                in_name = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Names of a folder that a test accepts, sorted; at most [`LISTED`] are looked at.
pub fn names(folder: &Path, is_wanted: impl Fn(&OsStr) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.take(LISTED).filter_map(|entry| Some(entry.ok()?.file_name()));
    let mut names: Vec<PathBuf> = names.filter(|name| is_wanted(name)).map(|name| folder.join(name)).collect();
    names.sort();
    names
}

/// Every path of a pattern, at most [`MATCHES`]. A path without stars is given whether or not it exists.
pub fn paths(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let is_pattern = part.contains(['*', '?']);
        let mut next = Vec::new();
        for folder in found {
            if !is_pattern {
                next.push(folder.join(part));
            } else {
                // As in a shell, a star does not stand for the dot of a hidden name.
                let hidden = part.starts_with('.');
                let accept = |name: &OsStr| {
                    let name = name.as_bytes();
                    (hidden || !name.starts_with(b".")) && is_match(part.as_bytes(), name)
                };
                next.extend(names(&folder, accept));
            }
            next.truncate(MATCHES);
        }
        found = next;
    }
    found
}

/// Whether a path is of a pattern, without looking at the disk.
pub fn covers(pattern: &str, path: &Path) -> bool {
    let parts = |text: &[u8]| text.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).count();
    let path = path.as_os_str().as_bytes();
    let mut names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
    let mut patterns = pattern.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty());
    parts(pattern.as_bytes()) == parts(path)
        && patterns.all(|pattern| names.next().is_some_and(|name| is_match(pattern, name)))
}

/// Whether a file is one that rotation compressed.
pub fn is_compressed(path: &Path) -> bool {
    const ENDS: &[&str] = &["gz", "bz2", "xz", "zst", "lz4", "lzma", "Z", "zip"];
    path.extension().and_then(OsStr::to_str).is_some_and(|end| ENDS.contains(&end))
}

/// Whether a name is what rotation makes of another: `access.log.1`, `access.log-20240101`.
pub fn is_rotation_of(name: &OsStr, base: &OsStr) -> bool {
    let rest = name.as_bytes().strip_prefix(base.as_bytes());
    rest.is_some_and(|rest| rest.len() > 1 && matches!(rest[0], b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_find_their_files() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/access.log", "a/access.log.1", "b/other.log", "b/.hidden.log", "b/access.txt"] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let base = root.path().to_str().unwrap();
        let found = |pattern: &str| {
            let paths = paths(&format!("{base}/{pattern}"));
            paths.iter().map(|path| path.strip_prefix(base).unwrap().display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found("*/*.log"), ["a/access.log", "b/other.log"]);
        assert_eq!(found("?/access*"), ["a/access.log", "a/access.log.1", "b/access.txt"]);
        assert_eq!(found("c/none.log"), ["c/none.log"]);
    }

    proptest! {
        #[test]
        fn stars_mean_what_a_plain_definition_says(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            fn plain(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern.split_first(), name.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), _) => plain(rest, name) || name.split_first().is_some_and(|(_, n)| plain(pattern, n)),
                    (Some((byte, rest)), Some((first, behind))) => (*byte == b'?' || byte == first) && plain(rest, behind),
                    _ => false,
                }
            }
            prop_assert_eq!(is_match(pattern.as_bytes(), name.as_bytes()), plain(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
