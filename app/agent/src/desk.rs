//! Where everything is judged that does not come from the kernel, and where events count for correlations.
//!
//! Other senses hand their events in on their own threads and wait for each other here; the sensor's thread never does:
//! what it tells goes through a bounded queue.

use crate::judge::Judge;
use crate::raise::Raiser;
use base::Result;
use detect::correlation::{Limits, Tracker};
use record::{Event, Host};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

/// Events of the kernel that wait to be counted. They are those that fit a rule, so more is a storm.
const WAITING: usize = 4096;
/// How often what is due is looked for.
const TICK: Duration = Duration::from_millis(250);

/// Hears of every event of the kernel: a sense that looks at files that were written.
pub trait Ear: Send + Sync {
    /// An event, on the sensor's thread: it must not wait.
    fn hear(&self, event: &Event);
}

struct Inner {
    judge: Judge,
    tracker: Option<Tracker>,
    /// Its name in correlations.
    host: String,
    hits: Vec<detect::correlation::CorrelationHit>,
}

/// See the module.
pub struct Desk {
    inner: Mutex<Inner>,
    raiser: Arc<Raiser>,
    queue: SyncSender<Event>,
    uncounted: AtomicU64,
    ears: RwLock<Vec<Arc<dyn Ear>>>,
}

impl Desk {
    /// A desk, and the queue that its thread empties.
    pub fn new(judge: Judge, raiser: Arc<Raiser>, host: &Host) -> (Arc<Desk>, Receiver<Event>) {
        let (queue, waiting) = sync_channel(WAITING);
        let tracker = Some(Tracker::new(&judge.rules().correlations, Limits::default()));
        let inner = Mutex::new(Inner { judge, tracker, host: host.name.clone(), hits: Vec::new() });
        let ears = RwLock::default();
        (Arc::new(Desk { inner, raiser, queue, uncounted: AtomicU64::new(0), ears }), waiting)
    }

    /// Adds an ear.
    pub fn listen(&self, ear: Arc<dyn Ear>) {
        self.ears.write().unwrap_or_else(|poisoned| poisoned.into_inner()).push(ear);
    }

    /// An event of the kernel that a judge has judged. Never waits.
    pub fn hear(&self, event: &Event, judge: &Judge) {
        if !judge.hits().is_empty() && !judge.rules().correlations.is_empty() {
            match self.queue.try_send(event.clone()) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    self.uncounted.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        // Ears are added at the start only, so this lock is always free.
        for ear in self.ears.try_read().iter().flat_map(|ears| ears.iter()) {
            ear.hear(event);
        }
    }

    /// Events of the kernel that did not count for correlations, since the start.
    pub fn uncounted(&self) -> u64 {
        self.uncounted.load(Ordering::Relaxed)
    }

    /// Events of another sense: judged, counted and spooled before it returns.
    pub fn take(&self, mut events: Vec<Event>) -> Result<()> {
        let mut inner = self.inner();
        inner.renew();
        for event in &events {
            let mut alerts = Vec::new();
            inner.judge.judge(event, |alert| alerts.push(alert));
            alerts.into_iter().for_each(|alert| self.raiser.raise(alert, event, |_| Vec::new()));
            inner.count(event, &self.raiser);
        }
        drop(inner);
        self.raiser.outlet.events(&mut events);
        // Who gave them forgets them now.
        self.raiser.outlet.keep();
        Ok(())
    }

    /// The desk's thread: counts what the kernel's judge found.
    pub fn run(&self, waiting: &Receiver<Event>, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            match waiting.recv_timeout(TICK) {
                Ok(event) => {
                    let mut inner = self.inner();
                    inner.renew();
                    for event in std::iter::once(event).chain(waiting.try_iter().take(WAITING)) {
                        inner.recount(&event, &self.raiser);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The desk itself holds the other end.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let due = self.inner().judge.overdue();
            due.into_iter().for_each(|alert| drop(self.raiser.tell(alert)));
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    /// Goes over to new rules; what is known of correlations that did not change stays.
    fn renew(&mut self) {
        if self.judge.renew() {
            let compiled = &self.judge.rules().correlations;
            self.tracker = self.tracker.take().map(|tracker| tracker.renew(compiled));
        }
    }

    /// Counts an event that the kernel's judge has judged, by the rules of now.
    fn recount(&mut self, event: &Event, raiser: &Raiser) {
        self.judge.evaluate(event);
        self.count(event, raiser);
    }

    /// Counts the event that was judged last.
    fn count(&mut self, event: &Event, raiser: &Raiser) {
        let Some(tracker) = &mut self.tracker else { return };
        tracker.observe(event, &self.host, self.judge.hits(), &mut self.hits);
        for hit in std::mem::take(&mut self.hits) {
            let alert = self.judge.correlated(&hit);
            raiser.raise(alert, event, |_| Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{self, Kept};
    use crate::live::Live;
    use crate::rules::{self, RuleSet};
    use base::ManualClock;
    use fleet::content::Files;
    use record::{Activity, Exec, Log, Pair, Proc, Process};
    use std::path::Path;

    const RULES: &str = "title: a login failed\nid: 11111111-54cf-4d8e-9a5b-0c4b2f0c7a11\nname: failed\nlevel: low\n\
        logsource: {product: linux, service: sshd}\ndetection: {a: {outcome: failed}, condition: a}\n---\n\
        title: a shell\nid: 22222222-54cf-4d8e-9a5b-0c4b2f0c7a11\nname: shell\nlevel: low\n\
        logsource: {product: linux, category: process_creation}\ndetection: {a: {Image|endswith: /sh}, condition: a}\n\
        ---\ntitle: many\nid: 33333333-54cf-4d8e-9a5b-0c4b2f0c7a11\nlevel: high\n\
        correlation: {type: event_count, rules: [failed], group-by: [src_ip], timespan: 5m, condition: {gte: 3}}\n---\n\
        title: shells\nid: 44444444-54cf-4d8e-9a5b-0c4b2f0c7a11\nlevel: high\n\
        correlation: {type: event_count, rules: [shell], timespan: 5m, condition: {gte: 2}}\n";

    fn failed(address: &str, time_us: i64) -> Event {
        let fields = vec![Pair::new("outcome", "failed"), Pair::new("src_ip", address)];
        let log = Log { source: "sshd".into(), fields, ..Log::default() };
        Event { seq: 0, time_us, process: None, activity: Activity::Log(log) }
    }

    fn shell(time_us: i64) -> Event {
        let mut process = Process { key: time_us as u64, ..Process::default() };
        process.exe.path = "/bin/sh".into();
        let (process, activity) = (Some(Proc::new(process, None)), Activity::Exec(Exec::default()));
        Event { seq: 0, time_us, process, activity }
    }

    fn rules(version: u64) -> RuleSet {
        rules::load_with(
            &bench::config(Path::new("/nowhere")),
            &Files::of([("r.yml", RULES)]),
            version,
            &Default::default(),
            0,
        )
        .unwrap()
    }

    #[test]
    fn events_of_every_sense_count_and_are_kept() {
        let live = Live::new(rules(1));
        let (kept, clock) = (Arc::new(Kept::default()), Arc::new(ManualClock::default()));
        let (desk, waiting) = bench::desk(&live, &kept, clock.clone());
        let titles = || kept.alerts().into_iter().map(|alert| alert.title).collect::<Vec<_>>();
        desk.take((1..=4).map(|time| failed("198.51.100.7", time)).collect()).unwrap();
        desk.take(vec![failed("198.51.100.8", 5)]).unwrap();
        assert_eq!(titles(), ["many"], "what only counts raises nothing of its own");
        // New rules in between: what is known of a correlation that did not change stays.
        live.set(rules(2));
        // The kernel's judge tells the desk of what fits a rule, and of nothing else.
        let mut kernel = bench::judge(&live, clock);
        for event in [shell(10), Event { time_us: 11, ..failed("198.51.100.9", 11) }, shell(12)] {
            kernel.judge(&event, |alert| panic!("{alert:?}"));
            desk.hear(&event, &kernel);
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (desk, stop) = (&desk, &stop);
            scope.spawn(move || desk.run(&waiting, stop));
            kept.until(|alerts, _| alerts.len() == 2);
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!((titles(), desk.uncounted()), (vec!["many".to_string(), "shells".to_string()], 0));
        assert_eq!(kept.kept().len(), 5, "events of other senses are kept; the kernel's are its own thread's");
    }

    #[test]
    fn a_full_desk_holds_nobody_up_and_says_what_it_left_out() {
        let (live, clock) = (Live::new(rules(1)), Arc::new(ManualClock::default()));
        let (desk, _waiting) = bench::desk(&live, &Arc::new(Kept::default()), clock.clone());
        let mut judge = bench::judge(&live, clock);
        for time in 0..WAITING as i64 + 7 {
            judge.judge(&shell(time), |_| {});
            desk.hear(&shell(time), &judge);
        }
        assert_eq!(desk.uncounted(), 7);
    }
}
