//! Everything wired: filter, hands, controller, socket, link to the server; until told to stop.

use crate::action::{Announce, Block, ScrubFilter, ScrubLevel, SwitchDns};
use crate::board::Board;
use crate::config::Config;
use crate::control::{Controller, Parts};
use crate::hands::{Hands, Lane};
use crate::kernel::{Filters, Watchdog};
use crate::known::Known;
use crate::listen::{Desk, Given, listen, open};
use crate::memory::Memory;
use crate::names::{MoveAsked, Names};
use crate::orders::Orders;
use crate::origins::Origins;
use crate::port::SharedPackets;
use crate::reload::{Current, Reload, lowest, never};
use crate::report::Reporter;
use crate::tell::Teller;
use crate::upstream::{Asked, Routers, Upstream};
use crate::{fault, orders, outbox};
use ::action::{Action, Executor, ExecutorConfig, NoGate};
use base::{Clock, Fault, Micros, Random, Result};
use bus::SharedSpool;
use ddos::{Model, Prefix};
use record::{Host, Order};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// The controller looks once in so long.
const SECOND: Duration = Duration::from_secs(1);

/// What it runs with.
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// Directory of journal and memory; 0700.
    pub state: PathBuf,
    /// This host.
    pub host: Host,
    /// This agent, 32 hexadecimal digits; empty without a server.
    pub agent: String,
    /// Addresses of the server: they are never banned.
    pub server: Vec<IpAddr>,
    /// Where records go.
    pub spool: SharedSpool,
    /// Orders of the server.
    pub orders: Receiver<Order>,
    /// What the server knows of senders.
    pub known: Arc<Known>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Starts watchdogs.
    pub watchdog: Watchdog,
}

/// What runs, and what it shows.
pub struct Running {
    /// What is shown.
    pub board: Arc<Board>,
    reload: Reload,
    stop: Arc<AtomicBool>,
    packets: SharedPackets,
    routers: Arc<Routers>,
    /// Probes of names; they end with it.
    prober: divert::Prober,
    threads: Vec<std::thread::JoinHandle<()>>,
    /// Reads databases of origins: nothing depends on it, so its end is not the end of all.
    origins: Option<std::thread::JoinHandle<()>>,
    tasks: tokio::task::JoinSet<()>,
}

/// Starts everything.
///
/// # Errors
/// What keeps it from starting; nothing stays attached then but for its lease.
pub fn start(setup: Setup) -> Result<Running> {
    let model = setup.config.model.as_deref().map(model).transpose()?;
    let listener = open(&setup.config.socket)?;
    let filters = Filters::attach(&setup.config, &*setup.random, setup.clock.clone(), setup.watchdog.clone())?;
    let packets = SharedPackets::new(filters);
    wire(setup, model, listener, packets.clone()).inspect_err(|_| {
        if let Err(fault) = packets.lock().detach() {
            tracing::error!(fault = %fault.inside(), "the packet filter stays attached until its lease is over");
        }
    })
}

fn wire(
    setup: Setup,
    model: Option<Model>,
    listener: tokio::net::UnixListener,
    packets: SharedPackets,
) -> Result<Running> {
    let Setup { config, state, host, agent, server, spool, orders: given, known, clock, random, watchdog: _ } = setup;
    let runtime = tokio::runtime::Handle::current();
    let routers = Arc::new(Routers::start(&config, &runtime, &clock, &random)?);
    let names = Arc::new(Names::open(&config, &clock, &random)?);
    let board = Arc::new(Board::default());
    let teller = Arc::new(Teller::new(spool, board.clone(), host, agent.clone()));
    let stop = Arc::new(AtomicBool::new(false));
    let memory = Memory::open(&state);
    let reload = reload(&config, &packets, &routers, server, &clock);
    let actions = actions(&config, &reload, &names, &clock);
    let executors = executors(&state, &agent, &actions, &clock)?;
    reload.settle()?;
    let inherited = executors.iter().flat_map(|(_, executor)| inherited(executor)).collect();
    let bans = executors.first().map(|(_, executor)| bans(executor, &*clock)).unwrap_or_default();
    let (hands, mut threads) = Hands::start(executors, teller.clone(), stop.clone())?;
    let orders = Orders::new(agent, clock.clone(), random);
    let asked = Arc::new(Asked::new(teller.clone()));
    let (tell, time) = (teller.clone(), clock.clone());
    let tell = Arc::new(move |asked: &MoveAsked<'_>| tell.asked(asked, time.wall()));
    let prober = names.watch(hands.clone(), orders.clone(), tell)?;
    let desk = Desk {
        config: reload.current.clone(),
        board: board.clone(),
        hands: hands.clone(),
        orders: orders.clone(),
        names: names.clone(),
        asked: asked.clone(),
        bans: bans.into(),
        clock: clock.clone(),
    };
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(listen(listener, Arc::new(desk)));
    tasks.spawn(outbox::pass(given, hands.clone()));
    let upstream = Upstream::new(routers.clone(), names, config.policy.clone(), asked);
    let origins = Arc::new(Origins::default());
    let reading = origins.watch(&config.origins, stop.clone())?;
    let reporter = Reporter { origins, known, board: board.clone(), teller };
    let parts = Parts {
        config,
        packets: packets.clone(),
        model,
        hands,
        orders,
        board: board.clone(),
        reporter,
        next: reload.next.clone(),
        upstream,
        memory,
        inherited,
        clock,
    };
    threads.push(seconds(Controller::new(parts), stop.clone())?);
    Ok(Running { board, reload, stop, packets, routers, prober, threads, origins: reading, tasks })
}

/// The actions that hear of a new configuration, and what else does.
fn reload(
    config: &Arc<Config>,
    packets: &SharedPackets,
    routers: &Arc<Routers>,
    server: Vec<IpAddr>,
    clock: &Arc<dyn Clock>,
) -> Reload {
    let protected = config.protected().map(|(prefix, _)| prefix).collect();
    Reload {
        current: Arc::new(Current::new(config.clone())),
        packets: packets.clone(),
        levels: Arc::new(ScrubLevel::new(packets.clone(), lowest(config))),
        filters: Arc::new(ScrubFilter::new(packets.clone(), protected, clock.clone())),
        blocks: Arc::new(Block::new(packets.clone(), never(config, &server), clock.clone())),
        routers: routers.clone(),
        server,
        next: Arc::default(),
    }
}

/// Every action, over what this program owns.
fn actions(config: &Config, known: &Reload, names: &Arc<Names>, clock: &Arc<dyn Clock>) -> Vec<Arc<dyn Action>> {
    let within: Vec<Prefix> = config.policy.blackhole_within.iter().filter_map(|text| text.parse().ok()).collect();
    let routers = &known.routers;
    vec![
        known.levels.clone(),
        known.filters.clone(),
        known.blocks.clone(),
        Arc::new(Announce::flowspec(routers.clone(), within.clone(), clock.clone())),
        Arc::new(Announce::blackhole(routers.clone(), within, clock.clone())),
        Arc::new(SwitchDns::new(names.clone())),
    ]
}

/// One executor a lane, each with a journal of its own; that of the filter in the directory itself. It has every action: an
/// earlier version kept one journal for all, and what is in force there ends there.
fn executors(
    state: &std::path::Path,
    agent: &str,
    actions: &[Arc<dyn Action>],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<(Lane, Executor)>> {
    let open = |lane: Lane| {
        let kernel = lane == Lane::Kernel;
        let folder = if kernel { state.to_path_buf() } else { state.join(lane.word()) };
        let actions = actions.iter().filter(|action| kernel || Lane::of(action.kind()) == lane).cloned();
        let settings = ExecutorConfig::edge(folder, ::action::Hands::of(actions));
        let settings = ExecutorConfig { agent: agent.into(), ..settings };
        Ok((lane, Executor::new(settings, Arc::new(NoGate), clock.clone())?))
    };
    Lane::ALL.into_iter().map(open).collect()
}

/// What an earlier run of the controller ordered by itself and is in force. Orders of people, and those of names, which have a
/// keeper of their own, are left alone. Each with the wall time at which its lease ends, µs.
pub fn inherited(executor: &Executor) -> Vec<(Order, Micros)> {
    use record::ActionKind::{Blackhole, Flowspec, ScrubFilter, ScrubLevel};
    let ours = |order: &Order| {
        let kind = order.action();
        order.by == orders::CONTROLLER && matches!(kind, ScrubLevel | ScrubFilter | Flowspec | Blackhole)
    };
    executor.in_force().into_iter().filter(|(order, _)| ours(order)).collect()
}

/// Bans of an earlier run that are in force: they can be taken back as those that are given now.
fn bans(executor: &Executor, clock: &dyn Clock) -> Given {
    let (now, wall) = (clock.monotonic(), clock.wall());
    let mut bans = Given::default();
    for (order, ends) in executor.in_force() {
        let address = order.parameters.get("address").and_then(|text| text.parse::<IpAddr>().ok());
        if let Some(address) = address.filter(|_| order.action() == record::ActionKind::Block) {
            bans.note(address.to_canonical(), order.id, now.saturating_add(ends - wall), now);
        }
    }
    bans
}

/// The thread of the controller.
fn seconds(mut controller: Controller, stop: Arc<AtomicBool>) -> Result<std::thread::JoinHandle<()>> {
    let run = move || {
        let mut next = std::time::Instant::now();
        while !stop.load(Ordering::Relaxed) {
            if let Err(fault) = controller.second() {
                tracing::error!(fault = %fault.inside(), "a second was not judged");
            }
            next += SECOND;
            // Behind (a suspended machine): the seconds that were missed are not made up for.
            next = next.max(std::time::Instant::now());
            std::thread::park_timeout(next.saturating_duration_since(std::time::Instant::now()));
        }
        controller.end();
    };
    let thread = std::thread::Builder::new().name("seconds".into()).spawn(run);
    thread.map_err(|cause| Fault::new(&fault::THREAD).object("seconds").because(cause))
}

/// Reads a model.
///
/// # Errors
/// [`fault::MODEL`] when it cannot be read or is none.
pub fn model(path: &std::path::Path) -> Result<Model> {
    let wrong = || Fault::new(&fault::MODEL).object(path.display());
    let size = std::fs::metadata(path).map_err(|cause| wrong().because(cause))?.len();
    if size > base::limits::CONFIG_BYTES * 16 {
        return Err(wrong().expected("a smaller file").found(format!("{size} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| wrong().because(cause))?;
    Model::read(&text).map_err(|fault| wrong().found(fault))
}

impl Running {
    /// Puts a configuration to work that was read anew; what is wrong with it is shown in the status, and the one of before goes
    /// on.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn reload(&self, read: std::result::Result<Config, Vec<Fault>>) -> std::result::Result<(), Vec<Fault>> {
        let done = read.and_then(|config| self.reload.apply(config).map_err(|fault| vec![fault]));
        self.board.refused(done.as_ref().err().into_iter().flatten());
        done
    }

    /// Whether the controller or its hands have ended by themselves: then it is better to end and be started anew.
    pub fn broken(&self) -> bool {
        self.threads.iter().any(std::thread::JoinHandle::is_finished)
    }

    /// Ends everything: orders stay in the journal, nothing stays attached, routers forget.
    ///
    /// # Errors
    /// When the kernel does not let go; the lease ends it then.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.prober);
        self.tasks.shutdown().await;
        let threads: Vec<_> = std::mem::take(&mut self.threads).into_iter().chain(self.origins.take()).collect();
        threads.iter().for_each(|thread| thread.thread().unpark());
        // An error is a panic, which has told itself.
        let _ = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join()))).await;
        let detached = self.packets.lock().detach();
        drop(self.reload);
        if let Some(routers) = Arc::into_inner(self.routers) {
            routers.stop("the scrubber stops").await;
        }
        detached
    }
}
