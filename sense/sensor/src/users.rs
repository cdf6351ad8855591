//! Names of users from the host's `/etc/passwd` (passwd(5)), read again when the file changes.
//!
//! Names of a container's own user database are not looked up: a name always means this host's user.

use base::Micros;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// How often the file is looked at, µs.
const CHECK_EVERY: Micros = 1_000_000;
/// Most users kept: a directory dump of a large site in `/etc/passwd` must not fill the memory.
const USERS_MAX: usize = 16 * 1024;
/// Largest file read, bytes.
const FILE_MAX: u64 = 4 * 1024 * 1024;

/// The cache.
#[derive(Debug)]
pub struct UserNames {
    path: PathBuf,
    names: HashMap<u32, Box<str>>,
    stamp: Option<(i64, i64, u64, u64)>,
    next_check: Micros,
}

impl Default for UserNames {
    fn default() -> Self {
        UserNames::at("/etc/passwd")
    }
}

impl UserNames {
    /// A cache of this file.
    pub fn at(path: impl Into<PathBuf>) -> UserNames {
        UserNames { path: path.into(), names: HashMap::new(), stamp: None, next_check: Micros::MIN }
    }

    /// The user's name, or an empty string. `now` is a monotonic time.
    pub fn name(&mut self, uid: u32, now: Micros) -> &str {
        if now >= self.next_check {
            self.next_check = now.saturating_add(CHECK_EVERY);
            self.refresh();
        }
        self.names.get(&uid).map_or("", |name| name)
    }

    fn refresh(&mut self) {
        let Ok(found) = std::fs::metadata(&self.path) else { return };
        let stamp = (found.mtime(), found.mtime_nsec(), found.ino(), found.size());
        if self.stamp == Some(stamp) || found.size() > FILE_MAX {
            return;
        }
        if let Ok(text) = std::fs::read(&self.path) {
            self.names = parse_users(&text);
            self.stamp = Some(stamp);
        }
    }
}

/// Parses the text of `/etc/passwd`. The first name of a uid wins; lines that do not fit are passed over.
pub fn parse_users(text: &[u8]) -> HashMap<u32, Box<str>> {
    let mut names = HashMap::new();
    for line in text.split(|byte| *byte == b'\n').take(USERS_MAX) {
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(name), Some(uid)) = (fields.next(), fields.nth(1)) else { continue };
        let Some(uid) = crate::procfs::number(uid).and_then(|uid| u32::try_from(uid).ok()) else { continue };
        if !name.is_empty() && name.len() <= 256 {
            names.entry(uid).or_insert_with(|| String::from_utf8_lossy(name).into());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_name_of_a_user_wins() {
        let names = parse_users(
            b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:/bin/sh\n# no\nbad:x:-5:\nwww-data:x:33:33:::\n",
        );
        assert_eq!((names[&0].as_ref(), names[&33].as_ref(), names.len()), ("root", "www-data", 2));
    }

    #[test]
    fn a_changed_file_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "alice:x:7:7:::\n").unwrap();
        let mut users = UserNames::at(file.path());
        assert_eq!(users.name(7, 0).to_owned(), "alice");
        std::fs::write(file.path(), "bob-the-second:x:7:7:::\n").unwrap();
        assert_eq!(users.name(7, CHECK_EVERY - 1).to_owned(), "alice");
        assert_eq!(users.name(7, CHECK_EVERY).to_owned(), "bob-the-second");
        assert_eq!(users.name(8, CHECK_EVERY), "");
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_users(&bytes);
        }
    }
}
