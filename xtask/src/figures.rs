//! `cargo xtask figures`: every figure that was measured, unmet goals first.

use serde_json::Value;
use std::path::Path;
use std::process::ExitCode;

/// Reads `target/figures/*.json` and prints one line a row.
pub fn run(root: &Path) -> ExitCode {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let mut rows = Vec::new();
    for folder in [target.join("figures"), root.join("target/figures")] {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "json")) {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            rows.extend(serde_json::from_str::<Vec<Value>>(&text).unwrap_or_default());
        }
    }
    rows.sort_by_key(|row| (row["met"].as_bool().unwrap_or(false), row["id"].as_str().unwrap_or("").to_string()));
    rows.dedup();
    for row in &rows {
        let met = if row["met"].as_bool().unwrap_or(false) { "met  " } else { "UNMET" };
        let peer =
            row["peer"].as_f64().map(|peer| format!(" · {} {peer:.4}", row["peer_name"].as_str().unwrap_or("peer")));
        let text = |key: &str| row[key].as_str().unwrap_or("").to_string();
        let ours = row["ours"].as_f64().map_or("not run".to_string(), |ours| format!("{ours:.4}"));
        println!(
            "{met} {:<28} {ours} {}{}  goal {}  ({})",
            text("id"),
            text("unit"),
            peer.unwrap_or_default(),
            text("goal"),
            text("what")
        );
    }
    println!("figures: {} rows, {} unmet", rows.len(), rows.iter().filter(|row| row["met"] != true).count());
    ExitCode::SUCCESS
}
