//! `garrison-agent run`: identity, spool, threads and link, until told to stop.

use crate::config::Config;
use crate::service::{Service, Standing};
use crate::stock::Stock;
use crate::{fault, never};
use base::{Clock, Fault, Result, SystemRandom};
use bus::{RealDisk, SharedSpool, Spool, SpoolConfig};
use fleet::content::Contents;
use fleet::{Identity, Questions, Setup, Token, Uplink, seat};
use record::AgentId;
use ruleset::Who;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Orders that may wait for the hands.
const ORDERS_WAITING: usize = 64;
/// How often the threads are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How to run.
#[derive(Debug, Default, clap::Args)]
pub struct Manner {
    /// Without a server: records stay in the spool, nothing is enrolled. For benchmarks.
    #[arg(long)]
    pub standalone: bool,
    /// File to make when everything runs.
    #[arg(long)]
    pub ready_file: Option<PathBuf>,
    /// End when the program that started this one ends.
    #[arg(long)]
    pub follow_parent: bool,
}

/// Where the identity lies.
fn identity_folder(config: &Config) -> PathBuf {
    config.state.join("identity")
}

/// Enrols with a token from a file or standard input.
pub fn enroll(config: &Config, token_file: &Path) -> Result<()> {
    let token = Token::read(token_file)?;
    runtime()?.block_on(fleet::enroll(&token, sensor::host(), &identity_folder(config)))?;
    Ok(())
}

/// Runs until SIGTERM or SIGINT.
pub fn run(config: Config, manner: Manner, clock: Arc<dyn Clock>) -> Result<()> {
    if manner.follow_parent {
        seat::follow_parent()?;
    }
    let _seat = seat::lock(&config.state)?;
    let identity = if manner.standalone { None } else { Some(Identity::load(&identity_folder(&config))?) };
    // Before anything starts: a list that cannot be read must not be found out later.
    let kept = never::list(&config, identity.as_ref().map(|identity| identity.url.as_str()))?;
    let agent = identity.as_ref().map_or(AgentId::default(), |identity| identity.agent);
    let host = sensor::host();
    let spool_config = SpoolConfig { budget_bytes: config.spool_bytes, ..SpoolConfig::default() };
    let folder = config.state.join("spool");
    let spool = Spool::open(Arc::new(RealDisk::new()), &folder, agent, host.clone(), spool_config, clock.clone());
    let spool = SharedSpool::start(spool)?;
    let group = identity.as_ref().map(|identity| identity.group.clone()).unwrap_or_default();
    let who = Who { agent: agent.to_string(), host: host.name.clone(), group };
    let stock = Stock::new(&config, who, clock.clone());
    // Before anything starts: it is to judge by what it was given last, server or not.
    let contents = if manner.standalone { None } else { Some(stock.open()?) };
    let standing = Standing { agent, never: kept.never, resolvers: kept.resolvers, stock: Some(stock.clone()) };
    let service = Service::start(&config, Arc::new(spool.clone()), clock.clone(), standing)?;
    tracing::info!(rules = service.rules(), "the agent watches");
    let link = identity.map(|identity| (identity, contents, stock.indicators.questions()));
    let done = runtime()?.block_on(serve(&config, manner, link, &service, spool.clone(), clock));
    service.stop();
    // The last events have no server any more to wait for.
    spool.with(Spool::flush);
    done
}

async fn serve(
    config: &Config,
    manner: Manner,
    link: Option<(Identity, Option<Contents>, Questions)>,
    service: &Service,
    spool: SharedSpool,
    clock: Arc<dyn Clock>,
) -> Result<()> {
    let (on_order, mut orders) = mpsc::channel(ORDERS_WAITING);
    let random = Arc::new(SystemRandom::new());
    let uplink = link.map(|(identity, contents, questions)| {
        let (dir, host, questions) = (identity_folder(config), service.host.clone(), Some(questions));
        let (spool, on_order) = (spool.clone(), on_order.clone());
        Uplink::with(Setup { identity, dir, spool, host, on_order, clock, random, contents, questions })
    });
    if let Some(path) = &manner.ready_file {
        let failed = |cause: std::io::Error| Fault::new(&fault::READY_FILE).object(path.display()).because(cause);
        std::fs::write(path, "").map_err(failed)?;
    }
    let no_signals = |cause: std::io::Error| Fault::new(&fault::THREAD).object("signals").because(cause);
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let (hands, mut look) = (service.orders(), tokio::time::interval(LOOK));
    let done = loop {
        tokio::select! {
            Some(order) = orders.recv() => {
                // The hands end only with the agent.
                let _ = hands.send(order);
            }
            _ = look.tick() => {
                service.renew();
                for fault in spool.take_faults() {
                    tracing::warn!(fault = %fault.inside(), "the spool reports");
                }
                if let Some(uplink) = &uplink {
                    uplink.describe(service.state(config.spool_bytes));
                }
                if manner.standalone {
                    service.write_counts(&config.state.join("stats.json"));
                }
                if service.broken() {
                    break Err(Fault::new(&fault::BROKEN).object("thread"));
                }
            }
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
        }
    };
    if let Some(uplink) = uplink {
        uplink.stop().await;
    }
    done
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    // One worker: the link waits nearly all the time, and memory is dear on every host.
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.map_err(|cause| Fault::new(&fault::THREAD).object("runtime").because(cause))
}
