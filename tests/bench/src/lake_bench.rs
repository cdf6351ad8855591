//! The lake: ingest to durable and queryable, bytes an event, and questions over many events.

use base::SystemClock;
use bus::{LogConfig, RealDisk, Wal, WalRecord};
use kit::figures::{Row, median, publish};
use lake::{Arrived, Lake, LakeConfig};
use port::{MemoryTables, Query, QueryLimits};
use record::{AgentId, Batch, Frame, Host, Lane};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Events a frame.
const FRAME: usize = 4096;

/// Questions: id and SQL.
const QUESTIONS: &[(&str, &str)] = &[
    ("L3.query-count", "SELECT kind, count(*) FROM events GROUP BY kind"),
    ("L3.query-newest", "SELECT time, exe, cmd_line FROM process ORDER BY time DESC LIMIT 100"),
    ("L3.query-text", "SELECT count(*) FROM process WHERE cmd_line LIKE '%/dev/tcp/%'"),
    ("L3.query-top", "SELECT exe, count(*) AS n FROM process GROUP BY exe ORDER BY n DESC LIMIT 20"),
    ("L3.query-address", "SELECT count(*) FROM network WHERE remote_ip = '203.0.113.77'"),
];

/// CPU seconds of this process so far.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Measures and publishes.
pub fn run(events: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|cause| cause.to_string())?.block_on(measure(events))
}

/// The server's way from a received frame on: log with its sync, opening, unpacking, lake.
struct Way {
    wal: Wal,
    lake: Lake,
    seconds: f64,
    spent: f64,
}

impl Way {
    async fn open(folder: &Path) -> base::Result<Way> {
        let config = LakeConfig { dir: folder.join("lake"), ..LakeConfig::default() };
        let lake = Lake::open(config, Arc::new(MemoryTables::default()), Arc::new(SystemClock::default())).await?;
        let (wal, _) = Wal::open(Arc::new(RealDisk::new()), &folder.join("wal"), LogConfig::default())?;
        Ok(Way { wal, lake, seconds: 0.0, spent: 0.0 })
    }

    async fn take(&mut self, frame: Frame) -> base::Result<()> {
        let (begun, before) = (Instant::now(), cpu());
        let record = WalRecord { received_us: 0, frame };
        let offset = self.wal.append(&record).await?;
        let frame = record.frame;
        let mut batch = frame.open()?;
        let host = batch.host.clone();
        let samples = std::mem::take(&mut batch.samples);
        self.lake.append(Arrived {
            agent: AgentId([1; 16]),
            boot: frame.boot,
            lane: Lane::Telemetry,
            first_seq: frame.first_seq,
            count: frame.count,
            host,
            events: batch.unpack(frame.first_seq)?,
            alerts: Vec::new(),
            samples,
            wal_offset: offset + 1,
        })?;
        self.lake.tick().await?;
        self.wal.truncate_before(self.lake.committed_offset()).await?;
        self.seconds += begun.elapsed().as_secs_f64();
        self.spent += cpu() - before;
        Ok(())
    }

    async fn finish(&mut self) -> base::Result<()> {
        let (begun, before) = (Instant::now(), cpu());
        self.lake.flush().await?;
        self.seconds += begun.elapsed().as_secs_f64();
        self.spent += cpu() - before;
        Ok(())
    }
}

async fn measure(wanted: usize) -> Result<(), String> {
    let told = |fault: base::Fault| fault.inside();
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let mut way = Way::open(folder.path()).await.map_err(told)?;
    let host = Host { name: "bench".into(), ..Host::default() };
    let mut seq = 1;
    while (seq as usize) <= wanted {
        // Fresh events for each part, so that the lake does not compress one text again and again.
        for events in kit::synthetic::synthetic(FRAME * 32, seq).chunks(FRAME) {
            let batch = Batch::pack(host.clone(), events);
            let frame = Frame::seal(AgentId([1; 16]), 1, Lane::Telemetry, seq, &batch).map_err(told)?;
            way.take(frame).await.map_err(told)?;
            seq += events.len() as u64;
        }
    }
    way.finish().await.map_err(told)?;
    let status = way.lake.status();
    let stored = (seq - 1) as f64;
    let data = format!("{stored} synthetic events in frames of {FRAME}, {} files", status.files);
    let mut rows = vec![
        plain(
            "L1.ingest",
            &format!(
                "received frame to synced log, Parquet, queryable; {:.0} events/s by the clock",
                stored / way.seconds
            ),
            stored / way.spent,
            "events/s/core",
            ">= 20000",
            |rate| rate >= 20_000.0,
            &data,
        ),
        plain(
            "L1.bytes",
            "bytes on disk an event",
            status.bytes as f64 / stored,
            "B/event",
            "<= 50",
            |bytes| bytes <= 50.0,
            &data,
        ),
    ];
    rows.extend(questions(&way.lake, &data).await?);
    publish("lake", &rows)
}

/// Each question five times.
async fn questions(lake: &Lake, data: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (id, sql) in QUESTIONS {
        let mut times = Vec::new();
        for _ in 0..5 {
            let begun = Instant::now();
            lake.sql(sql, QueryLimits::default()).await.map_err(|fault| fault.inside())?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        rows.push(Row {
            id: (*id).into(),
            what: (*sql).into(),
            met: median(&times) <= 5000.0,
            ours: times,
            unit: "ms",
            peer: Vec::new(),
            peer_name: String::new(),
            goal: "<= 5000".into(),
            data: data.into(),
        });
    }
    Ok(rows)
}

fn plain(
    id: &'static str,
    what: &str,
    value: f64,
    unit: &'static str,
    goal: &'static str,
    met: fn(f64) -> bool,
    data: &str,
) -> Row {
    Row {
        id: id.into(),
        what: what.into(),
        ours: vec![value],
        unit,
        peer: Vec::new(),
        peer_name: String::new(),
        goal: goal.into(),
        met: met(value),
        data: data.into(),
    }
}
