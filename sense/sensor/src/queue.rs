//! A bounded queue between the sensor's thread and the thread that detects.
//!
//! A full queue sheds the new event, counts it by kind, and tells the count as a [`record::Lost`] event of place `queue`
//! in front of the next batch: nothing is lost silently, and the sensor's thread never waits.

use base::Micros;
use record::{Activity, Event, Kind, Lost};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    shed: [u64; Kind::ALL.len()],
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    filled: Condvar,
}

impl Shared {
    /// A poisoned lock means that the other side panicked between two whole steps; the state is sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Puts events in.
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
    capacity: usize,
}

/// Takes events out.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
}

/// A queue for at most `capacity` events.
pub fn bounded(capacity: usize) -> (Sender, Receiver) {
    let shared = Arc::new(Shared::default());
    (Sender { shared: shared.clone(), capacity: capacity.max(1) }, Receiver { shared })
}

impl Sender {
    /// Puts an event in, or sheds it when the queue is full; says whether it went in.
    pub fn push(&self, event: Event) -> bool {
        let mut state = self.shared.lock();
        if state.events.len() >= self.capacity {
            state.shed[event.kind() as usize] += 1;
            return false;
        }
        state.events.push_back(event);
        drop(state);
        self.shared.filled.notify_one();
        true
    }

    /// How many events wait.
    pub fn waiting(&self) -> usize {
        self.shared.lock().events.len()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_all();
    }
}

impl Receiver {
    /// Takes up to `most` events, waiting at most `wait` for the first. Losses since the last call come first, with
    /// `time_us` as their time. `None` when the sender is gone and everything was taken.
    pub fn take(&self, most: usize, wait: Duration, time_us: Micros) -> Option<Vec<Event>> {
        let state = self.shared.lock();
        let empty = |state: &mut State| state.events.is_empty() && !state.closed;
        let waited = self.shared.filled.wait_timeout_while(state, wait, empty);
        let mut state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        let mut taken = told(&mut state.shed, time_us);
        if state.closed && state.events.is_empty() && taken.is_empty() {
            return None;
        }
        let count = state.events.len().min(most);
        taken.extend(state.events.drain(..count));
        Some(taken)
    }
}

fn told(shed: &mut [u64; Kind::ALL.len()], time_us: Micros) -> Vec<Event> {
    let mut events = Vec::new();
    for kind in Kind::ALL {
        let count = std::mem::take(&mut shed[*kind as usize]);
        if count > 0 {
            let lost = Lost { class: kind.word().into(), place: "queue".into(), count, first_seq: 0, last_seq: 0 };
            events.push(Event { seq: 0, time_us, process: None, activity: Activity::Lost(lost) });
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event { seq: 0, time_us: 0, process: None, activity: Activity::Fork(record::Fork::default()) }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let (sender, receiver) = bounded(3);
        let kept = (0..5).filter(|_| sender.push(event())).count();
        assert_eq!((kept, sender.waiting()), (3, 3));
        let taken = receiver.take(2, Duration::ZERO, 9).unwrap();
        assert_eq!(taken.len(), 3);
        let Activity::Lost(lost) = &taken[0].activity else { panic!("losses come first") };
        assert_eq!((lost.class.as_str(), lost.place.as_str(), lost.count), ("fork", "queue", 2));
        drop(sender);
        assert_eq!(receiver.take(9, Duration::from_secs(9), 9).unwrap().len(), 1);
        assert_eq!(receiver.take(9, Duration::from_secs(9), 9), None);
    }

    #[test]
    fn a_waiting_receiver_is_woken() {
        let (sender, receiver) = bounded(1);
        let taker = std::thread::spawn(move || receiver.take(1, Duration::from_secs(60), 0).unwrap().len());
        sender.push(event());
        assert_eq!(taker.join().unwrap(), 1);
    }
}
