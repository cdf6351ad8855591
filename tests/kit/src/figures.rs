//! Rows of figures in the design's shape: printed, and written to `figures/AREA.json` below the target directory.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One measured row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Begins with the row of the requirements that it serves: `E1.suite`.
    pub id: String,
    /// What was measured.
    pub what: String,
    /// Our figures, one a run; none when it could not be run, which `what` then says.
    pub ours: Vec<f64>,
    /// Unit.
    pub unit: &'static str,
    /// The peer's figures, one a run; empty when none can run here.
    pub peer: Vec<f64>,
    /// Its name and version.
    pub peer_name: String,
    /// What is wanted, as text; empty where nothing was asked.
    pub goal: String,
    /// Whether it was met.
    pub met: bool,
    /// Which data, which size, which split.
    pub data: String,
}

/// Middle of the sorted values; 0 for none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

impl Row {
    fn json(&self) -> Value {
        let (ours, peer) = (median(&self.ours), median(&self.peer));
        let ratio = (!self.peer.is_empty() && !self.ours.is_empty() && peer != 0.0).then(|| ours / peer);
        let some = |values: &[f64], value: f64| if values.is_empty() { Value::Null } else { json!(value) };
        let ends = [f64::min, f64::max].map(|pick| self.ours.iter().copied().reduce(pick));
        json!({"id": self.id, "what": self.what, "ours": some(&self.ours, ours), "unit": self.unit,
            "peer": some(&self.peer, peer), "peer_name": self.peer_name, "ratio": ratio, "goal": self.goal,
            "met": self.met, "runs": self.ours.len(), "spread": ends, "data": self.data})
    }
}

/// Prints the rows and puts them into `AREA.json`; rows of the area with other ids stay.
pub fn publish(area: &str, rows: &[Row]) -> Result<(), String> {
    for row in rows {
        let value = row.json();
        let (ours, peer) = (&value["ours"], &value["peer"]);
        let ratio = value["ratio"].as_f64().map(|ratio| format!(" | ratio {ratio:.3}")).unwrap_or_default();
        let beside = if peer.is_null() { String::new() } else { format!(" | {} {peer:.4}{ratio}", row.peer_name) };
        let goal = match (row.goal.as_str(), row.met) {
            ("", _) => String::new(),
            (goal, met) => format!(" | goal {goal} {}", if met { "met" } else { "UNMET" }),
        };
        println!("{:<30} {ours:>10.4} {:<5}{beside}{goal} | {}", row.id, row.unit, row.what);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    write(&target.join("figures"), area, rows).map_err(|cause| format!("figures/{area}.json: {cause}"))
}

fn write(folder: &Path, area: &str, rows: &[Row]) -> std::io::Result<()> {
    let path = folder.join(format!("{area}.json"));
    let old = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut all: Vec<Value> = old.unwrap_or_default();
    all.retain(|old| !rows.iter().any(|row| old["id"] == row.id.as_str()));
    all.extend(rows.iter().map(Row::json));
    std::fs::create_dir_all(folder)?;
    std::fs::write(path, format!("{:#}\n", Value::Array(all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_once_and_one_that_could_not_run_has_no_figure() {
        let folder = tempfile::tempdir().unwrap();
        let row = |id: &str, ours: &[f64]| Row {
            id: id.into(),
            what: "w".into(),
            ours: ours.to_vec(),
            unit: "us",
            peer: vec![4.0],
            peer_name: "p".into(),
            goal: String::new(),
            met: true,
            data: String::new(),
        };
        write(folder.path(), "x", &[row("a", &[1.0, 3.0, 2.0]), row("b", &[])]).unwrap();
        write(folder.path(), "x", &[row("a", &[2.0])]).unwrap();
        let text = std::fs::read_to_string(folder.path().join("x.json")).unwrap();
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        let short: Vec<_> =
            rows.iter().map(|row| (row["id"].clone(), row["ours"].clone(), row["ratio"].clone())).collect();
        assert_eq!(short, [(json!("b"), Value::Null, Value::Null), (json!("a"), json!(2.0), json!(0.5))]);
    }
}
