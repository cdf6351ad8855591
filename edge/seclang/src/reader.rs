//! Where text comes from: this crate opens no file itself.

use base::Result;
use std::collections::BTreeMap;

/// Gives files by name. Names are as written in the configuration, joined to the folder of the file that names them
/// when they are relative.
pub trait Reader {
    /// The bytes of a file; `None` when there is none of this name.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Names that fit a pattern with `*` and `?` (see [`matches`]), sorted.
    ///
    /// # Errors
    /// When a folder cannot be read.
    fn list(&mut self, pattern: &str) -> Result<Vec<String>>;
}

/// Files in memory: for tests, for text typed into a console, for rules that were made.
#[derive(Debug, Clone, Default)]
pub struct MemoryReader {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryReader {
    /// Adds or replaces a file.
    pub fn put(&mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.files.insert(name.into(), content.into());
    }
}

impl Reader for MemoryReader {
    fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.files.get(name).cloned())
    }

    fn list(&mut self, pattern: &str) -> Result<Vec<String>> {
        Ok(self.files.keys().filter(|name| matches(pattern, name)).cloned().collect())
    }
}

/// Files in memory before those of another reader: rules that were made, beside rules on disk.
pub struct Overlay<'r> {
    /// Looked at first.
    pub first: MemoryReader,
    /// Where everything else is.
    pub rest: &'r mut dyn Reader,
}

impl Reader for Overlay<'_> {
    fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.first.read(name)? {
            Some(content) => Ok(Some(content)),
            None => self.rest.read(name),
        }
    }

    fn list(&mut self, pattern: &str) -> Result<Vec<String>> {
        let mut names = self.first.list(pattern)?;
        names.extend(self.rest.list(pattern)?);
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}

/// Whether a name fits a pattern: `*` is any text without `/`, `?` one character that is not `/`. Takes at most
/// (length of pattern) × (length of name) steps.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star stood, and up to where in the name it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') if name[n] != b'/' => (p, n) = (p + 1, n + 1),
            Some(byte) if *byte == name[n] && *byte != b'?' => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, eaten)) if name[eaten] != b'/' => {
                    star = Some((at, eaten + 1));
                    (p, n) = (at + 1, eaten + 1);
                }
                _ => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The name of a file as seen from the file that names it.
pub(crate) fn resolve(from: &str, name: &str) -> String {
    let folder = from.rfind('/').map_or("", |at| &from[..=at]);
    let name = name.strip_prefix("./").unwrap_or(name);
    if name.starts_with('/') { name.to_string() } else { format!("{folder}{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "d/a.conf", false),
            ("d/*.conf", "d/a.conf", true),
            ("d/*/x", "d/e/x", true),
            ("d/*/x", "d/e/f/x", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("a**", "a", true),
            ("", "", true),
            ("a", "", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn names_are_relative_to_the_file_that_names_them() {
        assert_eq!(resolve("rules/a.conf", "b.data"), "rules/b.data");
        assert_eq!(resolve("a.conf", "./b.data"), "b.data");
        assert_eq!(resolve("rules/a.conf", "/etc/b.data"), "/etc/b.data");
    }
}
