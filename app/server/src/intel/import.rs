//! Imports: a file or an answer of a feed becomes claims, in batches, with progress.

use super::store::Edit;
use super::{Intel, files};
use base::{Fault, Micros, Result};
use intel::attack::Graph;
use intel::format::{self, Report, Settings, Sink};
use intel::{Indicator, Kind, Tlp};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Claims committed together: a few tens of megabytes.
const BATCH: usize = 20_000;
/// Jobs remembered.
const JOBS: usize = 64;
/// Largest content of a packed file, bytes: a bomb must not fill the disk of the importer's patience.
const UNPACKED_BYTES: u64 = 16 << 30;
/// The source of what people enter themselves.
pub const OWN: &str = "own";

/// What to import, and how to take it.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// Id of the source.
    pub source: String,
    /// Word of the format; empty looks at the content. `warning-lists` and `attack` are taken too.
    pub format: String,
    /// Confidence of what names none, 0–100; 50 when absent.
    pub confidence: Option<u8>,
    /// Marking of what names none.
    pub tlp: Tlp,
    /// Kind of every value; absent looks at each.
    pub kind: Option<Kind>,
    /// Tags of all.
    pub tags: Vec<String>,
    /// Malware that all is about.
    pub malware: String,
    /// Whether what the source named before and does not name now is withdrawn.
    pub whole: bool,
}

/// An import under way or ended.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// The source.
    pub source: String,
    /// When it began, µs.
    pub begun_us: Micros,
    /// When it ended, µs; 0 while it runs.
    pub ended_us: Micros,
    /// Format, bytes, records, indicators taken, bad records with examples, records passed over by reason.
    pub report: Value,
    /// Indicators that are new, that changed, that were withdrawn.
    pub fresh: usize,
    /// Indicators changed, new ones among them.
    pub changed: usize,
    /// Withdrawn.
    pub withdrawn: usize,
    /// Why it ended early, empty when it did not.
    pub fault: String,
}

fn shown(report: &Report) -> Value {
    json!({"format": report.format, "bytes": report.bytes, "records": report.records, "taken": report.taken,
        "passed": report.passed, "bad": report.bad,
        "examples": report.examples.iter().map(|fault| fault.outside(base::Lang::En)).collect::<Vec<_>>()})
}

/// Between the reader's thread and the store.
struct Basket<'i> {
    intel: &'i Arc<Intel>,
    job: &'i str,
    source: &'i str,
    edits: Vec<Edit>,
    seen: Option<HashSet<u64>>,
    runtime: tokio::runtime::Handle,
}

impl Basket<'_> {
    fn pour(&mut self) -> Result<()> {
        let edits = std::mem::take(&mut self.edits);
        if edits.is_empty() {
            return Ok(());
        }
        let (changed, fresh) = self.runtime.block_on(self.intel.edit_part(edits))?;
        self.intel.job(self.job, |job| {
            job.changed += changed;
            job.fresh += fresh;
        });
        Ok(())
    }
}

impl Sink for Basket<'_> {
    fn indicator(&mut self, indicator: Indicator) -> Result<()> {
        if let Some(seen) = &mut self.seen {
            seen.insert(indicator.key().0);
        }
        self.edits.push(Edit::Claim(indicator));
        if self.edits.len() >= BATCH { self.pour() } else { Ok(()) }
    }

    fn withdrawn(&mut self, id: &str) -> Result<()> {
        self.pour()?;
        let found = self.runtime.block_on(self.intel.named(self.source, id))?;
        let one = |(kind, value): (Kind, String)| Edit::Withdraw {
            kind,
            value,
            source: self.source.to_owned(),
            id: Some(id.to_owned()),
        };
        self.edits.extend(found.into_iter().map(one));
        Ok(())
    }

    fn progress(&mut self, report: &Report) -> Result<()> {
        self.intel.job(self.job, |job| job.report = shown(report));
        Ok(())
    }
}

impl Intel {
    /// Begins to import a file, which is deleted when that has ended. Answers the job's id, and the job at its end.
    pub fn import(self: &Arc<Intel>, order: Order, file: PathBuf) -> Result<(String, JoinHandle<Job>)> {
        if order.source.is_empty() && !["warning-lists", "attack"].contains(&order.format.as_str()) {
            return Err(Fault::new(&api::fault::INVALID).object("source").expected("the id of a source"));
        }
        let begun_us = self.clock.wall();
        let id = {
            let mut jobs = self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            while jobs.len() >= JOBS {
                jobs.pop_first();
            }
            let id = format!("{begun_us:020}-{}", jobs.len());
            let source = order.source.clone();
            jobs.insert(id.clone(), Job { id: id.clone(), source, begun_us, ..Job::default() });
            id
        };
        let (intel, job) = (self.clone(), id.clone());
        let work = tokio::spawn(async move {
            let runtime = tokio::runtime::Handle::current();
            let reader = {
                let (intel, job, file) = (intel.clone(), job.clone(), file.clone());
                tokio::task::spawn_blocking(move || intel.take(&job, &order, &file, runtime))
            };
            let ended = match reader.await {
                Ok(ended) => ended,
                Err(cause) => Err(Fault::new(&api::fault::BUG).object("import").because(cause)),
            };
            // What was taken before a fault counts too.
            let ended = intel.settle().await.and(ended);
            // A file that cannot be deleted is found again by the cleaning at the next start.
            let _ = std::fs::remove_file(&file);
            let now = intel.clock.wall();
            intel.job(&job, |job| {
                job.ended_us = now;
                job.fault = ended.err().map(|fault| fault.outside(base::Lang::En)).unwrap_or_default();
            });
            intel.shown_job(&job).unwrap_or_default()
        });
        Ok((id, work))
    }

    /// Imports and waits for the end.
    pub async fn import_now(self: &Arc<Intel>, order: Order, file: PathBuf) -> Result<Job> {
        let (_, work) = self.import(order, file)?;
        work.await.map_err(|cause| Fault::new(&api::fault::BUG).object("import").because(cause))
    }

    /// A job as it stands.
    pub fn shown_job(&self, id: &str) -> Option<Job> {
        self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(id).cloned()
    }

    fn job(&self, id: &str, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_mut(id) {
            change(job);
        }
    }

    fn take(
        self: &Arc<Intel>,
        job: &str,
        order: &Order,
        file: &std::path::Path,
        runtime: tokio::runtime::Handle,
    ) -> Result<()> {
        let mut input = open(file)?;
        if order.format == "warning-lists" {
            return self.take_warnings(&mut *input, job);
        }
        if order.format == "attack" {
            return self.take_graph(&mut *input, job);
        }
        let format = if order.format.is_empty() { None } else { Some(format::named(&order.format)?) };
        let settings = Settings {
            source: order.source.clone(),
            confidence: order.confidence.unwrap_or(50),
            tlp: order.tlp,
            kind: order.kind,
            tags: order.tags.clone(),
            malware: order.malware.clone(),
            now_us: self.clock.wall(),
            ..Settings::default()
        };
        let seen = order.whole.then(HashSet::new);
        let (edits, source) = (Vec::new(), order.source.as_str());
        let mut basket = Basket { intel: self, job, source, edits, seen, runtime: runtime.clone() };
        let report = format::import(&mut *input, format, &settings, &mut basket);
        basket.pour()?;
        let seen = basket.seen.take();
        self.job(job, |job| job.report = shown(&report));
        if let Some(fault) = report.fault {
            return Err(fault);
        }
        // A feed that is suddenly empty is broken more often than it is right.
        if let Some(seen) = seen.filter(|seen| !seen.is_empty()) {
            let withdrawn = runtime.block_on(self.sweep(source, &seen))?;
            self.job(job, |job| job.withdrawn = withdrawn);
        }
        Ok(())
    }

    /// Withdraws what a source named before and does not name now.
    async fn sweep(&self, source: &str, seen: &HashSet<u64>) -> Result<usize> {
        let gone = self.of_source(source, |indicator| !seen.contains(&indicator.key().0)).await?;
        let withdrawn = gone.len();
        for part in gone.chunks(BATCH) {
            let one = |(kind, value): &(Kind, String)| Edit::Withdraw {
                kind: *kind,
                value: value.clone(),
                source: source.to_owned(),
                id: None,
            };
            self.edit_part(part.iter().map(one).collect()).await?;
        }
        Ok(withdrawn)
    }

    /// Values of which a source said something with this id.
    async fn named(&self, source: &str, id: &str) -> Result<Vec<(Kind, String)>> {
        self.of_source(source, |indicator| {
            indicator.claims.iter().any(|claim| claim.source == source && claim.id == id)
        })
        .await
    }

    async fn of_source(&self, source: &str, wanted: impl Fn(&Indicator) -> bool) -> Result<Vec<(Kind, String)>> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let rows = self.tables.scan(super::store::ORDER, "", &after, super::SCAN).await?;
            let Some(last) = rows.last() else { return Ok(found) };
            after = last.key.clone();
            for item in &rows {
                let Ok(row) = serde_json::from_slice::<super::store::Row>(&item.value) else { continue };
                let named = row.indicator.claims.iter().any(|claim| claim.source == source);
                if named && wanted(&row.indicator) {
                    found.push((row.indicator.kind, row.indicator.value));
                }
            }
        }
    }

    fn take_warnings(&self, input: &mut dyn Read, job: &str) -> Result<()> {
        let bytes = whole(input)?;
        let warnings = files::store_warnings(&self.folder, &bytes)?;
        let lists = warnings.lists();
        let report = json!({"format": "warning-lists", "bytes": bytes.len(), "records": lists.len(),
            "taken": lists.iter().map(|list| list.entries).sum::<usize>(),
            "bad": lists.iter().map(|list| list.bad).sum::<usize>()});
        self.job(job, |job| job.report = report);
        self.swap(|known| known.warnings = Arc::new(warnings));
        Ok(())
    }

    fn take_graph(&self, input: &mut dyn BufRead, job: &str) -> Result<()> {
        // The compact table and our own form are small; a bundle of STIX is read as a stream.
        let head = input.fill_buf().map(|head| head.get(..head.len().min(256)).map(<[u8]>::to_vec)).unwrap_or_default();
        let head = String::from_utf8_lossy(&head.unwrap_or_default()).replace(' ', "");
        let mut graph = Graph::clone(&*self.known().graph);
        if head.contains("\"type\":\"bundle\"") || head.contains("\"objects\"") {
            graph = Graph::from_stix(input)?;
        } else {
            let bytes = whole(input)?;
            if head.contains("\"techniques\"") {
                graph = Graph::from_compact(&bytes)?;
            } else {
                graph.merge_galaxy(&bytes)?;
            }
        }
        files::store_graph(&self.folder, &graph)?;
        let report =
            json!({"format": "attack", "taken": graph.nodes.len(), "records": graph.techniques.len(), "bad": 0});
        self.job(job, |job| job.report = report);
        self.swap(|known| known.graph = Arc::new(graph));
        Ok(())
    }
}

/// A file that must fit in memory, bytes.
const WHOLE_BYTES: u64 = 256 << 20;

fn whole(input: &mut dyn Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = input.take(WHOLE_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|cause| Fault::new(&api::fault::INVALID).object("file").because(cause))?;
    if bytes.len() as u64 > WHOLE_BYTES {
        let fault = Fault::new(&api::fault::TOO_LARGE).object("file");
        return Err(fault.expected(format!("at most {WHOLE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Opens a file, unpacked when it begins as xz or gzip do.
fn open(file: &std::path::Path) -> Result<Box<dyn BufRead>> {
    let unreadable = |cause: std::io::Error| Fault::new(&api::fault::INVALID).object("file").because(cause);
    let mut input = BufReader::with_capacity(1 << 17, std::fs::File::open(file).map_err(unreadable)?);
    let head = input.fill_buf().map_err(unreadable)?;
    if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z']) {
        let unpacked = lzma_rust2::XzReader::new(input, true).take(UNPACKED_BYTES);
        return Ok(Box::new(BufReader::with_capacity(1 << 17, unpacked)));
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        let unpacked = flate2::read::MultiGzDecoder::new(input).take(UNPACKED_BYTES);
        return Ok(Box::new(BufReader::with_capacity(1 << 17, unpacked)));
    }
    Ok(Box::new(input))
}
