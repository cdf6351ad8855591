//! A server and agents in this process.

use async_trait::async_trait;
use base::{Clock, Fault, Result, SystemClock, SystemRandom};
use bus::{MemoryDisk, SharedSpool, Spool, SpoolConfig};
use fleet::content::Contents;
use fleet::wire::AgentState;
use fleet::{Authority, Identity, Ingest, Questions, Received, Services, Setup, Uplink};
use port::{MemoryTables, Tables};
use record::{AgentId, Frame, Host, Lane, Order};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// What the server has taken, and how it is told to behave.
pub struct Store {
    pub frames: Mutex<Vec<Frame>>,
    pub received: Mutex<BTreeMap<AgentId, Received>>,
    pub duplicates: AtomicU64,
    /// Accepts wait while it is closed.
    pub closed: watch::Sender<bool>,
    pub waiting_bytes: AtomicU64,
    pub most_waiting_bytes: AtomicU64,
    /// Fails this many accepts with a fault of our own.
    pub failures: AtomicU64,
    pub orders: Mutex<Option<mpsc::Sender<Order>>>,
    pub states: Mutex<Vec<AgentState>>,
    pub links: watch::Sender<i64>,
    pub enrolled: AtomicU64,
    pub changed: Notify,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            frames: Mutex::default(),
            received: Mutex::default(),
            duplicates: AtomicU64::default(),
            closed: watch::channel(false).0,
            waiting_bytes: AtomicU64::default(),
            most_waiting_bytes: AtomicU64::default(),
            failures: AtomicU64::default(),
            orders: Mutex::default(),
            states: Mutex::default(),
            links: watch::channel(0).0,
            enrolled: AtomicU64::default(),
            changed: Notify::new(),
        }
    }
}

impl Store {
    /// Waits until a condition holds; checked after every frame.
    pub async fn until(&self, holds: impl Fn(&Store) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    /// Records of a lane that were taken.
    pub fn count(&self, lane: Lane) -> u64 {
        let frames = self.frames.lock().unwrap();
        frames.iter().filter(|frame| frame.lane == lane as i32).map(|frame| u64::from(frame.count)).sum()
    }
}

#[async_trait]
impl Ingest for Store {
    async fn accept(&self, agent: AgentId, frame: Frame) -> Result<()> {
        let waiting =
            self.waiting_bytes.fetch_add(frame.payload.len() as u64, Ordering::SeqCst) + frame.payload.len() as u64;
        self.most_waiting_bytes.fetch_max(waiting, Ordering::SeqCst);
        self.changed.notify_waiters();
        self.closed.subscribe().wait_for(|closed| !closed).await.unwrap();
        self.waiting_bytes.fetch_sub(frame.payload.len() as u64, Ordering::SeqCst);
        if self.failures.load(Ordering::SeqCst) > 0 {
            self.failures.fetch_sub(1, Ordering::SeqCst);
            return Err(Fault::new(&bus::fault::FULL).object("write-ahead log"));
        }
        frame.open()?;
        let new = self.received.lock().unwrap().entry(agent).or_default().add(&frame);
        if new {
            self.frames.lock().unwrap().push(frame);
        } else {
            self.duplicates.fetch_add(1, Ordering::SeqCst);
        }
        self.changed.notify_waiters();
        Ok(())
    }

    async fn positions(&self, agent: AgentId) -> Vec<(u64, Lane, u64)> {
        self.received.lock().unwrap().get(&agent).map(Received::positions).unwrap_or_default()
    }

    async fn connected(&self, _agent: AgentId, _host: Host, orders: mpsc::Sender<Order>) {
        *self.orders.lock().unwrap() = Some(orders);
        self.links.send_modify(|links| *links += 1);
    }

    async fn gone(&self, _agent: AgentId) {
        self.links.send_modify(|links| *links -= 1);
    }

    async fn described(&self, _agent: AgentId, state: AgentState) {
        self.states.lock().unwrap().push(state);
        self.changed.notify_waiters();
    }

    async fn enrolled(&self, _agent: AgentId, _host: Host, _group: String) {
        self.enrolled.fetch_add(1, Ordering::SeqCst);
    }
}

/// A running server.
pub struct Running {
    pub url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<()>>,
}

impl Running {
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// One installation.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub store: Arc<Store>,
    pub tables: Arc<MemoryTables>,
    pub authority: Arc<Authority>,
}

impl Bench {
    pub async fn new() -> Bench {
        Bench::with_clock(Arc::new(SystemClock::default())).await
    }

    pub async fn with_clock(clock: Arc<dyn Clock>) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let tables = Arc::new(MemoryTables::default());
        let authority = open(&dir.path().join("ca"), tables.clone(), clock).await;
        Bench { dir, store: Arc::default(), tables, authority }
    }

    /// Starts the server on a port, 0 for any.
    pub async fn serve(&self, port: u16) -> Running {
        self.serve_with(port, Services::default()).await
    }

    /// Starts the server with what it gives to agents.
    pub async fn serve_with(&self, port: u16, services: Services) -> Running {
        let listener = listen(port).await;
        let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let (stop, stopped) = oneshot::channel();
        let (identity, authority, store) =
            (self.authority.server_identity().unwrap(), self.authority.clone(), self.store.clone());
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(fleet::serve_with(listener, identity, authority, store, services, shutdown));
        Running { url, stop, task }
    }

    /// Enrols an agent.
    pub async fn agent(&self, url: &str, name: &str) -> Agent {
        let token = self.authority.issue_token(url, "group", 1, 600).await.unwrap();
        let dir = self.dir.path().join(name);
        let identity = fleet::enroll(&token, host(), &dir).await.unwrap();
        Agent::new(identity, &dir)
    }
}

/// The port of a server that was just stopped may linger for a moment.
async fn listen(port: u16) -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], port).into()).unwrap();
    socket.listen(64).unwrap()
}

pub async fn open(dir: &Path, tables: Arc<dyn Tables>, clock: Arc<dyn Clock>) -> Arc<Authority> {
    Arc::new(Authority::open(dir, tables, clock, Arc::new(SystemRandom::new())).await.unwrap())
}

pub fn host() -> Host {
    Host { name: "host".into(), ..Host::default() }
}

/// An agent with its spool.
pub struct Agent {
    pub identity: Identity,
    pub spool: SharedSpool,
    pub dir: std::path::PathBuf,
    /// Where content lies.
    pub disk: Arc<MemoryDisk>,
}

/// What a link carries beside records.
#[derive(Default)]
pub struct Bed {
    pub contents: Option<Contents>,
    pub questions: Option<Questions>,
}

impl Agent {
    pub fn new(identity: Identity, dir: &Path) -> Agent {
        let clock = Arc::new(SystemClock::default());
        let config = SpoolConfig { batch_events: 4, ..SpoolConfig::default() };
        let spool =
            Spool::open(Arc::new(MemoryDisk::new()), Path::new("/spool"), identity.agent, host(), config, clock);
        let disk = Arc::new(MemoryDisk::new());
        Agent { identity, spool: SharedSpool::start(spool).unwrap(), dir: dir.to_path_buf(), disk }
    }

    pub fn link(&self) -> (Uplink, mpsc::Receiver<Order>) {
        self.link_with(Bed::default())
    }

    pub fn link_with(&self, bed: Bed) -> (Uplink, mpsc::Receiver<Order>) {
        let (on_order, orders) = mpsc::channel(8);
        let setup = Setup {
            identity: self.identity.clone(),
            dir: self.dir.clone(),
            spool: self.spool.clone(),
            host: host(),
            on_order,
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom::new()),
            contents: bed.contents,
            questions: bed.questions,
        };
        (Uplink::with(setup), orders)
    }

    /// Waits until the spool holds nothing unacknowledged.
    pub async fn drained(&self) {
        self.spool.with(Spool::flush);
        while self.spool.status().alert_frames + self.spool.status().telemetry_frames > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Waits until the uplink shows something.
pub async fn until(uplink: &Uplink, holds: impl Fn(&fleet::UplinkStatus) -> bool) -> fleet::UplinkStatus {
    loop {
        let status = uplink.status();
        if holds(&status) {
            return status;
        }
        tokio::task::yield_now().await;
    }
}
