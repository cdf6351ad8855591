//! The database of dpkg: `info/*.list`, `info/*.md5sums` and the sums of configuration files in `status`
//! (deb-md5sums(5), dpkg(1)).

use super::{Listed, Sum, changed, text};
use crate::limits::PACKAGES;
use std::collections::HashMap;
use std::path::Path;

const INFO: &str = "var/lib/dpkg/info";
const STATUS: &str = "var/lib/dpkg/status";

/// When the database was last changed, ns.
pub fn stamp(root: &Path) -> i64 {
    changed(&root.join(INFO)).max(changed(&root.join(STATUS)))
}

/// The paths of every package that are to be kept.
pub fn read(root: &Path, keep: &dyn Fn(&str) -> bool) -> HashMap<String, Listed> {
    let mut list = HashMap::new();
    let entries = std::fs::read_dir(root.join(INFO)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    for package in names.filter_map(|name| name.strip_suffix(".list").map(str::to_owned)).take(PACKAGES) {
        let file = |end: &str| text(&root.join(INFO).join(format!("{package}.{end}")));
        for path in file("list").lines().filter(|path| path.len() > 1 && keep(path)) {
            list.insert(path.to_owned(), Listed { package: package.clone(), sum: Sum::Listed });
        }
        for (path, sum) in file("md5sums").lines().filter_map(sum_line) {
            let path = format!("/{path}");
            if !list.contains_key(&path) && !keep(&path) {
                continue;
            }
            list.insert(path, Listed { package: package.clone(), sum });
        }
    }
    for (package, path, sum) in configuration(&text(&root.join(STATUS))) {
        if keep(&path) {
            list.insert(path, Listed { package, sum });
        }
    }
    list
}

/// `d41d8cd98f00b204e9800998ecf8427e  usr/bin/x`.
fn sum_line(line: &str) -> Option<(&str, Sum)> {
    let (sum, path) = line.split_once("  ")?;
    Some((path.trim_start_matches("./"), md5(sum)?))
}

fn md5(text: &str) -> Option<Sum> {
    let mut sum = [0; 16];
    hex::decode_to_slice(text.trim(), &mut sum).ok()?;
    Some(Sum::Md5(sum))
}

/// Configuration files of every package in `status`: package, path and sum.
fn configuration(status: &str) -> Vec<(String, String, Sum)> {
    let (mut found, mut package, mut inside) = (Vec::new(), String::new(), false);
    for line in status.lines() {
        if let Some(name) = line.strip_prefix("Package: ") {
            package = name.trim().to_owned();
        }
        if !line.starts_with(' ') {
            inside = line.starts_with("Conffiles:");
        } else if inside {
            let mut words = line.split_whitespace();
            if let (Some(path), Some(sum)) = (words.next(), words.next().and_then(md5)) {
                found.push((package.clone(), path.to_owned(), sum));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::IntegrityConfig;
    use crate::entry::look;
    use crate::package::{Databases, Verdict};
    use crate::watched::Watched;
    use proptest::prelude::*;

    #[test]
    fn files_links_and_configuration_are_verified_by_what_dpkg_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("usr/bin/x", "hello");
        write("etc/x.conf", "a\n");
        std::os::unix::fs::symlink("x", root.join("usr/bin/y")).unwrap();
        write("var/lib/dpkg/info/x.list", "/.\n/bin\n/bin/x\n/usr/bin/y\n/etc/x.conf\n");
        write("var/lib/dpkg/info/x.md5sums", "5d41402abc4b2a76b9719d911017c592  bin/x\nnonsense\n");
        write(
            "var/lib/dpkg/status",
            "Package: x\nConffiles:\n /etc/x.conf 60b725f10c9c85c70d97880dfe8191b3\nVersion: 1\n /no 1\n",
        );
        let config = IntegrityConfig { paths: vec![root.display().to_string()], ..IntegrityConfig::default() };
        let watched = Watched::new(&config).unwrap();
        let mut databases = Databases::new(std::slice::from_ref(&root));
        let mut verdict = |path: &str| {
            let path = root.join(path);
            databases.verdict(path.to_str().unwrap(), look(&path, 1000).map(|seen| seen.entry).as_ref(), &watched)
        };
        let ours = Verdict::Package("x".into());
        for path in ["usr/bin/x", "usr/bin/y", "etc/x.conf"] {
            assert_eq!(verdict(path), ours, "{path}");
        }
        write("usr/bin/x", "hello!");
        assert_eq!(verdict("usr/bin/x"), Verdict::Differs("x".into()));
        std::fs::remove_file(root.join("etc/x.conf")).unwrap();
        assert_eq!(verdict("etc/x.conf"), Verdict::Differs("x".into()), "its package still has it");
        write("etc/other", "");
        assert_eq!(verdict("etc/other"), Verdict::Unlisted);
    }

    proptest! {
        #[test]
        fn hostile_texts_give_nothing_and_no_panic(text in "(?s).{0,300}") {
            let _ = configuration(&text);
            let _ = text.lines().filter_map(sum_line).count();
        }
    }
}
