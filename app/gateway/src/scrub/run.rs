//! `garrison-gateway scrub run`: identity, spool, controller and link, until told to stop.

use super::{Places, host};
use crate::{fault, show};
use base::{Clock, Fault, Random, Result, SystemClock, SystemRandom};
use bus::{RealDisk, SharedSpool, Spool, SpoolConfig};
use fleet::wire::{AgentState, Ask, SHOWS_BYTES};
use fleet::{Identity, Questions, Setup, Uplink, seat};
use record::AgentId;
use scrubber::config::{Config, Votes};
use scrubber::known::Known;
use scrubber::run::Running;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Orders of the server that may wait.
const ORDERS: usize = 64;
/// How often the server is shown the state.
const LOOK: Duration = Duration::from_secs(1);

/// How to run.
#[derive(Debug, Default, clap::Args)]
pub struct Manner {
    /// Without a server: records stay in the spool, nothing is enrolled.
    #[arg(long)]
    pub standalone: bool,
    /// Disk budget of the spool, MiB.
    #[arg(long, default_value_t = 256)]
    pub spool_mib: u64,
    /// File to make when everything runs.
    #[arg(long)]
    pub ready_file: Option<PathBuf>,
    /// End when the program that started this one ends.
    #[arg(long)]
    pub follow_parent: bool,
    /// Key file of a prober beside those of `votes.key_files`; of no use without `votes:`. May be repeated.
    #[arg(long)]
    pub voter_key: Vec<PathBuf>,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// Everything that keeps it from starting.
pub fn run(places: &Places, manner: &Manner) -> std::result::Result<(), Vec<Fault>> {
    let one = |fault| vec![fault];
    let config = Arc::new(Config::load_with(&places.config, &manner.voter_key)?);
    if manner.follow_parent {
        seat::follow_parent().map_err(one)?;
    }
    let _seat = seat::lock(&places.state).map_err(one)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|cause| one(Fault::new(&fault::THREAD).object("runtime").because(cause)))?;
    runtime.block_on(serve(places, manner, config)).map_err(one)
}

/// Probes names and votes until SIGTERM or SIGINT; at the address of the configuration when none is given.
///
/// # Errors
/// Everything that keeps it from starting.
pub fn probe(config: &Config, to: Option<SocketAddr>, key_file: &Path, follow_parent: bool) -> Result<()> {
    let missing =
        || Fault::new(&scrubber::fault::VALUE).object("votes").expected("`votes.listen`, or --to ADDRESS:PORT");
    let to = to.or_else(|| config.votes.as_ref().map(Votes::here)).ok_or_else(missing)?;
    if follow_parent {
        seat::follow_parent()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let failed = |cause: std::io::Error| Fault::new(&fault::THREAD).object("runtime").because(cause);
    runtime.map_err(failed)?.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let mut end = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            probed = scrubber::names::probe(config, to, key_file, &clock, &random) => probed,
            _ = end.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}

async fn serve(places: &Places, manner: &Manner, config: Arc<Config>) -> Result<()> {
    let dir = places.state.join("identity");
    let identity = if manner.standalone { None } else { Some(Identity::load(&dir)?) };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    let agent = identity.as_ref().map_or(AgentId::default(), |identity| identity.agent);
    let budget_bytes = manner.spool_mib.saturating_mul(1 << 20);
    let spool = SpoolConfig { budget_bytes, ..SpoolConfig::default() };
    let folder = places.state.join("spool");
    let spool = Spool::open(Arc::new(RealDisk::new()), &folder, agent, host::host(), spool, clock.clone());
    let spool = SharedSpool::start(spool)?;
    let server =
        identity.as_ref().map(|identity| fleet::addresses(&places.state.join("server-addresses.json"), &identity.url));
    let (on_order, orders) = mpsc::channel(ORDERS);
    let known = Arc::new(Known::new(clock.clone()));
    let setup = scrubber::run::Setup {
        config,
        state: places.state.join("orders"),
        host: host::host(),
        agent: identity.as_ref().map(|identity| identity.agent.to_string()).unwrap_or_default(),
        server: server.into_iter().flatten().map(|address| address.ip()).collect(),
        spool: spool.clone(),
        orders,
        known: known.clone(),
        clock: clock.clone(),
        random: random.clone(),
        watchdog: Arc::new(watchdog),
    };
    let running = scrubber::run::start(setup)?;
    let link = |identity| {
        let (spool, host, contents, questions) = (spool.clone(), host::host(), None, Some(questions(&known)));
        Uplink::with(Setup { identity, dir, spool, host, on_order, clock, random, contents, questions })
    };
    let uplink = identity.map(link);
    if let Some(path) = &manner.ready_file {
        show::write(path, b"{}")?;
    }
    let done = watch(&running, &spool, uplink.as_ref(), (places, manner)).await;
    let stopped = running.stop().await;
    if let Some(uplink) = uplink {
        uplink.stop().await;
    }
    spool.with(Spool::flush);
    done.and(stopped)
}

/// The server is asked about senders of attacks: what intelligence says of them, and whether they are hosts of ours.
fn questions(known: &Arc<Known>) -> Questions {
    // Neither keeps the other alive.
    let hearing = Arc::downgrade(known);
    let questions = Questions::new(move |answer| {
        if let Some(known) = hearing.upgrade() {
            known.answered(answer.id, answer.found.as_deref(), answer.later);
        }
    });
    let asking = questions.clone();
    known.connect(move |id, address| {
        let kind = ddos::report::About::ASK.to_string();
        asking.ask(Ask { id, kind, value: address.to_string(), ..Ask::default() })
    });
    questions
}

/// Looks after everything until told to stop.
async fn watch(
    running: &Running,
    spool: &SharedSpool,
    uplink: Option<&Uplink>,
    (places, manner): (&Places, &Manner),
) -> Result<()> {
    let none = |cause: std::io::Error| Fault::new(&fault::THREAD).object("signals").because(cause);
    let mut terminate = signal(SignalKind::terminate()).map_err(none)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(none)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(none)?;
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = hangup.recv() => {
                for fault in running.reload(Config::load(&places.config)).err().unwrap_or_default() {
                    tracing::error!(fault = %fault.inside(), "the configuration was not taken over");
                }
            }
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        }
        if running.broken() {
            return Err(Fault::new(&fault::THREAD).object("the controller").found("it ended by itself"));
        }
        for fault in spool.take_faults() {
            tracing::warn!(fault = %fault.inside(), "the spool reports");
        }
        if let Some(uplink) = uplink {
            let shows = running.board.status().within(SHOWS_BYTES);
            let spool_limit_bytes = manner.spool_mib << 20;
            uplink.describe(AgentState { shows, spool_limit_bytes, ..AgentState::default() });
        }
    }
}

/// Starts the watchdog of a filter: a process in a session of its own that outlives this one.
fn watchdog(pins: &Path) -> Result<()> {
    let failed = |cause: std::io::Error| Fault::new(&fault::THREAD).object("the watchdog").because(cause);
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["scrub", "watch"]).arg(pins).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    // Whoever ends first: a watchdog whose filter was detached is waited for, so that it does not linger.
    std::thread::spawn(move || child.wait());
    Ok(())
}
