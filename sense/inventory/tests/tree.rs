//! Made-up hosts under `tests/tree`, each beside the inventory that it must give (`NAME.golden`); `UPDATE=1` writes it.

use inventory::{Root, take};
use std::path::Path;

fn shown(snapshot: &inventory::Snapshot) -> String {
    let line = |asset: &record::Asset| {
        let details: Vec<String> = asset.details.iter().map(|pair| format!("{}={}", pair.name, pair.value)).collect();
        format!("{} | {} | {} | {} | {}\n", asset.kind, asset.key, asset.name, asset.version, details.join("; "))
    };
    snapshot.assets.values().map(line).collect()
}

#[test]
fn every_tree_gives_its_inventory() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tree");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let golden = entry.with_extension("golden");
        let snapshot = take(&Root::new(&entry));
        assert_eq!(snapshot.cut, 0);
        let text = shown(&snapshot);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&golden).unwrap_or_default(), "{}", entry.display());
        assert!(!text.contains("$6$"), "a password's hash left the host");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn this_machine_has_an_inventory() {
    let snapshot = take(&Root::new("/"));
    assert!(snapshot.of("user").any(|user| user.key == "root"));
    assert!(snapshot.of("host").any(|host| host.key == "kernel"));
}
