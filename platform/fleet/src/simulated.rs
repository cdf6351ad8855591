//! Many agents and a server in one process, over loopback with real TLS: how long an update takes to reach a fleet.
//!
//! What is real: authority, certificates, links, shelf, and each agent's way from the first byte to its taker. What is
//! not: the agents share one machine, keep what they take nowhere, and their taker only notes the time.

use crate::content::{Contents, Name, Shelf, Taken, Taker};
use crate::rpc::fleet_client::FleetClient;
use crate::wire::{AgentMessage, AgentSays, AgentState, Held, Hello, ServerMessage};
use crate::{Authority, Identity, Ingest, Services, Setup, Token, Uplink, enroll, fault, serve_with, status};
use async_trait::async_trait;
use base::{Clock, Fault, Random, Result, SystemClock, SystemRandom};
use bus::{Disk, MemoryDisk, SharedSpool, Spool, SpoolConfig};
use port::MemoryTables;
use record::{AgentId, Frame, Host, Lane, Order};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// A server on loopback that takes every record and keeps none. Dropping it leaves it running until the runtime ends.
pub struct Server {
    shelf: Shelf,
    url: String,
    token: Token,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<()>>,
}

impl Server {
    /// Starts a server for so many agents; `dir` is for its keys. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// When a socket or a key cannot be had.
    pub async fn start(dir: &Path, agents: u32, services: Services) -> Result<Server> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let shelf = services.shelf.clone().unwrap_or_else(|| Shelf::new(clock.clone()));
        let services = Services { shelf: Some(shelf.clone()), ..services };
        let (tables, random) = (Arc::new(MemoryTables::default()), Arc::new(SystemRandom::new()));
        let authority = Arc::new(Authority::open(&dir.join("ca"), tables, clock, random).await?);
        let refused = |cause: io::Error| Fault::new(&fault::UNREACHABLE).object("loopback").because(cause);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(refused)?;
        let url = format!("https://127.0.0.1:{}", listener.local_addr().map_err(refused)?.port());
        let (stop, stopping) = watch::channel(false);
        let token = authority.issue_token(&url, "simulated", agents, 3600).await?;
        let (identity, ended) = (authority.server_identity()?, crate::server::stopped(stopping));
        let task = tokio::spawn(serve_with(listener, identity, authority, Arc::new(Sink), services, ended));
        Ok(Server { shelf, url, token, stop, task })
    }

    /// Enrols an agent whose identity lies in `dir`.
    ///
    /// # Errors
    /// When the number of agents is used up, or a key cannot be made.
    pub async fn enroll(&self, dir: &Path) -> Result<Identity> {
        enroll(&self.token, Host::default(), dir).await
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // What it ended with matters to nobody any more.
        let _ = self.task.await;
    }
}

/// A fleet. Dropping it ends the links.
pub struct Simulated {
    server: Server,
    ids: Vec<AgentId>,
    agents: Vec<Uplink>,
    orders: Vec<mpsc::Receiver<Order>>,
    arrivals: mpsc::UnboundedReceiver<(Name, u64, Instant)>,
}

impl Simulated {
    /// Starts a server and so many agents, and waits until every link stands. `dir` is for their keys. Each agent takes
    /// every name.
    ///
    /// # Errors
    /// As [`Server::start`]; when a thread cannot be had.
    pub async fn start(dir: &Path, agents: usize, services: Services) -> Result<Simulated> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        // One more may stall.
        let server = Server::start(dir, agents as u32 + 1, services).await?;
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let mut fleet = Simulated { server, ids: Vec::new(), agents: Vec::new(), orders: Vec::new(), arrivals };
        for number in 0..agents {
            let folder = dir.join(format!("agent-{number}"));
            let identity = fleet.server.enroll(&folder).await?;
            fleet.ids.push(identity.agent);
            let (uplink, orders) = agent(identity, folder, clock.clone(), random.clone(), arrived.clone())?;
            fleet.agents.push(uplink);
            fleet.orders.push(orders);
        }
        fleet.told(|shelf| shelf.tally(Name::Rules, 0).connected == agents).await;
        Ok(fleet)
    }

    /// One more agent that greets and then reads nothing: what a host does that hangs. Once for a fleet.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn stalled(&self, dir: &Path) -> Result<Stalled> {
        let identity = self.server.enroll(&dir.join("stalled")).await?;
        let channel = identity.connect().await?;
        let (says, messages) = mpsc::channel(4);
        let held = |name: &Name| Held { name: name.word().into(), ..Held::default() };
        let hello = Hello { content: Name::ALL.iter().map(held).collect(), ..Hello::default() };
        let broken = || Fault::new(&fault::BROKEN).object("stalled agent");
        says.send(AgentSays::Hello(hello).into()).await.map_err(|_| broken())?;
        let link = FleetClient::new(channel).link(ReceiverStream::new(messages)).await;
        let hears = link.map_err(|status| broken().because(status::chain(&status)))?.into_inner();
        self.told(|shelf| shelf.tally(Name::Rules, 0).connected > self.agents.len()).await;
        Ok(Stalled { _says: says, _hears: hears })
    }

    /// The agents, in the order of their making.
    pub fn agents(&self) -> Vec<AgentId> {
        self.ids.clone()
    }

    /// The shelf that the agents are served from.
    pub fn shelf(&self) -> &Shelf {
        &self.server.shelf
    }

    /// Publishes something and waits until every agent has put this version to use: the time from the call to each
    /// agent's taker, sorted.
    pub async fn spread(
        &mut self,
        name: Name,
        version: u64,
        publish: impl FnOnce(&Shelf) -> Result<()>,
    ) -> Result<Vec<Duration>> {
        let begun = Instant::now();
        publish(&self.server.shelf)?;
        let mut times = Vec::new();
        while times.len() < self.agents.len() {
            let Some((taken, at, when)) = self.arrivals.recv().await else { break };
            if (taken, at) == (name, version) {
                times.push(when.saturating_duration_since(begun));
            }
        }
        times.sort();
        Ok(times)
    }

    /// Waits until the shelf shows something of its agents.
    pub async fn told(&self, holds: impl Fn(&Shelf) -> bool) {
        let mut told = self.server.shelf.told();
        while !holds(&self.server.shelf) {
            // The shelf is ours, so its end cannot come.
            let _ = told.changed().await;
        }
    }

    /// Ends links and server.
    pub async fn stop(self) {
        for agent in self.agents {
            agent.stop().await;
        }
        self.server.stop().await;
    }
}

/// An agent that reads nothing, as long as it is held.
pub struct Stalled {
    _says: mpsc::Sender<AgentMessage>,
    _hears: Streaming<ServerMessage>,
}

fn agent(
    identity: Identity,
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    arrived: mpsc::UnboundedSender<(Name, u64, Instant)>,
) -> Result<(Uplink, mpsc::Receiver<Order>)> {
    let (disk, host, config) = (Arc::new(MemoryDisk::new()), Host::default(), SpoolConfig::default());
    let spool = Spool::open(disk, Path::new("/spool"), identity.agent, host.clone(), config, clock.clone());
    let spool = SharedSpool::start(spool)?;
    let (contents, _) = Contents::open(Arc::new(Nowhere), Path::new("/"), Name::ALL, Arc::new(Note(arrived)))?;
    let (on_order, orders) = mpsc::channel(8);
    let (contents, questions) = (Some(contents), None);
    let setup = Setup { identity, dir, spool, host, on_order, clock, random, contents, questions };
    Ok((Uplink::with(setup), orders))
}

/// Notes when something was taken.
struct Note(mpsc::UnboundedSender<(Name, u64, Instant)>);

impl Taker for Note {
    fn take(&self, taken: Taken) -> Result<()> {
        // The fleet may be ending.
        let _ = self.0.send((taken.name, taken.version, Instant::now()));
        Ok(())
    }
}

/// Takes every frame and keeps none.
struct Sink;

#[async_trait]
impl Ingest for Sink {
    async fn accept(&self, _: AgentId, _: Frame) -> Result<()> {
        Ok(())
    }

    async fn positions(&self, _: AgentId) -> Vec<(u64, Lane, u64)> {
        Vec::new()
    }

    async fn connected(&self, _: AgentId, _: Host, _: mpsc::Sender<Order>) {}

    async fn gone(&self, _: AgentId) {}

    async fn described(&self, _: AgentId, _: AgentState) {}

    async fn enrolled(&self, _: AgentId, _: Host, _: String) {}
}

/// A disk that keeps nothing: content of a whole fleet would not fit into one machine's memory.
struct Nowhere;

impl Disk for Nowhere {
    fn make_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn append(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, _: &Path, _: u64, _: usize) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<(String, u64)>> {
        Ok(Vec::new())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
