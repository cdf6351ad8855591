//! One who took part, as one line of text: so it travels in alerts, where people read it and the server looks it up.

use super::{Role, Source};
use crate::Class;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `192.0.2.7 sender udp-flood 1200`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Participant {
    /// Its address.
    pub address: IpAddr,
    /// What it is taken for.
    pub role: Role,
    /// The class of its packets.
    pub class: Class,
    /// Packets, estimated.
    pub packets: u64,
}

impl Participant {
    /// Field of a report's alert that holds some of those who took part, with `; ` between them.
    pub const FIELD: &str = "senders";
}

impl From<&Source> for Participant {
    fn from(source: &Source) -> Participant {
        let Source { address, role, class, packets, .. } = *source;
        Participant { address, role, class, packets }
    }
}

impl fmt::Display for Participant {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {} {} {}", self.address, self.role.word(), self.class.word(), self.packets)
    }
}

impl FromStr for Participant {
    type Err = ();

    fn from_str(text: &str) -> Result<Participant, ()> {
        let words: Vec<&str> = text.splitn(5, ' ').collect();
        let [address, role, class, packets] = words[..] else { return Err(()) };
        Ok(Participant {
            address: address.parse().map_err(drop)?,
            role: Role::from_word(role).ok_or(())?,
            class: Class::from_word(class).ok_or(())?,
            packets: packets.parse().map_err(drop)?,
        })
    }
}
