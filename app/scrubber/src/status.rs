//! What a scrubber shows of itself: to the operator over the socket, to the server with its state, in both as JSON.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything, as of one second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// When, µs since the Unix epoch.
    pub time_us: i64,
    /// Where the filter is attached.
    pub interfaces: Vec<Interface>,
    /// Until the filter ends without its controller, milliseconds.
    pub lease_left_ms: u64,
    /// Packets a second that came in, protected or not.
    pub packets: f64,
    /// Bits a second that came in, protected or not.
    pub bits: f64,
    /// Packets dropped since the filter was attached, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Each protected destination.
    pub destinations: Vec<Destination>,
    /// Sources banned now.
    pub bans: u64,
    /// Routers upstream.
    pub neighbours: Vec<Neighbour>,
    /// Names that may move.
    pub names: Vec<Name>,
    /// Databases of origins.
    pub origins: Vec<Database>,
    /// What a person is asked.
    pub asked: Vec<Asked>,
    /// What is wrong with the configuration that was read last; empty when it is in force.
    pub refused: Vec<Said>,
    /// Orders carried out, and refused or failed, since the start.
    pub orders: Orders,
    /// Reports of the newest attacks, running ones among them; the newest first.
    pub attacks: Vec<serde_json::Value>,
}

/// Destinations that are shown where there is no room for all.
const FEW: usize = 100;

impl Status {
    /// As JSON of at most so many bytes: where there is no room for all, the destinations under attack and the busiest, then
    /// without attacks' texts, then none.
    pub fn within(mut self, bytes: usize) -> String {
        let text = serde_json::json!(self).to_string();
        if text.len() <= bytes {
            return text;
        }
        let order = |one: &Destination, other: &Destination| {
            other.alarm.cmp(&one.alarm).then(other.packets.total_cmp(&one.packets))
        };
        self.destinations.sort_by(order);
        for (destinations, attacks) in [(FEW, usize::MAX), (FEW, 0), (0, 0)] {
            self.destinations.truncate(destinations);
            self.attacks.truncate(attacks);
            let text = serde_json::json!(self).to_string();
            if text.len() <= bytes {
                return text;
            }
        }
        String::new()
    }
}

/// One interface.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// `native` or `generic`; empty when the filter came off.
    pub mode: String,
    /// Packets a second that came in, protected or not.
    pub packets: f64,
    /// Bits a second that came in, protected or not.
    pub bits: f64,
    /// So many that the link is full.
    pub full: bool,
}

/// One protected destination.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Its address or range.
    pub prefix: String,
    /// The level in force.
    pub level: String,
    /// Packets a second.
    pub packets: f64,
    /// Bits a second.
    pub bits: f64,
    /// Packets a second that are dropped.
    pub dropped: f64,
    /// Class of the attack, empty when there is none.
    pub class: String,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// An attack is under way.
    pub alarm: bool,
    /// Why the level is what it is, in both languages.
    pub reasons: Vec<Said>,
    /// Signatures in force.
    pub signatures: Vec<Signature>,
    /// Orders that stand for it.
    pub orders: usize,
}

/// A text in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// One signature in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// Its id, 16 hexadecimal digits.
    pub id: String,
    /// What it fixes, readable.
    pub terms: String,
    /// Packets that it dropped.
    pub hits: u64,
    /// When it ends, µs.
    pub until_us: i64,
}

/// One router upstream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// State of the session.
    pub state: String,
    /// What went wrong last, empty when nothing did.
    pub error: String,
    /// What is announced to it.
    pub announced: Vec<String>,
}

/// One name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Name {
    /// The name.
    pub name: String,
    /// `healthy`, `switched`, or what keeps it between them.
    pub state: String,
    /// Label of the place where it is.
    pub at: String,
    /// Where it points.
    pub addresses: Vec<String>,
    /// Label of the place to which it would go if a person agreed; empty when nothing is asked.
    pub asked: String,
    /// Where it may be, home first.
    pub places: Vec<Place>,
}

/// Somewhere a name may be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What people call it.
    pub label: String,
    /// What the probers agree on: `up`, `down`, or `unknown` when they do not.
    pub verdict: String,
    /// What each prober that was heard lately says.
    pub votes: BTreeMap<String, String>,
}

/// What a person is asked, or what policy only observes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// What it is agreed to by, 8 hexadecimal digits; empty where policy only observes.
    pub id: String,
    /// `flowspec` or `blackhole`.
    pub action: String,
    /// Name of the destination.
    pub name: String,
    /// What routers would be told.
    pub what: String,
    /// Why.
    pub why: Said,
    /// Since when, µs.
    pub since_us: i64,
}

/// One database of origins: systems and countries of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its file.
    pub file: String,
    /// What its maker calls it; empty when none is in force.
    pub kind: String,
    /// When it was made, seconds since 1970.
    pub built_s: u64,
    /// Why the newest form of the file is not in force; empty when it is.
    pub fault: Said,
}

/// Counters of orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// Carried out since the start.
    pub done: u64,
    /// Refused or failed since the start.
    pub failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_room_for_all_the_attacked_are_shown_first() {
        let one = |number: u32| Destination {
            name: format!("site-{number}"),
            packets: f64::from(number),
            alarm: number == 7,
            ..Destination::default()
        };
        let status = Status { destinations: (0..4096).map(one).collect(), ..Status::default() };
        assert!(serde_json::json!(status).to_string().len() > 256 << 10);
        let text = status.clone().within(256 << 10);
        let shown: Status = serde_json::from_str(&text).unwrap();
        assert!(text.len() <= 256 << 10 && shown.destinations.len() == FEW);
        assert_eq!(shown.destinations[0].name, "site-7");
        assert_eq!(shown.destinations[1].name, "site-4095");
        assert_eq!(status.within(10), "");
    }
}
