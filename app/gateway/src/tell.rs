//! What became of requests, on its way to the server: events to the telemetry lane, alerts to the first lane.

use crate::alarm::{Alarms, Seen};
use crate::engines::Undecided;
use crate::notice::{Notice, Notices};
use crate::respond::Responder;
use base::Clock;
use bus::SharedSpool;
use gateway::{Channel, Exchange};
use record::{Activity, Event, EventId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, RwLock};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// Exchanges that may wait to be told.
const WAITING: usize = 16_384;
/// Exchanges taken at once.
const BATCH: usize = 512;
/// How long exchanges are gathered before they are told: waking this task for each of them would cost their senders more than
/// all the rest of the telling.
const GATHER: Duration = Duration::from_millis(25);
/// How often repeats are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Which requests become events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Which {
    /// Every request.
    #[default]
    All,
    /// Those that were not simply let through.
    Notable,
}

/// What is told of the requests of a site, and how.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Names whose values are never told.
    pub redact: Vec<String>,
    /// Rules and variables of theirs that do not decide.
    pub undecided: Arc<Undecided>,
}

/// How requests are told of that are of no site.
static USUAL: LazyLock<Manner> =
    LazyLock::new(|| Manner { redact: gateway::Waf::default().redact, ..Manner::default() });

/// How each site is told of, by its name.
pub type Manners = Arc<RwLock<HashMap<String, Manner>>>;

/// A way for exchanges to a [`Teller`].
pub fn channel(which: Which) -> (Arc<Channel>, Receiver<Exchange>) {
    match which {
        Which::All => Channel::new(WAITING),
        Which::Notable => Channel::notable(WAITING),
    }
}

/// Tells what comes, until the sender is gone.
pub struct Teller {
    /// Where records go.
    pub spool: SharedSpool,
    /// Alerts under way.
    pub alarms: Alarms,
    /// What is not about one request.
    pub notices: Notices,
    /// What follows from attacks.
    pub responder: Responder,
    /// How sites are told of.
    pub manners: Manners,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Alerts that could not be kept.
    pub lost: Arc<AtomicU64>,
}

impl Teller {
    /// Tells until the sender is gone. Keeping an alert waits for the disk, so this runs where waiting is allowed: on a
    /// runtime of several threads that carries no traffic.
    pub async fn run(mut self, mut exchanges: Receiver<Exchange>, mut heard: Receiver<Notice>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                count = exchanges.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    let full = count == BATCH;
                    tokio::task::block_in_place(|| self.tell(&mut batch));
                    if !full {
                        tokio::time::sleep(GATHER).await;
                    }
                }
                Some(notice) = heard.recv() => {
                    tokio::task::block_in_place(|| self.hear(&notice));
                }
                _ = look.tick() => tokio::task::block_in_place(|| self.due(false)),
            }
        }
        tokio::task::block_in_place(|| {
            self.due(true);
            self.spool.with(bus::Spool::flush);
        });
    }

    fn tell(&mut self, batch: &mut Vec<Exchange>) {
        let events: Vec<Event> = batch.drain(..).map(|exchange| self.one(&exchange)).collect();
        self.spool.push_telemetry(events);
    }

    /// The event of an exchange; its alert is kept here.
    fn one(&mut self, exchange: &Exchange) -> Event {
        let (event, alert) = {
            let manners = self.manners.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            let manner = exchange.site.as_deref().and_then(|site| manners.get(site)).unwrap_or(&USUAL);
            let Manner { redact, undecided } = manner;
            let http = exchange.record(redact);
            let event = |http| Event { seq: 0, time_us: exchange.time, process: None, activity: Activity::Http(http) };
            // An alert has its evidence in itself, so it takes a copy of the event.
            let alert = (!exchange.plain()).then(|| {
                let (event, finding) = (event(http.clone()), exchange.finding.as_deref());
                self.alarms.take(&Seen { event, http: &http, finding, redact, undecided })
            });
            (event(http), alert.flatten())
        };
        if let Some(alert) = alert {
            self.keep(alert);
        }
        event
    }

    /// An alert that is not about one request, and what follows from it.
    fn hear(&mut self, notice: &Notice) {
        let source = notice.source();
        let lease_s = source.map_or(0, |(site, _)| self.responder.lease_s(site));
        let Some(mut told) = self.notices.take(notice, lease_s, self.clock.wall()) else { return };
        if told.read
            && let Some(id) = self.keep(told.alert.clone())
        {
            told.alert.id = id.to_string();
        }
        if let Some((site, client)) = source {
            self.responder.act(site, client, &told.alert, &told.event);
        }
    }

    fn due(&mut self, every: bool) {
        for alert in self.alarms.due(self.clock.wall(), every) {
            self.keep(alert);
        }
    }

    /// The id of an alert that is kept.
    fn keep(&self, alert: record::Alert) -> Option<EventId> {
        let kept = self.spool.push_alert(alert);
        if let Err(fault) = &kept {
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!(fault = %fault.inside(), "an alert could not be kept");
        }
        kept.ok()
    }
}
