//! The lake: ingest to durable and queryable, bytes an event, and questions over many events.

use crate::figures::{Row, median, publish};
use base::SystemClock;
use lake::{Arrived, Lake, LakeConfig};
use port::{MemoryTables, Query, QueryLimits};
use record::{AgentId, Host, Lane};
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
    crate::watcher::cpu_seconds(std::process::id())
}

/// Measures and publishes.
pub fn run(events: usize) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|cause| cause.to_string())?.block_on(measure(events))
}

async fn measure(wanted: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let config = LakeConfig { dir: folder.path().join("lake"), ..LakeConfig::default() };
    let lake = Lake::open(config, Arc::new(MemoryTables::default()), Arc::new(SystemClock::default())).await;
    let lake = lake.map_err(|fault| fault.inside())?;
    let host = Host { name: "bench".into(), ..Host::default() };
    let (mut seq, mut spent, mut wall) = (1, 0.0, 0.0);
    while (seq as usize) <= wanted {
        // Fresh events for each part, so that the lake does not compress one text again and again.
        let part = kit::synthetic::synthetic(FRAME * 32, seq);
        for frame in part.chunks(FRAME) {
            let events =
                (seq..).zip(frame).map(|(seq, event)| record::Event { seq, ..event.clone() }).collect::<Vec<_>>();
            let count = events.len() as u32;
            let arrived = Arrived {
                agent: AgentId([1; 16]),
                boot: 1,
                lane: Lane::Telemetry,
                first_seq: seq,
                count,
                host: host.clone(),
                events,
                alerts: Vec::new(),
                samples: Vec::new(),
                wal_offset: seq,
            };
            seq += u64::from(count);
            let (begun, before) = (Instant::now(), cpu());
            lake.append(arrived).map_err(|fault| fault.inside())?;
            lake.tick().await.map_err(|fault| fault.inside())?;
            wall += begun.elapsed().as_secs_f64();
            spent += cpu() - before;
        }
    }
    let (begun, before) = (Instant::now(), cpu());
    lake.flush().await.map_err(|fault| fault.inside())?;
    wall += begun.elapsed().as_secs_f64();
    spent += cpu() - before;
    let status = lake.status();
    let stored = (seq - 1) as f64;
    let data = format!("{stored} synthetic events, {} files", status.files);
    let mut rows = vec![
        plain(
            "L1.ingest",
            "events from opened frame to Parquet, fsynced and queryable",
            stored / spent.max(wall / 2.0),
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
    for (id, sql) in QUESTIONS {
        let mut times = Vec::new();
        for _ in 0..5 {
            let begun = Instant::now();
            lake.sql(sql, QueryLimits::default()).await.map_err(|fault| fault.inside())?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let met = median(&times) <= 5000.0;
        rows.push(Row {
            id,
            what: (*sql).into(),
            ours: times,
            unit: "ms",
            peer: Vec::new(),
            peer_name: String::new(),
            goal: "<= 5000",
            met,
            data: data.clone(),
        });
    }
    publish("lake", &rows)
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
        id,
        what: what.into(),
        ours: vec![value],
        unit,
        peer: Vec::new(),
        peer_name: String::new(),
        goal,
        met: met(value),
        data: data.into(),
    }
}
