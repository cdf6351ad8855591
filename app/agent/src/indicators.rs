//! Indicators: what the server's filter says of values in events, confirmed by the server before it is an alert.
//!
//! A filter is wrong about one value in tens of thousands, so a hit is a question. While the server is away hits wait
//! here, each with its event, up to a bound; what does not fit is counted.

mod alert;
mod lens;

use crate::judge::Storm;
use crate::live::{Live, Reader};
use crate::raise::Raiser;
use base::{Fault, Micros, Result};
use fleet::Questions;
use fleet::content::Taken;
use fleet::wire::{Answer, Ask};
use intel::Verdict;
use lens::Lens;
use record::{AgentId, Alert, Event, Host};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Hits on their way from the judges.
const ON_THE_WAY: usize = 1024;
/// Values that wait for an answer, each with its first event.
const PENDING: usize = 1024;
/// Answers remembered.
const REMEMBERED: usize = 4096;
/// How long "no indicator" is remembered, µs; a change of the filter ends it at once.
const NO_US: Micros = 3_600_000_000;
/// How long an indicator is remembered, µs: scores decay and sources take back what they said.
const YES_US: Micros = 600_000_000;
/// How long an answer is waited for, and how long after "later", µs.
const AGAIN_US: Micros = 10_000_000;
/// How often a server may put a question off: five minutes of trouble.
const PUT_OFF: u32 = 30;
/// How often what is due is looked for.
const TICK: Duration = Duration::from_millis(250);
/// Values that one judge remembers having told within a second.
const RECENT: usize = 256;
/// How long one judge tells a value once, µs of the events' time.
const ONCE_US: Micros = 1_000_000;

/// A value of an event that the filter holds.
struct Hit {
    kind: &'static str,
    key: u64,
    value: String,
    event: Event,
    /// The drill that made the event, empty when none did.
    drill: String,
}

enum News {
    Hit(Box<Hit>),
    Answer(Answer),
}

/// The filter and the way to the server.
pub struct Indicators {
    filter: Arc<Live<Option<Lens>>>,
    news: SyncSender<News>,
    inbox: Mutex<Option<Receiver<News>>>,
    questions: Questions,
    dropped: Arc<AtomicU64>,
}

impl Indicators {
    /// Without a filter: nothing is looked for until one is taken.
    pub fn new() -> Arc<Indicators> {
        let (news, inbox) = sync_channel(ON_THE_WAY);
        let answers = news.clone();
        // An answer that finds no room is asked for again.
        let questions = Questions::new(move |answer| drop(answers.try_send(News::Answer(answer))));
        let (filter, inbox) = (Live::new(None), Mutex::new(Some(inbox)));
        Arc::new(Indicators { filter, news, inbox, questions, dropped: Arc::default() })
    }

    /// The questions, for the link.
    pub fn questions(&self) -> Questions {
        self.questions.clone()
    }

    /// A judge's eye.
    pub fn spotter(&self) -> Spotter {
        let (filter, news, dropped) = (self.filter.reader(), self.news.clone(), self.dropped.clone());
        Spotter { filter, news, dropped, recent: HashMap::new(), found: Vec::new(), scratch: Default::default() }
    }

    /// Takes a filter, or a change of it.
    pub fn take(&self, taken: &Taken) -> Result<()> {
        let next = match (taken.from, &*self.filter.get()) {
            (0, _) => Lens::read(&taken.content)?,
            (_, Some(now)) => now.changed(&taken.content)?,
            (from, None) => {
                return Err(Fault::new(&fleet::fault::CONTENT_ORDER).object("intel-filter").found(from));
            }
        };
        self.filter.set(Some(next));
        Ok(())
    }

    /// Hits that were given up for lack of room, since the start.
    pub fn lost(&self) -> [(String, u64); 1] {
        [("indicator.hits".into(), self.dropped.load(Ordering::Relaxed))]
    }

    /// Asks and raises until told to stop.
    pub fn run(&self, raiser: &Raiser, (host, agent): (Host, AgentId), stop: &AtomicBool) {
        let inbox = self.inbox.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let Some(inbox) = inbox else { return };
        let mut desk = Desk::new(self, raiser, host, agent);
        while !stop.load(Ordering::Relaxed) {
            match inbox.recv_timeout(TICK) {
                Ok(news) => {
                    std::iter::once(news).chain(inbox.try_iter().take(ON_THE_WAY)).for_each(|news| desk.hear(news))
                }
                Err(RecvTimeoutError::Timeout) => {}
                // We hold the other end ourselves.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            desk.tick();
        }
    }
}

/// Looks at events for one judge.
pub struct Spotter {
    filter: Reader<Option<Lens>>,
    news: SyncSender<News>,
    dropped: Arc<AtomicU64>,
    /// When a value of a process was told last.
    recent: HashMap<(u64, u64), Micros>,
    /// What the last event shows that the filter holds.
    found: Vec<(&'static str, u64, String)>,
    scratch: lens::Scratch,
}

impl Spotter {
    /// Takes over a filter that was replaced.
    pub fn renew(&mut self) {
        self.filter.renew();
    }

    /// Whether an event shows values that the filter holds and that were not told just now; [`Spotter::tell`] tells of
    /// them. Costs nothing without a filter.
    pub fn look(&mut self, event: &Event) -> bool {
        let Some(lens) = &*self.filter else { return false };
        let (found, recent) = (&mut self.found, &mut self.recent);
        lens.look(event, &mut self.scratch, &mut |kind, key, value| {
            let who = event.process.as_ref().map_or(0, |proc| proc.info.key);
            if recent.len() >= RECENT {
                recent.clear();
            }
            let told = recent.insert((key, who), event.time_us);
            if told.is_none_or(|told| event.time_us.abs_diff(told) >= ONCE_US as u64) {
                found.push((kind, key, value.to_string()));
            }
        });
        !self.found.is_empty()
    }

    /// Tells of what the last look found. Never waits.
    pub fn tell(&mut self, event: &Event, drill: &str) {
        for (kind, key, value) in self.found.drain(..) {
            let hit = Hit { kind, key, value, event: event.clone(), drill: drill.to_string() };
            if self.news.try_send(News::Hit(Box::new(hit))).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A value that waits for its answer.
struct Pending {
    hit: Hit,
    /// When to ask again.
    again: Micros,
    /// How often the server said "later".
    put_off: u32,
}

/// The thread's own.
struct Desk<'a> {
    indicators: &'a Indicators,
    filter: Reader<Option<Lens>>,
    raiser: &'a Raiser,
    host: Host,
    agent: AgentId,
    /// By number of the question, which rises: the oldest is the first.
    pending: std::collections::BTreeMap<u64, Pending>,
    next: u64,
    known: HashMap<u64, (Option<Arc<Verdict>>, Micros)>,
    order: VecDeque<u64>,
    storm: Storm,
}

impl<'a> Desk<'a> {
    fn new(indicators: &'a Indicators, raiser: &'a Raiser, host: Host, agent: AgentId) -> Desk<'a> {
        Desk {
            indicators,
            filter: indicators.filter.reader(),
            raiser,
            host,
            agent,
            pending: Default::default(),
            next: 1,
            known: HashMap::new(),
            order: VecDeque::new(),
            storm: Storm::default(),
        }
    }

    fn hear(&mut self, news: News) {
        let now = self.raiser.clock.monotonic();
        match news {
            News::Hit(hit) => match self.known.get(&hit.key) {
                Some((verdict, until)) if now < *until => {
                    if let Some(verdict) = verdict.clone() {
                        self.raise(&verdict, &hit, now);
                    }
                }
                _ => self.ask(*hit, now),
            },
            News::Answer(answer) => self.answered(answer, now),
        }
    }

    fn ask(&mut self, hit: Hit, now: Micros) {
        // One question a value; the events after the first are in the telemetry.
        if self.pending.values().any(|pending| pending.hit.key == hit.key) {
            return;
        }
        if self.pending.len() >= PENDING {
            self.pending.pop_first();
            self.indicators.dropped.fetch_add(1, Ordering::Relaxed);
        }
        let id = self.next;
        self.next += 1;
        self.indicators.questions.ask(question(id, &hit));
        self.pending.insert(id, Pending { hit, again: now + AGAIN_US, put_off: 0 });
    }

    fn answered(&mut self, answer: Answer, now: Micros) {
        if answer.later {
            let put_off = self.pending.get_mut(&answer.id).map_or(0, |pending| {
                pending.put_off += 1;
                pending.put_off
            });
            // A question that the server cannot answer must not be asked for ever.
            if put_off >= PUT_OFF && self.pending.remove(&answer.id).is_some() {
                self.indicators.dropped.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        // Answered twice, or given up.
        let Some(Pending { hit, .. }) = self.pending.remove(&answer.id) else { return };
        let verdict = match answer.found.map(|found| serde_json::from_slice::<Verdict>(&found)).transpose() {
            Ok(verdict) => verdict.map(Arc::new),
            // A server of a version that does not fit.
            Err(cause) => {
                tracing::warn!(%cause, "an answer about an indicator does not read");
                None
            }
        };
        let lasts = if verdict.is_some() { YES_US } else { NO_US };
        if let Some(verdict) = &verdict {
            self.raise(verdict, &hit, now);
        }
        if self.known.insert(hit.key, (verdict, now + lasts)).is_none() {
            self.order.push_back(hit.key);
        }
        while self.order.len() > REMEMBERED {
            self.order.pop_front().into_iter().for_each(|oldest| drop(self.known.remove(&oldest)));
        }
    }

    fn raise(&mut self, verdict: &Verdict, hit: &Hit, now: Micros) {
        let version = self.indicators.filter.get().as_ref().as_ref().map_or(0, Lens::version);
        let wall = self.raiser.clock.wall();
        let alert = || alert::of(verdict, &hit.event, (&self.host, self.agent), (version, wall));
        let build = || Alert { drill: hit.drill.clone(), ..alert() };
        let rule = alert::rule(verdict.kind);
        if !self.storm.repeats((&rule, &hit.value), false, &hit.event, now, build) {
            self.raiser.raise(build(), &hit.event, |_| Vec::new());
        }
    }

    fn tick(&mut self) {
        let now = self.raiser.clock.monotonic();
        if self.filter.renew() {
            // What was no indicator may be one now.
            self.known.retain(|_, (verdict, _)| verdict.is_some());
            self.order.retain(|key| self.known.contains_key(key));
        }
        for (id, pending) in self.pending.iter_mut().filter(|(_, pending)| pending.again <= now) {
            pending.again = now + AGAIN_US;
            self.indicators.questions.ask(question(*id, &pending.hit));
        }
        for alert in self.storm.due(now) {
            self.raiser.tell(alert);
        }
    }
}

fn question(id: u64, hit: &Hit) -> Ask {
    Ask { id, kind: hit.kind.into(), key: hit.key, value: hit.value.clone() }
}

#[cfg(test)]
pub mod tests;
