//! The way in: check a frame, make it durable, acknowledge; then walk it through the pipeline in log order.

use super::control::Counters;
use super::hub::Hub;
use super::pipeline::Pipeline;
use async_trait::async_trait;
use base::{Clock, Result};
use bus::{Offset, Wal, WalRecord};
use fleet::{Ingest, Received};
use lake::Lake;
use record::{AgentId, Batch, Frame, Host, Lane, Order};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Opened batches kept so that the pipeline need not decompress again; beyond it the log is read.
const OPENED_MOST: usize = 512;
/// Records read from the log at once.
const READ_RECORDS: usize = 64;
/// Bytes read from the log at once.
const READ_BYTES: usize = 8 * 1024 * 1024;
/// Pause before a failed step of the pipeline is tried again. The frame is durable; only time is lost.
const PAUSE: Duration = Duration::from_millis(500);

/// The door for agents' streams.
pub struct Door {
    wal: Wal,
    hub: Arc<Hub>,
    lake: Arc<Lake>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    opened: Mutex<BTreeMap<Offset, Batch>>,
    /// What is durable of each agent: answers a repeated frame without writing it again.
    taken: Mutex<HashMap<AgentId, Received>>,
}

impl Door {
    /// A door in front of this log: what the lake has taken and what the log still holds counts as received.
    pub async fn open(
        wal: Wal,
        hub: Arc<Hub>,
        lake: Arc<Lake>,
        clock: Arc<dyn Clock>,
        counters: Arc<Counters>,
    ) -> Result<Door> {
        let door = Door { wal, hub, lake, clock, counters, opened: Mutex::default(), taken: Mutex::default() };
        for shown in door.hub.list() {
            let Ok(agent) = shown.id.parse::<AgentId>() else { continue };
            for held in door.lake.positions(agent) {
                door.taken().entry(agent).or_default().add_run(held.boot, held.lane, 1, held.last_seq);
            }
        }
        let (mut next, end) = (door.start(), *door.wal.durable().borrow());
        while next < end {
            let (records, _) = door.wal.replay(next, READ_RECORDS, READ_BYTES).await?;
            next = records.last().map_or(next + 1, |(offset, _)| offset + 1);
            for (_, record) in records {
                if let Ok(agent) = AgentId::from_bytes(&record.frame.agent) {
                    door.taken().entry(agent).or_default().add(&record.frame);
                }
            }
        }
        Ok(door)
    }

    /// Where the walk begins: what the lake has committed is behind it.
    fn start(&self) -> Offset {
        self.lake.committed_offset().max(self.wal.first_offset())
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<AgentId, Received>> {
        self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn opened(&self) -> MutexGuard<'_, BTreeMap<Offset, Batch>> {
        self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Walks durable frames through the pipeline in log order until told to stop. Starts where the lake's last commit ended.
    pub async fn walk(&self, pipeline: &Pipeline, mut stop: watch::Receiver<bool>) -> Result<()> {
        let mut durable = self.wal.durable();
        let mut next = self.start();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            let end = *durable.borrow_and_update();
            if next < end {
                next = self.step(pipeline, next).await;
                if *stop.borrow() {
                    return Ok(());
                }
                continue;
            }
            tokio::select! {
                changed = durable.changed() => if changed.is_err() { return Ok(()) },
                _ = stop.changed() => return Ok(()),
                _ = tick.tick() => {}
            }
        }
    }

    /// Takes what stands at `next`; returns where to go on.
    async fn step(&self, pipeline: &Pipeline, next: Offset) -> Offset {
        let (records, faults) = match self.wal.replay(next, READ_RECORDS, READ_BYTES).await {
            Ok(read) => read,
            Err(fault) => {
                tracing::error!(fault = %fault.inside(), "the log cannot be read");
                tokio::time::sleep(PAUSE).await;
                return next;
            }
        };
        for fault in faults {
            tracing::error!(fault = %fault.inside(), "a durable frame does not read back");
        }
        let mut at = next;
        if records.is_empty() {
            // Nothing but damaged records in this stretch: they were named above.
            return next + 1;
        }
        for (offset, record) in records {
            let batch = self.opened().remove(&offset);
            let batch = batch.map_or_else(|| record.frame.open(), Ok);
            match (batch, AgentId::from_bytes(&record.frame.agent)) {
                (Ok(batch), Ok(agent)) => {
                    while let Err(fault) = pipeline.take(agent, &record.frame, batch.clone(), offset + 1).await {
                        tracing::error!(fault = %fault.inside(), "a frame waits for the pipeline");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                (Err(fault), _) | (_, Err(fault)) => {
                    tracing::error!(fault = %fault.inside(), offset, "a durable frame does not open");
                }
            }
            self.counters.handled.fetch_add(1, Ordering::Relaxed);
            at = offset + 1;
        }
        at
    }
}

#[async_trait]
impl Ingest for Door {
    async fn accept(&self, agent: AgentId, frame: Frame) -> Result<()> {
        if self.taken().get(&agent).is_some_and(|received| received.holds(&frame)) {
            return Ok(());
        }
        let batch = frame.open().inspect_err(|_| {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
        })?;
        let newest = batch.events.last().map(|event| event.time_us);
        let record = WalRecord { received_us: self.clock.wall(), frame };
        self.counters.received.fetch_add(1, Ordering::Relaxed);
        let offset = self.wal.append(&record).await?;
        self.taken().entry(agent).or_default().add(&record.frame);
        self.hub.received(agent, &record.frame, newest);
        let mut opened = self.opened();
        if opened.len() < OPENED_MOST {
            opened.insert(offset, batch);
        }
        Ok(())
    }

    async fn positions(&self, agent: AgentId) -> Vec<(u64, Lane, u64)> {
        self.taken().get(&agent).map(Received::positions).unwrap_or_default()
    }

    async fn connected(&self, agent: AgentId, host: Host, orders: mpsc::Sender<Order>) {
        if let Err(fault) = self.hub.connected(agent, &host, orders).await {
            tracing::error!(fault = %fault.inside(), "an agent's arrival could not be stored");
        }
    }

    async fn gone(&self, agent: AgentId) {
        self.hub.gone(agent);
    }

    async fn enrolled(&self, agent: AgentId, host: Host) {
        if let Err(fault) = self.hub.enrolled(agent, &host).await {
            tracing::error!(fault = %fault.inside(), "an enrolled agent could not be stored");
        }
    }
}
