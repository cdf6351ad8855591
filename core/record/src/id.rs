//! Identifiers. Derived, not random: 8 bytes an event instead of 16 and free de-duplication.

use crate::{Lane, fault};
use base::{Fault, Result};
use std::fmt;
use std::str::FromStr;

/// An enrolled agent (one per host). Shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AgentId(pub [u8; 16]);

impl AgentId {
    /// From the bytes of a record; shorter or longer bytes are a fault.
    pub fn from_bytes(bytes: &[u8]) -> Result<AgentId> {
        let wrong = |_| Fault::new(&fault::BAD_ID).object("agent id").expected("16 bytes").found(bytes.len());
        bytes.try_into().map(AgentId).map_err(wrong)
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AgentId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<AgentId> {
        let mut bytes = [0; 16];
        let wrong = || Fault::new(&fault::BAD_ID).object("agent id").expected("32 hexadecimal digits").found(text);
        hex::decode_to_slice(text, &mut bytes).map_err(|_| wrong())?;
        Ok(AgentId(bytes))
    }
}

/// A record's place: which agent, which start of it, which lane, which number. Shown as `agent-boot-lane-seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    /// The agent.
    pub agent: AgentId,
    /// How often the agent had started, counted durably: every start begins a new numbering.
    pub boot: u64,
    /// The lane, each with its own numbering.
    pub lane: Lane,
    /// Number within the boot and lane, from 1, without holes unless a gap was reported.
    pub seq: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.agent, self.boot, self.lane.letter(), self.seq)
    }
}

impl FromStr for EventId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<EventId> {
        let wrong = || Fault::new(&fault::BAD_ID).object("record id").expected("agent-boot-lane-number").found(text);
        let parts: Vec<&str> = text.split('-').collect();
        let [agent, boot, lane, seq] = parts[..] else { return Err(wrong()) };
        Ok(EventId {
            agent: agent.parse()?,
            boot: boot.parse().map_err(|_| wrong())?,
            lane: Lane::from_letter(lane).ok_or_else(wrong)?,
            seq: seq.parse().map_err(|_| wrong())?,
        })
    }
}

/// A process that a reused pid cannot be taken for: start time in clock ticks of 10 ms since host boot, and pid.
///
/// The tick is what `/proc/PID/stat` field 22 gives and what `start_boottime / 10 ms` gives in the kernel, so
/// both sources agree. A pid returns within one tick only if over 400 million processes a second are made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ProcessKey(pub u64);

/// Bits of the pid: Linux never gives a pid of 2²² or more.
const PID_BITS: u32 = 22;
/// Nanoseconds in a tick of `/proc` (`USER_HZ` is 100 on every Linux architecture we build for).
pub const TICK_NS: u64 = 10_000_000;

impl ProcessKey {
    /// From the start time in nanoseconds since boot (`task_struct.start_boottime`).
    pub fn from_start_ns(pid: u32, start_ns: u64) -> ProcessKey {
        ProcessKey::from_ticks(pid, start_ns / TICK_NS)
    }

    /// From the start time in ticks since boot (`/proc/PID/stat`, field 22).
    pub fn from_ticks(pid: u32, ticks: u64) -> ProcessKey {
        ProcessKey(ticks << PID_BITS | u64::from(pid) & ((1 << PID_BITS) - 1))
    }

    /// The process id (thread-group id) in the initial namespace.
    pub fn pid(self) -> u32 {
        (self.0 & ((1 << PID_BITS) - 1)) as u32
    }

    /// Start time in ticks since boot.
    pub fn ticks(self) -> u64 {
        self.0 >> PID_BITS
    }
}

impl fmt::Display for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.ticks(), self.pid())
    }
}

impl fmt::Debug for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ProcessKey {
    type Err = Fault;

    fn from_str(text: &str) -> Result<ProcessKey> {
        let wrong = || Fault::new(&fault::BAD_ID).object("process key").expected("hexticks.pid").found(text);
        let (ticks, pid) = text.split_once('.').ok_or_else(wrong)?;
        let ticks = u64::from_str_radix(ticks, 16).map_err(|_| wrong())?;
        Ok(ProcessKey::from_ticks(pid.parse().map_err(|_| wrong())?, ticks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_written() {
        let agent = AgentId([0xab; 16]);
        let id = EventId { agent, boot: 3, lane: Lane::Alert, seq: 77 };
        assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        let key = ProcessKey::from_start_ns(4_194_303, 86_400_000_000_000);
        assert_eq!((key.pid(), key.ticks()), (4_194_303, 8_640_000));
        assert_eq!(key.to_string().parse::<ProcessKey>().unwrap(), key);
        assert!("zz".parse::<AgentId>().is_err() && "a-b-c".parse::<EventId>().is_err());
    }
}
