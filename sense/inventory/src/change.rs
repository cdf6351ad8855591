//! What is different between two inventories, and a whole one as events. Pure.

use crate::asset;
use crate::snapshot::Snapshot;
use record::{Asset, Pair};

/// Key of the line that ends a whole inventory: of kind `host`, with the number of assets told before it.
pub const WHOLE: &str = "inventory";

/// Everything as `present`, the line that ends it last.
pub fn whole(now: &Snapshot) -> Vec<Asset> {
    let present = |asset: &Asset| Asset { change: "present".into(), ..asset.clone() };
    let mut told: Vec<Asset> = now.assets.values().map(present).collect();
    let end = asset::asset("host", WHOLE, "inventory").with("assets", told.len().to_string());
    let end = end.with("left_out", if now.cut > 0 { now.cut.to_string() } else { String::new() });
    told.push(Asset { change: "present".into(), ..end.done() });
    told
}

/// What was added, removed and changed.
pub fn between(before: &Snapshot, now: &Snapshot) -> Vec<Asset> {
    let mut changes = Vec::new();
    for (key, asset) in &now.assets {
        match before.assets.get(key) {
            None => changes.push(Asset { change: "added".into(), ..asset.clone() }),
            Some(old) if old != asset => {
                changes.push(Asset { change: "changed".into(), before: differing(old, asset), ..asset.clone() });
            }
            Some(_) => {}
        }
    }
    let gone = before.assets.iter().filter(|(key, _)| !now.assets.contains_key(*key));
    changes.extend(gone.map(|(_, asset)| Asset { change: "removed".into(), ..asset.clone() }));
    changes
}

/// What the old one had otherwise: version, name and details.
fn differing(old: &Asset, new: &Asset) -> Vec<Pair> {
    let mut before = Vec::new();
    if old.version != new.version {
        before.push(Pair::new("version", &old.version));
    }
    if old.name != new.name {
        before.push(Pair::new("name", &old.name));
    }
    for pair in &old.details {
        if asset::detail(new, &pair.name) != pair.value {
            before.push(pair.clone());
        }
    }
    let fresh = new.details.iter().filter(|pair| !old.details.iter().any(|one| one.name == pair.name));
    before.extend(fresh.map(|pair| Pair::new(&pair.name, "")));
    before
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshot(assets: Vec<(u8, u8)>) -> Snapshot {
        let built = assets.into_iter().map(|(key, version)| {
            let one = asset::asset("package", &key.to_string(), "p").version(&version.to_string()).done();
            ((one.kind.clone(), one.key.clone()), one)
        });
        Snapshot { assets: built.collect(), cut: 0 }
    }

    proptest! {
        /// Who starts with the old one and makes the changes has the new one.
        #[test]
        fn changes_lead_from_one_to_the_other(old: Vec<(u8, u8)>, new: Vec<(u8, u8)>) {
            let (old, new) = (snapshot(old), snapshot(new));
            let mut held = old.clone();
            for mut change in between(&old, &new) {
                let key = (change.kind.clone(), change.key.clone());
                prop_assert_eq!(change.change == "changed", !change.before.is_empty());
                let removed = change.change == "removed";
                (change.change, change.before) = (String::new(), Vec::new());
                if removed { held.assets.remove(&key); } else { held.assets.insert(key, change); }
            }
            prop_assert_eq!(held, new);
        }
    }

    #[test]
    fn a_change_says_what_was() {
        let build = |shell: &str, admin: bool| asset::asset("user", "a", "a").with("shell", shell).flag("admin", admin);
        let before = differing(&build("/bin/false", false).done(), &build("/bin/sh", true).done());
        assert_eq!(before, [Pair::new("shell", "/bin/false"), Pair::new("admin", "")]);
    }
}
