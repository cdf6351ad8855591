//! The session as a state machine (RFC 4271, 8), without sockets: bytes and time go in, bytes and deadlines come out.
//!
//! Only the active side exists: the speaker connects and never listens, so there is no collision of connections. A state is
//! *waiting* (to connect), *open sent*, *open confirm*, *established* or *closing* (what is queued is written, then the
//! connection ends).

mod receive;
mod state;

pub use state::{Peer, Phase, Row, State};

use crate::message::{Message, Notification, Open, Update};
use crate::neighbour::Neighbour;
use crate::table::Table;
use crate::{Family, fault};
use base::{Fault, Micros, Random};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

const SECOND: Micros = 1_000_000;
/// How long a neighbour may take to say OPEN.
const OPEN_WAIT: Micros = 30 * SECOND;
/// How long the last words may take.
const CLOSE_WAIT: Micros = SECOND;
/// Bytes queued at most before announcements wait: a neighbour that reads nothing must not cost memory.
const QUEUE: usize = 16 * 1024;
/// Bytes of withdrawals in one message, well below [`crate::message::LONGEST`].
const WITHDRAWN: usize = 3500;

/// Counts since the speaker began.
#[derive(Debug, Default, Clone, Copy, serde::Serialize)]
pub struct Counts {
    /// Sessions that were established.
    pub sessions: u64,
    /// Attempts to connect, and sessions, that failed.
    pub failures: u64,
    /// UPDATEs of the neighbour that were read and not used.
    pub updates: u64,
    /// UPDATEs of the neighbour that did not decode.
    pub refused: u64,
    /// Announcements told, counted again for each session.
    pub told: u64,
}

/// One session and what it tells.
pub(crate) struct Machine {
    neighbour: Neighbour,
    chance: Arc<dyn Random>,
    pub(crate) table: Table,
    phase: Phase,
    input: Vec<u8>,
    output: Vec<u8>,
    own: Option<IpAddr>,
    peer: Option<Open>,
    hold: Micros,
    heard: Micros,
    keepalive_at: Micros,
    established: Option<Micros>,
    closing_until: Micros,
    retry_at: Micros,
    attempts: u32,
    received: (Micros, usize),
    /// When the neighbour last took something, or had taken everything.
    taken: Micros,
    /// Families that the neighbour asked for again, and when it is answered next.
    refresh: (BTreeSet<Family>, Micros),
    counts: Counts,
    error: Option<Fault>,
    stopping: bool,
}

impl Machine {
    pub(crate) fn new(neighbour: Neighbour, chance: Arc<dyn Random>) -> Machine {
        Machine {
            neighbour,
            chance,
            table: Table::default(),
            phase: Phase::Waiting,
            input: Vec::new(),
            output: Vec::new(),
            own: None,
            peer: None,
            hold: OPEN_WAIT,
            heard: 0,
            keepalive_at: Micros::MAX,
            established: None,
            closing_until: 0,
            retry_at: 0,
            attempts: 0,
            received: (0, 0),
            taken: 0,
            refresh: (BTreeSet::new(), 0),
            counts: Counts::default(),
            error: None,
            stopping: false,
        }
    }

    pub(crate) fn neighbour(&self) -> &Neighbour {
        &self.neighbour
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// When to connect; only of use while waiting.
    pub(crate) fn retry_at(&self) -> Micros {
        self.retry_at
    }

    /// Bytes to be written.
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many of them were written.
    pub(crate) fn wrote(&mut self, now: Micros, count: usize) {
        self.taken = now;
        self.output.drain(..count.min(self.output.len()));
    }

    /// A connection stands, from this address of ours.
    pub(crate) fn connected(&mut self, now: Micros, own: IpAddr) {
        self.phase = Phase::OpenSent;
        self.own = Some(own);
        self.peer = None;
        self.input.clear();
        self.output.clear();
        (self.hold, self.heard, self.keepalive_at) = (OPEN_WAIT, now, Micros::MAX);
        (self.received, self.taken) = ((now, 0), now);
        self.refresh = (BTreeSet::new(), now);
        let open = Open {
            asn: self.neighbour.local_as,
            hold_s: self.neighbour.hold_s,
            router_id: self.neighbour.router_id,
            families: self.neighbour.families.clone(),
            multiprotocol: true,
            route_refresh: true,
            wide_as: true,
            other: Vec::new(),
        };
        self.say(&Message::Open(open));
    }

    /// The connection is gone, or could not be made.
    pub(crate) fn lost(&mut self, now: Micros, cause: Fault) {
        if self.phase != Phase::Closing {
            self.error = Some(cause);
        }
        self.counts.failures += u64::from(!self.stopping);
        // A session that lasted pays for a quick attempt; one that falls at once waits longer each time.
        let lasted = self.established.is_some_and(|since| now - since >= self.hold);
        self.attempts = if lasted { 0 } else { self.attempts.saturating_add(1) };
        let longest = Micros::from(self.neighbour.retry_s) * SECOND;
        let wait = (SECOND << self.attempts.saturating_sub(1).min(9)).min(longest);
        self.retry_at = now.saturating_add(self.jitter(wait));
        self.phase = Phase::Waiting;
        self.established = None;
        self.peer = None;
        self.input.clear();
        self.output.clear();
        self.table.forget_session();
    }

    /// Three quarters to all of a time (RFC 4271, 10), so that many speakers do not knock at once.
    fn jitter(&self, time: Micros) -> Micros {
        let quarter = (time / 4).unsigned_abs();
        time - quarter as Micros + self.chance.below(quarter + 1) as Micros
    }

    /// Takes everything back, says why, and ends for good.
    pub(crate) fn stop(&mut self, now: Micros, text: &str) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        self.table.clear();
        if self.phase == Phase::Established {
            while let Some((family, nlri)) = self.table.take_withdrawn(WITHDRAWN) {
                self.say(&Message::Update(Update::withdraw(family, nlri)));
            }
        }
        if self.phase != Phase::Waiting {
            self.close(now, Some(Notification::shutdown(text)), None);
        }
    }

    /// Says the last word and closes.
    fn close(&mut self, now: Micros, last: Option<Notification>, error: Option<Fault>) {
        if self.phase == Phase::Closing {
            return;
        }
        if let Some(last) = last {
            self.say(&Message::Notification(last));
        }
        self.error = error.or(self.error.take());
        self.phase = Phase::Closing;
        self.closing_until = now + CLOSE_WAIT;
    }

    /// Time has come to this; deadlines are looked at and what is due is queued.
    pub(crate) fn tick(&mut self, now: Micros) {
        self.table.expire(now);
        match self.phase {
            Phase::Waiting => {}
            Phase::Closing if now >= self.closing_until => self.output.clear(),
            Phase::Closing => {}
            Phase::OpenSent | Phase::OpenConfirm | Phase::Established => {
                if now - self.heard >= self.hold {
                    let silent = Fault::new(&fault::SILENT)
                        .object(self.neighbour.address)
                        .expected(format!("a message within {} s", self.hold / SECOND));
                    return self.close(now, Some(Notification::hold_time()), Some(silent));
                }
                if self.output.is_empty() {
                    self.taken = now;
                } else if now - self.taken >= self.send_hold() {
                    let stuck = Fault::new(&fault::STUCK)
                        .object(self.neighbour.address)
                        .expected(format!("something read within {} s", self.send_hold() / SECOND));
                    return self.close(now, Some(Notification::send_hold_time()), Some(stuck));
                }
                if now >= self.keepalive_at {
                    // What is still queued will tell as well that we are here.
                    if self.output.is_empty() {
                        self.say(&Message::KeepAlive);
                    }
                    self.keepalive_at = now + self.jitter(self.hold / 3);
                }
                self.tell(now);
            }
        }
    }

    /// How long the neighbour may read nothing of what waits for it. RFC 9687 advises eight minutes for routes; what waits here
    /// may be the end of a blackhole, and a neighbour that reads nothing is to drop the session after the hold time itself.
    fn send_hold(&self) -> Micros {
        self.hold.saturating_mul(2)
    }

    /// When to tick next.
    pub(crate) fn deadline(&self) -> Micros {
        let session = match self.phase {
            Phase::Waiting => self.retry_at,
            Phase::Closing => self.closing_until,
            _ => {
                let stuck =
                    if self.output.is_empty() { Micros::MAX } else { self.taken.saturating_add(self.send_hold()) };
                let asked = if self.refresh.0.is_empty() { Micros::MAX } else { self.refresh.1 };
                self.keepalive_at.min(self.heard.saturating_add(self.hold)).min(stuck).min(asked)
            }
        };
        session.min(self.table.next_end().unwrap_or(Micros::MAX))
    }

    /// Queues what the neighbour has to be told, as far as the queue has room: first what is taken back.
    fn tell(&mut self, now: Micros) {
        let (Phase::Established, Some(own)) = (self.phase, self.own) else { return };
        // Once a second: telling everything again costs much more than asking for it.
        if !self.refresh.0.is_empty() && now >= self.refresh.1 {
            let families = std::mem::take(&mut self.refresh.0);
            families.into_iter().for_each(|family| self.table.refresh(family));
            self.refresh.1 = now.saturating_add(SECOND);
        }
        while self.output.len() < QUEUE
            && let Some((family, nlri)) = self.table.take_withdrawn(WITHDRAWN)
        {
            self.say(&Message::Update(Update::withdraw(family, nlri)));
        }
        while self.output.len() < QUEUE {
            let peer = self.peer.as_ref();
            let neighbour = &self.neighbour;
            let takes =
                |family: Family| neighbour.families.contains(&family) && peer.is_some_and(|peer| peer.takes(family));
            let Some(announcement) = self.table.take_untold(now, takes) else { break };
            let update = announcement.update(neighbour, own);
            self.counts.told += 1;
            self.say(&Message::Update(update));
        }
    }

    fn say(&mut self, message: &Message) {
        let wide = self.peer.as_ref().is_none_or(|peer| peer.wide_as);
        // The guard bounds rules and communities, so a message of ours always fits; one that did not would be seen here.
        let fits = message.write(wide, &mut self.output);
        debug_assert!(fits, "{message:?}");
    }
}

#[cfg(test)]
mod tests;
