//! The agent's end of the link: keeps it up, empties the spool, brings orders.

use crate::content::Contents;
use crate::enroll::{certificates, renew};
use crate::intake::Intake;
use crate::rpc::fleet_client::FleetClient;
use crate::session::cost;
use crate::wire::{AgentMessage, AgentSays, AgentState, Hello, Position, ServerMessage, ServerSays, Welcome};
use crate::{Identity, Questions, fault, status};
use base::{Clock, Fault, Micros, Random, Result};
use bus::SharedSpool;
use record::{Frame, Host, Lane, Order};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

/// How the link is.
#[derive(Debug, Clone, Default)]
pub struct UplinkStatus {
    /// Whether the server has greeted us and the link stands.
    pub connected: bool,
    /// Wall time of the last acknowledgement, µs; 0 before the first.
    pub last_ack_us: Micros,
    /// Bytes sent and not yet acknowledged.
    pub in_flight_bytes: u64,
    /// Bytes that may still be sent.
    pub credit_bytes: u64,
    /// Connections tried since the last one that stood.
    pub attempts: u32,
    /// Frames that the server refused for good.
    pub refused: u64,
    /// When the agent's certificate ends, µs since the Unix epoch.
    pub certificate_ends_us: Micros,
    /// Why the last connection ended, if it did.
    pub fault: Option<Fault>,
}

/// A running uplink. Dropping it ends the link.
pub struct Uplink {
    status: Arc<Mutex<UplinkStatus>>,
    described: watch::Sender<AgentState>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

/// What a link is made of.
pub struct Setup {
    /// Who the agent is.
    pub identity: Identity,
    /// Where its identity lies: renewed certificates are kept there.
    pub dir: PathBuf,
    /// What it delivers.
    pub spool: SharedSpool,
    /// Its host.
    pub host: Host,
    /// Where orders go.
    pub on_order: mpsc::Sender<Order>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// What it takes of content; without it the server sends none.
    pub contents: Option<Contents>,
    /// What it asks.
    pub questions: Option<Questions>,
}

impl Uplink {
    /// Starts the link of an enrolled agent without content and questions: see [`Setup`].
    pub fn start(
        identity: Identity,
        dir: &Path,
        spool: SharedSpool,
        host: Host,
        on_order: mpsc::Sender<Order>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Uplink {
        let dir = dir.to_path_buf();
        Uplink::with(Setup { identity, dir, spool, host, on_order, clock, random, contents: None, questions: None })
    }

    /// Starts the link of an enrolled agent.
    pub fn with(setup: Setup) -> Uplink {
        let Setup { identity, dir, spool, host, on_order, clock, random, contents, questions } = setup;
        let status = Arc::new(Mutex::new(UplinkStatus::default()));
        let (stop, stopping) = watch::channel(false);
        let shared = Shared { spool, clock, random, status: status.clone(), least_wait_ms: AtomicU64::new(0) };
        let version = env!("CARGO_PKG_VERSION").to_string();
        let (described, description) = watch::channel(AgentState { version, ..AgentState::default() });
        let offers = (contents, questions);
        let runner = Runner { identity, dir, host, on_order, description, offers, shared: Arc::new(shared) };
        let task = tokio::spawn(runner.run(stopping));
        Uplink { status, described, stop, task }
    }

    /// Says how the agent is; the server hears of it when it changed. Version and bytes in the spool are filled in here.
    pub fn describe(&self, state: AgentState) {
        self.described.send_if_modified(|now| {
            let next = AgentState { version: now.version.clone(), spool_bytes: 0, ..state };
            let changed = *now != next;
            *now = next;
            changed
        });
    }

    /// How it is now.
    pub fn status(&self) -> UplinkStatus {
        lock(&self.status).clone()
    }

    /// Ends the link and waits for the end.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // An error would be a panic of the task, which its own test would have shown.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(status: &Mutex<UplinkStatus>) -> MutexGuard<'_, UplinkStatus> {
    status.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A link that stood this long, or that brought an acknowledgement, was a good one: waits begin anew after it, µs.
const STOOD: Micros = 60_000_000;
/// The first wait after a link broke, ms: short, for a server that was only restarted.
const FIRST_WAIT_MS: u64 = 50;
/// Longest wait, ms.
const LONGEST_WAIT_MS: u64 = 60_000;
/// A wait of the second and later tries is at least a chance within this, ms.
const SECOND_WAIT_MS: u64 = 1_000;

/// How long to wait before try number `attempt` (from 1): full jitter under a bound that doubles from 1 s to 60 s, so
/// that a fleet does not come back in step.
fn wait(attempt: u32, random: &dyn Random) -> Duration {
    if attempt <= 1 {
        return Duration::from_millis(FIRST_WAIT_MS);
    }
    let bound = (SECOND_WAIT_MS << (attempt - 2).min(6)).min(LONGEST_WAIT_MS);
    Duration::from_millis(FIRST_WAIT_MS + random.below(bound))
}

struct Shared {
    spool: SharedSpool,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    status: Arc<Mutex<UplinkStatus>>,
    /// The shortest wait that the server asked for before the next connection.
    least_wait_ms: AtomicU64,
}

/// Makes one link after another.
struct Runner {
    identity: Identity,
    dir: PathBuf,
    host: Host,
    on_order: mpsc::Sender<Order>,
    description: watch::Receiver<AgentState>,
    offers: (Option<Contents>, Option<Questions>),
    shared: Arc<Shared>,
}

impl Runner {
    /// How the agent is now.
    fn state(&self) -> AgentState {
        let spool = self.shared.spool.status();
        let spool_bytes = spool.disk_bytes.saturating_add(spool.memory_bytes as u64);
        AgentState { spool_bytes, ..self.description.borrow().clone() }
    }

    async fn run(mut self, stopping: watch::Receiver<bool>) {
        let stop = crate::server::stopped(stopping);
        tokio::pin!(stop);
        loop {
            let begun = self.shared.clock.monotonic();
            let ended = tokio::select! { ended = self.connect() => ended, () = &mut stop => break };
            let stood = self.shared.clock.monotonic() - begun;
            let attempts = {
                let mut status = lock(&self.shared.status);
                if status.connected && stood > STOOD {
                    status.attempts = 0;
                }
                (status.connected, status.in_flight_bytes, status.credit_bytes) = (false, 0, 0);
                status.attempts += 1;
                if let Err(fault) = ended {
                    tracing::info!("uplink: {}", fault.inside());
                    status.fault = Some(fault);
                }
                status.attempts
            };
            // What the server asked for, spread out, so that a restarted server does not meet its whole fleet at once.
            let least = self.shared.least_wait_ms.swap(0, Ordering::Relaxed);
            let spread = least / 2 + self.shared.random.below(least / 2 + 1);
            let pause = wait(attempts, self.shared.random.as_ref()) + Duration::from_millis(spread);
            tokio::select! { () = tokio::time::sleep(pause) => {}, () = &mut stop => break }
        }
        lock(&self.shared.status).connected = false;
    }

    async fn connect(&mut self) -> Result<()> {
        let state = self.state();
        let identity = &self.identity;
        let (_, ends) = identity.validity()?;
        lock(&self.shared.status).certificate_ends_us = ends;
        let channel = identity.connect().await?;
        if identity.due_for_renewal(self.shared.clock.wall()) {
            return self.take_on(renew(identity, channel).await?);
        }
        let (outbound, messages) = mpsc::channel(4);
        let spool = self.shared.spool.status();
        let (contents, questions) = self.offers.clone();
        let intake = Intake::new(contents, questions);
        let hello = Hello {
            host: self.host.clone(),
            boot: spool.boot,
            version: env!("CARGO_PKG_VERSION").into(),
            alert_frames: spool.alert_frames as u64,
            telemetry_frames: spool.telemetry_frames as u64,
            shed: spool.shed,
            state: Some(state),
            content: intake.held(),
        };
        let broken = || Fault::new(&fault::BROKEN).object(&self.identity.url);
        outbound.send(AgentSays::Hello(hello).into()).await.map_err(|_| broken())?;
        let to_fault = |status: tonic::Status| status::to_fault(&status, &self.identity.url);
        let mut client = FleetClient::new(channel.clone());
        let mut inbound = client.link(ReceiverStream::new(messages)).await.map_err(to_fault)?.into_inner();
        let first = inbound.message().await.map_err(to_fault)?.and_then(|message| message.says);
        let welcome = match first {
            Some(ServerSays::Welcome(welcome)) => welcome,
            _ => return Err(Fault::new(&fault::PROTOCOL).object(&self.identity.url).expected("a welcome")),
        };
        self.trust(&welcome)?;
        let link = Link::new(self.shared.clone(), welcome, outbound).await;
        let next = self.talk((link, intake), inbound, channel).await?;
        self.take_on(next)
    }

    /// Takes over a renewed identity; the next connection shows it.
    fn take_on(&mut self, next: Identity) -> Result<()> {
        next.save(&self.dir)?;
        tracing::info!("uplink: certificate renewed");
        self.identity = next;
        lock(&self.shared.status).attempts = 0;
        Ok(())
    }

    /// Learns new authorities.
    fn trust(&mut self, welcome: &Welcome) -> Result<()> {
        let trust = certificates(welcome.trust.clone());
        if !trust.is_empty() && trust != self.identity.trust {
            let next = Identity { trust, ..self.identity.clone() };
            next.save(&self.dir)?;
            self.identity = next;
        }
        Ok(())
    }

    /// Serves the link until it breaks or the certificate is renewed.
    async fn talk(
        &self,
        (mut link, mut intake): (Link, Intake),
        mut inbound: Streaming<ServerMessage>,
        channel: Channel,
    ) -> Result<Identity> {
        let shared_spool = link.shared.spool.clone();
        let mut orders: VecDeque<Order> = VecDeque::new();
        let mut hourly = tokio::time::interval(Duration::from_secs(3600));
        hourly.tick().await;
        let mut telling = tokio::time::interval(TELL);
        telling.tick().await;
        let (mut description, mut tell) = (self.description.clone(), false);
        loop {
            link.load().await;
            let sendable = link.next_lane();
            link.show();
            tokio::select! {
                message = inbound.message() => {
                    let message = message.map_err(|status| status::to_fault(&status, &self.identity.url))?;
                    let Some(mut message) = message else { return Err(Fault::new(&fault::BROKEN).object(&self.identity.url)) };
                    message.brings.take().into_iter().for_each(|brings| intake.hear(brings));
                    match link.hear(message).await {
                        Heard::Nothing => {}
                        Heard::Order(order) if orders.len() < MOST_ORDERS => orders.push_back(*order),
                        Heard::Order(order) => tracing::warn!("uplink: order {} dropped: too many wait", order.id),
                    }
                }
                permit = link.outbound.clone().reserve_owned(), if tell || intake.any() || sendable.is_some() => {
                    let permit = permit.map_err(|_| Fault::new(&fault::BROKEN).object(&self.identity.url))?;
                    if std::mem::take(&mut tell) {
                        permit.send(AgentSays::State(self.state()).into());
                    } else if let Some(asks) = intake.next() {
                        permit.send(asks.into());
                    } else if let Some(frame) = sendable.and_then(|lane| link.take(lane)) {
                        permit.send(AgentSays::Frame(frame).into());
                    }
                }
                () = intake.due() => {}
                permit = self.on_order.reserve(), if !orders.is_empty() => {
                    match (permit, orders.pop_front()) {
                        (Ok(permit), Some(order)) => permit.send(order),
                        _ => orders.clear(),
                    }
                }
                () = shared_spool.changed() => link.more = [true; 2],
                _ = telling.tick() => tell = true,
                Ok(()) = description.changed() => tell = true,
                _ = hourly.tick() => {
                    if self.identity.due_for_renewal(link.shared.clock.wall()) {
                        return renew(&self.identity, channel.clone()).await;
                    }
                }
            }
        }
    }
}

/// How often the server hears how the agent is, when nothing changed but numbers.
const TELL: Duration = Duration::from_secs(30);
/// Orders held while their receiver is busy.
const MOST_ORDERS: usize = 1024;
/// Bytes of frames read from the spool at a time, for each lane.
const LOAD_BYTES: usize = 1024 * 1024;
/// Credit that telemetry leaves for alerts, bytes.
const RESERVE: u64 = 1024 * 1024;

enum Heard {
    Nothing,
    Order(Box<Order>),
}

/// One link that stands.
struct Link {
    shared: Arc<Shared>,
    outbound: mpsc::Sender<AgentMessage>,
    credit: u64,
    in_flight: u64,
    /// Read from the spool and not yet sent, by lane.
    loaded: [VecDeque<Frame>; 2],
    /// Last frame that was read, by lane.
    read: [(u64, u64); 2],
    /// Whether the spool may hold more, by lane.
    more: [bool; 2],
}

impl Link {
    async fn new(shared: Arc<Shared>, welcome: Welcome, outbound: mpsc::Sender<AgentMessage>) -> Link {
        let mut link = Link {
            shared,
            outbound,
            credit: welcome.credit,
            in_flight: 0,
            loaded: Default::default(),
            read: [(0, 0); 2],
            more: [true; 2],
        };
        for position in welcome.positions {
            link.acked(position).await;
        }
        {
            let mut status = lock(&link.shared.status);
            (status.connected, status.fault) = (true, None);
        }
        link
    }

    /// Reads more from the spool for a lane that has nothing left to send.
    async fn load(&mut self) {
        for lane in Lane::ALL {
            let at = *lane as usize;
            if !self.more[at] || !self.loaded[at].is_empty() {
                continue;
            }
            let frames = self.shared.spool.unsent(*lane, self.read[at], LOAD_BYTES).await;
            self.more[at] = !frames.is_empty();
            if let Some(last) = frames.last() {
                self.read[at] = (last.boot, last.last_seq());
            }
            self.loaded[at].extend(frames);
        }
    }

    /// The lane to send from: alerts first, and only what the credit covers.
    fn next_lane(&self) -> Option<Lane> {
        Lane::ALL.iter().copied().find(|lane| {
            let reserve = if *lane == Lane::Alert { 0 } else { RESERVE };
            // A frame so large that the reserve would block it for ever goes once nothing else is under way.
            let reserve = if self.in_flight == 0 { 0 } else { reserve };
            self.loaded[*lane as usize].front().is_some_and(|frame| cost(frame) + reserve <= self.credit)
        })
    }

    fn take(&mut self, lane: Lane) -> Option<Frame> {
        let frame = self.loaded[lane as usize].pop_front()?;
        self.credit -= cost(&frame).min(self.credit);
        self.in_flight += cost(&frame);
        Some(frame)
    }

    async fn hear(&mut self, message: ServerMessage) -> Heard {
        match message.says {
            Some(ServerSays::Ack(ack)) => {
                self.grant(ack.credit);
                self.acked(ack.position).await;
                lock(&self.shared.status).attempts = 0;
            }
            Some(ServerSays::Refused(refused)) => {
                self.grant(refused.credit);
                let name = format!("frame {} of start {}", refused.first_seq, refused.boot);
                let fault =
                    Fault::new(&fault::REFUSED_FRAME).object(name).found(format!("{}: {}", refused.code, refused.text));
                tracing::warn!("uplink: {}", fault.inside());
                if let Ok(lane) = Lane::try_from(refused.lane) {
                    let gone = move |spool: &mut bus::Spool| {
                        spool.refused(refused.boot, lane, refused.first_seq, refused.last_seq)
                    };
                    self.shared.spool.with(gone);
                }
                let mut status = lock(&self.shared.status);
                status.refused += 1;
                status.fault = Some(fault);
            }
            Some(ServerSays::Credit(bytes)) => self.credit = self.credit.saturating_add(bytes),
            Some(ServerSays::Order(order)) => return Heard::Order(Box::new(order)),
            Some(ServerSays::Throttle(throttle)) => {
                tracing::info!("uplink: the server asks to wait: {}", throttle.reason);
                self.shared.least_wait_ms.store(throttle.retry_after_ms.min(LONGEST_WAIT_MS), Ordering::Relaxed);
            }
            // What a newer server says beyond what we know is passed over.
            Some(ServerSays::Welcome(_)) | None => {}
        }
        Heard::Nothing
    }

    fn grant(&mut self, bytes: u64) {
        self.credit = self.credit.saturating_add(bytes);
        self.in_flight = self.in_flight.saturating_sub(bytes);
    }

    async fn acked(&mut self, position: Position) {
        if let Ok(lane) = Lane::try_from(position.lane) {
            self.shared.spool.ack(position.boot, lane, position.seq).await;
            lock(&self.shared.status).last_ack_us = self.shared.clock.wall();
        }
    }

    fn show(&self) {
        let mut status = lock(&self.shared.status);
        (status.in_flight_bytes, status.credit_bytes) = (self.in_flight, self.credit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;

    #[test]
    fn waits_grow_to_a_minute_and_differ() {
        let random = SeededRandom::new(1);
        assert_eq!(wait(1, &random), Duration::from_millis(FIRST_WAIT_MS));
        let waits: Vec<Duration> = (2..200).map(|attempt| wait(attempt, &random)).collect();
        assert!(waits.iter().all(|wait| *wait < Duration::from_millis(LONGEST_WAIT_MS + FIRST_WAIT_MS)));
        assert!(waits[0] < Duration::from_millis(1050) && waits.iter().any(|wait| *wait > Duration::from_secs(30)));
        assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
