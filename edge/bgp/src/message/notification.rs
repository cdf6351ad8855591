//! NOTIFICATION: why a session ends (RFC 4271, 4.5 and 6; cease: RFC 4486; text for the other operator: RFC 9003).

use super::Kind;
use crate::fault;
use crate::wire::Reader;
use base::{Fault, Result};

/// The last message of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which kind of error.
    pub code: u8,
    /// Which one.
    pub subcode: u8,
    /// What it says beyond that.
    pub data: Vec<u8>,
}

/// Longest text for the other operator, bytes of UTF-8.
const TEXT: usize = 255;

const CODES: [&str; 9] = [
    "Reserved",
    "Message Header Error",
    "OPEN Message Error",
    "UPDATE Message Error",
    "Hold Timer Expired",
    "Finite State Machine Error",
    "Cease",
    "ROUTE-REFRESH Message Error",
    "Send Hold Timer Expired",
];
const HEADERS: [&str; 4] = ["Unspecific", "Connection Not Synchronized", "Bad Message Length", "Bad Message Type"];
const OPENS: [&str; 8] = [
    "Unspecific",
    "Unsupported Version Number",
    "Bad Peer AS",
    "Bad BGP Identifier",
    "Unsupported Optional Parameter",
    "Deprecated",
    "Unacceptable Hold Time",
    "Unsupported Capability",
];
const CEASES: [&str; 11] = [
    "Unspecific",
    "Maximum Number of Prefixes Reached",
    "Administrative Shutdown",
    "Peer De-configured",
    "Administrative Reset",
    "Connection Rejected",
    "Other Configuration Change",
    "Connection Collision Resolution",
    "Out of Resources",
    "Hard Reset",
    "BFD Down",
];

impl Notification {
    /// One without data.
    pub fn new(code: u8, subcode: u8) -> Notification {
        Notification { code, subcode, data: Vec::new() }
    }

    /// The hold time is over.
    pub fn hold_time() -> Notification {
        Notification::new(4, 0)
    }

    /// The neighbour reads nothing (RFC 9687).
    pub fn send_hold_time() -> Notification {
        Notification::new(8, 0)
    }

    /// The neighbour told more routes than we take.
    pub fn too_many() -> Notification {
        Notification::new(6, 1)
    }

    /// We stop, with a text for the operator at the other end, cut to 255 bytes.
    pub fn shutdown(text: &str) -> Notification {
        let mut end = text.len().min(TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut data = vec![end as u8];
        data.extend(&text.as_bytes()[..end]);
        Notification { code: 6, subcode: 2, data }
    }

    /// What answers a fault of a message of this kind.
    pub fn answering(kind: Kind, fault: &Fault) -> Notification {
        let (code, subcode) = if fault.is(&fault::HEADER) {
            (1, subcode(fault, &[("marker", 1), ("length", 2), ("type", 3)]))
        } else if fault.is(&fault::ORDER) {
            (5, 0)
        } else {
            match kind {
                Kind::Open => {
                    let table = [
                        ("version", 1),
                        ("AS", 2),
                        ("router id", 3),
                        ("optional parameter", 4),
                        ("hold time", 6),
                        ("families", 7),
                    ];
                    (2, subcode(fault, &table))
                }
                Kind::Update => (3, 1),
                _ => (1, 2),
            }
        };
        Notification { code, subcode, data: data(code, subcode, fault) }
    }

    /// The text of the other operator, if it is one (RFC 9003: only in Cease 2 and 4).
    pub fn text(&self) -> Option<&str> {
        let (length, rest) = self.data.split_first()?;
        let text = rest.get(..usize::from(*length))?;
        let carries = self.code == 6 && matches!(self.subcode, 2 | 4);
        std::str::from_utf8(text).ok().filter(|text| carries && !text.is_empty())
    }

    pub(super) fn read(mut body: Reader<'_>) -> Result<Notification> {
        Ok(Notification { code: body.u8()?, subcode: body.u8()?, data: body.rest().to_vec() })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.code, self.subcode]);
        out.extend(&self.data);
    }
}

fn subcode(fault: &Fault, table: &[(&str, u8)]) -> u8 {
    table.iter().find(|(object, _)| *object == fault.named()).map_or(0, |(_, subcode)| *subcode)
}

/// What RFC 4271, 6.1 and 6.2, wants to stand behind a code: the length or type that was wrong, the version that is spoken.
fn data(code: u8, subcode: u8, fault: &Fault) -> Vec<u8> {
    match (code, subcode) {
        (1, 2) => fault.got().parse::<u16>().map_or_else(|_| Vec::new(), |length| length.to_be_bytes().to_vec()),
        (1, 3) => fault.got().parse::<u8>().map_or_else(|_| Vec::new(), |kind| vec![kind]),
        (2, 1) => vec![0, 4],
        _ => Vec::new(),
    }
}

/// The registered names (IANA, BGP error codes) and the text, control characters left out: it goes into logs.
impl std::fmt::Display for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |names: &[&'static str], at: u8| names.get(usize::from(at)).copied().unwrap_or("unregistered");
        write!(f, "{}/{} {}", self.code, self.subcode, name(&CODES, self.code))?;
        match self.code {
            1 => write!(f, ", {}", name(&HEADERS, self.subcode))?,
            2 => write!(f, ", {}", name(&OPENS, self.subcode))?,
            6 => write!(f, ", {}", name(&CEASES, self.subcode))?,
            _ => {}
        }
        match self.text() {
            Some(text) => {
                let plain: String = text.chars().filter(|letter| !letter.is_control()).collect();
                write!(f, ": {plain}")
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_for_the_other_operator_is_cut_between_characters() {
        let long = "维护".repeat(60);
        let cease = Notification::shutdown(&long);
        assert_eq!((cease.data[0], cease.data.len()), (255, 256));
        assert_eq!(cease.text().unwrap(), &long[..255]);
        assert_eq!(Notification::shutdown("升级\n").to_string(), "6/2 Cease, Administrative Shutdown: 升级");
        let cut = Notification::shutdown(&"é".repeat(200));
        assert_eq!(cut.data[0], 254, "half a character is left out");
    }

    #[test]
    fn what_was_wrong_stands_behind_the_code() {
        let header = |object: &str, found: &str| Fault::new(&fault::HEADER).object(object).found(found);
        let answer = |kind, fault: &Fault| Notification::answering(kind, fault).data;
        assert_eq!(answer(Kind::KeepAlive, &header("length", "4097")), [0x10, 1]);
        assert_eq!(answer(Kind::KeepAlive, &header("type", "9")), [9]);
        assert!(answer(Kind::KeepAlive, &header("marker", "0x00")).is_empty());
        assert_eq!(answer(Kind::Open, &Fault::new(&fault::OPEN).object("version").found(3)), [0, 4]);
    }

    #[test]
    fn what_a_peer_says_is_printed_whatever_it_is() {
        for (code, subcode, data, text) in [
            (6, 2, vec![200, b'x'], "6/2 Cease, Administrative Shutdown"),
            (6, 4, vec![2, 0xff, 0xfe], "6/4 Cease, Administrative Reset"),
            (99, 1, vec![], "99/1 unregistered"),
            (2, 6, vec![0], "2/6 OPEN Message Error, Unacceptable Hold Time"),
        ] {
            assert_eq!(Notification { code, subcode, data }.to_string(), text);
        }
    }
}
