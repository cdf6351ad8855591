//! What the server knows of senders: threat intelligence that lists them, and whether they are hosts of ours.
//!
//! Asked over the link by the same questions that agents ask about indicators. A report never waits for an answer: it takes
//! what is known and asks for the rest, and the next report, seconds later, has it.

use base::{Clock, Micros};
use ddos::report::About;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// Answers that are remembered.
const ANSWERS: usize = 4096;
/// How long an answer holds, µs: intelligence changes, and an address may move to another host.
const HOLDS_US: Micros = 600_000_000;
/// Questions that wait; more are asked by the next report.
const WAITING: usize = 1024;
/// Questions on their way at a time: fewer than the server looks up at once for one agent.
const FLYING: usize = 8;
/// A question without an answer for so long is lost, µs: it is asked anew when somebody wants to know.
const LOST_US: Micros = 10_000_000;

/// Sends a question with its number; false when the link takes none now.
type Ask = Box<dyn Fn(u64, IpAddr) -> bool + Send + Sync>;

/// See the module.
pub struct Known {
    clock: Arc<dyn Clock>,
    ask: OnceLock<Ask>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    answers: HashMap<IpAddr, (Micros, About)>,
    waiting: VecDeque<IpAddr>,
    flying: HashMap<u64, (IpAddr, Micros)>,
    next: u64,
}

impl Known {
    /// Nothing is known, and until [`Known::connect`] nobody is asked.
    pub fn new(clock: Arc<dyn Clock>) -> Known {
        Known { clock, ask: OnceLock::new(), inner: Mutex::default() }
    }

    /// Who is asked from now on; the first one stays.
    pub fn connect(&self, ask: impl Fn(u64, IpAddr) -> bool + Send + Sync + 'static) {
        // Set once; a second call changes nothing.
        let _ = self.ask.set(Box::new(ask));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What is known of a sender by now. What is not, or no longer for sure, is asked for; an old answer holds meanwhile.
    pub fn about(&self, address: IpAddr) -> Option<About> {
        let (now, address) = (self.clock.monotonic(), address.to_canonical());
        let mut inner = self.inner();
        let answer = inner.answers.get(&address).cloned();
        let fresh = answer.as_ref().is_some_and(|(at, _)| now - *at < HOLDS_US);
        if !fresh && self.ask.get().is_some() {
            let asked = inner.waiting.contains(&address) || inner.flying.values().any(|(flying, _)| *flying == address);
            if !asked && inner.waiting.len() < WAITING {
                inner.waiting.push_back(address);
            }
            self.send(&mut inner, now);
        }
        answer.map(|(_, about)| about)
    }

    /// The answer to a question; `None` when nothing is known, `later` when the server had no time.
    pub fn answered(&self, question: u64, found: Option<&[u8]>, later: bool) {
        let now = self.clock.monotonic();
        let mut inner = self.inner();
        if let Some((address, _)) = inner.flying.remove(&question)
            && !later
        {
            // An answer in a form that is not known says nothing.
            let about = found.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
            if inner.answers.len() >= ANSWERS {
                inner.answers.retain(|_, (at, _)| now - *at < HOLDS_US);
            }
            if inner.answers.len() < ANSWERS || inner.answers.contains_key(&address) {
                inner.answers.insert(address, (now, about));
            }
        }
        self.send(&mut inner, now);
    }

    fn send(&self, inner: &mut Inner, now: Micros) {
        let Some(ask) = self.ask.get() else { return };
        inner.flying.retain(|_, (_, sent)| now - *sent < LOST_US);
        while inner.flying.len() < FLYING {
            let Some(address) = inner.waiting.pop_front() else { return };
            inner.next += 1;
            if !ask(inner.next, address) {
                // The link is away: whoever wants to know asks again.
                inner.waiting.clear();
                return;
            }
            inner.flying.insert(inner.next, (address, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;
    use ddos::report::Ours;

    type Asked = Arc<Mutex<Vec<(u64, IpAddr)>>>;

    fn known() -> (Known, Asked, Arc<ManualClock>) {
        let (clock, asked) = (Arc::new(ManualClock::at(0)), Asked::default());
        let known = Known::new(clock.clone());
        let heard = asked.clone();
        known.connect(move |question, address| {
            heard.lock().unwrap().push((question, address));
            true
        });
        (known, asked, clock)
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn a_sender_is_asked_about_once_and_known_then() {
        let (known, asked, clock) = known();
        assert_eq!((known.about(address(1)), known.about(address(1))), (None, None));
        assert_eq!(asked.lock().unwrap().len(), 1);
        let about = About { host: Some(Ours { agent: "ab".into(), name: "web-1".into() }), ..About::default() };
        known.answered(1, Some(&serde_json::to_vec(&about).unwrap()), false);
        assert_eq!(known.about(address(1)), Some(about.clone()));
        assert_eq!(asked.lock().unwrap().len(), 1);
        // After a while it is asked anew, and the old answer holds meanwhile.
        clock.advance(HOLDS_US);
        assert_eq!(known.about(address(1)), Some(about));
        assert_eq!(asked.lock().unwrap().len(), 2);
        known.answered(2, None, false);
        assert_eq!(known.about(address(1)), Some(About::default()));
    }

    #[test]
    fn few_questions_fly_at_a_time_and_lost_ones_are_asked_anew() {
        let (known, asked, clock) = known();
        (0..50).for_each(|number| drop(known.about(address(number))));
        assert_eq!(asked.lock().unwrap().len(), FLYING);
        (1..=8).for_each(|question| known.answered(question, None, question % 2 == 0));
        assert_eq!(asked.lock().unwrap().len(), 2 * FLYING);
        // Answers to nothing, twice, or of rubbish change nothing.
        known.answered(1, Some(b"x"), false);
        known.answered(999, Some(b"x"), false);
        assert_eq!(asked.lock().unwrap().len(), 2 * FLYING);
        clock.advance(LOST_US);
        known.about(address(60));
        assert_eq!(asked.lock().unwrap().len(), 3 * FLYING);
        assert_eq!(known.about(address(1)), None, "it was put off");
        known.answered(17, Some(b"not JSON"), false);
        assert!(known.inner().answers.len() <= 5);
    }

    #[test]
    fn a_flood_of_senders_stays_within_its_bounds() {
        let (known, asked, clock) = known();
        for number in 0..20_000 {
            known.about(address(number));
            if number % 3 == 0 {
                let question = asked.lock().unwrap().last().unwrap().0;
                known.answered(question, None, false);
                clock.advance(1_000);
            }
        }
        let inner = known.inner();
        assert!(inner.answers.len() <= ANSWERS && inner.waiting.len() <= WAITING && inner.flying.len() <= FLYING);
    }

    #[test]
    fn without_a_server_nobody_is_asked() {
        let known = Known::new(Arc::new(ManualClock::at(0)));
        assert_eq!(known.about(address(1)), None);
        assert!(known.inner().waiting.is_empty());
    }
}
