//! A simulated network between one client and one server, made of connections that behave as TCP does.
//!
//! Within a connection messages arrive in order and each at most once. What was under way when it broke is lost, or — what
//! a server may still read from its socket buffers — arrives after a newer connection began. Nothing here knows the time:
//! a delay is a number of rounds.

use base::{Random, SeededRandom};
use std::collections::VecDeque;

/// Messages under way in one direction, each with the rounds that it still needs.
#[derive(Debug)]
struct Pipe<T> {
    under_way: VecDeque<(u32, T)>,
}

impl<T> Default for Pipe<T> {
    fn default() -> Self {
        Pipe { under_way: VecDeque::new() }
    }
}

impl<T> Pipe<T> {
    /// Messages that arrive in this round, in order: a late one holds up those behind it.
    fn arrive(&mut self) -> Vec<T> {
        for (rounds, _) in &mut self.under_way {
            *rounds = rounds.saturating_sub(1);
        }
        let count = self.under_way.iter().take_while(|(rounds, _)| *rounds == 0).count();
        self.under_way.drain(..count).map(|(_, message)| message).collect()
    }
}

/// The network: at most one connection stands.
#[derive(Debug)]
pub struct Network<Up, Down> {
    up: Pipe<Up>,
    down: Pipe<Down>,
    stands: bool,
    /// Most rounds that a message takes.
    pub slowest: u64,
}

impl<Up, Down> Default for Network<Up, Down> {
    fn default() -> Self {
        Network { up: Pipe::default(), down: Pipe::default(), stands: false, slowest: 1 }
    }
}

impl<Up, Down> Network<Up, Down> {
    /// Whether a connection stands.
    pub fn stands(&self) -> bool {
        self.stands
    }

    /// Begins a connection.
    pub fn connect(&mut self) {
        self.stands = true;
    }

    /// Breaks the connection. Answers are lost; gives the messages that the server may still read, a chance number of
    /// those that were sent, from the first on.
    pub fn disconnect(&mut self, random: &SeededRandom) -> Vec<Up> {
        self.stands = false;
        self.down.under_way.clear();
        let sent = std::mem::take(&mut self.up.under_way);
        let read = random.below(sent.len() as u64 + 1) as usize;
        sent.into_iter().take(read).map(|(_, message)| message).collect()
    }

    /// Sends to the server. Lost when no connection stands.
    pub fn send_up(&mut self, message: Up, random: &SeededRandom) {
        if self.stands {
            self.up.under_way.push_back((random.below(self.slowest) as u32, message));
        }
    }

    /// Sends to the client. Lost when no connection stands.
    pub fn send_down(&mut self, message: Down, random: &SeededRandom) {
        if self.stands {
            self.down.under_way.push_back((random.below(self.slowest) as u32, message));
        }
    }

    /// What reaches the server in this round.
    pub fn reach_server(&mut self) -> Vec<Up> {
        self.up.arrive()
    }

    /// What reaches the client in this round.
    pub fn reach_client(&mut self) -> Vec<Down> {
        self.down.arrive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_keeps_the_order_and_loses_only_its_end() {
        for seed in 0..50 {
            let random = SeededRandom::new(seed);
            let mut network: Network<u32, u32> = Network { slowest: 4, ..Network::default() };
            network.send_up(99, &random);
            network.connect();
            (0..10).for_each(|number| network.send_up(number, &random));
            let mut arrived = network.reach_server();
            arrived.extend(network.reach_server());
            arrived.extend(network.disconnect(&random));
            assert!(arrived.iter().copied().eq(0..arrived.len() as u32), "seed {seed}: {arrived:?}");
            assert!(!network.stands() && network.reach_server().is_empty());
        }
    }
}
