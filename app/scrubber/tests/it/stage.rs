//! A controller with real hands over a filter in memory, a second at a time.

use crate::memory::Memory;
use action::{Action, Adopted, Applied, Executor, ExecutorConfig, Hands as Actions, HostView, NoGate, Plan, Progress};
use base::{Clock, ManualClock, Random, Result, SystemRandom};
use bus::{MemoryDisk, SharedSpool, Spool, SpoolConfig};
use ddos::{Counters, Level, Prefix, Sample};
use record::{AgentId, Host, Order};
use scrubber::action::{Block, ScrubFilter, ScrubLevel};
use scrubber::board::Board;
use scrubber::config::Config;
use scrubber::control::{Controller, Parts};
use scrubber::hands::{Hands, Lane};
use scrubber::known::Known;
use scrubber::names::Names;
use scrubber::orders::Orders;
use scrubber::origins::Origins;
use scrubber::port::SharedPackets;
use scrubber::reload::{Current, Next, Reload};
use scrubber::report::Reporter;
use scrubber::tell::Teller;
use scrubber::upstream::{Asked, Routers, Upstream};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The protected address.
pub const VICTIM: &str = "203.0.113.10/32";

/// See the module.
pub struct Stage {
    pub filter: Memory,
    pub board: Arc<Board>,
    pub clock: Arc<ManualClock>,
    pub hands: Hands,
    pub orders: Orders,
    pub known: Arc<Known>,
    pub spool: SharedSpool,
    pub asked: Arc<Asked>,
    /// While it is set, a FlowSpec order keeps the hands waiting.
    pub stuck: Arc<AtomicBool>,
    pub reload: Reload,
    controller: Controller,
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Stage {
    /// As [`Stage::with`], with one lane for everything.
    pub fn new(policy: &str, filter: Memory, state: &Path, clock: Arc<ManualClock>) -> Stage {
        Stage::with(policy, filter, state, clock, &[Lane::Kernel])
    }

    /// With a policy (YAML; with a `protect:` list of its own or the victim), a filter, and a folder of journal and memory.
    pub fn with(policy: &str, filter: Memory, state: &Path, clock: Arc<ManualClock>, lanes: &[Lane]) -> Stage {
        let yaml = format!(
            "interfaces: [eth0]\n{}{}{policy}",
            if policy.contains("protect:") { "" } else { "protect: [{name: shop, prefix: 203.0.113.10}]\n" },
            if policy.contains("detect:") { "" } else { "detect: {quiet_s: 5, over_s: 5}\n" }
        );
        let config = Arc::new(Config::parse(&yaml, "test.yaml").unwrap());
        let (wide, random): (Arc<dyn Clock>, Arc<dyn Random>) = (clock.clone(), Arc::new(SystemRandom::new()));
        let runtime = tokio::runtime::Handle::current();
        let packets = SharedPackets::new(filter.clone());
        let spool = Spool::open(
            Arc::new(MemoryDisk::new()),
            Path::new("/spool"),
            AgentId::default(),
            Host::default(),
            SpoolConfig::default(),
            wide.clone(),
        );
        let spool = SharedSpool::start(spool).unwrap();
        let (known, origins) = (Arc::new(Known::new(wide.clone())), Arc::new(Origins::default()));
        origins.look(&mut origin::Origins::new(&config.origins));
        let board = Arc::new(Board::default());
        let teller = Arc::new(Teller::new(spool.clone(), board.clone(), Host::default(), String::new()));
        let routers = Arc::new(Routers::start(&config, &runtime, &wide, &random).unwrap());
        let reload = reload(&config, &packets, &routers, &wide);
        let stuck = Arc::new(AtomicBool::new(false));
        let actions: Vec<Arc<dyn Action>> =
            vec![reload.levels.clone(), reload.filters.clone(), reload.blocks.clone(), Arc::new(Stuck(stuck.clone()))];
        let memory = scrubber::memory::Memory::open(state);
        let executor = |lane: &Lane| {
            let folder = if *lane == Lane::Kernel { state.to_path_buf() } else { state.join(lane.word()) };
            let settings = ExecutorConfig::edge(folder, Actions::of(actions.clone()));
            (*lane, Executor::new(settings, Arc::new(NoGate), wide.clone()).unwrap())
        };
        let executors: Vec<(Lane, Executor)> = lanes.iter().map(executor).collect();
        let inherited = executors.iter().flat_map(|(_, executor)| scrubber::run::inherited(executor)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let (hands, threads) = Hands::start(executors, teller.clone(), stop.clone()).unwrap();
        let orders = Orders::new(String::new(), wide.clone(), random.clone());
        let names = Arc::new(Names::open(&config, &wide, &random).unwrap());
        let asked = Arc::new(Asked::new(teller.clone()));
        let upstream = Upstream::new(routers, names, config.policy.clone(), asked.clone());
        let reporter = Reporter { origins, known: known.clone(), board: board.clone(), teller };
        let parts = Parts {
            config,
            packets,
            next: reload.next.clone(),
            model: None,
            hands: hands.clone(),
            orders: orders.clone(),
            board: board.clone(),
            reporter,
            upstream,
            memory,
            inherited,
            clock: wide,
        };
        let controller = Controller::new(parts);
        Stage { filter, board, clock, hands, orders, asked, known, spool, stuck, reload, controller, stop, threads }
    }

    /// A second in which so much came.
    pub fn second(&mut self, came: Counters, samples: Vec<Sample>) {
        let victim: Prefix = VICTIM.parse().unwrap();
        let samples = samples.into_iter().map(|sample| (victim, sample)).collect();
        self.second_of(&[(victim, came)], samples);
    }

    /// A second in which so much came to each of these.
    pub fn second_of(&mut self, came: &[(Prefix, Counters)], samples: Vec<(Prefix, Sample)>) {
        {
            let mut state = self.filter.0.lock().unwrap();
            for (destination, came) in came {
                *state.counters.entry(*destination).or_default() += *came;
            }
            state.samples.extend(samples);
        }
        self.clock.advance(1_000_000);
        self.controller.second().unwrap();
    }

    /// Waits until the hands have done what makes this true; they are a thread of their own.
    pub fn until(&self, what: &str, good: impl Fn(&Stage) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !good(self) {
            assert!(Instant::now() < end, "{what} did not come");
            std::thread::yield_now();
        }
    }

    /// The level in the filter.
    pub fn level(&self) -> Level {
        let state = self.filter.0.lock().unwrap();
        state.levels.get(&VICTIM.parse::<Prefix>().unwrap()).copied().unwrap_or(Level::Observe)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stuck.store(false, Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// What a new configuration is put to work with.
fn reload(config: &Arc<Config>, packets: &SharedPackets, routers: &Arc<Routers>, clock: &Arc<dyn Clock>) -> Reload {
    let lowest: BTreeMap<Prefix, Level> = config.protected().map(|(prefix, entry)| (prefix, entry.lowest)).collect();
    let protected = lowest.keys().copied().collect();
    let never = vec!["192.0.2.0/24".parse().unwrap()];
    Reload {
        current: Arc::new(Current::new(config.clone())),
        packets: packets.clone(),
        levels: Arc::new(ScrubLevel::new(packets.clone(), lowest)),
        filters: Arc::new(ScrubFilter::new(packets.clone(), protected, clock.clone())),
        blocks: Arc::new(Block::new(packets.clone(), never, clock.clone())),
        routers: routers.clone(),
        server: Vec::new(),
        next: Arc::new(Next::default()),
    }
}

/// Users: established connections and a few new ones.
pub fn users() -> Counters {
    Counters { packets: 400, bytes: 200_000, tcp_ack: 360, tcp_syn: 20, tcp_fin: 20, ..Counters::default() }
}

/// Users and a flood of SYNs.
pub fn flood() -> (Counters, Vec<Sample>) {
    let syns = 20_000;
    let mut came = users();
    came += Counters {
        packets: syns,
        bytes: syns * 40,
        tcp_syn: syns,
        tcp_bytes: syns * 40,
        new_sources: syns,
        ..Counters::default()
    };
    (came, (0..400u32).map(syn).collect())
}

/// A router that does not answer.
struct Stuck(Arc<AtomicBool>);

impl Action for Stuck {
    fn kind(&self) -> record::ActionKind {
        record::ActionKind::Flowspec
    }

    fn plan(&self, _: &Order, _: &HostView) -> Result<Plan> {
        Ok(Plan { touched: Vec::new(), record: Value::Null })
    }

    fn apply(&self, _: &Order, plan: &Plan, _: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        while self.0.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        Ok(Applied { touched: Vec::new(), record: plan.record.clone() })
    }

    fn verify(&self, _: &HostView, _: &Value) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn undo(&self, _: &HostView, _: &Value) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn adopt(&self, _: &HostView, _: &Value, _: u64, _: bool) -> Result<Adopted> {
        Ok(Adopted::Kept)
    }
}

/// A SYN from a forged address.
pub fn syn(number: u32) -> Sample {
    let source = number.wrapping_mul(2_654_435_761).to_be_bytes();
    let port = (number.wrapping_mul(40_503) as u16).to_be_bytes();
    let mut header = vec![0x45, 0, 0, 40, 0, number as u8, 0, 0, 64, 6, 0, 0];
    header.extend(source);
    header.extend([203, 0, 113, 10]);
    header.extend(port);
    header.extend([0, 80, 1, 2, 3, number as u8, 0, 0, 0, 0, 0x50, 0x02, 0x16, 0xd0, 0, 0, 0, 0]);
    Sample { at_ns: 0, length: 40, reason: None, header: header.into() }
}
