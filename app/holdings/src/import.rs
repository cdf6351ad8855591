//! Imports of advisories: a file becomes a generation of its source, with progress.

use crate::Posture;
use crate::catalogue::{self, EXPLOITED, Source, prefix};
use base::{Fault, Lang, Micros, Result};
use port::{FetchRequest, Tables, Write};
use posture::Advisory;
use posture::format::{Report, Sink, read};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Writes committed together.
const BATCH: usize = 5000;
/// Jobs remembered.
const JOBS: usize = 64;
/// Largest content of a packed file, bytes: a bomb must not keep the importer for ever.
const UNPACKED_BYTES: u64 = 16 << 30;
/// Largest file fetched, bytes.
const FETCH_BYTES: u64 = 4 << 30;

/// What to import.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// Id of the source; what it said before is replaced.
    pub source: String,
    /// Word of the form; empty looks at the content.
    pub format: String,
    /// Where to fetch it; empty when it was sent.
    pub url: String,
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
    /// Word of the form.
    pub format: String,
    /// Entries seen.
    pub entries: u64,
    /// Entries taken.
    pub taken: u64,
    /// Entries passed over, by reason.
    pub passed: BTreeMap<&'static str, u64>,
    /// Entries that do not read.
    pub bad: u64,
    /// The first of those.
    pub examples: Vec<String>,
    /// Why it ended early, empty when it did not.
    pub fault: String,
}

impl Job {
    fn note(&mut self, report: &Report) {
        self.format = report.format.into();
        (self.entries, self.taken, self.bad) = (report.entries, report.taken, report.bad);
        self.passed.clone_from(&report.passed);
        self.examples = report.examples.iter().map(|fault| fault.outside(Lang::En)).collect();
    }
}

/// Between the reader's thread and the store.
struct Basket<'p> {
    posture: &'p Posture,
    job: &'p str,
    prefix: String,
    writes: Vec<Write>,
    runtime: tokio::runtime::Handle,
}

impl Basket<'_> {
    fn pour(&mut self) -> Result<()> {
        let writes = std::mem::take(&mut self.writes);
        if writes.is_empty() { Ok(()) } else { self.runtime.block_on(self.posture.tables.commit(writes)) }
    }

    fn full(&mut self) -> Result<()> {
        if self.writes.len() >= BATCH { self.pour() } else { Ok(()) }
    }
}

impl Sink for Basket<'_> {
    fn advisory(&mut self, advisory: Advisory) -> Result<()> {
        self.writes.extend(catalogue::writes(&self.prefix, &advisory));
        self.full()
    }

    fn exploited(&mut self, cve: &str) -> Result<()> {
        self.writes.push(Write::Put {
            table: EXPLOITED,
            key: format!("{}{cve}", self.prefix),
            value: Default::default(),
        });
        self.full()
    }

    fn progress(&mut self, report: &Report) {
        self.posture.job(self.job, |job| job.note(report));
    }
}

impl Posture {
    /// A file to import from; the importer deletes it.
    pub fn place(&self) -> Result<(std::fs::File, PathBuf)> {
        use std::os::unix::fs::OpenOptionsExt;
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = self.folder.join(format!("import-{}-{number}", std::process::id()));
        let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let unusable = |cause| Fault::new(&crate::fault::FOLDER).object(path.display()).because(cause);
        Ok((opened.map_err(unusable)?, path))
    }

    /// Begins to import a file, which is deleted when that has ended. Answers the job's id, and the job at its end.
    pub fn import(self: &Arc<Posture>, order: Order, file: PathBuf) -> Result<(String, JoinHandle<Job>)> {
        let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        if order.source.is_empty() || order.source.len() > 64 || !order.source.chars().all(good) {
            let fault = Fault::new(&api::fault::INVALID).object("source").found(&order.source);
            return Err(fault.expected("1 to 64 of letters, digits, dot, hyphen, underscore"));
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
        let (posture, job) = (self.clone(), id.clone());
        let work = tokio::spawn(async move {
            let ended = posture.carry_out(&job, &order, &file).await;
            // A file that cannot be deleted is removed at the next start.
            let _ = std::fs::remove_file(&file);
            let now = posture.clock.wall();
            posture.job(&job, |job| {
                job.ended_us = now;
                job.fault = ended.err().map(|fault| fault.outside(Lang::En)).unwrap_or_default();
            });
            posture.shown_job(&job).unwrap_or_default()
        });
        Ok((id, work))
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

    async fn carry_out(self: &Arc<Posture>, job: &str, order: &Order, file: &Path) -> Result<()> {
        if !order.url.is_empty() {
            self.fetch(&order.url, file).await?;
        }
        let _turn = self.turn.lock().await;
        let generation = catalogue::begin(&*self.tables, &order.source, self.clock.wall()).await?;
        let read = {
            let (posture, order, job, file) = (self.clone(), order.clone(), job.to_owned(), file.to_owned());
            let (runtime, prefix) = (tokio::runtime::Handle::current(), prefix(&order.source, &generation));
            tokio::task::spawn_blocking(move || posture.take(&job, &order, &file, prefix, runtime)).await
        };
        let read = read.unwrap_or_else(|cause| Err(Fault::new(&api::fault::BUG).object("import").because(cause)));
        let report = match read {
            // A list that is suddenly empty is broken more often than it is right.
            Ok(report) if report.taken > 0 => report,
            other => {
                catalogue::sweep(&*self.tables, &order.source, &generation).await?;
                let empty = Fault::new(&posture::fault::BAD_FORMAT).object(&order.source).found("no entry of use");
                return Err(other.err().unwrap_or(empty));
            }
        };
        let source = Source {
            source: order.source.clone(),
            generation,
            format: report.format.into(),
            taken: report.taken,
            bad: report.bad,
            imported_us: self.clock.wall(),
        };
        catalogue::turn(&*self.tables, &source).await?;
        self.all_due().await
    }

    fn take(
        &self,
        job: &str,
        order: &Order,
        file: &Path,
        prefix: String,
        runtime: tokio::runtime::Handle,
    ) -> Result<Report> {
        let mut input = open(file)?;
        let mut report = Report::default();
        let mut basket = Basket { posture: self, job, prefix, writes: Vec::new(), runtime };
        let format = Some(order.format.as_str()).filter(|word| !word.is_empty());
        let done = read(&mut *input, format, &mut report, &mut basket);
        self.job(job, |job| job.note(&report));
        done?;
        basket.pour()?;
        Ok(report)
    }

    async fn fetch(&self, url: &str, file: &Path) -> Result<()> {
        use std::io::Write as _;
        let full = |cause| Fault::new(&crate::fault::FOLDER).object("import").because(cause);
        let mut out = std::fs::OpenOptions::new().write(true).truncate(true).open(file).map_err(full)?;
        let request = FetchRequest::get(url, FETCH_BYTES);
        let head = self.fetch.fetch(&request, &mut |piece| out.write_all(piece).map_err(full)).await?;
        if head.status == 200 {
            return Ok(());
        }
        Err(Fault::new(&port::fault::ANSWER).object(url).expected(200).found(head.status))
    }

    /// Takes a source out of force. Says whether there was one.
    pub async fn forget(&self, source: &str) -> Result<bool> {
        let _turn = self.turn.lock().await;
        let tables: &dyn Tables = &*self.tables;
        let gone = catalogue::remove(tables, source).await?;
        self.all_due().await?;
        Ok(gone)
    }
}

/// Opens a file, unpacked when it begins as xz, gzip or ZIP archives do.
fn open(file: &Path) -> Result<Box<dyn BufRead>> {
    let unreadable = |cause: std::io::Error| Fault::new(&api::fault::INVALID).object("file").because(cause);
    let mut input = BufReader::with_capacity(1 << 17, std::fs::File::open(file).map_err(unreadable)?);
    let head = input.fill_buf().map_err(unreadable)?;
    if head.starts_with(b"PK\x03\x04") {
        let unpacked = super::archive::open(input.into_inner())?.take(UNPACKED_BYTES);
        return Ok(Box::new(BufReader::with_capacity(1 << 17, unpacked)));
    }
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
