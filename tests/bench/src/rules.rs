//! Events a second and core through the built-in rules.

use crate::figures::{Row, publish};
use detect::{Engine, Scratch, Source};
use std::path::Path;
use std::time::Instant;

/// Events.
const EVENTS: usize = 200_000;
/// Runs.
const RUNS: usize = 5;

fn read(folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        if path.is_dir() {
            read(&path, sources);
        } else if name.ends_with(".yml") && !name.ends_with(".cases.yml") {
            sources.push(Source { name, text: std::fs::read_to_string(&path).unwrap_or_default() });
        }
    }
}

/// Measures and publishes.
pub fn run() -> Result<(), String> {
    let mut sources = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/rules"), &mut sources);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sigma");
    let own = sources.len();
    let events = kit::synthetic::synthetic(EVENTS, 7);
    let mut rows = Vec::new();
    for (id, what) in [("A1.own-rules", "own rules"), ("A1.sigma-rules", "own rules and the Sigma corpus")] {
        if id == "A1.sigma-rules" {
            read(&corpus, &mut sources);
            if sources.len() == own {
                println!("skipped: corpus not present");
                break;
            }
        }
        let (engine, _) = Engine::compile(&sources);
        let (mut scratch, mut hits, mut rates) = (Scratch::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let begun = Instant::now();
            for event in &events {
                hits.clear();
                engine.evaluate(event, &mut scratch, &mut hits);
            }
            rates.push(EVENTS as f64 / begun.elapsed().as_secs_f64());
        }
        rows.push(Row {
            id,
            what: format!("{what}: {} loaded", engine.rules().len()),
            met: crate::figures::median(&rates) >= 1_000_000.0,
            ours: rates,
            unit: "events/s/core",
            peer: Vec::new(),
            peer_name: String::new(),
            goal: ">= 1000000",
            data: format!("{EVENTS} synthetic events of all kinds; rsigma comes with the rule-engine issue"),
        });
    }
    publish("rules", &rows)
}
