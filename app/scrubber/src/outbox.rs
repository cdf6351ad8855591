//! Orders on their way to the hands: what finds no room there waits here, so that no order, and above all no undo, is lost.
//!
//! Bounded because the controller decides nothing new for a kind of place while something waits for it: at most the orders of
//! one second are here.

use crate::hands::{Hands, Lane};
use record::Order;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval};

/// Orders of the server that may wait here; beyond, its link waits.
const WAITING: usize = 1024;
/// How often room is looked for.
const AGAIN: Duration = Duration::from_millis(100);

/// See the module.
pub struct Outbox {
    hands: Hands,
    waiting: BTreeMap<Lane, VecDeque<Order>>,
}

impl Outbox {
    /// To these hands.
    pub fn new(hands: Hands) -> Outbox {
        Outbox { hands, waiting: BTreeMap::new() }
    }

    /// Gives an order, after those that wait for the same kind of place.
    pub fn give(&mut self, order: Order) {
        let lane = self.hands.lane(&order);
        self.waiting.entry(lane).or_default().push_back(order);
        self.flush();
    }

    /// Gives what waits, as far as there is room.
    pub fn flush(&mut self) {
        for (lane, waiting) in &mut self.waiting {
            while let Some(order) = waiting.pop_front() {
                if let Some(order) = self.hands.offer(*lane, order) {
                    waiting.push_front(order);
                    break;
                }
            }
        }
    }

    /// Whether nothing waits for a kind of place.
    pub fn free(&self, lane: Lane) -> bool {
        self.waiting.get(&lane).is_none_or(VecDeque::is_empty)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }
}

/// The server's orders go to the hands, until there are none any more. One kind of place that is slow holds up no other, and none is
/// lost: the server counts on an answer to each.
pub async fn pass(mut given: Receiver<Order>, hands: Hands) {
    let mut outbox = Outbox::new(hands);
    let mut again = interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            order = given.recv(), if outbox.waiting() < WAITING => match order {
                Some(order) => outbox.give(order),
                None => return,
            },
            _ = again.tick(), if outbox.waiting() > 0 => outbox.flush(),
        }
    }
}
