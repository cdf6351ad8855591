//! The server's write-ahead log: many writers share one sync.

use crate::disk::Disk;
use crate::{Log, LogConfig, Offset, fault};
use base::{Fault, Result};
use bytes::Bytes;
use prost::Message;
use record::Frame;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// A frame as the server received it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WalRecord {
    /// When, µs since the Unix epoch, server's clock.
    #[prost(int64, tag = "1")]
    pub received_us: i64,
    /// The frame.
    #[prost(message, required, tag = "2")]
    pub frame: Frame,
}

/// Most bytes that one sync covers.
const GROUP_BYTES: usize = 1024 * 1024;
/// Most calls waiting for the thread; more wait in their own tasks.
const WAITING: usize = 1024;

type Reply<T> = oneshot::Sender<Result<T>>;

enum Request {
    Append(Vec<u8>, Reply<Offset>),
    Read(Offset, usize, usize, Reply<Records>),
    Truncate(Offset, Reply<()>),
    Close(oneshot::Sender<()>),
}

/// Records read back, and what could not be read between them.
pub type Records = (Vec<(Offset, WalRecord)>, Vec<Fault>);

/// A handle to the log's thread; clones share it. The thread ends when the last handle is dropped or one is closed.
#[derive(Clone)]
pub struct Wal {
    requests: mpsc::Sender<Request>,
    durable: watch::Receiver<Offset>,
    first: Offset,
    /// Where numbers went on when the log was found to end before what was committed.
    behind: Option<Offset>,
}

impl Wal {
    /// Opens the log and starts its thread. The faults tell what was repaired.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, config: LogConfig) -> Result<(Wal, Vec<Fault>)> {
        Wal::open_from(disk, dir, config, 0)
    }

    /// Opens the log, whose numbers go on from `committed` at least: see [`Log::open_from`].
    pub fn open_from(
        disk: Arc<dyn Disk>,
        dir: &Path,
        config: LogConfig,
        committed: Offset,
    ) -> Result<(Wal, Vec<Fault>)> {
        let (log, faults) = Log::open_from(disk, dir, config, committed)?;
        let behind = faults.iter().any(|fault| fault.is(&fault::BEHIND)).then_some(committed);
        let first = log.first_offset();
        let (requests, inbox) = mpsc::channel(WAITING);
        let (progress, durable) = watch::channel(log.next_offset());
        let started = std::thread::Builder::new().name("wal".into()).spawn(move || Writer { log, progress }.run(inbox));
        started.map_err(|cause| Fault::new(&fault::DISK).object("thread wal").because(cause))?;
        Ok((Wal { requests, durable, first, behind }, faults))
    }

    /// Adds a record and returns when it is durable. Calls that wait at the same time share one sync.
    pub async fn append(&self, record: &WalRecord) -> Result<Offset> {
        let bytes = record.encode_to_vec();
        self.ask(|reply| Request::Append(bytes, reply)).await
    }

    /// Durable records from `from` on, at most `records`, and about `bytes` of them. Records that do not read back
    /// are skipped, each with a fault. When the disk fails the call nothing is skipped: ask again later.
    pub async fn replay(&self, from: Offset, records: usize, bytes: usize) -> Result<Records> {
        self.ask(|reply| Request::Read(from, records, bytes, reply)).await
    }

    /// Removes whole segments before `offset`.
    pub async fn truncate_before(&self, offset: Offset) -> Result<()> {
        self.ask(|reply| Request::Truncate(offset, reply)).await
    }

    /// The offset after the last durable record, now and as it grows.
    pub fn durable(&self) -> watch::Receiver<Offset> {
        self.durable.clone()
    }

    /// Offset of the first record that was held when the log was opened.
    pub fn first_offset(&self) -> Offset {
        self.first
    }

    /// Where replay must start when the reader has committed up to `committed`. In a log that was found behind, every
    /// record is read again: their numbers do not tell whether they were taken.
    pub fn start(&self, committed: Offset) -> Offset {
        match self.behind {
            Some(begun) if committed <= begun => self.first,
            _ => committed.max(self.first),
        }
    }

    /// Ends the thread after what was asked before; later calls are faults.
    pub async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if self.requests.send(Request::Close(done)).await.is_ok() {
            // An error means that the thread has already ended, which is what was wanted.
            let _ = ended.await;
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let closed = || Fault::new(&fault::CLOSED).object("write-ahead log");
        self.requests.send(request(reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// The thread's side.
struct Writer {
    log: Log,
    progress: watch::Sender<Offset>,
}

impl Writer {
    fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut held = None;
        while let Some(request) = held.take().or_else(|| inbox.blocking_recv()) {
            match request {
                Request::Append(bytes, reply) => held = self.group(bytes, reply, &mut inbox),
                Request::Read(from, records, bytes, reply) => {
                    let _ = reply.send(self.read(from, records, bytes));
                }
                Request::Truncate(offset, reply) => {
                    let _ = reply.send(self.log.truncate_before(offset));
                }
                Request::Close(done) => {
                    inbox.close();
                    drop(self);
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    /// Writes this record and those that already wait, syncs once and answers all. Nobody is made to wait for
    /// company: while a sync runs the next group gathers by itself. Returns the first request of another kind.
    fn group(&mut self, bytes: Vec<u8>, reply: Reply<Offset>, inbox: &mut mpsc::Receiver<Request>) -> Option<Request> {
        let mut size = bytes.len();
        let mut written = vec![self.add(&bytes, reply)];
        let mut other = None;
        while size < GROUP_BYTES {
            match inbox.try_recv() {
                Ok(Request::Append(bytes, reply)) => {
                    size += bytes.len();
                    written.push(self.add(&bytes, reply));
                }
                Ok(request) => {
                    other = Some(request);
                    break;
                }
                Err(_) => break,
            }
        }
        let synced = self.log.sync();
        let durable = self.log.synced_offset();
        self.progress.send_replace(durable);
        for (result, rollbacks, reply) in written {
            // A later append may have begun a new segment and failed to sync this record with the old one.
            let lost = || Fault::new(&fault::DISK).object("write-ahead log").because("taken back by a failed sync");
            let result = match (result, &synced) {
                (Ok(offset), Ok(())) if rollbacks == self.log.rollbacks() => Ok(offset),
                (Ok(_), Ok(())) => Err(lost()),
                (Ok(_), Err(fault)) => Err(fault.clone()),
                (Err(fault), _) => Err(fault),
            };
            let _ = reply.send(result);
        }
        other
    }

    fn add(&mut self, bytes: &[u8], reply: Reply<Offset>) -> (Result<Offset>, u64, Reply<Offset>) {
        let result = self.log.append(bytes);
        (result, self.log.rollbacks(), reply)
    }

    fn read(&self, from: Offset, records: usize, bytes: usize) -> Result<Records> {
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        let mut at = from;
        while found.is_empty() && faults.len() < MOST_SKIPPED && at < self.log.next_offset() {
            match self.log.read(at, records, bytes) {
                Ok(read) if read.is_empty() => break,
                Ok(read) => {
                    for (offset, content) in read {
                        at = offset + 1;
                        match decode(offset, content) {
                            Ok(record) => found.push((offset, record)),
                            Err(fault) => faults.push(fault),
                        }
                    }
                }
                Err(fault) if fault.is(&fault::UNREADABLE) => {
                    faults.push(fault);
                    at += 1;
                }
                // The disk may answer next time; a record skipped now would be lost although it was acknowledged.
                Err(fault) => return Err(fault),
            }
        }
        Ok((found, faults))
    }
}

/// Most damaged records skipped in one read.
const MOST_SKIPPED: usize = 1000;

fn decode(offset: Offset, content: Bytes) -> Result<WalRecord> {
    WalRecord::decode(content).map_err(|cause| {
        Fault::new(&fault::UNREADABLE).object(format!("write-ahead log record {offset}")).because(cause)
    })
}
