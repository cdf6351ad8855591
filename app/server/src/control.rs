//! The server's hands, as the API asks for them.

use super::book::Book;
use super::hub::Hub;
use super::pipeline::Pipeline;
use api::Control;
use api::view::{Disk, Draft, LedgerReport, Live, Program, Scrubber, Stage, Status};
use async_trait::async_trait;
use base::{Clock, Fault, Result};
use record::{AgentId, Entry, Order};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;

/// Counters of the way in.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames received.
    pub received: AtomicU64,
    /// Frames through the pipeline.
    pub handled: AtomicU64,
    /// Frames refused as malformed.
    pub refused: AtomicU64,
}

/// What the API may ask of the server.
pub struct Hands {
    /// Frames on their way.
    pub pipeline: Arc<Pipeline>,
    /// Ledger.
    pub book: Arc<Book>,
    /// Agents.
    pub hub: Arc<Hub>,
    /// Makes enrolment tokens.
    pub tokens: Arc<dyn Tokens>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub counters: Arc<Counters>,
    /// Programs this server started.
    pub programs: Arc<Mutex<Vec<Program>>>,
    /// Data directory.
    pub root: PathBuf,
    /// Start, µs.
    pub started_us: i64,
    /// End of the server's certificate, µs.
    pub tls_expires_us: i64,
}

/// Who decides which agents there are.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A fresh token.
    async fn issue(&self, group: &str, uses: u32, ttl_s: u64) -> Result<String>;

    /// Shuts an agent out.
    async fn deny(&self, agent: AgentId, _reason: &str) -> Result<()> {
        Err(Fault::new(&super::fault::UNKNOWN_AGENT).object(agent))
    }
}

#[async_trait]
impl Control for Hands {
    async fn give(&self, order: Order, intent: Draft) -> Result<Order> {
        self.pipeline.give(order, intent, self.clock.wall()).await
    }

    async fn status(&self) -> Result<Status> {
        let lake = self.pipeline.lake.status();
        let received = self.counters.received.load(Ordering::Relaxed);
        let handled = self.counters.handled.load(Ordering::Relaxed);
        let pipeline = Stage {
            name: "ingest".into(),
            received,
            handled,
            dropped: self.counters.refused.load(Ordering::Relaxed),
            queued: received.saturating_sub(handled),
            capacity: 0,
        };
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").into(),
            started_us: self.started_us,
            time_us: self.clock.wall(),
            tls_expires_us: self.tls_expires_us,
            programs: self.programs(),
            agents: self.hub.list(),
            lake: api::view::Lake {
                rows: lake.rows + lake.rows_in_memory as u64,
                bytes: lake.bytes,
                files: lake.files as u64,
            },
            disk: disk(&self.root),
            pipeline: vec![pipeline],
        })
    }

    fn scrubbers(&self) -> Vec<Scrubber> {
        self.hub.scrubbers()
    }

    async fn seal(&self, draft: Draft) -> Result<Entry> {
        self.book.seal(&draft.who, &draft.what, &draft.object, draft.details, Vec::new()).await
    }

    async fn ledger_page(&self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        self.book.page(after, limit).await
    }

    async fn ledger_verify(&self) -> Result<LedgerReport> {
        let verdict = self.book.verify().await?;
        let broken_at = if verdict.broken.is_some() { verdict.entries + 1 } else { 0 };
        Ok(LedgerReport {
            entries: verdict.entries,
            intact: verdict.broken.is_none(),
            head: verdict.head,
            broken_at,
            reason: verdict.broken.unwrap_or_default(),
        })
    }

    fn subscribe(&self) -> broadcast::Receiver<Live> {
        self.pipeline.live.subscribe()
    }

    async fn enroll_token(&self, group: &str, uses: u32, ttl_s: u64) -> Result<String> {
        self.tokens.issue(group, uses, ttl_s).await
    }

    async fn deny_agent(&self, agent: &str, reason: &str) -> Result<()> {
        self.tokens.deny(agent.parse()?, reason).await
    }

    async fn chain(&self, incident: &str) -> Result<record::Chain> {
        super::chain::chain(&self.pipeline, incident).await
    }

    async fn incident_closed(&self, id: &str) -> Result<()> {
        self.pipeline.closed(id).await
    }
}

impl Hands {
    fn programs(&self) -> Vec<Program> {
        let mut programs = self.programs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        for program in programs.iter_mut().filter(|program| program.pid > 0) {
            let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid)).unwrap_or_default();
            program.memory_bytes = resident_bytes(&status);
        }
        programs
    }
}

/// Resident memory of `/proc/PID/status`; 0 when it does not say.
fn resident_bytes(status: &str) -> u64 {
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    kilobytes.and_then(|text| text.trim().parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes.saturating_mul(1024))
}

fn disk(root: &std::path::Path) -> Disk {
    let path = root.display().to_string();
    match rustix::fs::statvfs(root) {
        Ok(stat) => Disk {
            path,
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        },
        Err(_) => Disk { path, ..Disk::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_status_of_a_process() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    1024 kB\nThreads:\t1\n"), 1024 * 1024);
        assert_eq!(resident_bytes("Name:\tx\n"), 0);
    }
}
