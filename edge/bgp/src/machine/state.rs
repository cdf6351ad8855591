//! What an operator sees of a session.

use super::{Counts, Machine, SECOND};
use crate::announcement::{Announcement, Approval};
use crate::table::Id;
use base::{Fault, Micros};
use serde::Serialize;
use std::net::Ipv4Addr;

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// No connection; the next attempt comes by itself.
    Waiting,
    /// Connected; our OPEN is said.
    OpenSent,
    /// The neighbour's OPEN is accepted.
    OpenConfirm,
    /// Announcements are told.
    Established,
    /// The last words are written.
    Closing,
}

impl Phase {
    /// The name in records.
    pub fn name(self) -> &'static str {
        ["waiting", "open-sent", "open-confirm", "established", "closing"][self as usize]
    }

    /// Whether messages of the neighbour are read.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Phase::OpenSent | Phase::OpenConfirm | Phase::Established)
    }
}

/// What the neighbour said of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Peer {
    /// AS number.
    pub asn: u32,
    /// Router id.
    pub router_id: Ipv4Addr,
    /// Hold time in force, seconds.
    pub hold_s: u64,
    /// Families of ours that it takes.
    pub families: Vec<crate::Family>,
}

/// One announcement.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its id.
    pub id: Id,
    /// What.
    pub announcement: Announcement,
    /// Who approved it.
    pub approval: Approval,
    /// Seconds until its lease ends.
    pub lease_left_s: f64,
    /// The neighbour of the present session was told. False while there is no session, or when it does not take the family.
    pub told: bool,
}

/// A session and its announcements now.
#[derive(Debug, Clone, Serialize)]
pub struct State {
    /// The neighbour's address.
    pub neighbour: std::net::IpAddr,
    /// Where the session is.
    pub phase: Phase,
    /// Seconds since it was established.
    pub established_s: Option<f64>,
    /// The neighbour, while there is a session.
    pub peer: Option<Peer>,
    /// Every announcement whose lease runs, oldest first.
    pub announced: Vec<Row>,
    /// What went wrong last, as text for people; none once a session stands again.
    #[serde(serialize_with = "text")]
    pub error: Option<Fault>,
    /// Counts since the speaker began.
    pub counts: Counts,
}

fn text<S: serde::Serializer>(fault: &Option<Fault>, serializer: S) -> Result<S::Ok, S::Error> {
    fault.as_ref().map(ToString::to_string).serialize(serializer)
}

fn seconds(time: Micros) -> f64 {
    time.max(0) as f64 / SECOND as f64
}

impl Machine {
    /// The state now.
    pub(crate) fn state(&self, now: Micros) -> State {
        let peer = self.peer.as_ref().map(|open| Peer {
            asn: open.asn,
            router_id: open.router_id,
            hold_s: (self.hold / SECOND).unsigned_abs(),
            families: crate::Family::ALL.into_iter().filter(|family| open.takes(*family)).collect(),
        });
        let rows = self.table.entries().filter(|(_, entry)| entry.until > now);
        let announced = rows.map(|(id, entry)| Row {
            id,
            announcement: entry.announcement.clone(),
            approval: entry.approval.clone(),
            lease_left_s: seconds(entry.until - now),
            told: entry.told.is_some(),
        });
        State {
            neighbour: self.neighbour.address,
            phase: self.phase,
            established_s: self.established.map(|since| seconds(now - since)),
            peer,
            announced: announced.collect(),
            error: self.error.clone(),
            counts: self.counts,
        }
    }
}
