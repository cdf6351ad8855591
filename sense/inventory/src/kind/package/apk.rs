//! Alpine's packages: the database of `apk` (`P:`, `V:`, `A:`, `o:` lines, paragraphs).

use super::{Sight, package};
use crate::root::Root;

/// Looks at the database.
pub(super) fn look(root: &Root, sight: &mut Sight) {
    let text = root.large("/lib/apk/db/installed").or_else(|| root.large("/usr/lib/apk/db/installed"));
    for (name, version, architecture, origin) in parse(&text.unwrap_or_default()) {
        let built = package("apk", name, "", version).with("architecture", architecture);
        sight.push(built.with("source", if origin.is_empty() { name } else { origin }));
    }
}

/// Name, version, architecture and origin of each.
pub fn parse(text: &str) -> Vec<(&str, &str, &str, &str)> {
    let mut found = Vec::new();
    let mut one = ("", "", "", "");
    for line in text.lines().chain(std::iter::once("")) {
        match line.split_once(':') {
            Some(("P", value)) => one.0 = value.trim(),
            Some(("V", value)) => one.1 = value.trim(),
            Some(("A", value)) => one.2 = value.trim(),
            Some(("o", value)) => one.3 = value.trim(),
            Some(_) => {}
            None if line.trim().is_empty() => {
                if !one.0.is_empty() && !one.1.is_empty() {
                    found.push(one);
                }
                one = ("", "", "", "");
            }
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_reads(text in "([PVAo]:\\PC{0,9}\n|\n|\\PC{0,9}\n){0,30}") {
            prop_assert!(parse(&text).iter().all(|one| !one.0.is_empty() && !one.1.is_empty()));
        }
    }
}
