//! What goes over the wire: a [`Frame`] around a compressed [`Batch`].

use crate::{Activity, AgentId, Alert, Event, Proc, Process, Receipt, Sample, fault};
use base::limits::{BATCH_BYTES, BATCH_EVENTS, BATCH_WIRE_BYTES};
use base::{Blame, Fault, Result};
use prost::Message;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::get_frame_content_size;

/// zstd level of batches: 3 is where the ratio stops paying for the time.
const ZSTD_LEVEL: i32 = 3;

/// The two lanes. Alerts and receipts go before telemetry and are never shed while disk remains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Lane {
    /// Events and samples.
    Telemetry = 0,
    /// Alerts, receipts, gap reports.
    Alert = 1,
}

impl Lane {
    /// Both lanes, the urgent one first.
    pub const ALL: &'static [Lane] = &[Lane::Alert, Lane::Telemetry];

    /// Its letter in an id.
    pub const fn letter(self) -> &'static str {
        match self {
            Lane::Telemetry => "t",
            Lane::Alert => "a",
        }
    }

    /// The lane of a letter.
    pub fn from_letter(letter: &str) -> Option<Lane> {
        Lane::ALL.iter().copied().find(|lane| lane.letter() == letter)
    }
}

/// A numbered batch as it travels and lies in spool and log: header readable without decompressing.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Frame {
    /// [`AgentId`], 16 bytes. The server overwrites it with the identity of the certificate.
    #[prost(bytes = "vec", tag = "1")]
    pub agent: Vec<u8>,
    /// The agent's start counter.
    #[prost(uint64, tag = "2")]
    pub boot: u64,
    /// The lane.
    #[prost(enumeration = "Lane", tag = "3")]
    pub lane: i32,
    /// Number of the first record.
    #[prost(uint64, tag = "4")]
    pub first_seq: u64,
    /// How many records (events, alerts, receipts, samples together).
    #[prost(uint32, tag = "5")]
    pub count: u32,
    /// CRC32C of `payload`.
    #[prost(fixed32, tag = "6")]
    pub crc: u32,
    /// zstd of the encoded [`Batch`].
    #[prost(bytes = "bytes", tag = "7")]
    pub payload: bytes::Bytes,
}

/// The host that an agent protects, repeated in each batch so that a batch stands alone.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Host {
    /// Host name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `/etc/machine-id`, empty when there is none.
    #[prost(string, tag = "2")]
    pub machine_id: String,
    /// Kernel's boot id, 16 bytes as text.
    #[prost(string, tag = "3")]
    pub boot_id: String,
    /// Kernel release.
    #[prost(string, tag = "4")]
    pub kernel: String,
    /// Operating system, `PRETTY_NAME` of os-release.
    #[prost(string, tag = "5")]
    pub os: String,
    /// Addresses, textual, loopback left out, at most 16.
    #[prost(string, repeated, tag = "6")]
    pub addresses: Vec<String>,
}

/// An event on the wire: processes are given once a batch and pointed at.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WireEvent {
    /// When, µs since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub time_us: i64,
    /// 1 + index into `Batch.processes`, 0 for none.
    #[prost(uint32, tag = "2")]
    pub process: u32,
    /// What.
    #[prost(
        oneof = "Activity",
        tags = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30"
    )]
    pub activity: Option<Activity>,
}

/// A process on the wire with its parent's place in the same batch.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WireProcess {
    /// The process.
    #[prost(message, required, tag = "1")]
    pub info: Process,
    /// 1 + index of the parent, always smaller than its own index; 0 for none.
    #[prost(uint32, tag = "2")]
    pub parent: u32,
}

/// The content of a frame. Records are numbered from `Frame.first_seq` in this order:
/// events, alerts, receipts, samples.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Batch {
    /// The host.
    #[prost(message, required, tag = "1")]
    pub host: Host,
    /// Every process that an event points at, ancestors first.
    #[prost(message, repeated, tag = "2")]
    pub processes: Vec<WireProcess>,
    /// Telemetry.
    #[prost(message, repeated, tag = "3")]
    pub events: Vec<WireEvent>,
    /// Detection findings.
    #[prost(message, repeated, tag = "4")]
    pub alerts: Vec<Alert>,
    /// Results of orders.
    #[prost(message, repeated, tag = "5")]
    pub receipts: Vec<Receipt>,
    /// Metrics.
    #[prost(message, repeated, tag = "6")]
    pub samples: Vec<Sample>,
}

thread_local! {
    /// A context is large and costs more to make than a batch costs to pack, so each thread keeps its own.
    static PACK: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACK: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Runs a call on this thread's context, made at first use.
fn with<C, T>(
    kept: &RefCell<Option<C>>,
    make: impl FnOnce() -> io::Result<C>,
    call: impl FnOnce(&mut C) -> io::Result<T>,
) -> io::Result<T> {
    let mut kept = kept.borrow_mut();
    let mut context = match kept.take() {
        Some(context) => context,
        None => make()?,
    };
    // A context that failed is not trusted with the next batch.
    let done = call(&mut context)?;
    *kept = Some(context);
    Ok(done)
}

fn compress(plain: &[u8]) -> io::Result<Vec<u8>> {
    PACK.with(|kept| with(kept, || Compressor::new(ZSTD_LEVEL), |context| context.compress(plain)))
}

/// Decompresses into a buffer of the size that the content states, at most [`BATCH_BYTES`].
fn decompress(packed: &[u8]) -> io::Result<Vec<u8>> {
    let stated = get_frame_content_size(packed).ok().flatten().and_then(|size| usize::try_from(size).ok());
    let size = stated.unwrap_or(BATCH_BYTES).min(BATCH_BYTES);
    UNPACK.with(|kept| with(kept, Decompressor::new, |context| context.decompress(packed, size)))
}

fn malformed(expected: &str) -> Fault {
    Fault::new(&fault::MALFORMED).object("batch").expected(expected).blame(Blame::Peer)
}

impl Batch {
    /// Checks what decoding cannot: that every process and parent pointed at is in the batch, and that all numbers fit.
    /// What passes unpacks.
    pub fn check(&self, first_seq: u64) -> Result<()> {
        let before_child = |(index, process): (usize, &WireProcess)| process.parent as usize <= index;
        if !self.processes.iter().enumerate().all(before_child) {
            return Err(malformed("a parent before its child"));
        }
        if !self.events.iter().all(|event| event.process as usize <= self.processes.len()) {
            return Err(malformed("a process of this batch"));
        }
        // The next number must exist, too: positions are told as the one to go on with.
        match first_seq.checked_add(self.records() as u64) {
            Some(_) => Ok(()),
            None => Err(malformed("numbers below 2^64").found(first_seq)),
        }
    }

    /// How many numbered records it holds.
    pub fn records(&self) -> usize {
        self.events.len() + self.alerts.len() + self.receipts.len() + self.samples.len()
    }

    /// Packs events, giving each process once.
    pub fn pack<'e>(host: Host, events: impl IntoIterator<Item = &'e Event>) -> Batch {
        let mut batch = Batch { host, ..Batch::default() };
        let mut places = HashMap::new();
        for event in events {
            let process = event.process.as_ref().map_or(0, |proc| batch.place(proc, &mut places));
            batch.events.push(WireEvent { time_us: event.time_us, process, activity: Some(event.activity.clone()) });
        }
        batch
    }

    fn place(&mut self, proc: &Arc<Proc>, places: &mut HashMap<*const Proc, u32>) -> u32 {
        if let Some(place) = places.get(&Arc::as_ptr(proc)) {
            return *place;
        }
        let parent = proc.parent.as_ref().map_or(0, |parent| self.place(parent, places));
        self.processes.push(WireProcess { info: proc.info.clone(), parent });
        let place = self.processes.len() as u32;
        places.insert(Arc::as_ptr(proc), place);
        place
    }

    /// Unpacks the events, numbered from `first_seq`. A pointer that does not fit is a fault.
    pub fn unpack(self, first_seq: u64) -> Result<Vec<Event>> {
        self.check(first_seq)?;
        let mut procs: Vec<Arc<Proc>> = Vec::with_capacity(self.processes.len());
        let of =
            |procs: &[Arc<Proc>], place: u32| (place as usize).checked_sub(1).and_then(|at| procs.get(at).cloned());
        for process in self.processes {
            let parent = of(&procs, process.parent);
            procs.push(Proc::new(process.info, parent));
        }
        let mut events = Vec::with_capacity(self.events.len());
        for (seq, event) in (first_seq..).zip(self.events) {
            let process = of(&procs, event.process);
            // An activity of a newer agent decodes as none: the event is skipped, its number stays used.
            if let Some(activity) = event.activity {
                events.push(Event { seq, time_us: event.time_us, process, activity });
            }
        }
        Ok(events)
    }
}

impl Frame {
    /// Seals a batch under its numbers.
    pub fn seal(agent: AgentId, boot: u64, lane: Lane, first_seq: u64, batch: &Batch) -> Result<Frame> {
        let plain = batch.encode_to_vec();
        let broken = |cause| Fault::new(&fault::MALFORMED).object("batch").because(cause).blame(Blame::Bug);
        let payload = compress(&plain).map_err(broken)?;
        Ok(Frame {
            agent: agent.0.to_vec(),
            boot,
            lane: lane as i32,
            first_seq,
            count: batch.records() as u32,
            crc: crc32c::crc32c(&payload),
            payload: payload.into(),
        })
    }

    /// Opens it: size, checksum, decompression, decoding and pointers are checked in this order, cheapest first. What opens
    /// unpacks, so that nothing is acknowledged that cannot be taken in later.
    pub fn open(&self) -> Result<Batch> {
        let name =
            || format!("frame {}..{} of {} boot {}", self.first_seq, self.last_seq(), self.agent_text(), self.boot);
        let wrong = |code| Fault::new(code).object(name()).blame(Blame::Peer);
        if self.payload.len() > BATCH_WIRE_BYTES {
            return Err(wrong(&fault::OVERSIZE).expected(BATCH_WIRE_BYTES).found(self.payload.len()));
        }
        let crc = crc32c::crc32c(&self.payload);
        if crc != self.crc {
            return Err(wrong(&fault::CHECKSUM).expected(format!("{:08x}", self.crc)).found(format!("{crc:08x}")));
        }
        let plain = decompress(&self.payload)
            .map_err(|cause| wrong(&fault::MALFORMED).expected("zstd within the size limit").because(cause))?;
        let batch = Batch::decode(&plain[..]).map_err(|cause| wrong(&fault::MALFORMED).because(cause))?;
        if batch.records() > BATCH_EVENTS || batch.records() != self.count as usize {
            return Err(wrong(&fault::MALFORMED).expected(self.count).found(batch.records()));
        }
        batch.check(self.first_seq).map_err(|fault| fault.object(name()))?;
        Ok(batch)
    }

    /// Number of the last record; the one before `first_seq` when empty.
    pub fn last_seq(&self) -> u64 {
        self.first_seq.saturating_add(u64::from(self.count)).saturating_sub(1)
    }

    /// The agent as given, for messages.
    pub fn agent_text(&self) -> String {
        hex::encode(&self.agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exec, Exit};

    fn sample() -> Vec<Event> {
        let parent = Proc::new(Process { key: 1, comm: "init".into(), ..Process::default() }, None);
        let child = Proc::new(Process { key: 2, parent_key: 1, comm: "sh".into(), ..Process::default() }, Some(parent));
        vec![
            Event { seq: 5, time_us: 10, process: Some(child.clone()), activity: Activity::Exec(Exec::default()) },
            Event {
                seq: 6,
                time_us: 11,
                process: Some(child),
                activity: Activity::Exit(Exit { code: 3, ..Exit::default() }),
            },
        ]
    }

    #[test]
    fn events_read_back_as_packed() {
        let events = sample();
        let batch = Batch::pack(Host::default(), &events);
        assert_eq!(batch.processes.len(), 2, "each process once");
        let frame = Frame::seal(AgentId([7; 16]), 1, Lane::Telemetry, 5, &batch).unwrap();
        assert_eq!(frame.last_seq(), 6);
        assert_eq!(frame.open().unwrap().unpack(frame.first_seq).unwrap(), events);
    }

    #[test]
    fn damaged_frames_are_named_faults() {
        let batch = Batch::pack(Host::default(), &sample());
        let good = Frame::seal(AgentId([7; 16]), 1, Lane::Telemetry, 5, &batch).unwrap();
        for at in 0..good.payload.len() {
            let mut bytes = good.payload.to_vec();
            bytes[at] ^= 0x40;
            let bad = Frame { payload: bytes.into(), ..good.clone() };
            assert!(bad.open().unwrap_err().is(&fault::CHECKSUM), "byte {at}");
        }
        let miscounted = Frame { count: 9, ..good.clone() };
        assert!(miscounted.open().unwrap_err().is(&fault::MALFORMED));
        let bomb = zstd::bulk::compress(&vec![0; BATCH_BYTES + 1], 3).unwrap();
        let bomb = Frame { crc: crc32c::crc32c(&bomb), payload: bomb.into(), ..good };
        assert!(bomb.open().unwrap_err().is(&fault::MALFORMED));
    }

    #[test]
    fn a_pointer_out_of_the_batch_is_a_fault() {
        let mut batch = Batch::pack(Host::default(), &sample());
        batch.processes[0].parent = 2;
        assert!(batch.clone().unpack(1).unwrap_err().is(&fault::MALFORMED));
        batch.processes[0].parent = 0;
        batch.events[0].process = 77;
        assert!(batch.unpack(1).unwrap_err().is(&fault::MALFORMED));
    }

    /// Such a frame was once acknowledged, made durable, and then met again at every step of the pipeline.
    #[test]
    fn a_frame_opens_only_if_its_batch_unpacks() {
        let good = Batch::pack(Host::default(), &sample());
        let spoil: [fn(&mut Batch); 5] = [
            |batch| batch.processes[0].parent = 1,
            |batch| batch.processes[1].parent = 2,
            |batch| batch.processes[0].parent = u32::MAX,
            |batch| batch.events[1].process = 3,
            |batch| batch.processes.clear(),
        ];
        for (index, spoil) in spoil.into_iter().enumerate() {
            let mut bad = good.clone();
            spoil(&mut bad);
            let frame = Frame::seal(AgentId([7; 16]), 1, Lane::Telemetry, 5, &bad).unwrap();
            let fault = frame.open().unwrap_err();
            assert!(fault.is(&fault::MALFORMED) && fault.named().contains("frame 5..6"), "{index}: {fault:?}");
        }
        let endless = Frame::seal(AgentId([7; 16]), 1, Lane::Telemetry, u64::MAX - 1, &good).unwrap();
        assert!(endless.open().unwrap_err().is(&fault::MALFORMED));
    }

    #[test]
    fn a_context_that_failed_does_not_spoil_the_next_batch() {
        let good = compress(b"good good good good").unwrap();
        let mut bad = good.clone();
        bad.truncate(good.len() - 3);
        assert!(decompress(&bad).is_err() && decompress(b"no frame at all").is_err());
        assert_eq!(decompress(&good).unwrap(), b"good good good good");
    }
}
