//! Loaded kernel modules (`/proc/modules`).

use super::{Kind, Sight};
use crate::asset::asset;
use crate::root::Root;

/// Kernel modules.
pub const KIND: Kind = Kind { word: "module", look };

fn look(root: &Root, sight: &mut Sight) {
    for (name, taint) in parse(&root.text("/proc/modules").unwrap_or_default()) {
        let version = root.head(&format!("/sys/module/{name}/version")).unwrap_or_default();
        sight.push(asset("module", name, name).version(version.trim()).with("taint", taint));
    }
}

/// Name and taint flags (`OE`: out of tree, unsigned); use counts and addresses change all the time.
pub fn parse(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let name = line.split(' ').next().filter(|name| !name.is_empty() && !name.contains('/'))?;
        let taint = line.rsplit_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(flags, _)| flags);
        Some((name, taint))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_reads(text in "([a-z_/]{0,6} [0-9]{0,4} \\PC{0,9}\\(?[A-Z]{0,3}\\)?\n){0,9}") {
            prop_assert!(parse(&text).all(|(name, _)| !name.is_empty() && !name.contains('/')));
        }
    }

    #[test]
    fn flags_are_read() {
        let text = "xfs 1 1 - Live 0x0\nevil 16384 0 - Live 0x0 (OE)\n";
        assert_eq!(parse(text).collect::<Vec<_>>(), [("xfs", ""), ("evil", "OE")]);
    }
}
