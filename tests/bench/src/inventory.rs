//! `bench inventory`: how long this machine's inventory takes, how fast advisories are imported, and how long it takes to
//! match this machine's packages with them.

use base::{Clock, Random, SeededRandom, SystemClock};
use holdings::catalogue::Catalogue;
use holdings::{Order, Posture, findings};
use kit::figures::{Row, publish};
use port::{MemoryFetch, Tables};
use record::{Activity, Event};
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 5;
/// Any id will do.
const AGENT: &str = "0123456789abcdef0123456789abcdef";

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// Measures and prints.
pub fn run(advisories: usize) -> Result<(), String> {
    let (mut took, mut last) = (Vec::new(), ::inventory::Snapshot::default());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        last = ::inventory::take(&::inventory::Root::new("/"));
        took.push(millis(begun));
    }
    let build = crate::rules::build();
    let data =
        format!("this machine, {} assets, {} packages, {build} build", last.assets.len(), last.of("package").count());
    let met = kit::figures::median(&took) <= 2000.0;
    let mut rows = vec![row("S4.inventory", "whole inventory of a host", took, "ms", "<= 2000", met, data)];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|cause| cause.to_string())?;
    let measured = runtime.block_on(server_side(advisories, &last)).map_err(|fault| fault.inside())?;
    let count = format!(
        "{advisories} generated OSV advisories, two thirds of them about this machine's packages, {build} build"
    );
    let met = kit::figures::median(&measured.0) >= 5000.0;
    rows.push(row("S4.import", "advisories imported", measured.0, "advisories/s", ">= 5000", met, count.clone()));
    let met = kit::figures::median(&measured.1) <= 1000.0;
    let data = format!("{count}; {} findings", measured.2);
    rows.push(row("S4.match", "a host's packages matched with all advisories", measured.1, "ms", "<= 1000", met, data));
    publish("inventory", &rows)
}

fn row(
    id: &'static str,
    what: &str,
    ours: Vec<f64>,
    unit: &'static str,
    goal: &'static str,
    met: bool,
    data: String,
) -> Row {
    Row {
        id: id.into(),
        what: what.into(),
        ours,
        unit,
        peer: Vec::new(),
        peer_name: String::new(),
        goal: goal.into(),
        met,
        data,
    }
}

type Measured = (Vec<f64>, Vec<f64>, usize);

async fn server_side(advisories: usize, snapshot: &::inventory::Snapshot) -> base::Result<Measured> {
    let failed =
        |cause: std::io::Error| base::Fault::new(&server::fault::DATA_DIRECTORY).object("bench").because(cause);
    let folder = tempfile::tempdir().map_err(failed)?;
    let tables: Arc<dyn Tables> = Arc::new(store::SqliteTables::open(&folder.path().join("state.sqlite")).await?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let live = tokio::sync::broadcast::channel(16).0;
    let place = folder.path().join("posture");
    let posture = Posture::open(tables.clone(), clock.clone(), place, Arc::new(MemoryFetch::default()), live).await?;
    let now = clock.wall();
    let told = ::inventory::change::whole(snapshot).into_iter();
    let event = |asset| Event { seq: 0, time_us: now, process: None, activity: Activity::Asset(asset) };
    posture.observe(AGENT, "bench", &told.map(event).collect::<Vec<_>>()).await?;
    let text = generate(advisories, snapshot);
    let (mut rates, mut took, mut found) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let (mut file, path) = posture.place()?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        let begun = Instant::now();
        let job = posture.import(Order { source: "bench".into(), ..Order::default() }, path)?.1.await;
        let taken = job.map_or(0, |job| job.taken);
        rates.push(taken as f64 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let catalogue = Catalogue::load(&*tables).await?;
        findings::renew(&*tables, &catalogue, AGENT, now).await?;
        took.push(millis(begun));
        found = tables.scan(findings::FINDINGS, "", "", usize::MAX >> 33).await?.len();
    }
    Ok((rates, took, found))
}

/// Advisories, a line each: ranges around the versions of the machine's source packages, and packages it has not.
fn generate(count: usize, snapshot: &::inventory::Snapshot) -> String {
    let detail = |asset: &record::Asset, name: &str| {
        asset.details.iter().find(|pair| pair.name == name).map(|pair| pair.value.clone()).unwrap_or_default()
    };
    let dpkg = snapshot.of("package").filter(|asset| detail(asset, "manager") == "dpkg");
    let sources: Vec<(String, String)> =
        dpkg.map(|asset| (detail(asset, "source"), detail(asset, "source_version"))).collect();
    let release = snapshot.of("host").find(|asset| asset.key == "os").map_or("12".into(), |os| os.version.clone());
    let chance = SeededRandom::new(11);
    let mut text = String::new();
    for number in 0..count {
        let other = (format!("package-{}", chance.below(20_000)), "1.0-1".to_owned());
        let own = if sources.is_empty() { 0 } else { chance.below(sources.len() as u64) as usize };
        let (name, version) = if number % 3 == 0 { &other } else { sources.get(own).unwrap_or(&other) };
        // One in a hundred is fixed only after what is installed.
        let fixed = if chance.below(100) == 0 { format!("{version}+fix") } else { format!("0~{number}") };
        text.push_str(&format!(
            "{{\"id\":\"DSA-{number}-1\",\"upstream\":[\"CVE-2024-{:05}\"],\"summary\":\"generated\",\"affected\":[{{\"package\":{{\"ecosystem\":\"Debian:{release}\",\"name\":\"{name}\"}},\"ranges\":[{{\"type\":\"ECOSYSTEM\",\"events\":[{{\"introduced\":\"0\"}},{{\"fixed\":\"{fixed}\"}}]}}]}}]}}\n",
            number + 1000
        ));
    }
    text
}
