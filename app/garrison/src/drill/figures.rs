//! The drills' figures, in the one shape that `cargo xtask figures` reads.

use super::render::percentile;
use super::score::Score;
use crate::cli::fault;
use base::{Fault, Result};
use serde_json::{Value, json};
use std::path::Path;

/// Longest time from the event to the alert at the API that is promised, ms.
const SHOWN_MS: f64 = 1000.0;
/// Longest time from the alert to the action read back that is promised, ms.
const ANSWERED_MS: f64 = 100.0;

/// Rows of a whole run.
pub fn rows(scores: &[Score]) -> Vec<Value> {
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let data = format!("{} drills of content/drills, one run each, kernel {kernel}", scores.len());
    let good = scores.iter().filter(|score| score.good()).count() as f64;
    let all = scores.len() as f64;
    let shown = times(scores.iter().filter_map(|score| score.shown_us));
    let answered = times(scores.iter().filter_map(|score| score.answered_us));
    let wanted = scores.iter().filter(|score| !score.drill.answer.is_empty()).count();
    vec![
        row(
            "R1.drills",
            "drills detected, answered as their rule says, and reverted",
            "drills",
            &[good],
            &data,
            (format!("= {all}"), !scores.is_empty() && good == all),
        ),
        row(
            "R1.drills-alert",
            "event in the kernel to alert at the API, p99 of all drills",
            "ms",
            &shown,
            &data,
            (format!("<= {SHOWN_MS}"), scores.len() == shown.len() && worst(&shown) <= SHOWN_MS),
        ),
        row(
            "R1.drills-answer",
            "alert to action read back, p99 of the answered drills",
            "ms",
            &answered,
            &data,
            (format!("<= {ANSWERED_MS}"), answered.len() == wanted && worst(&answered) <= ANSWERED_MS),
        ),
    ]
}

/// Milliseconds.
fn times(micros: impl Iterator<Item = i64>) -> Vec<f64> {
    micros.map(|micros| micros as f64 / 1000.0).collect()
}

/// The p99; more than any promise when there is none.
fn worst(values: &[f64]) -> f64 {
    let micros = values.iter().map(|value| (value * 1000.0) as i64).collect();
    percentile(micros, 99).map_or(f64::INFINITY, |micros| micros as f64 / 1000.0)
}

fn row(id: &str, what: &str, unit: &str, values: &[f64], data: &str, (goal, met): (String, bool)) -> Value {
    let ours = if values.is_empty() { Value::Null } else { json!(worst(values)) };
    let low = values.iter().copied().reduce(f64::min);
    let high = values.iter().copied().reduce(f64::max);
    json!({"id": id, "what": format!("{what}; no peer runs here"), "ours": ours, "unit": unit, "peer": null,
        "peer_name": "", "ratio": null, "goal": goal, "met": met, "runs": values.len(), "spread": [low, high],
        "data": data})
}

/// Writes them as `drill.json`.
pub fn write(folder: &Path, rows: &[Value]) -> Result<()> {
    let path = folder.join("drill.json");
    let unusable = |cause: std::io::Error| Fault::new(&fault::BAD_FILE).object(path.display()).because(cause);
    std::fs::create_dir_all(folder).map_err(unusable)?;
    std::fs::write(&path, format!("{:#}\n", Value::Array(rows.to_vec()))).map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(shown_us: Option<i64>, answered_us: Option<i64>) -> Score {
        let mut score = Score::new(::drill::find("reverse-shell").unwrap());
        score.alert = shown_us.map(|_| "a".into());
        (score.shown_us, score.answered_us, score.reverted) = (shown_us, answered_us, true);
        score
    }

    #[test]
    fn a_drill_that_was_not_seen_leaves_no_goal_met() {
        let met = |rows: &[Value]| rows.iter().map(|row| row["met"] == true).collect::<Vec<_>>();
        let good = rows(&[score(Some(900_000), Some(99_000)), score(Some(5000), Some(20))]);
        assert_eq!(met(&good), [true, true, true]);
        assert_eq!((good[0]["ours"].as_f64(), good[1]["ours"].as_f64()), (Some(2.0), Some(900.0)));
        assert_eq!(met(&rows(&[score(Some(5000), Some(20)), score(None, None)])), [false, false, false]);
        assert_eq!(met(&rows(&[score(Some(1_000_001), Some(100_001))])), [true, false, false]);
        let none = rows(&[]);
        assert_eq!((met(&none), &none[1]["ours"]), (vec![false, false, false], &Value::Null));
    }
}
