//! Figures: `cargo xtask figures` prints every row that was measured, unmet goals first; `cargo xtask figure` writes one
//! row for a script. The shape is that of the design, section 6.

use crate::tidy::promises;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One figure.
pub struct Row {
    /// Begins with the row of the requirements that it serves: `A1.rules`.
    pub id: String,
    /// What was measured.
    pub what: String,
    /// Our figures, one a run; none when it could not be run, which `what` then says.
    pub ours: Vec<f64>,
    /// Unit.
    pub unit: String,
    /// What is wanted, as text.
    pub goal: String,
    /// Whether it was met.
    pub met: bool,
    /// Which data, which size, which build.
    pub data: String,
}

impl Row {
    fn json(&self) -> Value {
        let mut sorted = self.ours.clone();
        sorted.sort_by(f64::total_cmp);
        json!({"id": self.id, "what": self.what, "ours": sorted.get(sorted.len() / 2), "unit": self.unit, "peer": null,
            "peer_name": "", "ratio": null, "goal": self.goal, "met": self.met, "runs": sorted.len(),
            "spread": [sorted.first(), sorted.last()], "data": self.data})
    }
}

/// The target directory.
fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into)
}

/// Writes rows to `figures/AREA.json` in the target directory; other rows of the area stay.
pub fn write(root: &Path, area: &str, rows: &[Row]) -> std::io::Result<()> {
    write_in(&target(root).join("figures"), area, rows)
}

fn write_in(folder: &Path, area: &str, rows: &[Row]) -> std::io::Result<()> {
    let path = folder.join(format!("{area}.json"));
    let mut all = read(&path);
    all.retain(|old| !rows.iter().any(|row| old["id"] == row.id.as_str()));
    all.extend(rows.iter().map(Row::json));
    std::fs::create_dir_all(folder)?;
    std::fs::write(path, format!("{:#}\n", Value::Array(all)))
}

fn read(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// `figure AREA ID OURS UNIT met|unmet GOAL WHAT DATA`; `-` for OURS when it could not be run.
pub fn one(root: &Path, arguments: &[&str]) -> ExitCode {
    let [area, id, ours, unit, met, goal, what, data] = *arguments else {
        eprintln!("usage: cargo xtask figure AREA ID OURS UNIT met|unmet GOAL WHAT DATA");
        return ExitCode::from(64);
    };
    let row = Row {
        id: id.into(),
        what: what.into(),
        ours: ours.parse().into_iter().collect(),
        unit: unit.into(),
        goal: goal.into(),
        met: met == "met",
        data: data.into(),
    };
    match write(root, area, &[row]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("figures: {area}.json cannot be written: {cause}");
            ExitCode::FAILURE
        }
    }
}

/// Prints one line a row, and one for each promise of SPECIFICATION.md that nobody has measured here.
pub fn run(root: &Path) -> ExitCode {
    let mut rows = Vec::new();
    for folder in [target(root).join("figures"), root.join("target/figures")] {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "json")) {
            rows.extend(read(&entry.path()));
        }
    }
    let page = std::fs::read_to_string(root.join("SPECIFICATION.md")).unwrap_or_default();
    rows.extend(unmeasured(&page, &rows));
    sort(&mut rows);
    for row in &rows {
        println!("{}", line(row));
    }
    println!("figures: {} rows, {} unmet", rows.len(), rows.iter().filter(|row| row["met"] != true).count());
    ExitCode::SUCCESS
}

/// Unmet first, then by id; the same row from two folders once.
fn sort(rows: &mut Vec<Value>) {
    rows.sort_by_key(|row| (row["met"] == true, row["id"].as_str().unwrap_or("").to_string()));
    rows.dedup();
}

fn unmeasured(page: &str, rows: &[Value]) -> Vec<Value> {
    let measured = |id: &str| {
        let begin = id.trim_end_matches('*');
        let fits = |found: &str| found == id || (id.ends_with('*') && found.starts_with(begin));
        rows.iter().any(|row| row["id"].as_str().is_some_and(fits))
    };
    let missing = promises::promised(page).into_iter().filter(|promise| promise.measured() && !measured(&promise.id));
    let row = |id: String| json!({"id": id, "what": "not measured on this machine yet", "ours": null, "met": false});
    missing.map(|promise| row(promise.id)).collect()
}

fn line(row: &Value) -> String {
    let met = if row["met"] == true { "met  " } else { "UNMET" };
    let text = |key: &str| row[key].as_str().unwrap_or("").to_string();
    let peer = row["peer"].as_f64().map(|peer| format!(" · {} {peer:.4}", text("peer_name"))).unwrap_or_default();
    let ours = row["ours"].as_f64().map_or("not run".to_string(), |ours| format!("{ours:.4}"));
    let goal = row["goal"].as_str().map(|goal| format!("  goal {goal}")).unwrap_or_default();
    format!("{met} {:<28} {ours} {}{peer}{goal}  ({})", text("id"), text("unit"), text("what"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, ours: &[f64], met: bool) -> Row {
        let (unit, goal, data) = ("ms".into(), "<= 1".into(), "test".into());
        Row { id: id.into(), what: "w".into(), ours: ours.into(), unit, goal, met, data }
    }

    #[test]
    fn a_row_replaces_its_older_self_and_leaves_the_others() {
        let folder = std::env::temp_dir().join(format!("garrison-figures-{}", std::process::id()));
        write_in(&folder, "area", &[row("A1.a", &[1.0], true), row("A1.b", &[5.0, 1.0, 3.0], true)]).unwrap();
        write_in(&folder, "area", &[row("A1.a", &[], false)]).unwrap();
        let mut rows = read(&folder.join("area.json"));
        std::fs::remove_dir_all(&folder).unwrap();
        sort(&mut rows);
        assert_eq!((rows[0]["id"].as_str(), &rows[0]["ours"]), (Some("A1.a"), &Value::Null));
        assert_eq!((rows[1]["ours"].as_f64(), &rows[1]["spread"]), (Some(3.0), &json!([1.0, 5.0])));
        assert!(line(&rows[0]).starts_with("UNMET A1.a") && line(&rows[0]).contains("not run"));
    }

    #[test]
    fn a_promise_that_nobody_measured_is_listed() {
        let page = "| S1.x | p | `make bench` |\n| L3.query-* | p | `make bench` |\n| OCSF | p | `a/b::c` |\n";
        let missing = unmeasured(page, &[json!({"id": "L3.query-count", "met": true})]);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0]["id"], "S1.x");
    }
}
