//! Python distributions: `*.dist-info/METADATA` and `*.egg-info` (Core metadata specification).

use super::{Sight, package};
use crate::root::Root;

/// Where distributions lie.
const FOLDERS: &[&str] = &[
    "/usr/lib/python3*/dist-packages",
    "/usr/lib/python3*/site-packages",
    "/usr/lib64/python3*/site-packages",
    "/usr/lib/python2*/dist-packages",
    "/usr/lib/python2*/site-packages",
    "/usr/local/lib/python*/dist-packages",
    "/usr/local/lib/python*/site-packages",
    "/opt/*/lib/python*/site-packages",
    "/opt/*/venv/lib/python*/site-packages",
    "/opt/*/.venv/lib/python*/site-packages",
    "/srv/*/venv/lib/python*/site-packages",
    "/srv/*/.venv/lib/python*/site-packages",
    "/var/www/*/venv/lib/python*/site-packages",
];

/// Looks at every folder.
pub(super) fn look(root: &Root, sight: &mut Sight) {
    for folder in FOLDERS.iter().flat_map(|pattern| root.glob(pattern)) {
        for name in root.list(&folder) {
            let place = format!("{folder}/{name}");
            if let Some(stem) = name.strip_suffix(".dist-info") {
                one(root, sight, &place, &format!("{place}/METADATA"), stem);
            } else if let Some(stem) = name.strip_suffix(".egg-info") {
                let inside = format!("{place}/PKG-INFO");
                one(root, sight, &place, if root.has(&inside) { &inside } else { &place }, stem);
            }
        }
    }
}

fn one(root: &Root, sight: &mut Sight, place: &str, metadata: &str, stem: &str) {
    let Some((name, version)) = root.head(metadata).and_then(|text| parse(&text)).or_else(|| named(stem)) else {
        return;
    };
    let folder = place.rsplit_once('/').map_or(place, |(folder, _)| folder);
    let built = package("pip", &normal(&name), folder, &version).with("path", folder);
    // What the system's own packages bring is theirs to fix, with versions of their own.
    let installer = root.head(&format!("{place}/INSTALLER")).unwrap_or_default();
    let system = folder == "/usr/lib/python3/dist-packages" || matches!(installer.trim(), "debian" | "rpm" | "apk");
    sight.push(built.flag("system", system));
}

/// Name and version of a METADATA.
pub fn parse(text: &str) -> Option<(String, String)> {
    let field = |name: &str| {
        let head = text.lines().take_while(|line| !line.is_empty());
        let value = head.filter_map(|line| line.split_once(':')).find(|(one, _)| one.eq_ignore_ascii_case(name));
        value.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Some((field("Name")?, field("Version")?))
}

/// Name and version as the folder's name says them: `name-version[-pyX.Y]`.
fn named(stem: &str) -> Option<(String, String)> {
    let (name, rest) = stem.split_once('-')?;
    let version = rest.split('-').next()?;
    (!name.is_empty() && !version.is_empty()).then(|| (name.to_owned(), version.to_owned()))
}

/// The one form of a name (PEP 503).
pub fn normal(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '-' | '_' | '.' if text.ends_with('-') => {}
            '-' | '_' | '.' => text.push('-'),
            other => text.extend(other.to_lowercase()),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn metadata_and_names_are_read() {
        let text = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.2\n\nName: no\n";
        assert_eq!(parse(text), Some(("Foo_Bar".into(), "1.2".into())));
        assert_eq!(normal("Foo__Bar.baz"), "foo-bar-baz");
        assert_eq!(named("six-1.16.0-py3.9"), Some(("six".into(), "1.16.0".into())));
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "((Name|Version)?:?\\PC{0,9}\n){0,9}", name in "\\PC{0,20}") {
            parse(&text);
            named(&name);
            prop_assert_eq!(normal(&normal(&name)), normal(&name));
        }
    }
}
