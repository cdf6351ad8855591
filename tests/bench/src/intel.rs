//! Five million indicators: building, bytes, look-ups at the server and at an agent, live changes.
//!
//! Values are those of the public corpora where present (maltrail, ipsum), topped up with generated ones. Times are CPU
//! time of the thread, for the machine is shared. Memory is measured in a process of its own that does nothing else.
//! Suricata, Zeek and MISP cannot run here (no such package is installed); the peer is a map of texts, as written without
//! thought.

use intel::{Base, Builder, Change, Facts, Filter, Index, Key, Kind, Observer, Tlp, guess};
use kit::figures::{Row, median, publish};
use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs of each measurement.
const RUNS: usize = 5;
/// Look-ups of a run.
const PROBES: usize = 1_000_000;
/// What ends the values' file: a value that nobody lists has this above its number.
const ABSENT: u64 = 1 << 40;

/// CPU time of this thread, seconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = cpu();
    let done = work();
    (done, cpu() - begun)
}

/// A generated value: half domains, a quarter addresses, an eighth each URLs and SHA-256.
fn generated(number: u64) -> (Kind, String) {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(7);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^= z >> 27;
    match number % 8 {
        0..4 => (Kind::Domain, format!("{z:x}.n{number}.example")),
        4 | 5 => (Kind::Ip, std::net::Ipv6Addr::from(u128::from(z) | 0x2001_0db8 << 96).to_string()),
        6 => (Kind::Url, format!("http://h{:x}.example/{number}/gate.php", z >> 40)),
        _ => (Kind::Sha256, format!("{z:016x}{:016x}{:016x}{number:016x}", !z, z ^ 7)),
    }
}

/// Values of a packed corpus: the column of each line that holds them.
fn corpus(name: &str, column: usize, values: &mut Vec<(Kind, String)>, most: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/intel").join(name);
    let unpacked = Command::new("xz").arg("-dc").arg(&path).stderr(Stdio::null()).output();
    let Some(unpacked) = unpacked.ok().filter(|output| output.status.success()) else {
        println!("skipped: corpus not present ({name})");
        return;
    };
    let text = String::from_utf8_lossy(&unpacked.stdout);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    values.extend(lines.filter_map(|line| guess(line.split('\t').nth(column)?).ok()).take(most));
}

fn facts(kind: Kind) -> Facts {
    Facts {
        kind,
        tlp: Tlp::Green,
        score: 75,
        last_us: 1_760_000_000_000_000,
        valid_until_us: 0,
        sources: vec!["bench".into()],
        tags: vec!["malware".into(), kind.word().into()],
        actors: Vec::new(),
        malware: vec!["bench family".into()],
    }
}

/// What is measured of one size.
struct World {
    values: Vec<(Kind, String)>,
    absent: Vec<(Kind, String)>,
    data: String,
    rows: Vec<Row>,
}

impl World {
    fn new(count: usize) -> World {
        let mut values = Vec::with_capacity(count);
        corpus("maltrail-static.tsv.xz", 2, &mut values, count);
        let room = count.saturating_sub(values.len());
        corpus("ipsum.txt.xz", 0, &mut values, room);
        let real = values.len();
        values.extend((0..(count - real) as u64).map(generated));
        let absent = (ABSENT..ABSENT + PROBES as u64).map(generated).collect();
        let data = format!(
            "{count} values: {real} of maltrail and ipsum, {} generated; CPU time; build for every day",
            count - real
        );
        World { values, absent, data, rows: Vec::new() }
    }

    fn row(&mut self, id: &'static str, what: &str, ours: Vec<f64>, unit: &'static str, goal: (&'static str, bool)) {
        self.beside(id, what, ours, unit, goal, Vec::new());
    }

    fn beside(
        &mut self,
        id: &'static str,
        what: &str,
        ours: Vec<f64>,
        unit: &'static str,
        (goal, met): (&'static str, bool),
        peer: Vec<f64>,
    ) {
        let peer_name = if peer.is_empty() { String::new() } else { "std HashMap<String, u32>".into() };
        self.rows.push(Row {
            id: id.into(),
            what: what.into(),
            ours,
            unit,
            peer,
            peer_name,
            goal: goal.into(),
            met,
            data: self.data.clone(),
        });
    }

    /// So many probes spread over the values, in an order without locality.
    fn hits(&self) -> Vec<(Kind, String)> {
        let step = 7_919usize;
        (0..PROBES).map(|number| self.values[number.wrapping_mul(step) % self.values.len()].clone()).collect()
    }

    fn build(&mut self) -> Result<Vec<u8>, String> {
        let (mut times, mut image) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            image.clear();
            let (built, seconds) = timed(|| -> base::Result<usize> {
                let mut builder = Builder::with_capacity(self.values.len());
                let shared = Kind::ALL.iter().map(|kind| Ok((*kind, builder.shared(&facts(*kind))?)));
                let shared = shared.collect::<base::Result<Vec<_>>>()?;
                for (kind, value) in &self.values {
                    if let Some((_, shared)) = shared.iter().find(|(named, _)| named == kind) {
                        builder.put_shared(value, *shared)?;
                    }
                }
                builder.finish(1, &mut image)
            });
            built.map_err(|fault| fault.inside())?;
            times.push(seconds);
        }
        let met = median(&times) < 2.0;
        self.row("A2.build", "index from values in memory, any order", times, "s", ("< 2", met));
        Ok(image)
    }

    fn rebuild(&mut self, index: &mut Index) -> Result<Filter, String> {
        let wrong = |fault: base::Fault| fault.inside();
        let changes: Vec<Change> = (ABSENT * 2..)
            .take(self.values.len() / 100)
            .map(generated)
            .map(|(kind, value)| Change::Put { value, facts: facts(kind) })
            .collect();
        index.apply(&changes).map_err(wrong)?;
        let (mut whole, mut parts, mut filter) = (Vec::new(), Vec::new(), None);
        for _ in 0..RUNS {
            let mut image = Vec::with_capacity(index.bytes());
            let (rebuilt, seconds) = timed(|| index.rebuild(0, &mut image));
            rebuilt.map_err(wrong)?;
            let (made, more) = timed(|| index.filter(0));
            filter = Some(made.map_err(wrong)?);
            whole.push(seconds + more);
            parts.push(more);
        }
        let met = median(&whole) < 2.0;
        self.row("A2.rebuild", "base and 1 % of changes to a new image and filter", whole, "s", ("< 2", met));
        self.row("A2.filter-build", "the filter alone", parts, "s", ("-", true));
        filter.ok_or_else(|| "no filter".to_string())
    }

    fn changes(&mut self, index: &Index, filter: &Filter) -> Result<(), String> {
        let wrong = |fault: base::Fault| fault.inside();
        let mut times = Vec::new();
        for run in 0..RUNS as u64 {
            let change = |number: u64| {
                let (kind, value) = generated(ABSENT * 3 + run * 1000 + number);
                Change::Put { value, facts: facts(kind) }
            };
            let changes: Vec<Change> = (0..1000).map(change).collect();
            let (mut index, mut filter) = (index.clone(), filter.clone());
            let (done, seconds) = timed(|| -> base::Result<()> {
                let message = index.apply(&changes)?.encode();
                filter.apply(&intel::FilterDelta::decode(&message)?)
            });
            done.map_err(wrong)?;
            times.push(seconds * 1000.0);
        }
        let met = median(&times) < 50.0;
        self.row("A2.apply", "1,000 changes: index, message, filter, without the network", times, "ms", ("< 50", met));
        Ok(())
    }

    fn lookups(&mut self, index: &Index, filter: &Filter) {
        let hits = self.hits();
        let absent = std::mem::take(&mut self.absent);
        let map: HashMap<String, u32> =
            (0..).zip(&self.values).map(|(number, (_, value))| (value.clone(), number)).collect();
        let rate = |probes: &[(Kind, String)], look: &dyn Fn(Kind, &str) -> bool, expected: bool| {
            let run = |_| {
                let (found, seconds) = timed(|| probes.iter().filter(|(kind, value)| look(*kind, value)).count());
                let wrong = if expected { probes.len() - found } else { found };
                assert!(wrong <= probes.len() / 10_000, "{wrong} of {} answers are wrong", probes.len());
                probes.len() as f64 / seconds
            };
            (0..RUNS).map(run).collect::<Vec<f64>>()
        };
        let of_index = |kind: Kind, value: &str| index.has(Key::of(kind, value));
        let batch = |probes: &[(Kind, String)], expected: usize| {
            let run = |_| {
                let (mut keys, mut listed, mut found) = (Vec::new(), Vec::new(), 0);
                let ((), seconds) = timed(|| {
                    for part in probes.chunks(1024) {
                        keys.clear();
                        listed.clear();
                        keys.extend(part.iter().map(|(kind, value)| Key::of(*kind, value)));
                        index.which(&keys, &mut listed);
                        found += listed.len();
                    }
                });
                assert!(found.abs_diff(expected) <= probes.len() / 10_000, "{found} of {expected}");
                probes.len() as f64 / seconds
            };
            (0..RUNS).map(run).collect::<Vec<f64>>()
        };
        let of_filter = |kind: Kind, value: &str| filter.contains(Key::of(kind, value));
        let of_map = |_: Kind, value: &str| map.contains_key(black_box(value));
        let peers = [rate(&hits, &of_map, true), rate(&absent, &of_map, false)];
        let ours = [
            ("A2.filter-hit", "filter, listed values, hashing included", rate(&hits, &of_filter, true), 0),
            ("A2.filter-miss", "filter, other values, hashing included", rate(&absent, &of_filter, false), 1),
            (
                "A2.index-hit",
                "index with 1 % of changes, listed values in batches, hashing included",
                batch(&hits, hits.len()),
                0,
            ),
            (
                "A2.index-miss",
                "index with 1 % of changes, other values in batches, hashing included",
                batch(&absent, 0),
                1,
            ),
            ("A2.single-hit", "the same, one by one", rate(&hits, &of_index, true), 0),
            ("A2.single-miss", "the same, one by one", rate(&absent, &of_index, false), 1),
        ];
        for (id, what, rates, peer) in ours {
            let met = median(&rates) >= 1e7;
            self.beside(id, what, rates, "look-ups/s/core", (">= 10000000", met), peers[peer].clone());
        }
        self.absent = absent;
    }

    fn events(&mut self, filter: &Filter) {
        let events = kit::synthetic::synthetic(200_000, 7);
        let (mut observer, mut rates, mut values) = (Observer::new(true), Vec::new(), 0usize);
        for _ in 0..RUNS {
            let (hits, seconds) = timed(|| {
                let (mut hits, mut all) = (0usize, 0usize);
                for event in &events {
                    observer.look(event, |seen| {
                        all += 1;
                        hits += usize::from(filter.may_hold(seen));
                    });
                }
                values = all;
                hits
            });
            black_box(hits);
            rates.push(events.len() as f64 / seconds);
        }
        let what =
            format!("events through observer and filter; {:.2} values an event", values as f64 / events.len() as f64);
        let met = median(&rates) >= 1e6;
        self.row("A2.events", &what, rates, "events/s/core", (">= 1000000", met));
    }

    fn memory(&mut self, image: &[u8], filter: &Filter) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
        let message = filter.encode();
        for (role, content, id, what, goal, most) in [
            (
                "server",
                image,
                "A2.server-memory",
                "resident memory of a process with the index, look-ups done",
                "<= 100",
                100.0,
            ),
            ("agent", &message, "A2.agent-memory", "resident memory that the filter adds to a process", "<= 12", 12.0),
        ] {
            let path = folder.path().join(role);
            std::fs::write(&path, content).map_err(|cause| cause.to_string())?;
            let me = std::env::current_exe().map_err(|cause| cause.to_string())?;
            let child =
                Command::new(me).args(["intel-hold", role]).arg(&path).output().map_err(|cause| cause.to_string())?;
            let text = String::from_utf8_lossy(&child.stdout);
            let megabytes: f64 = text.trim().parse().map_err(|_| format!("{role}: {text}"))?;
            let what = format!("{what}; {:.1} MB on disk", content.len() as f64 / 1e6);
            self.row(id, &what, vec![megabytes], "MB", (goal, megabytes <= most));
        }
        Ok(())
    }
}

/// Resident memory of this process, MB.
fn resident() -> Result<f64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|cause| cause.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse().map_err(|_| "VmRSS")?;
    Ok(kib * 1024.0 / 1e6)
}

/// The process that only holds an index or a filter: prints its memory in MB.
pub fn hold(role: &str, path: &Path) -> Result<(), String> {
    let before = resident()?;
    let probes = || (ABSENT..ABSENT + 100_000).map(generated);
    let read = || std::fs::read(path).map_err(|cause| cause.to_string());
    let held = if role == "server" {
        let index = Index::new(Base::open(read()?).map_err(|fault| fault.inside())?);
        black_box(probes().filter(|(kind, value)| index.has(Key::of(*kind, value))).count());
        resident()?
    } else {
        let filter = Filter::decode(&read()?).map_err(|fault| fault.inside())?;
        black_box(probes().filter(|(kind, value)| filter.contains(Key::of(*kind, value))).count());
        resident()? - before
    };
    println!("{held:.3}");
    Ok(())
}

/// Measures and publishes.
pub fn run(count: usize) -> Result<(), String> {
    let mut world = World::new(count.max(1000));
    let image = world.build()?;
    let open = |image: &[u8]| Base::open(image.to_vec()).map(Index::new).map_err(|fault| fault.inside());
    let mut index = open(&image)?;
    let filter = world.rebuild(&mut index)?;
    world.changes(&index, &filter)?;
    world.lookups(&index, &filter);
    world.events(&filter);
    world.memory(&image, &filter)?;
    publish("intel", &world.rows)
}
