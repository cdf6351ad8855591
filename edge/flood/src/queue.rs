//! Who waits for the origin, and who goes next: those with history first, and within a standing the first come.

use crate::history::Standing;
use crate::site::Ticket;
use std::collections::VecDeque;

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) id: u64,
    pub(crate) ticket: Ticket,
}

/// What became of a request that wants to wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It waits.
    Waits,
    /// It waits in the place of another, of lower standing, which is refused.
    Displaced(u64),
    /// There is no place.
    Full,
}

/// The queue of one site.
#[derive(Debug)]
pub(crate) struct Queue {
    /// One line a standing, in its order.
    lines: [VecDeque<Waiter>; 4],
    limit: usize,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Queue {
        Queue { lines: std::array::from_fn(|_| VecDeque::new()), limit }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    /// How many wait of a standing.
    pub(crate) fn of(&self, standing: Standing) -> usize {
        self.lines[standing as usize].len()
    }

    /// Joins; when the queue is full, the last of the lowest standing below makes room.
    pub(crate) fn join(&mut self, waiter: Waiter) -> Joined {
        let own = waiter.ticket.standing as usize;
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
        let least = if strangers { 0 } else { Standing::Known as usize };
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

    fn waiter(id: u64, standing: Standing) -> Waiter {
        Waiter { id, ticket: Ticket { standing, ..Ticket::default() } }
    }

    #[test]
    fn history_goes_first_and_makes_room() {
        let mut queue = Queue::new(4);
        for (id, standing) in [(1, Stranger), (2, Seen), (3, Stranger), (4, Known)] {
            assert_eq!(queue.join(waiter(id, standing)), Joined::Waits);
        }
        assert_eq!(queue.join(waiter(5, Stranger)), Joined::Full);
        assert_eq!(queue.join(waiter(6, Proven)), Joined::Displaced(3));
        assert_eq!(queue.join(waiter(7, Known)), Joined::Displaced(1));
        assert_eq!(queue.join(waiter(8, Known)), Joined::Displaced(2));
        assert_eq!(queue.join(waiter(9, Known)), Joined::Full);
        assert_eq!((queue.len(), queue.of(Known)), (4, 3));
        assert!(queue.leave(7) && !queue.leave(7));
        let order: Vec<u64> = std::iter::from_fn(|| queue.next(true)).map(|waiter| waiter.id).collect();
        assert_eq!(order, [6, 4, 8]);
    }

    #[test]
    fn strangers_wait_for_their_share() {
        let mut queue = Queue::new(4);
        queue.join(waiter(1, Stranger));
        assert!(queue.next(false).is_none() && queue.len() == 1);
        assert!(queue.next(true).is_some() && queue.len() == 0);
    }
}
