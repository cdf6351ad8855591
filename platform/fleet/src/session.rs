//! The server's end of one link.

use crate::content::{Courier, Shelf};
use crate::oracle::Desk;
use crate::server::{Ingest, Services, stopped};
use crate::wire::{
    Ack, AgentAsks, AgentMessage, AgentSays, AgentState, Held, Hello, Position, Refused, ServerBrings, ServerMessage,
    ServerSays, Throttle, Welcome,
};
use crate::{Authority, fault, status};
use base::limits::{BATCH_EVENTS, BATCH_WIRE_BYTES};
use base::{Blame, Fault, Lang, Result};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use record::{AgentId, Frame, Lane, Order};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic::{Status, Streaming};

/// Bytes that an agent may have under way. More than the largest frame, or an agent with one could never send it.
pub(crate) const WINDOW: u64 = 8 * 1024 * 1024;
/// Frames that are being made durable at a time.
const IN_FLIGHT: usize = 32;
/// Orders waiting for one link.
const ORDERS: usize = 64;
/// Longest wait for the first message.
const HELLO: Duration = Duration::from_secs(10);
/// Longest wait for an agent that does not read.
const SEND: Duration = Duration::from_secs(30);
/// What an agent is told to wait when the server is in trouble, ms.
const RETRY_MS: u64 = 500;

/// What a frame counts against the credit, bytes. Both ends count alike.
pub(crate) fn cost(frame: &Frame) -> u64 {
    frame.payload.len() as u64 + 64
}

/// The running sessions: one for each agent.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<AgentId, Seat>>);

/// An agent's place: the session in it, and the lock that it holds as long as it runs.
struct Seat {
    leave: watch::Sender<bool>,
    alone: Arc<tokio::sync::Mutex<()>>,
}

impl Sessions {
    /// Tells the session that is there to leave and takes its place.
    fn take_over(&self, agent: AgentId) -> (watch::Receiver<bool>, Arc<tokio::sync::Mutex<()>>) {
        let mut seats = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (leave, leaving) = watch::channel(false);
        let alone = match seats.remove(&agent) {
            Some(seat) => {
                seat.leave.send_replace(true);
                seat.alone
            }
            None => Arc::default(),
        };
        seats.insert(agent, Seat { leave, alone: alone.clone() });
        (leaving, alone)
    }

    /// Forgets the agent unless another session has taken over.
    fn leave(&self, agent: AgentId, leaving: &watch::Receiver<bool>) {
        let mut seats = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if !*leaving.borrow() {
            seats.remove(&agent);
        }
    }
}

/// One link, from the server's side.
pub(crate) struct Session {
    pub(crate) agent: AgentId,
    pub(crate) serial: String,
    pub(crate) authority: Arc<Authority>,
    pub(crate) ingest: Arc<dyn Ingest>,
    pub(crate) services: Services,
    pub(crate) inbound: Streaming<AgentMessage>,
    pub(crate) outbound: mpsc::Sender<std::result::Result<ServerMessage, Status>>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// A frame on its way to the disk.
struct Accepting {
    boot: u64,
    lane: i32,
    first: u64,
    last: u64,
    cost: u64,
    done: Result<()>,
}

type Pipeline = FuturesOrdered<BoxFuture<'static, Accepting>>;

impl Session {
    /// Runs until either side ends it.
    pub(crate) async fn run(mut self, sessions: Arc<Sessions>) {
        let (leaving, alone) = sessions.take_over(self.agent);
        let turn = alone.lock().await;
        let ended = self.talk(leaving.clone()).await;
        if let Err(fault) = ended {
            tracing::info!("link of {}: {}", self.agent, fault.inside());
            if fault.retryable() {
                let wait = Throttle { retry_after_ms: RETRY_MS, reason: fault.outside(Lang::En) };
                // The link ends either way; an agent that does not read any more waits by its own rule.
                let _ = self.send(ServerSays::Throttle(wait)).await;
            }
            let _ = tokio::time::timeout(SEND, self.outbound.send(Err(status::from_fault(&fault)))).await;
        }
        sessions.leave(self.agent, &leaving);
        drop(turn);
    }

    async fn talk(&mut self, leaving: watch::Receiver<bool>) -> Result<()> {
        let late = |_| protocol("no greeting");
        let first = tokio::time::timeout(HELLO, self.inbound.message()).await.map_err(late)?;
        let first = first.map_err(|status| status::to_fault(&status, "agent"))?.and_then(|message| message.says);
        let Some(AgentSays::Hello(hello)) = first else { return Err(protocol("another message before the greeting")) };
        let Hello { host, boot, version, alert_frames, telemetry_frames, shed, state, content } = hello;
        tracing::info!(
            "agent {} on {}: start {boot}, version {version}, waiting {alert_frames} + {telemetry_frames} frames, shed {shed}",
            self.agent,
            host.name
        );
        let held = self.ingest.positions(self.agent).await.into_iter();
        let positions = held.map(|(boot, lane, seq)| Position { boot, lane: lane as i32, seq }).collect();
        let trust = self.authority.trust().into_iter().map(|certificate| certificate.to_vec()).collect();
        let own = env!("CARGO_PKG_VERSION").to_string();
        self.send(ServerSays::Welcome(Welcome { positions, trust, credit: WINDOW, version: own })).await?;
        let (orders, queue) = mpsc::channel(ORDERS);
        self.ingest.connected(self.agent, host, orders).await;
        // An agent of before says its version alone.
        let state = state.unwrap_or_else(|| AgentState { version, ..AgentState::default() });
        self.ingest.described(self.agent, state).await;
        let delivery = Delivery::open(&self.services, &self.authority, self.agent, &content).await;
        let ended = self.serve(queue, delivery, leaving).await;
        self.ingest.gone(self.agent).await;
        ended
    }

    async fn serve(
        &mut self,
        mut orders: mpsc::Receiver<Order>,
        mut delivery: Delivery,
        leaving: watch::Receiver<bool>,
    ) -> Result<()> {
        let mut denials = self.authority.denials();
        let (stop, leaving) = (stopped(self.stop.clone()), stopped(leaving));
        tokio::pin!(stop, leaving);
        let mut pipeline = Pipeline::new();
        let mut outstanding = 0;
        let mut more_orders = true;
        loop {
            if self.authority.is_denied(&self.serial) {
                return Err(Fault::new(&fault::DENIED).object(format!("agent {}", self.agent)));
            }
            tokio::select! {
                () = &mut stop => return Err(Fault::new(&fault::STOPPING)),
                () = &mut leaving => return Err(Fault::new(&fault::BROKEN).found("a newer link of this agent")),
                _ = denials.changed() => {}
                Some(accepted) = pipeline.next(), if !pipeline.is_empty() => {
                    outstanding -= accepted.cost;
                    self.answer(accepted).await?;
                }
                order = orders.recv(), if more_orders => match order {
                    Some(order) => self.send(ServerSays::Order(order)).await?,
                    None => more_orders = false,
                },
                brings = delivery.next(&self.outbound) => brings?,
                message = self.inbound.message(), if pipeline.len() < IN_FLIGHT && delivery.desk.open() => {
                    let Some(message) = message.map_err(|status| status::to_fault(&status, "agent"))? else {
                        return Ok(());
                    };
                    match message.says {
                        Some(AgentSays::Frame(frame)) => {
                            outstanding += cost(&frame);
                            if outstanding > WINDOW {
                                return Err(Fault::new(&fault::CREDIT).expected(WINDOW).found(outstanding));
                            }
                            pipeline.push_back(self.take(frame)?);
                        }
                        Some(AgentSays::State(state)) => self.ingest.described(self.agent, state).await,
                        Some(AgentSays::Hello(_)) => return Err(protocol("a second greeting")),
                        // What a newer agent says beyond what we know is passed over.
                        None => message.asks.into_iter().for_each(|asks| delivery.hear(asks)),
                    }
                }
            }
        }
    }

    /// Starts to make a frame durable.
    fn take(&self, mut frame: Frame) -> Result<BoxFuture<'static, Accepting>> {
        if frame.agent != self.agent.0 {
            let fault = Fault::new(&fault::WRONG_AGENT).object(format!("agent {}", self.agent));
            return Err(fault.expected(self.agent).found(frame.agent_text()));
        }
        frame.agent = self.agent.0.to_vec();
        let (boot, lane, first, last, cost) = (frame.boot, frame.lane, frame.first_seq, frame.last_seq(), cost(&frame));
        let checked = check(&frame);
        let (ingest, agent) = (self.ingest.clone(), self.agent);
        Ok(Box::pin(async move {
            let done = match checked {
                Ok(()) => ingest.accept(agent, frame).await,
                Err(fault) => Err(fault),
            };
            Accepting { boot, lane, first, last, cost, done }
        }))
    }

    /// Acknowledges or refuses a frame; a fault of our own ends the link, so that nothing after it is acknowledged.
    async fn answer(&self, accepted: Accepting) -> Result<()> {
        let Accepting { boot, lane, first, last, cost, done } = accepted;
        match done {
            Ok(()) => {
                let position = Position { boot, lane, seq: last };
                self.send(ServerSays::Ack(Ack { position, credit: cost })).await
            }
            Err(fault) if fault.blamed() == Blame::Peer && !fault.retryable() => {
                tracing::warn!("link of {}: {}", self.agent, fault.inside());
                let (code, text) = (fault.code().id.to_string(), fault.outside(Lang::En));
                let refused = Refused { boot, lane, first_seq: first, last_seq: last, code, text, credit: cost };
                self.send(ServerSays::Refused(refused)).await
            }
            Err(fault) => {
                Err(Fault::new(&fault::BROKEN).object(format!("agent {}", self.agent)).because(fault.inside()))
            }
        }
    }

    async fn send(&self, says: ServerSays) -> Result<()> {
        let sent = tokio::time::timeout(SEND, self.outbound.send(Ok(says.into()))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            _ => Err(Fault::new(&fault::BROKEN).object(format!("agent {}", self.agent))),
        }
    }
}

/// Content and answers on their way to the agent.
struct Delivery {
    courier: Option<(Courier, watch::Receiver<u64>)>,
    desk: Desk,
    /// An answer that waits for the link.
    answer: Option<ServerBrings>,
}

impl Delivery {
    async fn open(services: &Services, authority: &Authority, agent: AgentId, greeted: &[Held]) -> Delivery {
        let open = |shelf: &Shelf, group| {
            let changed = shelf.changed();
            (Courier::new(shelf.clone(), agent, group, greeted), changed)
        };
        let courier = match &services.shelf {
            // An agent of before takes no content.
            Some(shelf) if !greeted.is_empty() => Some(open(shelf, authority.group(agent).await)),
            _ => None,
        };
        Delivery { courier, desk: Desk::new(agent, services.oracle.clone()), answer: None }
    }

    /// Does the next thing there is to do: learns of a new offer, or sends one message. Safe to drop at any point.
    async fn next(&mut self, outbound: &mpsc::Sender<std::result::Result<ServerMessage, Status>>) -> Result<()> {
        let ready = self.answer.is_some() || self.courier.as_ref().is_some_and(|(courier, _)| courier.ready());
        let changed = async {
            match &mut self.courier {
                // The shelf lives as long as its courier.
                Some((_, changed)) => changed.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = changed => self.courier.iter_mut().for_each(|(courier, _)| courier.plan()),
            answer = self.desk.answer(), if self.answer.is_none() => self.answer = Some(ServerBrings::Answer(answer)),
            permit = outbound.reserve(), if ready => {
                let permit = permit.map_err(|_| Fault::new(&fault::BROKEN).object("link"))?;
                if let Some(answer) = self.answer.take() {
                    permit.send(Ok(answer.into()));
                } else if let Some(content) = self.courier.as_mut().and_then(|(courier, _)| courier.next()) {
                    permit.send(Ok(ServerBrings::Content(content).into()));
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, asks: AgentAsks) {
        match (asks, &mut self.courier) {
            (AgentAsks::Ask(ask), _) => self.desk.ask(ask),
            (AgentAsks::Room(bytes), Some((courier, _))) => courier.room(bytes),
            (AgentAsks::Took(took), Some((courier, _))) => courier.took(&took),
            (AgentAsks::Room(_) | AgentAsks::Took(_), None) => {}
        }
    }
}

fn protocol(found: &str) -> Fault {
    Fault::new(&fault::PROTOCOL).object("link").found(found).blame(Blame::Peer)
}

/// What can be judged of a frame without unpacking it.
fn check(frame: &Frame) -> Result<()> {
    let name = || format!("frame {} of start {}", frame.first_seq, frame.boot);
    let wrong = |code| Fault::new(code).object(name()).blame(Blame::Peer);
    if Lane::try_from(frame.lane).is_err() {
        return Err(wrong(&record::fault::MALFORMED).expected("a lane").found(frame.lane));
    }
    let numbers = frame.first_seq.checked_add(u64::from(frame.count));
    if frame.first_seq == 0 || frame.count == 0 || frame.count as usize > BATCH_EVENTS || numbers.is_none() {
        return Err(wrong(&record::fault::MALFORMED)
            .expected(format!("1 to {BATCH_EVENTS} records from 1 on"))
            .found(frame.count));
    }
    if frame.payload.len() > BATCH_WIRE_BYTES {
        return Err(wrong(&record::fault::OVERSIZE).expected(BATCH_WIRE_BYTES).found(frame.payload.len()));
    }
    let crc = crc32c::crc32c(&frame.payload);
    if crc != frame.crc {
        return Err(wrong(&record::fault::CHECKSUM).expected(format!("{:08x}", frame.crc)).found(format!("{crc:08x}")));
    }
    Ok(())
}
