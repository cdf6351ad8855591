//! Which name an address was last resolved from, so that a connection can say where it meant to go.
//!
//! Fed by the answers that the kernel programs deliver. An answer counts only when a question went to that server from
//! that port with that number a moment before, so that nobody teaches us names with datagrams of his own. Bounded by count
//! and by the answer's time to live, which is kept between a minute (a connection may come long after the answer) and an
//! hour.

use base::Micros;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Most addresses remembered.
const NAMES_MAX: usize = 8 * 1024;
/// Bounds of the time an answer is believed, µs.
const SHORTEST: Micros = 60_000_000;
const LONGEST: Micros = 3_600_000_000;

/// Most questions that wait for their answers, and how long, µs.
const QUESTIONS_MAX: usize = 1024;
const PATIENCE: Micros = 30_000_000;

/// What an answer must have in common with its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Question {
    /// Name server.
    pub server: IpAddr,
    /// Our port.
    pub port: u16,
    /// Number of the message (RFC 1035 §4.1.1).
    pub id: u16,
}

/// The cache.
#[derive(Debug, Default)]
pub struct ResolvedNames {
    names: HashMap<IpAddr, (Box<str>, Micros)>,
    order: VecDeque<IpAddr>,
    asked: HashMap<Question, Micros>,
    asked_order: VecDeque<Question>,
}

impl ResolvedNames {
    /// An empty cache.
    pub fn new() -> ResolvedNames {
        ResolvedNames::default()
    }

    /// A question left this host.
    pub fn ask(&mut self, question: Question, now: Micros) {
        if self.asked.insert(question, now.saturating_add(PATIENCE)).is_none() {
            self.asked_order.push_back(question);
        }
        while self.asked_order.len() > QUESTIONS_MAX {
            let Some(oldest) = self.asked_order.pop_front() else { break };
            self.asked.remove(&oldest);
        }
    }

    /// Whether this was asked and is answered for the first time.
    pub fn is_answer(&mut self, question: Question, now: Micros) -> bool {
        self.asked.get_mut(&question).is_some_and(|until| std::mem::replace(until, Micros::MIN) > now)
    }

    /// Remembers an answer: `lifetime` in seconds as the record says, `now` monotonic.
    pub fn learn(&mut self, address: IpAddr, name: &str, lifetime: u32, now: Micros) {
        let keep = (Micros::from(lifetime) * 1_000_000).clamp(SHORTEST, LONGEST);
        let entry = (name.into(), now.saturating_add(keep));
        if self.names.insert(address.to_canonical(), entry).is_none() {
            self.order.push_back(address.to_canonical());
        }
        while self.names.len() > NAMES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.names.remove(&oldest);
        }
    }

    /// The name of an address, while it is believed.
    pub fn name(&self, address: IpAddr, now: Micros) -> Option<&str> {
        let (name, until) = self.names.get(&address.to_canonical())?;
        (*until > now).then_some(name)
    }

    /// How many addresses are remembered.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// An address as records carry it: 4 or 16 bytes in network order, IPv4-mapped ones (RFC 4291 §2.5.5.2) as IPv4.
pub fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_believed_for_its_time() {
        let mut names = ResolvedNames::new();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        names.learn(address, "a.example", 5, 0);
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(names.name(mapped, SHORTEST - 1), Some("a.example"));
        assert_eq!(names.name(address, SHORTEST), None);
        names.learn(address, "b.example", u32::MAX, 0);
        assert_eq!((names.name(address, LONGEST - 1), names.name(address, LONGEST)), (Some("b.example"), None));
        assert_eq!(address_bytes(mapped), [192, 0, 2, 1]);
    }

    #[test]
    fn only_what_was_asked_is_answered_and_only_once() {
        let mut names = ResolvedNames::new();
        let question = Question { server: "192.0.2.53".parse().unwrap(), port: 4000, id: 7 };
        assert!(!names.is_answer(question, 0));
        names.ask(question, 0);
        assert!(!names.is_answer(Question { id: 8, ..question }, 1) && names.is_answer(question, 1));
        assert!(!names.is_answer(question, 2), "a second answer is somebody else's");
        names.ask(question, 0);
        assert!(!names.is_answer(question, PATIENCE));
        for port in 0..QUESTIONS_MAX as u16 * 2 {
            names.ask(Question { port, ..question }, 0);
        }
        assert!(names.asked.len() <= QUESTIONS_MAX && names.asked_order.len() == QUESTIONS_MAX);
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut names = ResolvedNames::new();
        for number in 0..(NAMES_MAX as u32 * 2) {
            names.learn(std::net::Ipv4Addr::from(number).into(), "x", 60, 0);
        }
        assert!(names.len() == NAMES_MAX && names.order.len() == NAMES_MAX && !names.is_empty());
    }
}
