//! What leaves: a collection of TAXII read beside medallion, and a change on its way to a fleet.

use fleet::Services;
use fleet::content::Name;
use fleet::simulated::Simulated;
use intel::{Base, Builder, Change, Facts, Index, Kind, Tlp};
use kit::figures::{Row, median, publish};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Changes sent to the fleet, one after the other.
const CHANGES: usize = 50;
/// Objects that both TAXII servers hold, objects of a page, and objects that ours serves alone.
const TAXII: [usize; 3] = [1000, 100, 100_000];

/// Reads a collection of our real server and one of medallion.
pub fn taxii() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let packages = std::env::var_os("GARRISON_VENV").map_or_else(|| home.join(".cache/garrison/venv"), PathBuf::from);
    let script = root.join("tests/intel/taxii_speed.py");
    let ran =
        Command::new(packages.join("bin/python")).arg(&script).args(TAXII.map(|number| number.to_string())).output();
    let missing = |why: String| {
        println!("skipped: TAXII beside medallion ({why})");
        row(
            "A2.taxii",
            format!("objects/s served over TAXII 2.1; not run: {why}"),
            Vec::new(),
            "objects/s",
            ">= 1000",
            false,
        )
    };
    let ran = match ran {
        Ok(ran) if ran.status.success() => ran,
        Ok(ran) if ran.status.code() != Some(2) => return Err(String::from_utf8_lossy(&ran.stderr).into_owned()),
        Ok(ran) => return publish("intel-taxii", &[missing(String::from_utf8_lossy(&ran.stderr).trim().to_string())]),
        Err(cause) => return publish("intel-taxii", &[missing(format!("{cause} (make setup)"))]),
    };
    let text = String::from_utf8_lossy(&ran.stdout);
    let line = text.lines().last().unwrap_or_default();
    let rates: serde_json::Value = serde_json::from_str(line).map_err(|cause| format!("{cause}: {text}"))?;
    let of = |name: &str| rates[name].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
    let [objects, page, many] = TAXII;
    let (ours, peer): (Vec<f64>, Vec<f64>) = (of("ours"), of("peer"));
    let met = median(&ours) >= 10.0 * median(&peer);
    let what =
        "objects/s that one taxii2-client reads from the real server over TLS (medallion: plain HTTP)".to_string();
    let mut small = row("A2.taxii", what, ours, "objects/s", ">= 10x medallion", met);
    small.data = format!("the same {objects} indicators, pages of {page}; wall time, everyday build");
    (small.peer, small.peer_name) = (peer, "medallion 3.0.0, memory backend".into());
    let rates: Vec<f64> = of("many");
    let met = median(&rates) >= 1000.0;
    let what =
        "the same reader on a large collection; medallion is left out, its pages grow slower with the size".to_string();
    let mut large = row("A2.taxii-large", what, rates, "objects/s", ">= 1000", met);
    large.data = format!("{} indicators, pages of 1,000; wall time, everyday build", many + objects);
    publish("intel-taxii", &[small, large])
}

/// How long changes take to every agent of a fleet: index, message, shelf, mTLS stream, taker.
pub fn update(agents: usize, indicators: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|cause| cause.to_string())?;
    let (whole, changes) = runtime.block_on(spread(agents, indicators)).map_err(|fault| fault.inside())?;
    let seconds = |times: &[Duration], part: f64| {
        let at = ((times.len() as f64 * part).ceil() as usize).clamp(1, times.len().max(1)) - 1;
        times.get(at).map_or(f64::INFINITY, Duration::as_secs_f64)
    };
    let data = format!(
        "{agents} agents in one process, mTLS streams over loopback, filter of {indicators} indicators; wall time"
    );
    let mut rows = Vec::new();
    for (id, what, times, part) in [
        ("A2.update-p50", "a change of one indicator until an agent uses it, median", &changes, 0.5),
        ("A2.update-p99", "the same, 99th percentile", &changes, 0.99),
        ("A2.update-whole", "a whole filter until the last agent uses it", &whole, 1.0),
    ] {
        let took = seconds(times, part);
        let (goal, met) = if id == "A2.update-whole" { ("< 60", took < 60.0) } else { ("< 5", took < 5.0) };
        let mut row = row(id, format!("{what}; {} arrivals", times.len()), vec![took], "s", goal, met);
        row.data = data.clone();
        rows.push(row);
    }
    publish("intel-update", &rows)
}

/// Times of a whole filter and of changes, each from the call to each agent's taker, sorted.
async fn spread(agents: usize, indicators: usize) -> base::Result<(Vec<Duration>, Vec<Duration>)> {
    let folder = tempfile::tempdir().map_err(|cause| base::Fault::new(&fleet::fault::UNREACHABLE).because(cause))?;
    let mut builder = Builder::with_capacity(indicators);
    let shared = builder.shared(&facts())?;
    for number in 0..indicators {
        builder.put_shared(&format!("n{number}.update.example"), shared)?;
    }
    let mut image = Vec::new();
    builder.finish(1, &mut image)?;
    let mut index = Index::new(Base::open(image)?);
    let filter = index.filter(0)?.encode();
    let mut fleet = Simulated::start(folder.path(), agents, Services::default()).await?;
    let publish = |shelf: &fleet::content::Shelf| shelf.publish(Name::IntelFilter, 1, &filter).map(drop);
    let whole = fleet.spread(Name::IntelFilter, 1, publish).await?;
    let mut changes = Vec::new();
    for number in 0..CHANGES {
        let change = Change::Put { value: format!("new{number}.update.example"), facts: facts() };
        let version = index.epoch() + 1;
        let publish = |shelf: &fleet::content::Shelf| {
            let step = index.apply(std::slice::from_ref(&change))?;
            shelf.publish_delta(Name::IntelFilter, step.from, step.to, &step.encode()).map(drop)
        };
        changes.extend(fleet.spread(Name::IntelFilter, version, publish).await?);
    }
    changes.sort();
    Ok((whole, changes))
}

fn facts() -> Facts {
    Facts {
        kind: Kind::Domain,
        tlp: Tlp::Green,
        score: 75,
        last_us: 0,
        valid_until_us: 0,
        sources: vec!["bench".into()],
        tags: Vec::new(),
        actors: Vec::new(),
        malware: Vec::new(),
    }
}

fn row(id: &'static str, what: String, ours: Vec<f64>, unit: &'static str, goal: &'static str, met: bool) -> Row {
    Row {
        id: id.into(),
        what,
        ours,
        unit,
        peer: Vec::new(),
        peer_name: String::new(),
        goal: goal.into(),
        met,
        data: String::new(),
    }
}
