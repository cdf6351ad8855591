//! Packages of Node: `package.json` in global places and in web applications.

use super::{Sight, package};
use crate::limits::NESTED;
use crate::root::Root;

/// Where packages lie.
const FOLDERS: &[&str] = &[
    "/usr/lib/node_modules",
    "/usr/local/lib/node_modules",
    "/opt/*/node_modules",
    "/opt/*/lib/node_modules",
    "/srv/*/node_modules",
    "/var/www/*/node_modules",
    "/var/www/node_modules",
];

/// The part of a manifest that matters here.
#[derive(Debug, serde::Deserialize)]
struct Manifest {
    name: String,
    version: String,
}

/// Looks at every folder.
pub(super) fn look(root: &Root, sight: &mut Sight) {
    for folder in FOLDERS.iter().flat_map(|pattern| root.glob(pattern)) {
        folder_of(root, sight, &folder, NESTED);
    }
}

fn folder_of(root: &Root, sight: &mut Sight, folder: &str, deeper: usize) {
    for name in root.list(folder) {
        let place = format!("{folder}/{name}");
        if name.starts_with('@') {
            root.list(&place).iter().for_each(|inner| one(root, sight, &format!("{place}/{inner}"), deeper));
        } else if !name.starts_with('.') {
            one(root, sight, &place, deeper);
        }
    }
}

fn one(root: &Root, sight: &mut Sight, place: &str, deeper: usize) {
    if sight.assets.len() >= crate::limits::ASSETS {
        return;
    }
    if let Some((name, version)) = root.text(&format!("{place}/package.json")).and_then(|text| parse(&text)) {
        let folder = place.rsplit_once('/').map_or(place, |(folder, _)| folder);
        sight.push(package("npm", &name, folder, &version).with("path", place));
    }
    let nested = format!("{place}/node_modules");
    if deeper > 0 && root.has(&nested) {
        folder_of(root, sight, &nested, deeper - 1);
    }
}

/// Name and version of a manifest; one without is none of a package.
pub fn parse(text: &str) -> Option<(String, String)> {
    let manifest: Manifest = serde_json::from_str(text).ok()?;
    let good = !manifest.name.is_empty() && !manifest.version.is_empty();
    good.then_some((manifest.name, manifest.version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_reads(text in "\\PC{0,40}", name in "[a-z@/]{1,9}") {
            parse(&text);
            let text = format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\",\"x\":[1]}}");
            prop_assert_eq!(parse(&text), Some((name, "1.0.0".into())));
        }
    }
}
