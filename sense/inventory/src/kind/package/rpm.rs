//! RPM's packages, as the host's own `rpm` lists them.

use super::{Sight, package};
use crate::root::Root;

/// Where databases lie.
const DATABASES: &[&str] = &["/var/lib/rpm", "/usr/lib/sysimage/rpm"];
/// One package a line.
const FORMAT: &str =
    "%{NAME}\\t%|EPOCH?{%{EPOCH}}:{0}|\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\t%{VENDOR}\\n";

/// A line of the answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Name.
    pub name: &'a str,
    /// `[epoch:]version-release`, without an epoch of 0.
    pub version: String,
    /// Architecture.
    pub architecture: &'a str,
    /// Name of the source package, empty when it names none.
    pub source: &'a str,
    /// Who made it.
    pub vendor: &'a str,
}

/// Asks `rpm` where a database is.
pub(super) fn look(root: &Root, sight: &mut Sight) {
    if !DATABASES.iter().any(|folder| !root.list(folder).is_empty()) {
        return;
    }
    let Some(answer) = root.rpm(&["-qa", "--queryformat", FORMAT]) else { return };
    for line in parse(&answer) {
        // A package may be there in several versions: kernels.
        let more = format!("{}:{}", line.architecture, line.version);
        let built = package("rpm", line.name, &more, &line.version).with("architecture", line.architecture);
        sight.push(built.with("source", line.source).with("vendor", line.vendor));
    }
}

/// Reads the answer; keys of signatures are no packages.
pub fn parse(answer: &str) -> impl Iterator<Item = Line<'_>> {
    answer.lines().filter_map(line)
}

fn line(line: &str) -> Option<Line<'_>> {
    let mut parts = line.split('\t').map(|part| if part == "(none)" { "" } else { part.trim() });
    let (name, epoch, version) = (parts.next()?, parts.next()?, parts.next()?);
    let (release, architecture) = (parts.next()?, parts.next()?);
    let (source, vendor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if name.is_empty() || version.is_empty() || name == "gpg-pubkey" {
        return None;
    }
    let epoch = if epoch.is_empty() || epoch == "0" { String::new() } else { format!("{epoch}:") };
    // `name-version-release.src.rpm`.
    let source = source.rsplitn(3, '-').nth(2).unwrap_or_default();
    Some(Line { name, version: format!("{epoch}{version}-{release}"), architecture, source, vendor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_read() {
        let answer = "openssl-libs\t1\t3.0.7\t24.el9\tx86_64\topenssl-3.0.7-24.el9.src.rpm\tRed Hat, Inc.\n\
                      gpg-pubkey\t0\t1\t2\t(none)\t(none)\t(none)\nbash\t0\t5.1\t6.el9\tx86_64\t(none)\t(none)\n";
        let found: Vec<_> = parse(answer).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].version.as_str(), found[0].source), ("1:3.0.7-24.el9", "openssl"));
        assert_eq!((found[1].version.as_str(), found[1].source), ("5.1-6.el9", ""));
    }

    proptest! {
        #[test]
        fn any_answer_reads(answer in "(\\PC{0,8}\t?|\n){0,40}") {
            prop_assert!(parse(&answer).all(|line| !line.name.is_empty()));
        }
    }
}
