//! What the server knows of its agents, and the way orders go to them.

use api::Live;
use api::tables::{self, AGENTS, OPEN_ORDERS, OpenOrder};
use api::view::{Agent, Probe, Scrubber};
use base::{Clock, Fault, Micros, Result};
use ddos::report::Ours;
use fleet::wire::{AgentState, SHOWS_BYTES};
use port::{Tables, Write};
use record::{AgentId, Frame, Host, Order};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::{broadcast, mpsc};

/// Orders that may wait for one agent's answer; more are a sign that it is stuck.
const OPEN_MOST: usize = 256;
/// How long an order waits for an answer before it is sent again over the same link, µs.
const AGAIN_US: Micros = 30_000_000;
/// How long an order is good, µs: an answer to an attack of long ago would surprise everyone.
pub const VALID_US: Micros = 600_000_000;
/// Rows of one page when all are read.
const PAGE: usize = 500;
/// Most rows of a probe table that are kept of an agent: it is the agent that says how many.
const PROBES_MOST: usize = 128;

/// The agents.
pub struct Hub {
    tables: Arc<dyn Tables>,
    clock: Arc<dyn Clock>,
    agents: Mutex<HashMap<AgentId, Known>>,
    live: OnceLock<broadcast::Sender<Live>>,
}

#[derive(Default)]
struct Known {
    shown: Agent,
    stream: Option<mpsc::Sender<Order>>,
    /// Orders that it has not answered, the oldest first.
    open: Vec<Pending>,
    /// Losses that it counts itself, since its start.
    counted: HashMap<String, u64>,
    /// What it shows of itself, and since when; in memory only, for it is a matter of seconds.
    shows: Option<(Micros, serde_json::Value)>,
}

struct Pending {
    order: OpenOrder,
    /// When it was last put into the stream, monotonic; `None` when it was not put into this one.
    sent: Option<Micros>,
}

impl Known {
    fn add(&mut self, order: OpenOrder) {
        if self.open.iter().all(|pending| pending.order.order.id != order.order.id) {
            self.open.push(Pending { order, sent: None });
            self.open.sort_by_key(|pending| pending.order.since_us);
        }
    }

    /// Puts what is due into the stream, as far as there is room. Never waits: an agent that does not read must not hold
    /// anybody up, and what finds no room goes at the next round.
    fn push(&mut self, now: Micros) {
        let Some(stream) = &self.stream else { return };
        for pending in &mut self.open {
            if pending.sent.is_some_and(|sent| now.saturating_sub(sent) < AGAIN_US) {
                continue;
            }
            if stream.try_send(pending.order.order.clone()).is_err() {
                return;
            }
            pending.sent = Some(now);
        }
    }
}

impl Hub {
    /// Reads the enrolled agents and the orders that wait for them.
    pub async fn open(tables: Arc<dyn Tables>, clock: Arc<dyn Clock>) -> Result<Hub> {
        let mut agents = HashMap::new();
        for item in tables.scan(AGENTS, "", "", usize::MAX >> 1).await? {
            let shown: Agent = serde_json::from_slice(&item.value).unwrap_or_default();
            if let Ok(id) = item.key.parse::<AgentId>() {
                agents.insert(id, Known { shown: Agent { connected: false, ..shown }, ..Known::default() });
            }
        }
        let hub = Hub { tables, clock, agents: Mutex::new(agents), live: OnceLock::new() };
        hub.reload().await?;
        Ok(hub)
    }

    /// Tells those who watch of agents that come and go.
    pub fn show_to(&self, live: broadcast::Sender<Live>) {
        // Set once, at the start; a second call changes nothing.
        let _ = self.live.set(live);
    }

    fn agents(&self) -> MutexGuard<'_, HashMap<AgentId, Known>> {
        self.agents.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn show(&self, shown: &Agent) {
        if let Some(live) = self.live.get() {
            // Nobody listening is no fault.
            let _ = live.send(Live { kind: "agent".into(), json: serde_json::to_value(shown).unwrap_or_default() });
        }
    }

    /// An agent was enrolled.
    pub async fn enrolled(&self, id: AgentId, host: &Host, group: &str) -> Result<()> {
        let shown = {
            let mut agents = self.agents();
            let known = named(&mut agents, id);
            known.shown.enrolled_us = self.clock.wall();
            known.shown.group = group.to_string();
            describe(&mut known.shown, host);
            known.shown.clone()
        };
        self.show(&shown);
        self.store(id, &shown).await
    }

    /// Its stream stands: orders that wait go out.
    pub async fn connected(&self, id: AgentId, host: &Host, stream: mpsc::Sender<Order>) -> Result<()> {
        let shown = {
            let mut agents = self.agents();
            let known = named(&mut agents, id);
            known.shown.connected = true;
            known.shown.last_seen_us = self.clock.wall();
            describe(&mut known.shown, host);
            known.stream = Some(stream);
            known.open.iter_mut().for_each(|pending| pending.sent = None);
            known.push(self.clock.monotonic());
            known.shown.clone()
        };
        self.show(&shown);
        self.store(id, &shown).await
    }

    /// It says how it is.
    pub async fn described(&self, id: AgentId, state: AgentState) -> Result<()> {
        let (shown, changed) = {
            let mut agents = self.agents();
            let Some(known) = agents.get_mut(&id) else { return Ok(()) };
            let before = known.shown.clone();
            take_shows(known, &state.shows, self.clock.wall());
            take_state(known, state);
            let same = (&before.version, before.rules, &before.probes)
                == (&known.shown.version, known.shown.rules, &known.shown.probes);
            (known.shown.clone(), !same)
        };
        // Numbers that change all the time are not worth a commit.
        if changed {
            self.show(&shown);
            self.store(id, &shown).await?;
        }
        Ok(())
    }

    /// What scrubbers show of themselves, by agent.
    pub fn scrubbers(&self) -> Vec<Scrubber> {
        let agents = self.agents();
        let shown = agents.values().filter_map(|known| {
            let (time_us, status) = known.shows.clone()?;
            let Agent { id, host, connected, .. } = known.shown.clone();
            Some(Scrubber { agent: id, host, connected, time_us, status })
        });
        let mut shown: Vec<Scrubber> = shown.collect();
        shown.sort_by(|left, right| left.agent.cmp(&right.agent));
        shown
    }

    /// The host of ours that has an address, when exactly one has it. A gateway or packet filter beside an agent is on the same
    /// host: the agent stands for it.
    pub fn owner(&self, address: IpAddr) -> Option<Ours> {
        let address = address.to_canonical();
        if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
            return None;
        }
        // As text, as agents tell their own: parsing all addresses of ten thousand hosts for each question would cost too much.
        let text = address.to_string();
        let has = |shown: &Agent| shown.addresses.contains(&text);
        let agents = self.agents();
        let mut owners: Vec<&Agent> = agents.values().map(|known| &known.shown).filter(|shown| has(shown)).collect();
        // What has rules is the agent.
        owners.sort_by_key(|shown| (std::cmp::Reverse(shown.rules), &shown.id));
        let first = owners.first()?;
        let one = owners.iter().all(|shown| shown.host == first.host);
        one.then(|| Ours { agent: first.id.clone(), name: first.host.clone() })
    }

    /// What is known of an agent's host.
    pub fn host(&self, agent: &str) -> Host {
        let agents = self.agents();
        let shown = agent.parse::<AgentId>().ok().and_then(|id| agents.get(&id)).map(|known| &known.shown);
        shown.map_or_else(Host::default, |shown| Host {
            name: shown.host.clone(),
            os: shown.os.clone(),
            kernel: shown.kernel.clone(),
            addresses: shown.addresses.clone(),
            ..Host::default()
        })
    }

    /// Its stream ended.
    pub fn gone(&self, id: AgentId) {
        let shown = self.agents().get_mut(&id).map(|known| {
            known.shown.connected = false;
            known.stream = None;
            known.shown.clone()
        });
        if let Some(shown) = shown {
            self.show(&shown);
        }
    }

    /// A frame of it is durable.
    pub fn received(&self, id: AgentId, frame: &Frame, newest_us: Option<i64>) {
        if let Some(known) = self.agents().get_mut(&id) {
            let now = self.clock.wall();
            known.shown.last_seen_us = now;
            known.shown.records += u64::from(frame.count);
            if let Some(newest) = newest_us {
                known.shown.lag_us = now.saturating_sub(newest).max(0);
            }
        }
    }

    /// It reported a loss.
    pub fn lost(&self, id: AgentId, class: &str, count: u64) {
        if let Some(known) = self.agents().get_mut(&id)
            && !known.counted.contains_key(class)
        {
            *known.shown.dropped.entry(class.to_string()).or_default() += count;
        }
    }

    /// A fault when an order for this agent cannot be taken.
    pub fn check(&self, agent: &str) -> Result<()> {
        let agents = self.agents();
        let known = agents.get(&agent.parse()?).ok_or_else(|| unknown(agent))?;
        if known.open.len() >= OPEN_MOST {
            let fault = Fault::new(&super::fault::AGENT_AWAY).object(agent);
            return Err(fault.expected(format!("under {OPEN_MOST}")).found(known.open.len()));
        }
        Ok(())
    }

    /// An order was stored: it is sent until it is answered. One that is open already is sent again at once.
    pub fn ordered(&self, open: OpenOrder) {
        let Ok(id) = open.order.agent.parse::<AgentId>() else { return };
        let mut agents = self.agents();
        let known = named(&mut agents, id);
        let order = open.order.id.clone();
        known.add(open);
        let again = known.open.iter_mut().filter(|pending| pending.order.order.id == order);
        again.for_each(|pending| pending.sent = None);
        known.push(self.clock.monotonic());
    }

    /// An order was answered, or its time is over.
    pub fn settled(&self, agent: &str, order: &str) {
        if let Ok(id) = agent.parse::<AgentId>()
            && let Some(known) = self.agents().get_mut(&id)
        {
            known.open.retain(|pending| pending.order.order.id != order);
        }
    }

    /// Sends what found no room or no answer. To be called about once a second.
    pub fn resend(&self) {
        let now = self.clock.monotonic();
        self.agents().values_mut().for_each(|known| known.push(now));
    }

    /// Open orders whose time is over.
    pub fn overdue(&self) -> Vec<OpenOrder> {
        let born = self.clock.wall().saturating_sub(VALID_US);
        let agents = self.agents();
        let all = agents.values().flat_map(|known| &known.open).map(|pending| &pending.order);
        all.filter(|open| open.since_us <= born).cloned().collect()
    }

    /// Reads the open orders once more: a commit whose answer was a fault may have happened.
    pub async fn reload(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let items = self.tables.scan(OPEN_ORDERS, "", &after, PAGE).await?;
            let Some(last) = items.last() else { return Ok(()) };
            after = last.key.clone();
            let mut agents = self.agents();
            for item in &items {
                let Ok(open) = serde_json::from_slice::<OpenOrder>(&item.value) else { continue };
                if let Ok(id) = open.order.agent.parse::<AgentId>() {
                    named(&mut agents, id).add(open);
                }
            }
        }
    }

    /// Every agent, by host name.
    pub fn list(&self) -> Vec<Agent> {
        let mut agents: Vec<Agent> = self.agents().values().map(|known| known.shown.clone()).collect();
        agents.sort_by(|one, other| (&one.host, &one.id).cmp(&(&other.host, &other.id)));
        agents
    }

    async fn store(&self, id: AgentId, shown: &Agent) -> Result<()> {
        let value = serde_json::to_vec(shown).unwrap_or_default().into();
        self.tables.commit(vec![Write::Put { table: tables::AGENTS, key: id.to_string(), value }]).await
    }
}

fn named(agents: &mut HashMap<AgentId, Known>, id: AgentId) -> &mut Known {
    let known = agents.entry(id).or_default();
    if known.shown.id.is_empty() {
        known.shown.id = id.to_string();
    }
    known
}

fn describe(shown: &mut Agent, host: &Host) {
    shown.host = host.name.clone();
    shown.os = host.os.clone();
    shown.kernel = host.kernel.clone();
    shown.addresses = host.addresses.clone();
}

/// Takes over what a scrubber shows of itself; text that is too long or no JSON leaves the last one standing.
fn take_shows(known: &mut Known, shows: &str, now: Micros) {
    if shows.is_empty() || shows.len() > SHOWS_BYTES {
        return;
    }
    if let Ok(status) = serde_json::from_str(shows) {
        known.shows = Some((now, status));
    }
}

/// Takes over what an agent says of itself. Counts of an older start give way to those of this one.
fn take_state(known: &mut Known, state: AgentState) {
    let shown = &mut known.shown;
    shown.version = state.version;
    shown.rules = state.rules;
    shown.spool_bytes = state.spool_bytes;
    shown.spool_limit_bytes = state.spool_limit_bytes;
    if !state.probes.is_empty() {
        let row = |probe: fleet::wire::Probe| Probe {
            event: probe.event,
            hook: probe.hook,
            fired: probe.fired,
            lost: probe.lost,
        };
        shown.probes = state.probes.into_iter().take(PROBES_MOST).map(row).collect();
    }
    for (class, count) in state.lost.into_iter().take(PROBES_MOST) {
        if count > 0 {
            shown.dropped.insert(class.clone(), count);
        } else if known.counted.get(&class).is_some_and(|before| *before > 0) {
            shown.dropped.remove(&class);
        }
        known.counted.insert(class, count);
    }
}

fn unknown(agent: &str) -> Fault {
    Fault::new(&super::fault::UNKNOWN_AGENT).object(agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;
    use port::MemoryTables;

    fn open(number: u32, since_us: i64) -> OpenOrder {
        let agent = AgentId([7; 16]).to_string();
        OpenOrder { order: Order { id: format!("ord-{number:03}"), agent, ..Order::default() }, since_us }
    }

    async fn hub(clock: &Arc<ManualClock>) -> (Hub, Arc<MemoryTables>) {
        let tables = Arc::new(MemoryTables::default());
        (Hub::open(tables.clone(), clock.clone()).await.unwrap(), tables)
    }

    fn drain(orders: &mut mpsc::Receiver<Order>) -> Vec<String> {
        std::iter::from_fn(|| orders.try_recv().ok()).map(|order| order.id).collect()
    }

    #[tokio::test]
    async fn more_orders_than_the_stream_holds_do_not_block_and_all_arrive() {
        let clock = Arc::new(ManualClock::at(0));
        let (hub, _) = hub(&clock).await;
        for number in 0..100 {
            hub.ordered(open(number, i64::from(number)));
        }
        let (stream, mut orders) = mpsc::channel(64);
        hub.connected(AgentId([7; 16]), &Host::default(), stream).await.unwrap();
        let mut arrived = drain(&mut orders);
        assert_eq!(arrived.len(), 64);
        hub.resend();
        arrived.extend(drain(&mut orders));
        assert_eq!(arrived, (0..100).map(|number| open(number, 0).order.id).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn an_open_order_is_sent_again_until_it_is_answered_and_over_a_restart() {
        let clock = Arc::new(ManualClock::at(1));
        let (hub, tables) = hub(&clock).await;
        let order = open(1, clock.wall());
        tables.commit(order.writes()).await.unwrap();
        hub.ordered(order.clone());
        let (stream, mut orders) = mpsc::channel(64);
        hub.connected(AgentId([7; 16]), &Host::default(), stream).await.unwrap();
        assert_eq!(drain(&mut orders).len(), 1);
        hub.resend();
        assert!(drain(&mut orders).is_empty());
        clock.advance(AGAIN_US);
        hub.resend();
        assert_eq!(drain(&mut orders).len(), 1);

        let later = Hub::open(tables.clone(), clock.clone()).await.unwrap();
        let (stream, mut orders) = mpsc::channel(64);
        later.connected(AgentId([7; 16]), &Host::default(), stream).await.unwrap();
        assert_eq!(drain(&mut orders), std::slice::from_ref(&order.order.id));
        later.settled(&order.order.agent, &order.order.id);
        clock.advance(AGAIN_US);
        later.resend();
        assert!(drain(&mut orders).is_empty());

        clock.advance(VALID_US);
        assert_eq!((hub.overdue(), later.overdue()), (vec![order], Vec::new()));
    }

    #[tokio::test]
    async fn losses_that_the_agent_counts_itself_are_not_counted_twice() {
        let clock = Arc::new(ManualClock::at(1));
        let (hub, _) = hub(&clock).await;
        let id = AgentId([7; 16]);
        hub.enrolled(id, &Host::default(), "web").await.unwrap();
        let state =
            |count| AgentState { version: "1".into(), lost: [("exec".into(), count)].into(), ..AgentState::default() };
        hub.described(id, state(5)).await.unwrap();
        hub.lost(id, "exec", 5);
        hub.lost(id, "sample", 2);
        let shown = hub.list().remove(0);
        assert_eq!((shown.group.as_str(), shown.version.as_str()), ("web", "1"));
        assert_eq!(shown.dropped, [("exec".to_string(), 5), ("sample".to_string(), 2)].into());
        hub.described(id, state(0)).await.unwrap();
        assert_eq!(hub.list().remove(0).dropped, [("sample".to_string(), 2)].into());
    }

    #[tokio::test]
    async fn an_address_that_one_host_has_names_it() {
        let clock = Arc::new(ManualClock::at(1));
        let (hub, _) = hub(&clock).await;
        let host = |name: &str, addresses: &[&str]| Host {
            name: name.into(),
            addresses: addresses.iter().map(ToString::to_string).collect(),
            ..Host::default()
        };
        let id = |number| AgentId([number; 16]);
        hub.enrolled(id(1), &host("edge", &["192.0.2.1", "172.17.0.1"]), "").await.unwrap();
        hub.enrolled(id(2), &host("web", &["192.0.2.2", "2001:db8::2", "172.17.0.1", "127.0.0.1"]), "").await.unwrap();
        // The packet filter of the same machine, older than its agent.
        hub.enrolled(id(0), &host("web", &["192.0.2.2"]), "").await.unwrap();
        hub.described(id(2), AgentState { rules: 300, ..AgentState::default() }).await.unwrap();
        let owner = |text: &str| hub.owner(text.parse().unwrap()).map(|ours| (ours.agent, ours.name));
        let web = Some((id(2).to_string(), "web".to_string()));
        for address in ["192.0.2.2", "::ffff:192.0.2.2", "2001:db8::2"] {
            assert_eq!(owner(address), web, "{address}");
        }
        assert_eq!(owner("172.17.0.1"), None, "two hosts have it");
        assert_eq!((owner("127.0.0.1"), owner("198.51.100.1")), (None, None));
        assert_eq!(hub.host(&id(1).to_string()).name, "edge");
        assert_eq!(hub.host("nobody"), Host::default());
    }
}
