//! The way in: check a frame, make it durable, acknowledge; then walk it through the pipeline in log order.

use super::control::Counters;
use super::hub::Hub;
use super::pipeline::Pipeline;
use async_trait::async_trait;
use base::limits::BATCH_BYTES;
use base::{Blame, Class, Clock, Fault, Result};
use bus::{Offset, Wal, WalRecord};
use fleet::wire::AgentState;
use fleet::{Ingest, Received};
use lake::Lake;
use prost::Message;
use record::{AgentId, Batch, Frame, Host, Lane, Order};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// Bytes of opened batches kept so that the pipeline need not decompress again; beyond it the log is read. Stops many
/// agents that send large batches at once from taking the server's memory.
const OPENED_BYTES: usize = 4 * BATCH_BYTES;
/// Bytes of frames that the log may hold and the lake has not committed: a lake that stands still must not fill the disk.
const LOG_BYTES: u64 = 2 * 1024 * 1024 * 1024;
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
    opened: Mutex<Opened>,
    held: Mutex<Held>,
    /// What is durable of each agent: answers a repeated frame without writing it again.
    taken: Mutex<HashMap<AgentId, Received>>,
    /// Told whenever the lake has got something that it may have to flush.
    due: Arc<Notify>,
}

/// Batches opened at the door, until the walk comes by.
#[derive(Default)]
struct Opened {
    batches: BTreeMap<Offset, (Batch, usize)>,
    bytes: usize,
    /// The walk has gone past everything before this.
    passed: Offset,
}

impl Opened {
    fn keep(&mut self, offset: Offset, batch: Batch) {
        let bytes = batch.encoded_len();
        // The walk may have been faster than the acknowledgement: nobody would fetch the batch any more.
        if offset >= self.passed && self.bytes + bytes <= OPENED_BYTES {
            self.bytes += bytes;
            self.batches.insert(offset, (batch, bytes));
        }
    }

    fn fetch(&mut self, offset: Offset) -> Option<Batch> {
        self.passed = self.passed.max(offset + 1);
        let (batch, bytes) = self.batches.remove(&offset)?;
        self.bytes -= bytes;
        Some(batch)
    }
}

/// Sizes of the frames in the log that the lake has not committed.
#[derive(Default)]
struct Held {
    frames: VecDeque<(Offset, u64)>,
    bytes: u64,
}

impl Held {
    fn add(&mut self, offset: Offset, bytes: u64) {
        self.frames.push_back((offset, bytes));
        self.bytes += bytes;
    }

    /// Lets go of what the lake has committed; says how many bytes are left.
    fn until(&mut self, committed: Offset) -> u64 {
        while let Some((_, bytes)) = self.frames.front().copied().filter(|(offset, _)| *offset < committed) {
            self.bytes -= bytes;
            self.frames.pop_front();
        }
        self.bytes
    }
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
        let door = Door {
            wal,
            hub,
            lake,
            clock,
            counters,
            opened: Mutex::default(),
            held: Mutex::default(),
            taken: Mutex::default(),
            due: Arc::default(),
        };
        for shown in door.hub.list() {
            let Ok(agent) = shown.id.parse::<AgentId>() else { continue };
            for held in door.lake.positions(agent) {
                door.taken().entry(agent).or_default().add_run(held.boot, held.lane, held.first_seq, held.last_seq);
            }
        }
        let (mut next, end) = (door.start(), *door.wal.durable().borrow());
        while next < end {
            let (records, _) = door.wal.replay(next, READ_RECORDS, READ_BYTES).await?;
            next = records.last().map_or(next + 1, |(offset, _)| offset + 1);
            for (offset, record) in records {
                door.held().add(offset, record.frame.payload.len() as u64);
                if let Ok(agent) = AgentId::from_bytes(&record.frame.agent) {
                    door.taken().entry(agent).or_default().add(&record.frame);
                }
            }
        }
        Ok(door)
    }

    /// Where the walk begins: what the lake has committed is behind it.
    fn start(&self) -> Offset {
        self.wal.start(self.lake.committed_offset())
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<AgentId, Received>> {
        self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Tells when the lake may have to be flushed.
    pub fn due(&self) -> Arc<Notify> {
        self.due.clone()
    }

    /// Walks durable frames through the pipeline in log order until told to stop. Starts where the lake's last commit ended.
    pub async fn walk(&self, pipeline: &Pipeline, mut stop: watch::Receiver<bool>) -> Result<()> {
        let mut durable = self.wal.durable();
        let mut next = self.start();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            let end = *durable.borrow_and_update();
            if next < end {
                next = self.step(pipeline, next, &mut stop).await;
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
    async fn step(&self, pipeline: &Pipeline, next: Offset, stop: &mut watch::Receiver<bool>) -> Offset {
        let (records, faults) = match self.wal.replay(next, READ_RECORDS, READ_BYTES).await {
            Ok(read) => read,
            Err(fault) => {
                tracing::error!(fault = %fault.inside(), "the log cannot be read");
                pause(stop).await;
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
            let batch = self.opened().fetch(offset);
            let batch = batch.map_or_else(|| record.frame.open(), Ok);
            let taken = match (batch, AgentId::from_bytes(&record.frame.agent)) {
                (Ok(batch), Ok(agent)) => self.take(pipeline, agent, (offset, &record.frame), batch, stop).await,
                (Err(fault), _) | (_, Err(fault)) => Err(fault),
            };
            match taken {
                Ok(true) => {}
                // Told to stop before the frame was through: it is walked again at the next start.
                Ok(false) => return offset,
                Err(fault) => {
                    tracing::error!(fault = %fault.inside(), offset, "a durable frame cannot be taken and is passed over");
                    self.counters.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            self.counters.handled.fetch_add(1, Ordering::Relaxed);
            at = offset + 1;
        }
        self.due.notify_one();
        at
    }

    /// Takes one frame, again and again while that may help. `false` when told to stop first; a fault when the frame will
    /// never be taken.
    async fn take(
        &self,
        pipeline: &Pipeline,
        agent: AgentId,
        (offset, frame): (Offset, &Frame),
        batch: Batch,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<bool> {
        // The frame is opened again only if it has to be taken again: a copy of every batch would cost more.
        let mut opened = batch;
        while let Err(fault) = pipeline.take(agent, frame, std::mem::take(&mut opened), offset + 1).await {
            if hopeless(&fault) {
                return Err(fault);
            }
            tracing::error!(fault = %fault.inside(), "a frame waits for the pipeline");
            // It may be the lake that has no room.
            self.due.notify_one();
            if pause(stop).await {
                return Ok(false);
            }
            opened = frame.open()?;
        }
        Ok(true)
    }
}

/// Whether the frame itself is wrong. A conflict goes away when the newest state is read, and damage of our own tables is
/// not the frame's: passing over what was acknowledged would lose it.
fn hopeless(fault: &Fault) -> bool {
    let ours = fault.code().class == Class::Corrupt && fault.blamed() == Blame::Host;
    !fault.retryable() && !fault.is(&port::fault::CONFLICT) && !ours
}

/// Waits a little; says whether to stop.
async fn pause(stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        // An error means that the server is gone, which is a stop too.
        _ = stop.wait_for(|stop| *stop) => return true,
    }
    *stop.borrow()
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
        let held = self.held().until(self.lake.committed_offset());
        if held > LOG_BYTES {
            let fault = Fault::new(&super::fault::LOG_FULL).object("write-ahead log");
            return Err(fault.expected(format!("at most {LOG_BYTES} bytes")).found(held));
        }
        let newest = batch.events.last().map(|event| event.time_us);
        let record = WalRecord { received_us: self.clock.wall(), frame };
        self.counters.received.fetch_add(1, Ordering::Relaxed);
        let offset = self.wal.append(&record).await?;
        self.taken().entry(agent).or_default().add(&record.frame);
        self.held().add(offset, record.frame.payload.len() as u64);
        self.hub.received(agent, &record.frame, newest);
        self.opened().keep(offset, batch);
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

    async fn described(&self, agent: AgentId, state: AgentState) {
        if let Err(fault) = self.hub.described(agent, state).await {
            tracing::error!(fault = %fault.inside(), "what an agent says of itself could not be stored");
        }
    }

    async fn enrolled(&self, agent: AgentId, host: Host, group: String) {
        if let Err(fault) = self.hub.enrolled(agent, &host, &group).await {
            tracing::error!(fault = %fault.inside(), "an enrolled agent could not be stored");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_in_the_frame_itself_is_passed_over() {
        let fault = |code| Fault::new(code);
        assert!(hopeless(&fault(&record::fault::MALFORMED)));
        assert!(hopeless(&fault(&record::fault::CHECKSUM).blame(Blame::Peer)));
        assert!(!hopeless(&fault(&lake::fault::BEHIND)), "the lake will have room");
        assert!(!hopeless(&fault(&port::fault::FAILED)));
        assert!(!hopeless(&fault(&port::fault::CONFLICT)), "the newest state is read again");
        assert!(!hopeless(&fault(&crate::fault::LEDGER_DAMAGED)), "our own damage must not lose frames");
    }

    #[test]
    fn opened_batches_are_bounded_and_none_stays_behind_the_walk() {
        let mut opened = Opened::default();
        opened.keep(1, Batch::default());
        assert!(opened.fetch(1).is_some());
        opened.keep(1, Batch::default());
        assert!(opened.batches.is_empty(), "the walk was faster");
        let host = Host { name: "x".repeat(BATCH_BYTES), ..Host::default() };
        (2..20).for_each(|offset| opened.keep(offset, Batch { host: host.clone(), ..Batch::default() }));
        assert!(opened.bytes <= OPENED_BYTES && opened.batches.len() == OPENED_BYTES / BATCH_BYTES - 1);
        (2..20).for_each(|offset| drop(opened.fetch(offset)));
        assert_eq!(opened.bytes, 0);
    }

    #[test]
    fn the_log_counts_what_the_lake_has_not_committed() {
        let mut held = Held::default();
        (0..10).for_each(|offset| held.add(offset, 100));
        assert_eq!((held.until(0), held.until(4), held.until(10)), (1000, 600, 0));
    }

    #[tokio::test]
    async fn a_pause_ends_when_the_server_is_told_to_stop() {
        let (sender, mut stop) = watch::channel(true);
        assert!(pause(&mut stop).await);
        drop(sender);
    }
}
