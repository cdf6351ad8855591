//! The agent's threads, wired: sensor → judge → outlet, other senses → desk → outlet, orders → hands → outlet,
//! metrics → outlet.

use crate::config::Config;
use crate::desk::Desk;
use crate::outlet::Outlet;
use crate::raise::Raiser;
use crate::sense::{self, Ground};
use crate::stock::Stock;
use crate::{gate, judge::Judge, watch::Watch};
use action::{Executor, ExecutorConfig, Gate, Gates, Listener, NeverList, Reflex};
use base::{Clock, Fault, Result};
use fleet::wire::{AgentState, Probe};
use record::{AgentId, Host, Order};
use sensor::metrics::Sampler;
use sensor::{KindStat, ProbeTable, Sensor};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Who this agent is and whom it must not cut off.
#[derive(Default)]
pub struct Standing {
    /// Its id; zeros in a self-test.
    pub agent: AgentId,
    /// What no action may touch.
    pub never: NeverList,
    /// DNS resolvers that an isolated host may still ask.
    pub resolvers: Vec<IpAddr>,
    /// What it works with; of the configuration alone without one.
    pub stock: Option<Arc<Stock>>,
}

/// The running threads.
pub struct Service {
    stop: Arc<AtomicBool>,
    orders: Sender<Order>,
    threads: Vec<JoinHandle<()>>,
    /// This host.
    pub host: Host,
    stock: Arc<Stock>,
    desk: Arc<Desk>,
    probes: Vec<Probe>,
    counts: Arc<Mutex<Vec<KindStat>>>,
}

impl Service {
    /// Starts everything. Bad rules are logged and left out.
    pub fn start(
        config: &Config,
        outlet: Arc<dyn Outlet>,
        clock: Arc<dyn Clock>,
        standing: Standing,
    ) -> Result<Service> {
        let stock = standing.stock.unwrap_or_else(|| Stock::new(config, Default::default(), clock.clone()));
        stock.begin();
        let host = sensor::host();
        let stop = Arc::new(AtomicBool::new(false));
        let (orders, inbox) = channel();
        let counts = Arc::new(Mutex::new(Vec::new()));
        let (exec_gate, wishes) = gate::pair();
        let setup = hands_of(config, standing.agent, standing.never, standing.resolvers);
        let sensor = Sensor::start(config.sensor.clone(), clock.clone())?;
        let probes = probes(sensor.probed());
        let raiser = Arc::new(Raiser {
            outlet: outlet.clone(),
            reflex: Mutex::new(Reflex::new(standing.agent.to_string(), action::Boot::now().id, mount_namespace())),
            respond: config.respond,
            orders: Mutex::new(orders.clone()),
            clock: clock.clone(),
        });
        let who = (host.clone(), standing.agent);
        let (desk, waiting) = Desk::new(judge(&stock, &who, &clock), raiser.clone(), &host);
        let watch = Watch {
            sensor,
            judge: judge(&stock, &who, &clock),
            raiser: raiser.clone(),
            desk: desk.clone(),
            wishes,
            counts: counts.clone(),
        };
        let (ready, begun) = sync_channel(1);
        let mut threads = vec![
            spawn("sensor", {
                let stop = stop.clone();
                move || see(watch, &stop)
            })?,
            spawn("desk", {
                let (desk, stop) = (desk.clone(), stop.clone());
                move || desk.run(&waiting, &stop)
            })?,
            spawn("indicators", {
                let (indicators, stop) = (stock.indicators.clone(), stop.clone());
                move || indicators.run(&raiser, who, &stop)
            })?,
            spawn("hands", {
                let (stop, outlet, clock) = (stop.clone(), outlet.clone(), clock.clone());
                move || act(setup, exec_gate, clock, (inbox, outlet), &ready, &stop)
            })?,
        ];
        let ended = |_| Err(Fault::new(&crate::fault::BROKEN).object("hands"));
        if let Err(fault) = begun.recv().unwrap_or_else(ended) {
            Service { stop, orders, threads, host, stock, desk, probes, counts }.stop();
            return Err(fault);
        }
        if config.metrics_seconds > 0 {
            let (stop, every, clock) = (stop.clone(), Duration::from_secs(config.metrics_seconds), clock.clone());
            threads.push(spawn("metrics", move || sample(&*outlet, &*clock, every, &stop))?);
        }
        // Last: the kernel is watched before files and logs are read.
        stock.start(|published| sense::start(&Ground { config, clock: &clock, desk: &desk, published }));
        Ok(Service { stop, orders, threads, host, stock, desk, probes, counts })
    }

    /// Where orders go in.
    pub fn orders(&self) -> Sender<Order> {
        self.orders.clone()
    }

    /// Lets go of exceptions that have ended.
    pub fn renew(&self) {
        self.stock.renew();
    }

    /// Rules that run.
    pub fn rules(&self) -> usize {
        self.stock.rules.get().count()
    }

    /// What the server shows of this agent.
    pub fn state(&self, spool_limit_bytes: u64) -> AgentState {
        let counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut lost: BTreeMap<String, u64> =
            counts.iter().map(|kind| (kind.kind.word().to_string(), kind.lost)).collect();
        drop(counts);
        lost.extend(self.stock.lost().into_iter().chain(self.stock.indicators.lost()));
        lost.insert("correlation.uncounted".into(), self.desk.uncounted());
        lost.retain(|_, count| *count > 0);
        let (rules, probes) = (self.stock.rules.get(), self.probes.clone());
        let (count, rules_version) = (rules.count() as u64, rules.version);
        AgentState { rules: count, rules_version, probes, spool_limit_bytes, lost, ..AgentState::default() }
    }

    /// Writes what was produced, lost and delivered since the start, for benchmarks.
    pub fn write_counts(&self, path: &Path) {
        let counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let sum = |of: fn(&KindStat) -> u64| counts.iter().map(of).sum::<u64>();
        let all = serde_json::json!({"produced": sum(|kind| kind.produced), "lost": sum(|kind| kind.lost),
            "delivered": sum(|kind| kind.delivered)});
        // A benchmark that finds no counts says so itself.
        let _ = std::fs::write(path, all.to_string());
    }

    /// Whether a thread has ended by itself: the agent is then no longer whole.
    pub fn broken(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Ends the threads and waits for them.
    pub fn stop(self) {
        self.stock.stop();
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.thread().unpark();
            // A panic was reported by the thread itself.
            let _ = thread.join();
        }
    }
}

/// What the hands are made of.
fn hands_of(config: &Config, agent: AgentId, never: NeverList, resolvers: Vec<IpAddr>) -> ExecutorConfig {
    let folders = ExecutorConfig::new(config.state.join("actions"), config.state.join("evidence"));
    let (agent, order_age_s) = (agent.to_string(), config.order_age_seconds);
    ExecutorConfig { agent, order_age_s, never, resolvers, ..folders }
}

/// A judge by what is in stock.
fn judge(stock: &Stock, (host, agent): &(Host, AgentId), clock: &Arc<dyn Clock>) -> Judge {
    Judge::new(&stock.rules, host.clone(), *agent, clock.clone()).with(stock.indicators.spotter())
}

/// The sensor's thread.
fn see(watch: Watch, stop: &AtomicBool) {
    if let Err(fault) = watch.run(stop) {
        tracing::error!(fault = %fault.inside(), "the sensor stopped");
    }
}

/// The hands' thread. The executor begins here, while the sensor's thread answers already: it puts the denied
/// executions of before in force, and those go through the sensor.
fn act(
    setup: ExecutorConfig,
    exec_gate: gate::SensorGate,
    clock: Arc<dyn Clock>,
    (inbox, outlet): (Receiver<Order>, Arc<dyn Outlet>),
    ready: &SyncSender<Result<()>>,
    stop: &AtomicBool,
) {
    let mut gates: Vec<Arc<dyn Gate>> = vec![Arc::new(exec_gate)];
    match Listener::start() {
        Ok(listener) => gates.push(Arc::new(listener)),
        Err(fault) => tracing::warn!(fault = %fault.inside(), "contents cannot be denied on this host"),
    }
    let executor = Executor::new(setup, Arc::new(Gates(gates)), clock);
    let (executor, said) = match executor {
        Ok(executor) => (Some(executor), Ok(())),
        Err(fault) => (None, Err(fault)),
    };
    // Whoever started us waits for this.
    let _ = ready.send(said);
    if let Some(executor) = executor {
        action::serve(executor, &inbox, &|receipt| outlet.receipt(receipt), stop);
    }
}

/// The probe table as the server shows it.
fn probes(table: &ProbeTable) -> Vec<Probe> {
    let row = |row: &sensor::ProbeRow| Probe {
        event: row.event.clone(),
        hook: row.hook.map_or(String::new(), |hook| hook.word().to_string()),
        fired: row.fired,
        lost: row.lost.clone(),
    };
    table.rows.iter().map(row).collect()
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let refused = |cause| Fault::new(&crate::fault::THREAD).object(name).because(cause);
    std::thread::Builder::new().name(name.into()).spawn(work).map_err(refused)
}

/// The metrics thread.
fn sample(outlet: &dyn Outlet, clock: &dyn Clock, every: Duration, stop: &AtomicBool) {
    let mut sampler = Sampler::new();
    while !stop.load(Ordering::Relaxed) {
        outlet.sample(sampler.sample(clock.wall()));
        std::thread::park_timeout(every);
    }
}

/// Inode of our mount namespace, 0 when unknown: paths of other namespaces are not ours to touch.
fn mount_namespace() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/mnt").map_or(0, |namespace| namespace.ino() as u32)
}
