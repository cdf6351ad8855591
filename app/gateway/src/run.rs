//! `garrison-gateway run`: identity, spool, gateway and link, until told to stop.

use crate::alarm::Alarms;
use crate::apply::{Inputs, Work};
use crate::filter::Filter;
use crate::hands::{self, Running};
use crate::keys::Keeper;
use crate::notice::{Ears, Notices};
use crate::offence::Offenders;
use crate::respond::Responder;
use crate::tell::{self, Teller, Which};
use crate::{audit, fault, host, show};
use base::{Clock, Fault, Result, SystemClock, SystemRandom};
use bus::{RealDisk, SharedSpool, Spool, SpoolConfig};
use fleet::content::{Contents, Name};
use fleet::wire::AgentState;
use fleet::{Identity, Setup, Token, Uplink, seat};
use gateway::Parts;
use record::AgentId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Where the configuration lies when none is named.
pub const CONFIG: &str = "/etc/garrison/gateway.yaml";
/// How often the gateway is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often what positive models learned is written: what a crash takes with it at most.
const KEEP: Duration = Duration::from_secs(600);
/// Orders that may wait for the hands.
const ORDERS: usize = 64;

/// Where a gateway keeps its things.
#[derive(Debug, Clone, clap::Args)]
pub struct Places {
    /// Configuration file (YAML).
    #[arg(long, default_value = CONFIG)]
    pub config: PathBuf,
    /// Directory of identity, spool and tuning; 0700.
    #[arg(long, default_value = "/var/lib/garrison-gateway")]
    pub state: PathBuf,
}

impl Places {
    fn identity(&self) -> PathBuf {
        self.state.join("identity")
    }
}

/// How to run.
#[derive(Debug, Default, clap::Args)]
pub struct Manner {
    /// Without a server: records stay in the spool, nothing is enrolled.
    #[arg(long)]
    pub standalone: bool,
    /// Which requests become events; refused ones are told as alerts in any case.
    #[arg(long, value_enum, default_value = "all")]
    pub events: Which,
    /// Disk budget of the spool, MiB.
    #[arg(long, default_value_t = 512)]
    pub spool_mib: u64,
    /// File to make when everything runs: where each listener listens, as JSON.
    #[arg(long)]
    pub ready_file: Option<PathBuf>,
    /// Local socket of the packet filter of this machine (`garrison-gateway scrub run`): it hears of floods and of bans.
    #[arg(long)]
    pub scrubber: Option<PathBuf>,
    /// End when the program that started this one ends.
    #[arg(long)]
    pub follow_parent: bool,
}

/// Enrols with a token from a file or standard input.
pub fn enroll(places: &Places, token_file: &Path) -> Result<()> {
    enroll_into(&places.identity(), token_file)
}

/// As [`enroll`], into a folder of its own.
pub fn enroll_into(identity: &Path, token_file: &Path) -> Result<()> {
    let token = Token::read(token_file)?;
    runtime()?.block_on(fleet::enroll(&token, host::host(), identity))?;
    Ok(())
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// Everything that keeps it from starting.
pub fn run(places: &Places, manner: &Manner) -> std::result::Result<(), Vec<Fault>> {
    let one = |fault| vec![fault];
    if manner.follow_parent {
        seat::follow_parent().map_err(one)?;
    }
    let _seat = seat::lock(&places.state).map_err(one)?;
    let identity = if manner.standalone { None } else { Some(Identity::load(&places.identity()).map_err(one)?) };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let agent = identity.as_ref().map_or(AgentId::default(), |identity| identity.agent);
    let (host, budget) = (host::host(), manner.spool_mib.saturating_mul(1 << 20));
    let config = SpoolConfig { budget_bytes: budget, ..SpoolConfig::default() };
    let folder = places.state.join("spool");
    let spool = Spool::open(Arc::new(RealDisk::new()), &folder, agent, host.clone(), config, clock.clone());
    let spool = SharedSpool::start(spool).map_err(one)?;
    let (tuning, learned) = (places.state.join("tuning"), places.state.join("learned"));
    let inputs = Inputs { config: places.config.clone(), tuning, learned };
    let keeper = Keeper::new(places.state.join("challenge-keys.json"), Arc::new(SystemRandom::new()));
    let work = Work::new(inputs, keeper, clock.clone());
    // Before anything starts: it is to judge by what it was given last, server or not.
    let contents = if manner.standalone { None } else { Some(contents(places, &work).map_err(one)?) };
    let whole = Whole { work, spool, host, clock, link: identity.map(|identity| (identity, contents)) };
    let runtime = runtime().map_err(one)?;
    runtime.block_on(whole.serve(places, manner))
}

/// What the server published last.
fn contents(places: &Places, work: &Arc<Work>) -> Result<Contents> {
    let (disk, folder) = (Arc::new(RealDisk::new()), places.state.join("content"));
    let (contents, faults) = Contents::open(disk, &folder, Name::OF_GATEWAYS, work.clone())?;
    for fault in faults {
        tracing::warn!(fault = %fault.inside(), "stored content was dropped");
    }
    Ok(contents)
}

/// Everything that runs.
struct Whole {
    work: Arc<Work>,
    spool: SharedSpool,
    host: record::Host,
    clock: Arc<dyn Clock>,
    link: Option<(Identity, Option<Contents>)>,
}

impl Whole {
    async fn serve(mut self, places: &Places, manner: &Manner) -> std::result::Result<(), Vec<Fault>> {
        let one = |fault| vec![fault];
        let (channel, exchanges) = tell::channel(manner.events);
        let lost = Arc::new(AtomicU64::new(0));
        let agent = self.link.as_ref().map(|(identity, _)| identity.agent.to_string()).unwrap_or_default();
        let (bans, policies) = (Arc::<flood::Bans>::default(), self.work.policies());
        self.work.read_policies()?;
        let filter = Filter::at(manner.scrubber.clone());
        let hands = self.hands(places, &agent, &bans, &filter).map_err(one)?;
        let responder = Responder::new(&agent, hands.orders(), policies.clone(), self.clock.clone());
        let over = responder.over();
        let teller = Teller {
            spool: self.spool.clone(),
            alarms: Alarms::new(self.host.clone(), agent.clone()),
            responder,
            notices: Notices::new(self.host.clone(), agent),
            manners: self.work.manners(),
            clock: self.clock.clone(),
            lost: lost.clone(),
        };
        let offenders = Arc::new(Offenders::new(policies));
        let (desk, keeping) = self.audit(places).map_err(one)?;
        let (reporter, heard) = Ears::new(channel.clone(), offenders.clone(), desk.clone());
        let (clock, random) = (self.clock.clone(), Arc::new(SystemRandom::new()));
        let parts = |judges, keys| Parts { judges, reporter, clock, random, bans, keys };
        self.work.start(parts).await?;
        let telling = tokio::spawn(teller.run(exchanges, heard));
        let uplink = self.link.take().map(|(identity, contents)| self.uplink(places, identity, contents, &hands));
        if let Some(path) = &manner.ready_file {
            show::write(path, serde_json::json!(BTreeMap::from_iter(self.work.addresses())).to_string().as_bytes())
                .map_err(one)?;
        }
        let shed = || {
            let alerts = lost.load(Ordering::Relaxed);
            let (uncounted, over) = (offenders.uncounted(), over.load(Ordering::Relaxed));
            let requests = ("requests.told", channel.shed());
            [requests, ("alerts", alerts), ("offences", uncounted), ("bans", over), ("audit", desk.shed())]
        };
        let done = self.watch(places, (uplink.as_ref(), &hands, &filter), shed, manner).await;
        keep_learned(&self.work, &*self.clock);
        // The last requests end, then what they have to tell is kept, then the link says goodbye.
        self.work.stop().await;
        drop(channel);
        drop(desk);
        // An error is a panic, which has told itself.
        let _ = telling.await;
        // Its last receipts go into the spool before the link says goodbye.
        let _ = tokio::task::spawn_blocking(|| {
            hands.stop();
            keeping.join()
        })
        .await;
        if let Some(uplink) = uplink {
            uplink.stop().await;
        }
        done.map_err(one)
    }

    /// What keeps requests whole, on a thread of its own; it ends with the desk.
    fn audit(&self, places: &Places) -> Result<(Arc<audit::Desk>, JoinHandle<()>)> {
        let (desk, requests) = audit::Desk::new();
        let files = audit::Files::new(places.state.join(audit::FOLDER), self.work.audit_bytes());
        let manners = self.work.manners();
        let keep = move || audit::write(&requests, files, &manners);
        let refused = |cause| Fault::new(&fault::THREAD).object("audit").because(cause);
        let thread = std::thread::Builder::new().name("audit".into()).spawn(keep).map_err(refused)?;
        Ok((desk, thread))
    }

    /// What carries orders out: of the server, and our own.
    fn hands(&self, places: &Places, agent: &str, bans: &Arc<flood::Bans>, filter: &Filter) -> Result<Running> {
        let work = hands::Work {
            agent: agent.into(),
            server: self.link.as_ref().map(|(identity, _)| identity.url.clone()),
            bans: bans.clone(),
            policies: self.work.policies(),
            filter: filter.clone(),
            spool: self.spool.clone(),
            clock: self.clock.clone(),
        };
        Running::start(&places.state, work)
    }

    fn uplink(&self, places: &Places, identity: Identity, contents: Option<Contents>, hands: &Running) -> Uplink {
        let (on_order, mut orders) = mpsc::channel::<record::Order>(ORDERS);
        let hands = hands.orders();
        tokio::spawn(async move {
            while let Some(order) = orders.recv().await {
                // The hands end only with the gateway.
                let _ = hands.send(order);
            }
        });
        let (dir, spool, host) = (places.identity(), self.spool.clone(), self.host.clone());
        let (clock, random) = (self.clock.clone(), Arc::new(SystemRandom::new()));
        Uplink::with(Setup { identity, dir, spool, host, on_order, clock, random, contents, questions: None })
    }

    /// Looks after everything until told to stop.
    async fn watch(
        &self,
        places: &Places,
        (uplink, hands, filter): (Option<&Uplink>, &Running, &Filter),
        shed: impl Fn() -> [(&'static str, u64); 5],
        manner: &Manner,
    ) -> Result<()> {
        let none = |cause: std::io::Error| Fault::new(&fault::THREAD).object("signals").because(cause);
        let mut terminate = signal(SignalKind::terminate()).map_err(none)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(none)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(none)?;
        let mut look = tokio::time::interval(LOOK);
        let mut keep = tokio::time::interval(KEEP);
        loop {
            tokio::select! {
                _ = look.tick() => {
                    if hands.broken() {
                        // A gateway that cannot carry orders out is not whole: it ends, and is started again.
                        return Err(Fault::new(&fault::THREAD).object("hands"));
                    }
                    self.look(places, (uplink, filter), &shed, manner);
                }
                _ = keep.tick() => {
                    let (work, clock) = (self.work.clone(), self.clock.clone());
                    tokio::task::spawn_blocking(move || keep_learned(&work, &*clock));
                }
                _ = hangup.recv() => self.reload(),
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    fn look(
        &self,
        places: &Places,
        (uplink, filter): (Option<&Uplink>, &Filter),
        shed: &impl Fn() -> [(&'static str, u64); 5],
        manner: &Manner,
    ) {
        for fault in self.spool.take_faults() {
            tracing::warn!(fault = %fault.inside(), "the spool reports");
        }
        if self.work.stale() {
            self.reload();
        }
        if let Some(status) = self.work.status() {
            filter.load(self.work.site_addresses(), &status.floods);
            if let Err(fault) = show::keep(&places.state, &status) {
                tracing::warn!(fault = %fault.inside(), "the status is not shown");
            }
        }
        if let Some(uplink) = uplink {
            let lost = shed().into_iter().filter(|(_, count)| *count > 0);
            let lost = lost.map(|(name, count)| (name.to_string(), count)).collect();
            let (rules, rules_version) = self.work.rules();
            let spool_limit_bytes = manner.spool_mib << 20;
            uplink.describe(AgentState { rules, rules_version, spool_limit_bytes, lost, ..AgentState::default() });
        }
    }

    /// Reads everything anew beside the traffic.
    fn reload(&self) {
        let work = self.work.clone();
        tokio::task::spawn_blocking(move || {
            for fault in work.reload().err().unwrap_or_default() {
                tracing::error!(fault = %fault.inside(), "nothing was changed");
            }
        });
    }
}

fn keep_learned(work: &Work, clock: &dyn Clock) {
    if let Err(fault) = work.keep_learned(clock.wall()) {
        tracing::warn!(fault = %fault.inside(), "what was learned is not kept");
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    // Traffic runs on threads of the gateway's own; these two keep link, health and records going.
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|cause| Fault::new(&fault::THREAD).object("runtime").because(cause))
}
