//! Signatures: what the headers of an attack have in common.

use crate::{Field, Packet, Prefix};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most terms of a signature.
pub const TERMS: usize = 8;

/// A conjunction of `field = value` for packets to one destination, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Made of destination and terms: the same content has the same id.
    pub id: u64,
    /// Packets to this range.
    pub destination: Prefix,
    /// What all must hold; sorted by field, each field once, at most [`TERMS`].
    pub terms: Vec<(Field, u32)>,
    /// When it ends unless it is renewed, µs since 1970.
    pub expires_us: i64,
}

impl Signature {
    /// A signature of terms, in any order; of several terms on a field the first counts, and those above [`TERMS`] are left out.
    pub fn new(destination: Prefix, mut terms: Vec<(Field, u32)>, expires_us: i64) -> Signature {
        terms.sort_by_key(|(field, _)| *field);
        terms.dedup_by_key(|(field, _)| *field);
        terms.truncate(TERMS);
        Signature { id: id(destination, &terms), destination, terms, expires_us }
    }

    /// The value that it wants of a field.
    pub fn value(&self, field: Field) -> Option<u32> {
        self.terms.iter().find(|(found, _)| *found == field).map(|(_, value)| *value)
    }

    /// Whether it matches a packet.
    pub fn matches(&self, packet: &Packet) -> bool {
        self.destination.has(packet.destination) && self.fits(packet)
    }

    /// Whether its terms hold, whatever the destination is.
    pub fn fits(&self, packet: &Packet) -> bool {
        self.terms.iter().all(|(field, value)| packet.get(*field) == Some(*value))
    }
}

/// FNV-1a (Fowler, Noll, Vo) over the text form: the same on every machine and in every release.
fn id(destination: Prefix, terms: &[(Field, u32)]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    add(destination.to_string().as_bytes());
    for (field, value) in terms {
        add(&[*field as u8]);
        add(&value.to_be_bytes());
    }
    hash
}

impl fmt::Display for Signature {
    /// `192.0.2.7/32: protocol=17 source-port=123 length=468`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.destination)?;
        for (field, value) in &self.terms {
            if field.is_hexadecimal() {
                write!(f, " {}=0x{value:x}", field.word())?;
            } else {
                write!(f, " {}={value}", field.word())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_makes_the_id() {
        let destination: Prefix = "192.0.2.7".parse().unwrap();
        let one = Signature::new(destination, vec![(Field::Length, 468), (Field::SourcePort, 123)], 1);
        let two = Signature::new(destination, vec![(Field::SourcePort, 123), (Field::Length, 468)], 2);
        assert_eq!((one.id, &one.terms), (two.id, &two.terms));
        assert_ne!(one.id, Signature::new(destination, vec![(Field::SourcePort, 123)], 1).id);
        assert_eq!(one.to_string(), "192.0.2.7/32: source-port=123 length=468");
    }
}
