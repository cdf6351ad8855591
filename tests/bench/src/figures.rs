//! Rows of figures: one shape, printed and written.

use serde_json::{Value, json};
use std::path::PathBuf;

/// One measured row.
pub struct Row {
    /// Begins with the row of the requirements that it serves: `S2.exec-cpu`.
    pub id: &'static str,
    /// What was measured.
    pub what: String,
    /// Our figures, one a run.
    pub ours: Vec<f64>,
    /// Unit.
    pub unit: &'static str,
    /// The peer's figures, one a run; empty when none can run here.
    pub peer: Vec<f64>,
    /// Its name and version.
    pub peer_name: String,
    /// What is wanted, as text.
    pub goal: &'static str,
    /// Whether it was met.
    pub met: bool,
    /// Which data, which size, which build.
    pub data: String,
}

/// Middle of the sorted values; 0 for none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Prints the rows and writes them to `target/figures/AREA.json`.
pub fn publish(area: &str, rows: &[Row]) -> Result<(), String> {
    let mut list = Vec::new();
    for row in rows {
        let (ours, peer) = (median(&row.ours), median(&row.peer));
        let has_peer = !row.peer.is_empty();
        let ratio = if has_peer && peer != 0.0 { Some(ours / peer) } else { None };
        let low = row.ours.iter().copied().fold(f64::INFINITY, f64::min);
        let high = row.ours.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let beside = if has_peer {
            format!(" | {} {peer:.3} | ratio {:.3}", row.peer_name, ratio.unwrap_or(0.0))
        } else {
            String::new()
        };
        let met = if row.met { "met" } else { "UNMET" };
        println!(
            "{:<24} {ours:>12.3} {:<10}{beside} | goal {} {met} | {} [{low:.3}..{high:.3}]",
            row.id, row.unit, row.goal, row.what
        );
        list.push(json!({"id": row.id, "what": row.what, "ours": if row.ours.is_empty() { Value::Null } else { json!(ours) },
            "unit": row.unit, "peer": if has_peer { json!(peer) } else { Value::Null }, "peer_name": row.peer_name,
            "ratio": ratio, "goal": row.goal, "met": row.met, "runs": row.ours.len(), "spread": [low, high], "data": row.data}));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = target.join("figures");
    let text = format!("{:#}\n", Value::Array(list));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(format!("{area}.json")), text))
        .map_err(|cause| cause.to_string())
}
