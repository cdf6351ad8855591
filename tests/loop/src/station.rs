//! The server's machine: what outlives a crash, and one life of the server on it.

use api::{Control, view::Draft};
use async_trait::async_trait;
use base::{Blame, Fault, ManualClock, Result, SeededRandom};
use bus::{LogConfig, MemoryDisk, Offset, Wal};
use fleet::Ingest;
use fleet::wire::{Ack, Position, Refused, ServerSays, Welcome};
use kit::plug::{Plug, PluggedDisk, PluggedTables};
use lake::{Lake, LakeConfig};
use port::{MemoryTables, Tables};
use record::{AgentId, Frame, Host, Order};
use server::book::Book;
use server::control::{Counters, Hands, Tokens};
use server::hub::Hub;
use server::ingest::Door;
use server::pipeline::{self, Pipeline};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::{broadcast, mpsc};

/// Small segments, so that a short run walks over their ends.
pub const LOG: LogConfig = LogConfig { segment_bytes: 6_000, record_bytes: 1_000_000 };

/// The machine.
pub struct Station {
    /// Its disk.
    pub disk: Arc<MemoryDisk>,
    /// Its tables, durable by contract.
    pub tables: Arc<MemoryTables>,
    /// Its plug.
    pub plug: Arc<Plug>,
    /// The server, when it runs.
    pub life: Option<Life>,
    folder: PathBuf,
    clock: Arc<ManualClock>,
}

/// A running server.
pub struct Life {
    /// The way in.
    pub door: Door,
    /// The lake.
    pub lake: Arc<Lake>,
    /// What the API may ask.
    pub hands: Hands,
    wal: Wal,
    next: Offset,
    orders: Option<mpsc::Receiver<Order>>,
}

struct NoTokens;

#[async_trait]
impl Tokens for NoTokens {
    async fn issue(&self, _group: &str, _uses: u32, _ttl_s: u64) -> Result<String> {
        Err(Fault::new(&server::fault::STOPPED).object("tokens"))
    }
}

impl Station {
    /// A machine whose lake lies in this folder.
    pub fn new(folder: PathBuf, clock: Arc<ManualClock>) -> Station {
        let (disk, tables) = (Arc::new(MemoryDisk::new()), Arc::default());
        Station { disk, tables, plug: Arc::default(), life: None, folder, clock }
    }

    /// Starts the server as `Core::open` does. On a fault it stays down and can be started again.
    pub async fn start(&mut self) -> Result<()> {
        let disk = Arc::new(PluggedDisk { disk: self.disk.clone(), plug: self.plug.clone() });
        let (wal, _repaired) = Wal::open(disk, "/wal".as_ref(), LOG)?;
        match self.open(wal.clone()).await {
            Ok(life) => self.life = Some(life),
            Err(fault) => {
                wal.close().await;
                return Err(fault);
            }
        }
        Ok(())
    }

    async fn open(&self, wal: Wal) -> Result<Life> {
        let tables: Arc<dyn Tables> = Arc::new(PluggedTables { tables: self.tables.clone(), plug: self.plug.clone() });
        let config = LakeConfig {
            dir: self.folder.clone(),
            retention_days: 0,
            finding_days: 0,
            disk_percent: 100,
            ..LakeConfig::default()
        };
        let lake = Arc::new(Lake::open(config, tables.clone(), self.clock.clone()).await?);
        let hub = Arc::new(Hub::open(tables.clone(), self.clock.clone()).await?);
        let book = Arc::new(Book::open(tables.clone(), self.clock.clone()).await?);
        let correlator = Mutex::new(pipeline::restore(&*tables).await?);
        let live = broadcast::channel(16).0;
        let counters = Arc::new(Counters::default());
        let (lake_of, hub_of) = (lake.clone(), hub.clone());
        let pipeline = Arc::new(Pipeline {
            tables,
            book: book.clone(),
            lake: lake.clone(),
            hub: hub.clone(),
            live,
            correlator,
            notice: Default::default(),
            posture: Default::default(),
        });
        let door = Door::open(wal.clone(), hub_of, lake_of, self.clock.clone(), counters.clone()).await?;
        let hands = Hands {
            pipeline,
            book,
            hub,
            tokens: Arc::new(NoTokens),
            clock: self.clock.clone(),
            counters,
            programs: Arc::default(),
            root: self.folder.clone(),
            started_us: 0,
            tls_expires_us: 0,
        };
        let next = lake.committed_offset().max(wal.first_offset());
        Ok(Life { door, lake, hands, wal, next, orders: None })
    }

    /// A power cut, or what ends a machine whose plug is off already: what was not synced is gone but for a torn end.
    pub async fn crash(&mut self, random: &SeededRandom) {
        use base::Random;
        if let Some(life) = self.life.take() {
            life.wal.close().await;
        }
        self.disk.crash(random.below(self.disk.unsynced() as u64 + 1) as usize);
        self.plug.restore();
    }
}

impl Life {
    /// Greets an agent whose link begins.
    pub async fn greet(&mut self, agent: AgentId, host: Host) -> ServerSays {
        let held = self.door.positions(agent).await.into_iter();
        let positions = held.map(|(boot, lane, seq)| Position { boot, lane: lane as i32, seq }).collect();
        let (orders, queue) = mpsc::channel(256);
        self.orders = Some(queue);
        self.door.connected(agent, host, orders).await;
        ServerSays::Welcome(Welcome { positions, credit: 1 << 20, ..Welcome::default() })
    }

    /// The agent's link ended.
    pub async fn gone(&mut self, agent: AgentId) {
        self.orders = None;
        self.door.gone(agent).await;
    }

    /// Takes a frame; `None` when the server must break the link so that nothing after it is acknowledged.
    pub async fn hear(&self, agent: AgentId, frame: Frame) -> Option<ServerSays> {
        let (boot, lane, first_seq, last_seq) = (frame.boot, frame.lane, frame.first_seq, frame.last_seq());
        match self.door.accept(agent, frame).await {
            Ok(()) => Some(ServerSays::Ack(Ack { position: Position { boot, lane, seq: last_seq }, credit: 0 })),
            Err(fault) if fault.blamed() == Blame::Peer && !fault.retryable() => {
                let code = fault.code().id.to_string();
                Some(ServerSays::Refused(Refused { boot, lane, first_seq, last_seq, code, ..Refused::default() }))
            }
            Err(_) => None,
        }
    }

    /// Orders for the link.
    pub fn orders(&mut self) -> Vec<Order> {
        let mut waiting = Vec::new();
        while let Some(Ok(order)) = self.orders.as_mut().map(mpsc::Receiver::try_recv) {
            waiting.push(order);
        }
        waiting
    }

    /// Walks durable frames through the pipeline, as `Door::step` does; a frame that fails is walked again later.
    pub async fn walk(&mut self) -> Result<()> {
        while self.next < *self.wal.durable().borrow() {
            let (records, _) = self.wal.replay(self.next, 64, 1 << 20).await?;
            if records.is_empty() {
                self.next += 1;
            }
            for (offset, record) in records {
                let (batch, agent) = (record.frame.open()?, AgentId::from_bytes(&record.frame.agent)?);
                self.hands.pipeline.take(agent, &record.frame, batch, offset + 1).await?;
                self.next = offset + 1;
            }
        }
        Ok(())
    }

    /// What the keeper does now and then: flush, compact, let go of the log behind the lake.
    pub async fn keep(&self) -> Result<()> {
        self.lake.flush().await?;
        self.wal.truncate_before(self.lake.committed_offset()).await
    }

    /// An operator's order, as the API seals and gives it.
    pub async fn order(&self, order: Order) -> Result<()> {
        let draft = Draft {
            who: format!("user:{}", order.by),
            what: "order.intent".into(),
            object: order.id.clone(),
            details: serde_json::json!({"action": order.action().word()}),
        };
        self.hands.give(order, draft).await.map(drop)
    }
}
