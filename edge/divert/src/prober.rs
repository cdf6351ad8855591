//! One prober: asks each place once a second and tells what it thinks of it. A place that is up and fails once is asked again
//! sooner: half of the time that a dead address stays in use here is spent on making sure.

use crate::health::{Condition, Health, HealthRules};
use crate::probe::{Failure, Target};
use base::{Clock, Random};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Between two probes of a place.
const SECOND: Duration = Duration::from_secs(1);
/// Between a failure and the probe that makes sure; longer than what a lost packet or a reload takes.
const AGAIN: Duration = Duration::from_millis(400);

/// A place to be asked.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Whose place: given back with each [`Sighting`].
    pub name: usize,
    /// Which of its places.
    pub place: usize,
    /// What is asked.
    pub target: Target,
    /// When it counts as up or down.
    pub rules: HealthRules,
}

/// What the prober thinks of a place, once a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// See [`Watch::name`].
    pub name: usize,
    /// See [`Watch::place`].
    pub place: usize,
    /// What it thinks now.
    pub condition: Condition,
    /// Why the last probe failed.
    pub failure: Option<Failure>,
}

/// Probes that run until it is dropped.
#[derive(Debug)]
pub struct Prober(JoinSet<()>);

impl Prober {
    /// Starts, each place at its own moment of the second so that many do not meet. A sighting that nobody takes is
    /// left out: the next one says the same or better.
    pub fn start(
        watches: Vec<Watch>,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        sink: &Sender<Sighting>,
    ) -> Prober {
        let mut tasks = JoinSet::new();
        for watch in watches {
            tasks.spawn(run(watch, clock.clone(), random.clone(), sink.clone()));
        }
        Prober(tasks)
    }

    /// How many places are asked.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

async fn run(watch: Watch, clock: Arc<dyn Clock>, random: Arc<dyn Random>, sink: Sender<Sighting>) {
    let Watch { name, place, target, rules } = watch;
    let mut health = Health::new(rules);
    let mut next = Instant::now() + Duration::from_millis(random.below(1000));
    let mut before = Condition::Unknown;
    while !sink.is_closed() {
        sleep_until(next).await;
        let began = Instant::now();
        let failure = target.ask(&random).await.err();
        let condition = health.hear(clock.monotonic(), failure.is_none());
        if condition != before {
            let why = failure.as_ref().map(ToString::to_string);
            tracing::info!(?target, ?condition, why, "a place is seen otherwise than before");
            before = condition;
        }
        let doubt = failure.is_some() && condition == Condition::Up;
        // From the beginning of the last one: a prober that was held up does not ask many times at once afterwards.
        next = began + if doubt { AGAIN } else { SECOND };
        let _ = sink.try_send(Sighting { name, place, condition, failure });
    }
}
