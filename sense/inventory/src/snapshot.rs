//! Everything that is on a host at one time.

use crate::kind::{self, Sight};
use crate::limits::ASSETS;
use crate::root::Root;
use record::Asset;
use std::collections::BTreeMap;

/// Assets by kind and key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The assets.
    pub assets: BTreeMap<(String, String), Asset>,
    /// How often something was left out because it was too much.
    pub cut: u64,
}

impl Snapshot {
    /// The assets of a kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Asset> {
        self.assets.values().filter(move |asset| asset.kind == kind)
    }
}

/// Looks at everything.
pub fn take(root: &Root) -> Snapshot {
    take_but(root, &[])
}

/// Looks at everything but these kinds.
pub fn take_but(root: &Root, exclude: &[String]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let wanted = kind::ALL.iter().filter(|kind| !exclude.iter().any(|word| word == kind.word));
    for kind in wanted {
        let mut sight = Sight::default();
        (kind.look)(root, &mut sight);
        if sight.assets.len() > ASSETS {
            root.leave_out();
            sight.assets.truncate(ASSETS);
        }
        let keyed = sight.assets.into_iter().map(|asset| ((asset.kind.clone(), asset.key.clone()), asset));
        snapshot.assets.extend(keyed);
    }
    snapshot.cut = root.cut();
    snapshot
}
