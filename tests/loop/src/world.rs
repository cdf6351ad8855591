//! The host, the server and the network between them, moved step by step.

use crate::guard::{AGENT, Guard, HOST};
use crate::station::Station;
use base::{ManualClock, SeededRandom};
use fleet::wire::ServerSays;
use kit::attack;
use kit::network::Network;
use kit::plug::{Plug, Trouble};
use record::{ActionKind, Frame, Lane, Order, OrderMode};
use std::sync::Arc;

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An evil program starts below a process tree, as an account.
    Strike {
        /// The tree.
        tree: u32,
        /// The account.
        uid: u32,
    },
    /// So many innocent events.
    Noise(u32),
    /// Time passes, µs, and the agent does what is due.
    Pass(i64),
    /// The wall clock of both machines jumps, µs.
    Jump(i64),
    /// The agent's hands carry out what waits.
    Act,
    /// The link carries at most so many frames, and what answers them.
    Talk(u32),
    /// The link breaks.
    Break,
    /// The server walks its log.
    Walk,
    /// The server flushes its lake and lets go of its log.
    Keep,
    /// An operator gives an order.
    Order,
    /// The agent's machine loses power.
    KillGuard,
    /// The server's machine loses power.
    KillStation,
    /// The agent's disk has room for so many more bytes.
    Fill(u64),
    /// The agent's disk has room again.
    Free,
}

/// Which machine trouble is made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// The protected host.
    Guard,
    /// The server.
    Station,
}

/// Everything there is.
pub struct World {
    /// The protected host.
    pub guard: Guard,
    /// The server.
    pub station: Station,
    /// Chance.
    pub random: SeededRandom,
    clock: Arc<ManualClock>,
    network: Network<Frame, ServerSays>,
    orders: u32,
    /// Orders that the operator wants and that were not given yet.
    wanted: Vec<Order>,
    folder: tempfile::TempDir,
}

/// Rounds in which everything must have arrived once nothing fails any more.
const SETTLE_ROUNDS: u32 = 300;
/// 2026-01-01, µs since the Unix epoch.
const START_US: i64 = 1_767_225_600_000_000;

impl World {
    /// A world that goes the same way for the same seed and script.
    pub fn new(seed: u64) -> World {
        let clock = Arc::new(ManualClock::at(START_US));
        let folder = folder();
        let path = folder.path().to_path_buf();
        let guard = Guard::new(path.clone(), clock.clone());
        let station = Station::new(path.join("lake"), clock.clone());
        let random = SeededRandom::new(seed);
        let mut network = Network::default();
        network.slowest = 3;
        World { guard, station, random, clock, network, orders: 0, wanted: Vec::new(), folder }
    }

    /// The plug of a machine.
    pub fn plug(&self, machine: Machine) -> &Plug {
        match machine {
            Machine::Guard => &self.guard.plug,
            Machine::Station => &self.station.plug,
        }
    }

    /// Makes trouble at the `n`-th step of a machine, runs the script, lets everything settle. Says whether the trouble came.
    pub async fn run(&mut self, script: &[Step], trouble: Option<(Machine, u64, Trouble)>) -> bool {
        if let Some((machine, n, trouble)) = trouble {
            self.plug(machine).trouble_at(n, trouble);
        }
        for step in script {
            self.step(*step).await;
        }
        let came = trouble.is_some_and(|(machine, _, _)| !self.plug(machine).waits());
        self.settle().await;
        came
    }

    /// One step, and the crash of a machine that lost its power in it.
    pub async fn step(&mut self, step: Step) {
        self.bring_up().await;
        match step {
            Step::Strike { tree, uid } => {
                if let Err(fault) = self.guard.strike(tree, uid) {
                    self.guard.truth.wrong.push(format!("an alert was not sealed: {}", fault.inside()));
                }
            }
            Step::Noise(count) => self.guard.noise(count, &self.random),
            Step::Pass(micros) => {
                self.clock.advance(micros);
                if let Some(life) = &mut self.guard.life {
                    life.spool.tick();
                }
            }
            Step::Jump(micros) => self.clock.jump_wall(micros),
            Step::Act => self.guard.act(),
            Step::Talk(frames) => self.talk(frames).await,
            Step::Break => self.break_link().await,
            Step::Walk => self.walk().await,
            Step::Keep => self.keep().await,
            Step::Order => self.order().await,
            Step::KillGuard => self.kill(Machine::Guard).await,
            Step::KillStation => self.kill(Machine::Station).await,
            Step::Fill(room) => {
                let used = self.guard.life.as_ref().map_or(0, |life| life.spool.status().disk_bytes);
                self.guard.disk.set_capacity(Some(used + room));
            }
            Step::Free => self.guard.disk.set_capacity(None),
        }
        for machine in [Machine::Guard, Machine::Station] {
            if self.plug(machine).is_off() {
                self.kill(machine).await;
            }
        }
    }

    /// Starts what is down. A start that fails is tried again at the next step.
    async fn bring_up(&mut self) {
        if self.guard.life.is_none() {
            // The fault was made by the test itself; a start that never works is found by the settling.
            let _ = self.guard.start();
        }
        if self.station.life.is_none() {
            let _ = self.station.start().await;
        }
    }

    async fn kill(&mut self, machine: Machine) {
        self.break_link().await;
        match machine {
            Machine::Guard => self.guard.crash(&self.random),
            Machine::Station => self.station.crash(&self.random).await,
        }
    }

    /// The link breaks; the server still reads some of what was under way.
    async fn break_link(&mut self) {
        let late = self.network.disconnect(&self.random);
        if let Some(life) = &mut self.station.life {
            for frame in late {
                if life.hear(AGENT, frame).await.is_none() {
                    break;
                }
            }
            life.gone(AGENT).await;
        }
    }

    async fn talk(&mut self, frames: u32) {
        let (Some(life), true) = (&mut self.station.life, self.guard.life.is_some()) else { return };
        if !self.network.stands() {
            self.network.connect();
            self.guard.connected();
            let welcome = life.greet(AGENT, attack::host(HOST)).await;
            self.network.send_down(welcome, &self.random);
        }
        for _ in 0..frames {
            let Some(frame) = self.guard.next_frame() else { break };
            self.network.send_up(frame, &self.random);
        }
        for order in life.orders() {
            self.network.send_down(ServerSays::Order(order), &self.random);
        }
        for frame in self.network.reach_server() {
            if self.guard.plug.is_off() || self.station.plug.is_off() {
                return;
            }
            match life.hear(AGENT, frame).await {
                Some(answer) => self.network.send_down(answer, &self.random),
                None => return self.break_link().await,
            }
        }
        for said in self.network.reach_client() {
            self.heard(said);
        }
    }

    fn heard(&mut self, said: ServerSays) {
        let lane = |lane| Lane::try_from(lane).unwrap_or(Lane::Telemetry);
        match said {
            ServerSays::Welcome(welcome) => {
                for held in welcome.positions {
                    self.guard.acknowledged(held.boot, lane(held.lane), held.seq);
                }
            }
            ServerSays::Ack(ack) => {
                self.guard.acknowledged(ack.position.boot, lane(ack.position.lane), ack.position.seq)
            }
            ServerSays::Refused(gone) => self.guard.refused(gone.boot, lane(gone.lane), gone.first_seq, gone.last_seq),
            ServerSays::Order(order) => self.guard.ordered(order),
            ServerSays::Credit(_) | ServerSays::Throttle(_) => {}
        }
    }

    async fn walk(&mut self) {
        if let Some(life) = &mut self.station.life {
            // A frame that the pipeline could not take stays durable and is walked again.
            let _ = life.walk().await;
        }
    }

    async fn keep(&mut self) {
        if let Some(life) = &self.station.life {
            // Nothing is lost by a flush that fails; it is made again.
            let _ = life.keep().await;
        }
    }

    async fn order(&mut self) {
        self.orders += 1;
        let path = self.folder.path().join("nothing-is-here");
        self.wanted.push(Order {
            id: format!("ord-{}", self.orders),
            agent: AGENT.to_string(),
            action: ActionKind::Quarantine as i32,
            mode: OrderMode::Apply as i32,
            parameters: [("path".to_string(), path.display().to_string())].into(),
            lease_s: 600,
            by: "alice".into(),
            ..Order::default()
        });
        self.give().await;
    }

    /// The operator tries, and tries again what was refused.
    async fn give(&mut self) {
        let Some(life) = &self.station.life else { return };
        let mut refused = Vec::new();
        for order in std::mem::take(&mut self.wanted) {
            if life.order(order.clone()).await.is_err() {
                refused.push(order);
            }
        }
        self.wanted = refused;
    }

    /// Nothing fails any more: in a bounded time everything is delivered, walked and kept.
    async fn settle(&mut self) {
        self.guard.plug.restore();
        self.station.plug.restore();
        self.step(Step::Free).await;
        for round in 0..SETTLE_ROUNDS {
            for step in [Step::Act, Step::Pass(600_000), Step::Talk(8), Step::Walk] {
                self.step(step).await;
            }
            self.give().await;
            let waiting = self.guard.life.as_ref().map(|life| life.spool.status());
            let empty = waiting.is_some_and(|status| status.alert_frames + status.telemetry_frames == 0);
            if empty && self.wanted.is_empty() && round > 8 {
                self.step(Step::Walk).await;
                self.step(Step::Keep).await;
                return;
            }
        }
        self.guard.truth.wrong.push(format!("not everything was delivered in {SETTLE_ROUNDS} rounds"));
    }
}

/// In memory when the system has such a place: the lake syncs its files, and this is not about disks.
fn folder() -> tempfile::TempDir {
    let made =
        tempfile::Builder::new().prefix("garrison-loop-").tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    #[allow(clippy::expect_used, reason = "a test without a folder cannot begin")]
    made.expect("no temporary folder")
}
