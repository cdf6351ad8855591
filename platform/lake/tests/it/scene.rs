//! What the tests stand on: a folder, tables that can fail, a clock moved by hand, frames.

use async_trait::async_trait;
use base::{Fault, ManualClock, Result};
use kit::synthetic;
use lake::{Arrived, Lake, LakeConfig};
use port::{Item, MemoryTables, Query, QueryLimits, Tables, Write};
use record::{AgentId, Alert, Event, EventId, Lane, Metric, Sample, Severity};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub const AGENT: AgentId = AgentId([7; 16]);
/// Two days after the first synthetic event, so that its hours and days have ended.
pub const NOW_US: i64 = synthetic::START_US + 2 * 86_400_000_000;

/// Tables whose n-th commit happens and is then reported as failed.
#[derive(Default)]
pub struct LyingTables {
    pub inner: MemoryTables,
    pub lies_at: AtomicU64,
}

#[async_trait]
impl Tables for LyingTables {
    async fn get(&self, table: &'static str, key: &str) -> Result<Option<Item>> {
        self.inner.get(table, key).await
    }
    async fn scan(&self, table: &'static str, prefix: &str, after: &str, limit: usize) -> Result<Vec<Item>> {
        self.inner.scan(table, prefix, after, limit).await
    }
    async fn scan_back(&self, table: &'static str, prefix: &str, before: &str, limit: usize) -> Result<Vec<Item>> {
        self.inner.scan_back(table, prefix, before, limit).await
    }
    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.inner.commit(writes).await?;
        match self.lies_at.fetch_sub(1, Ordering::SeqCst) {
            1 => Err(Fault::new(&port::fault::FAILED).object("commit").because("it happened all the same")),
            _ => Ok(()),
        }
    }
}

pub struct Scene {
    pub folder: tempfile::TempDir,
    pub tables: Arc<LyingTables>,
    pub clock: Arc<ManualClock>,
    pub config: LakeConfig,
}

impl Scene {
    pub fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let config = LakeConfig { dir: folder.path().join("lake"), disk_percent: 100, ..LakeConfig::default() };
        Scene { folder, tables: Arc::default(), clock: Arc::new(ManualClock::at(NOW_US)), config }
    }

    pub async fn open(&self) -> Result<Lake> {
        Lake::open(self.config.clone(), self.tables.clone(), self.clock.clone()).await
    }
}

/// A frame of telemetry: `events` from `first_seq`, one sample of two metrics at the end.
pub fn frame(first_seq: u64, mut events: Vec<Event>) -> Arrived {
    for (seq, event) in (first_seq..).zip(&mut events) {
        event.seq = seq;
    }
    let time_us = events.first().map_or(NOW_US, |event| event.time_us);
    let metric = |id, value| Metric { id, label: "sda".into(), value, name: format!("disk.metric{id}") };
    let count = events.len() as u32 + 1;
    Arrived {
        agent: AGENT,
        boot: 1,
        lane: Lane::Telemetry,
        first_seq,
        count,
        host: synthetic::host(),
        events,
        alerts: Vec::new(),
        samples: vec![Sample { time_us, metrics: vec![metric(1, 0.5), metric(2, first_seq as f64)], cost_us: 90 }],
        wal_offset: first_seq + u64::from(count),
    }
}

/// A frame of the alert lane with one alert a number.
pub fn alert_frame(first_seq: u64, count: u32, wal_offset: u64) -> Arrived {
    let alert = |seq: u64| {
        let event = &synthetic::synthetic(1, seq)[0];
        Alert {
            id: EventId { agent: AGENT, boot: 1, lane: Lane::Alert, seq }.to_string(),
            rule: "5b8d".into(),
            title: "A shell from a web server".into(),
            severity: Severity::High as i32,
            time_us: event.time_us,
            decided_us: event.time_us + 5,
            evidence: record::Batch::pack(synthetic::host(), [event]),
            ..Alert::default()
        }
    };
    let alerts = (first_seq..first_seq + u64::from(count)).map(alert).collect();
    Arrived {
        lane: Lane::Alert,
        first_seq,
        count,
        events: vec![],
        alerts,
        samples: vec![],
        wal_offset,
        ..frame(1, vec![])
    }
}

pub async fn sql(lake: &Lake, statement: &str) -> Vec<Vec<Value>> {
    lake.sql(statement, QueryLimits::default()).await.unwrap().rows
}

/// One number.
pub async fn count(lake: &Lake, statement: &str) -> u64 {
    sql(lake, statement).await[0][0].as_u64().unwrap()
}
