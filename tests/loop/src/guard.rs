//! The protected host: what outlives a crash, one life of the agent on it, and what truly happened there.

use action::{Boot, Executor, ExecutorConfig, NeverList, NoGate, Reflex, Sessions};
use base::{Clock, ManualClock, Random, Result, SeededRandom};
use bus::{LogConfig, MemoryDisk, Spool, SpoolConfig};
use detect::{Engine, Scratch, Source};
use kit::attack;
use kit::plug::{Plug, PluggedDisk};
use record::{AgentId, Event, Frame, Lane, Order, Proc, Receipt, ReceiptState};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// The agent's id.
pub const AGENT: AgentId = AgentId([9; 16]);
/// The host's name.
pub const HOST: &str = "web-1";
/// Small, so that a short run seals, rolls over and sheds.
pub const SPOOL: SpoolConfig = SpoolConfig {
    log: LogConfig { segment_bytes: 3_000, record_bytes: 1_000_000 },
    budget_bytes: 40_000,
    memory_bytes: 60_000,
    batch_events: 5,
    batch_bytes: 100_000,
    batch_age: 200_000,
    sync_age: 500_000,
};
const RULE: &str = "title: Evil program
id: 5b8d2c1e-0a41-4c52-9b0e-2f7d3b0c9a11
status: stable
tags: [attack.execution, attack.t1059.004]
logsource: {product: linux, category: process_creation}
detection:
  name:
    Image|contains: /evil-
  condition: name
level: high
response:
  - action: quarantine
    lease: 10m
";

/// What truly happened, kept outside the machines.
#[derive(Default)]
pub struct Truth {
    /// Receipts that were durable when the spool took them, by their key at the server.
    pub answered: BTreeSet<String>,
    /// How often: an order that comes again is answered again.
    pub answers: usize,
    /// Time of each event by start and number.
    pub telemetry: BTreeMap<(u64, u64), i64>,
    /// Alerts that were durable when the spool took them.
    pub promised: BTreeSet<String>,
    /// Process tree of each alert.
    pub trees: BTreeMap<String, u32>,
    /// Greatest number that the server acknowledged, by start and lane.
    pub acknowledged: BTreeMap<(u64, Lane), u64>,
    /// Times that a receipt said "done", by order.
    pub done: BTreeMap<String, BTreeSet<i64>>,
    /// What was found wrong on the way.
    pub wrong: Vec<String>,
}

/// The host.
pub struct Guard {
    /// Its disk.
    pub disk: Arc<MemoryDisk>,
    /// Its plug.
    pub plug: Arc<Plug>,
    /// The agent, when it runs.
    pub life: Option<Life>,
    /// What truly happened.
    pub truth: Truth,
    folder: PathBuf,
    clock: Arc<ManualClock>,
    pids: u32,
}

/// A running agent.
pub struct Life {
    /// The spool.
    pub spool: Spool,
    engine: Engine,
    reflex: Reflex,
    executor: Executor,
    orders: VecDeque<Order>,
    sent: [(u64, u64); 2],
    numbered: u64,
}

impl Guard {
    /// A host whose files lie in this folder.
    pub fn new(folder: PathBuf, clock: Arc<ManualClock>) -> Guard {
        let (disk, plug) = (Arc::new(MemoryDisk::new()), Arc::default());
        Guard { disk, plug, life: None, truth: Truth::default(), folder, clock, pids: 0 }
    }

    /// Starts the agent.
    pub fn start(&mut self) -> Result<()> {
        let disk = Arc::new(PluggedDisk { disk: self.disk.clone(), plug: self.plug.clone() });
        let spool = Spool::open(disk, "/spool".as_ref(), AGENT, attack::host(HOST), SPOOL, self.clock.clone());
        let mut config = ExecutorConfig::new(self.folder.join("actions"), self.folder.join("evidence"));
        config.never = NeverList { sessions: Sessions::None, ..NeverList::default() };
        let clock = self.clock.clone();
        config.boot = Arc::new(move || Boot { id: "boot".into(), uptime: clock.monotonic() });
        let executor = Executor::new(config, Arc::new(NoGate), self.clock.clone())?;
        let (engine, faults) = Engine::compile(&[Source { name: "evil.yml".into(), text: RULE.into() }]);
        self.truth.wrong.extend(faults.iter().map(|fault| fault.inside()));
        let reflex = Reflex::new(AGENT.to_string(), "boot", 0);
        let orders = VecDeque::new();
        self.life = Some(Life { spool, engine, reflex, executor, orders, sent: [(0, 0); 2], numbered: 0 });
        Ok(())
    }

    /// A power cut: see [`crate::station::Station::crash`].
    pub fn crash(&mut self, random: &SeededRandom) {
        self.life = None;
        self.disk.crash(random.below(self.disk.unsynced() as u64 + 1) as usize);
        self.plug.restore();
    }

    /// The parent that everything in a tree hangs below.
    fn root(tree: u32) -> Arc<Proc> {
        let init = attack::process(1, "/usr/lib/systemd/systemd", 0, None);
        attack::process(10_000 + tree, &format!("/srv/app-{tree}/server"), 2_000 + tree, Some(&init))
    }

    /// An evil program starts below a tree, as an account: an alert, an order, an event.
    pub fn strike(&mut self, tree: u32, uid: u32) -> Result<()> {
        self.pids += 1;
        let path = self.folder.join(format!("evil-{}", self.pids));
        let process = attack::process(100_000 + self.pids, &path.display().to_string(), uid, Some(&Guard::root(tree)));
        // A file that cannot be made is found by the order that takes it away.
        let _ = std::fs::write(&path, b"evil");
        let event = attack::exec(self.clock.wall(), &process);
        let Some(life) = &mut self.life else { return Ok(()) };
        let mut hits = Vec::new();
        life.engine.evaluate(&event, &mut Scratch::new(), &mut hits);
        for hit in hits {
            let mut alert = life.engine.alert(hit, &event, &attack::host(HOST), AGENT, self.clock.wall());
            alert.id = life.spool.push_alert(alert.clone())?.to_string();
            if self.plug.is_off() {
                return Ok(());
            }
            if !life.spool.status().failing {
                self.truth.promised.insert(alert.id.clone());
            }
            self.truth.trees.insert(alert.id.clone(), tree);
            life.orders.extend(life.reflex.orders_for(&alert, &event, &*self.clock));
        }
        self.push(vec![event]);
        Ok(())
    }

    /// Innocent events.
    pub fn noise(&mut self, count: u32, random: &SeededRandom) {
        let root = Guard::root(99);
        let made =
            |_| attack::exit(self.clock.wall() + random.below(1 << 40) as i64, &root, random.below(1 << 30) as u32);
        let events = (0..count).map(made).collect();
        self.push(events);
    }

    fn push(&mut self, events: Vec<Event>) {
        let Some(life) = &mut self.life else { return };
        let boot = life.spool.boot();
        for event in events {
            life.numbered += 1;
            self.truth.telemetry.insert((boot, life.numbered), event.time_us);
            life.spool.push_telemetry([event]);
        }
    }

    /// The hands carry out what waits, and end leases.
    pub fn act(&mut self) {
        let Some(life) = &mut self.life else { return };
        let mut receipts = life.executor.tick();
        while let Some(order) = life.orders.pop_front() {
            receipts.extend(life.executor.execute(&order));
        }
        for receipt in receipts {
            note_done(&mut self.truth, &receipt);
            let key = api::tables::receipt_key(&receipt);
            match life.spool.push_receipt(receipt) {
                Ok(_) => {
                    self.truth.answers += 1;
                    if !self.plug.is_off() && !life.spool.status().failing {
                        self.truth.answered.insert(key);
                    }
                }
                Err(fault) => self.truth.wrong.push(format!("a receipt was not kept: {}", fault.inside())),
            }
        }
    }

    /// The next frame for the link, alerts first.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let life = self.life.as_mut()?;
        for lane in Lane::ALL {
            let sent = &mut life.sent[*lane as usize];
            let frames = life.spool.unsent(*lane, *sent, 1);
            let Some(frame) = frames.into_iter().next() else { continue };
            if (frame.boot, frame.first_seq) <= *sent {
                self.truth.wrong.push(format!("frame {} was given after {sent:?}", frame.first_seq));
            }
            *sent = (frame.boot, frame.last_seq());
            return Some(frame);
        }
        None
    }

    /// A link begins: everything that is not acknowledged is sent again.
    pub fn connected(&mut self) {
        if let Some(life) = &mut self.life {
            life.sent = [(0, 0); 2];
        }
    }

    /// The server holds everything up to this number.
    pub fn acknowledged(&mut self, boot: u64, lane: Lane, seq: u64) {
        let Some(life) = &mut self.life else { return };
        life.spool.ack(boot, lane, seq);
        let most = self.truth.acknowledged.entry((boot, lane)).or_default();
        *most = seq.max(*most);
    }

    /// The server will never take these numbers.
    pub fn refused(&mut self, boot: u64, lane: Lane, first: u64, last: u64) {
        self.truth.wrong.push(format!("frame {first}..{last} of start {boot} was refused"));
        if let Some(life) = &mut self.life {
            life.spool.refused(boot, lane, first, last);
        }
    }

    /// An order came over the link.
    pub fn ordered(&mut self, order: Order) {
        if let Some(life) = &mut self.life {
            life.orders.push_back(order);
        }
    }
}

fn note_done(truth: &mut Truth, receipt: &Receipt) {
    if receipt.state() == ReceiptState::Verified {
        truth.done.entry(receipt.order.clone()).or_default().insert(receipt.time_us);
    }
}
