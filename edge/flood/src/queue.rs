//! Who waits for the origin, and who goes next: those with history before strangers, among them whoever asked least of late, and
//! within a rank the first come.

use crate::history::Standing;
use crate::site::Ticket;
use std::collections::VecDeque;

/// The lowest rank of clients with history.
const TRUSTED: usize = 2;
/// Ranks: strangers, seen, and six of those with history.
const RANKS: usize = 8;

/// The rank of a client with this many requests open on its account: each rank may ask twice as much as the one above it.
pub(crate) fn rank(standing: Standing, open: u32) -> u8 {
    match standing {
        Standing::Stranger => 0,
        Standing::Seen => 1,
        Standing::Known | Standing::Proven => 7 - (open / 8).checked_ilog2().map_or(0, |log| (log + 1).min(5)) as u8,
    }
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) id: u64,
    pub(crate) rank: u8,
    pub(crate) ticket: Ticket,
}

/// What became of a request that wants to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It waits.
    Waits,
    /// It waits in the place of another, of lower rank, which is refused.
    Displaced(u64),
    /// There is no place.
    Full,
}

/// The queue of one site.
#[derive(Debug)]
pub(crate) struct Queue {
    /// One line a rank, in its order.
    lines: [VecDeque<Waiter>; RANKS],
    limit: usize,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Queue {
        Queue { lines: std::array::from_fn(|_| VecDeque::new()), limit }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    /// How many wait of a standing without history.
    pub(crate) fn newcomers(&self, standing: Standing) -> usize {
        self.lines[(standing as usize).min(TRUSTED - 1)].len()
    }

    /// Joins; when the queue is full, the last of the lowest rank below makes room.
    pub(crate) fn join(&mut self, waiter: Waiter) -> Joined {
        let own = usize::from(waiter.rank).min(RANKS - 1);
        let mut joined = Joined::Waits;
        if self.len() >= self.limit {
            let lower = self.lines[..own].iter_mut().find(|line| !line.is_empty());
            match lower.and_then(VecDeque::pop_back) {
                Some(other) => joined = Joined::Displaced(other.id),
                None => return Joined::Full,
            }
        }
        self.lines[own].push_back(waiter);
        joined
    }

    /// The next one; strangers only when they may. Whose time ran out leaves by itself ([`Queue::leave`]), so who is here waits.
    pub(crate) fn next(&mut self, strangers: bool) -> Option<Waiter> {
        let least = if strangers { 0 } else { TRUSTED };
        self.lines[least..].iter_mut().rev().find_map(VecDeque::pop_front)
    }

    /// Takes a waiter out; whether it was still there.
    pub(crate) fn leave(&mut self, id: u64) -> bool {
        self.lines.iter_mut().any(|line| {
            let at = line.iter().position(|waiter| waiter.id == id);
            at.and_then(|at| line.remove(at)).is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Standing::{Known, Proven, Seen, Stranger};

    fn waiter(id: u64, standing: Standing, open: u32) -> Waiter {
        Waiter { id, rank: rank(standing, open), ticket: Ticket { standing, ..Ticket::default() } }
    }

    #[test]
    fn who_asks_least_ranks_highest_and_history_above_all() {
        let ranks: Vec<u8> = [0, 7, 8, 15, 16, 32, 64, 127, 128, 999].map(|open| rank(Known, open)).to_vec();
        assert_eq!(ranks, [7, 7, 6, 6, 5, 4, 3, 3, 2, 2]);
        assert_eq!((rank(Stranger, 0), rank(Seen, 0)), (0, 1));
    }

    #[test]
    fn history_goes_first_and_makes_room() {
        let mut queue = Queue::new(4);
        for (id, standing) in [(1, Stranger), (2, Seen), (3, Stranger), (4, Known)] {
            assert_eq!(queue.join(waiter(id, standing, 0)), Joined::Waits);
        }
        assert_eq!(queue.join(waiter(5, Stranger, 0)), Joined::Full);
        assert_eq!(queue.join(waiter(6, Proven, 20)), Joined::Displaced(3));
        assert_eq!(queue.join(waiter(7, Known, 0)), Joined::Displaced(1));
        assert_eq!((queue.newcomers(Stranger), queue.newcomers(Seen)), (0, 1));
        assert_eq!(queue.join(waiter(8, Known, 0)), Joined::Displaced(2));
        assert_eq!(queue.join(waiter(9, Known, 100)), Joined::Full, "it asks the most of all");
        assert_eq!(queue.join(waiter(10, Proven, 0)), Joined::Displaced(6));
        assert!(queue.leave(7) && !queue.leave(7));
        let order: Vec<u64> = std::iter::from_fn(|| queue.next(true)).map(|waiter| waiter.id).collect();
        assert_eq!(order, [4, 8, 10]);
    }

    #[test]
    fn strangers_wait_for_their_share() {
        let mut queue = Queue::new(4);
        queue.join(waiter(1, Stranger, 0));
        assert!(queue.next(false).is_none() && queue.len() == 1);
        assert!(queue.next(true).is_some() && queue.len() == 0);
    }
}
