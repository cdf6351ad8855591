//! A running server: everything opened in one data directory, joined, and stopped in order.

use crate::attack::Senders;
use crate::{book, control, fault, hub, ingest, intel, keeper, pipeline, places, rules, web, witness};
use api::Live;
use api::view::Program;
use async_trait::async_trait;
use base::{Clock, Fault, Random, Result, SystemClock, SystemRandom};
use book::Book;
use bus::{LogConfig, RealDisk, Wal};
use control::{Counters, Hands, Tokens};
use fleet::content::Shelf;
use fleet::{Authority, ServerIdentity, Services};
use hub::Hub;
use ingest::Door;
use intel::{Answers, Desk, Intel};
use lake::{Lake, LakeConfig};
use pipeline::Pipeline;
use places::Places;
use port::Tables;
use record::AgentId;
use rules::{Rules, RulesDesk};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::sync::{Arc, Mutex};
use store::SqliteTables;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use witness::Witness;

/// What watchers may lag behind before they lose the oldest.
const LIVE_WAITING: usize = 4096;

/// What is shown of the programs of the server's machine.
pub type Programs = Arc<Mutex<Vec<Program>>>;

/// A running server.
pub struct Server {
    /// State.
    pub tables: Arc<dyn Tables>,
    /// Ledger.
    pub book: Arc<Book>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Who may enrol and connect.
    pub authority: Arc<Authority>,
    /// Where agents connect.
    pub link_url: String,
    /// Where people and programs connect.
    pub api_url: String,
    /// Programs shown in the status.
    pub programs: Programs,
    /// Inventory and vulnerabilities.
    pub posture: Arc<holdings::Posture>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Where to listen.
pub struct Listen {
    /// Agents.
    pub link: String,
    /// API.
    pub api: String,
    /// What agents elsewhere are told to connect to, `host:port`; where we listen when absent.
    pub advertise: Option<String>,
}

/// How long telemetry is kept, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Days of telemetry; 0 is no limit.
    pub days: u64,
    /// Days of findings; 0 is no limit.
    pub finding_days: u64,
    /// Bytes of telemetry; 0 is no limit.
    pub bytes: u64,
}

struct Issuer {
    authority: Arc<Authority>,
    url: String,
}

#[async_trait]
impl Tokens for Issuer {
    async fn issue(&self, group: &str, uses: u32, ttl_s: u64) -> Result<String> {
        Ok(self.authority.issue_token(&self.url, group, uses, ttl_s).await?.text())
    }

    async fn deny(&self, agent: AgentId, reason: &str) -> Result<()> {
        self.authority.deny(agent, reason).await
    }
}

impl Server {
    /// Opens everything in the data directory and begins to serve.
    pub async fn start(places: &Places, listen: &Listen, keep: Keep) -> Result<Server> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        make(places)?;
        let tables: Arc<dyn Tables> = Arc::new(SqliteTables::open(&places.state()).await?);
        let (link, web) = (web::listen(&listen.link).await?, web::listen(&listen.api).await?);
        let (link_url, api_url) = (url(&link)?, url(&web)?);
        let advertised = listen.advertise.as_ref().map_or(link_url.clone(), |address| format!("https://{address}"));
        let authority = Authority::open(&places.authority(), tables.clone(), clock.clone(), random.clone()).await?;
        let authority = Arc::new(authority);
        let identity = authority.server_identity()?;
        let tls = identity.https()?;
        let core = Core::open(places, keep, tables.clone(), clock.clone()).await?;
        let (stop, stopping) = watch::channel(false);
        let programs: Programs = Arc::new(Mutex::new(vec![own_program(&*clock)]));
        let hands = Hands {
            pipeline: core.pipeline.clone(),
            book: core.pipeline.book.clone(),
            hub: core.pipeline.hub.clone(),
            tokens: Arc::new(Issuer { authority: authority.clone(), url: advertised }),
            clock: clock.clone(),
            counters: core.counters.clone(),
            programs: programs.clone(),
            root: places.root.clone(),
            started_us: clock.wall(),
            tls_expires_us: identity.ends_us()?,
        };
        let query = core.pipeline.lake.clone();
        let shelf = Shelf::new(clock.clone());
        let open = Intel::open(tables.clone(), clock.clone(), places.intel(), shelf.clone());
        let (intel, fresh) = open.await?;
        let fetch: Arc<dyn port::Fetch> =
            Arc::new(cloud::Web::new(cloud::Config { plain: true, ..Default::default() })?);
        let base = rules::Base {
            tables: tables.clone(),
            lake: core.pipeline.lake.clone(),
            hub: core.pipeline.hub.clone(),
            shelf: shelf.clone(),
            clock: clock.clone(),
            random: random.clone(),
        };
        let rules = Arc::new(RulesDesk(Rules::open(base).await?));
        let desk = Arc::new(Desk { intel: intel.clone(), pipeline: core.pipeline.clone(), fetch: fetch.clone() });
        // Set once, right after the pipeline was made.
        let _ = core.pipeline.notice.set(Arc::new(Answers(intel.clone())));
        let (folder, live) = (places.posture(), core.pipeline.live.clone());
        let posture = holdings::Posture::open(tables.clone(), clock.clone(), folder, fetch.clone(), live).await?;
        let _ = core.pipeline.posture.set(posture.clone());
        let web_sites = webdesk::Web::open(tables.clone(), shelf.clone(), clock.clone()).await?;
        let state = api::ApiState::new(Arc::new(hands), tables.clone(), query, clock.clone(), random.clone())
            .with_intelligence(desk.clone())
            .with_rules(rules)
            .with_posture(Arc::new(holdings::Desk(posture.clone())))
            .with_addresses(addressdesk::Desk::open(tables.clone(), clock.clone(), Default::default()).await?)
            .with_web(web_sites);
        let book = core.pipeline.book.clone();
        let mut tasks = core.tasks(&stopping, clock.clone());
        let senders = Senders { answers: Answers(intel.clone()), hub: core.pipeline.hub.clone() };
        let services = Services { shelf: Some(shelf), oracle: Some(Arc::new(senders)) };
        tasks.push(links(link, identity, authority.clone(), core.door, services, stopping.clone()));
        tasks.push(tokio::spawn(holdings::watch(posture.clone(), stopping.clone())));
        tasks.push(tokio::spawn(intel::feeds(intel.clone(), fetch, stopping.clone())));
        let (lake, stop_hunts) = (core.pipeline.lake.clone(), stopping.clone());
        tasks.push(tokio::spawn(intel::hunts(intel, lake, fresh, stop_hunts, move |past| {
            let desk = desk.clone();
            async move { desk.tell(&past).await }
        })));
        tasks.push(tokio::spawn(web::serve(web, tls, api::router(state), stopping)));
        Ok(Server { tables, book, clock, random, authority, link_url, api_url, programs, posture, stop, tasks })
    }

    /// Stops: no new frames, the pipeline ends where it stands, the lake flushes.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A task that panicked has said so; the others still end in order.
            let _ = task.await;
        }
    }
}

/// The parts between the two listeners.
struct Core {
    wal: Wal,
    door: Arc<Door>,
    pipeline: Arc<Pipeline>,
    counters: Arc<Counters>,
}

impl Core {
    async fn open(places: &Places, keep: Keep, tables: Arc<dyn Tables>, clock: Arc<dyn Clock>) -> Result<Core> {
        let config = LakeConfig {
            dir: places.lake(),
            retention_days: keep.days,
            finding_days: keep.finding_days,
            retention_bytes: keep.bytes,
            ..LakeConfig::default()
        };
        let lake = Arc::new(Lake::open(config, tables.clone(), clock.clone()).await?);
        let (disk, committed) = (Arc::new(RealDisk::new()), lake.committed_offset());
        let (wal, repaired) = Wal::open_from(disk, &places.wal(), LogConfig::default(), committed)?;
        for fault in repaired {
            tracing::warn!(fault = %fault.inside(), "the log was repaired");
        }
        let hub = Arc::new(Hub::open(tables.clone(), clock.clone()).await?);
        let book = Book::open(tables.clone(), clock.clone()).await?;
        let book = Arc::new(book.witnessed(Witness::open(&places.heads())?));
        let correlator = Mutex::new(pipeline::restore(&*tables).await?);
        let live = broadcast::channel::<Live>(LIVE_WAITING).0;
        hub.show_to(live.clone());
        let counters = Arc::new(Counters::default());
        let notice = std::sync::OnceLock::new();
        let (hub_, posture) = (hub.clone(), std::sync::OnceLock::new());
        let pipeline = Pipeline { tables, book, lake: lake.clone(), hub: hub_, live, correlator, notice, posture };
        let door = Door::open(wal.clone(), hub, lake, clock, counters.clone()).await?;
        Ok(Core { wal, door: Arc::new(door), pipeline: Arc::new(pipeline), counters })
    }

    fn tasks(&self, stopping: &watch::Receiver<bool>, clock: Arc<dyn Clock>) -> Vec<JoinHandle<()>> {
        let (door, pipeline, stop) = (self.door.clone(), self.pipeline.clone(), stopping.clone());
        let now = clock.wall();
        let walk = tokio::spawn(async move {
            super::chain::recall(&pipeline, now).await;
            if let Err(fault) = door.walk(&pipeline, stop).await {
                tracing::error!(fault = %fault.inside(), "the pipeline stopped");
            }
        });
        let due = self.door.due();
        let keeper = keeper::run(self.pipeline.lake.clone(), self.wal.clone(), due, stopping.clone());
        let orders = keeper::orders(self.pipeline.clone(), clock, stopping.clone());
        vec![walk, tokio::spawn(keeper), tokio::spawn(orders)]
    }
}

fn links(
    listener: TcpListener,
    identity: ServerIdentity,
    authority: Arc<Authority>,
    door: Arc<Door>,
    services: Services,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let stopped = async move {
            // An error means that the server is gone, which is a stop too.
            let _ = stop.changed().await;
        };
        if let Err(fault) = fleet::serve_with(listener, identity, authority, door, services, stopped).await {
            tracing::error!(fault = %fault.inside(), "agents can no longer connect");
        }
    })
}

/// Makes the data directory, and refuses one that others can read.
fn make(places: &Places) -> Result<()> {
    let unusable =
        |cause: std::io::Error| Fault::new(&fault::DATA_DIRECTORY).object(places.root.display()).because(cause);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&places.root).map_err(unusable)?;
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&places.root).map_err(unusable)?) & 0o777;
    if mode & 0o077 != 0 {
        let fault = Fault::new(&fault::DATA_DIRECTORY).object(places.root.display());
        return Err(fault.expected("mode 0700").found(format!("{mode:04o}")));
    }
    Ok(())
}

fn url(listener: &TcpListener) -> Result<String> {
    let address = listener.local_addr().map_err(|cause| Fault::new(&fault::LISTEN).because(cause))?;
    Ok(url_of(address))
}

/// How to reach a listener from this machine. A listener on all addresses is reached over the loop; an IPv6 address stands
/// in brackets (RFC 3986 §3.2.2).
fn url_of(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let plain = SocketAddr::new(address.ip(), address.port());
    format!("https://{plain}")
}

fn own_program(clock: &dyn Clock) -> Program {
    Program {
        name: "garrison".into(),
        pid: std::process::id(),
        state: "running".into(),
        since_us: clock.wall(),
        ..Program::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_url_that_can_be_dialled() {
        let cases = [
            ("127.0.0.1:8443", "https://127.0.0.1:8443"),
            ("0.0.0.0:1", "https://127.0.0.1:1"),
            ("[::]:1", "https://[::1]:1"),
            ("[2001:db8::7]:8443", "https://[2001:db8::7]:8443"),
        ];
        for (address, wanted) in cases {
            assert_eq!(url_of(address.parse().unwrap()), wanted);
        }
    }
}
