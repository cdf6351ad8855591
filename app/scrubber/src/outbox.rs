//! Orders on their way to the hands: what finds no room there waits here, so that no order, and above all no undo, is lost.
//!
//! Bounded because the controller decides nothing new while something waits: at most the orders of one second are here.

use crate::hands::Hands;
use record::Order;
use std::collections::VecDeque;

/// See the module.
pub struct Outbox {
    hands: Hands,
    waiting: VecDeque<Order>,
}

impl Outbox {
    /// To these hands.
    pub fn new(hands: Hands) -> Outbox {
        Outbox { hands, waiting: VecDeque::new() }
    }

    /// Gives an order, after those that wait.
    pub fn give(&mut self, order: Order) {
        self.waiting.push_back(order);
        self.flush();
    }

    /// Gives what waits, as far as there is room; whether nothing waits any more.
    pub fn flush(&mut self) -> bool {
        while let Some(order) = self.waiting.pop_front() {
            if let Some(order) = self.hands.offer(order) {
                self.waiting.push_front(order);
                return false;
            }
        }
        true
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
