//! What the server knows of its agents, and the way orders go to them.

use api::tables::{self, AGENTS};
use api::view::Agent;
use base::{Clock, Fault, Result};
use port::{Tables, Write};
use record::{AgentId, Frame, Host, Order};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc;

/// Orders that may wait for one agent's stream; more are a sign that it is stuck.
const ORDERS_WAITING: usize = 256;

/// The agents.
pub struct Hub {
    tables: Arc<dyn Tables>,
    clock: Arc<dyn Clock>,
    agents: Mutex<HashMap<AgentId, Known>>,
}

#[derive(Default)]
struct Known {
    shown: Agent,
    stream: Option<mpsc::Sender<Order>>,
    /// Orders given while no stream stood; sent when the agent comes.
    waiting: Vec<Order>,
}

impl Hub {
    /// Reads the enrolled agents.
    pub async fn open(tables: Arc<dyn Tables>, clock: Arc<dyn Clock>) -> Result<Hub> {
        let mut agents = HashMap::new();
        for item in tables.scan(AGENTS, "", "", usize::MAX >> 1).await? {
            let shown: Agent = serde_json::from_slice(&item.value).unwrap_or_default();
            if let Ok(id) = item.key.parse::<AgentId>() {
                agents.insert(id, Known { shown: Agent { connected: false, ..shown }, ..Known::default() });
            }
        }
        Ok(Hub { tables, clock, agents: Mutex::new(agents) })
    }

    fn agents(&self) -> MutexGuard<'_, HashMap<AgentId, Known>> {
        self.agents.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// An agent was enrolled.
    pub async fn enrolled(&self, id: AgentId, host: &Host) -> Result<()> {
        let shown = {
            let mut agents = self.agents();
            let known = agents.entry(id).or_default();
            known.shown.id = id.to_string();
            known.shown.enrolled_us = self.clock.wall();
            describe(&mut known.shown, host);
            known.shown.clone()
        };
        self.store(id, &shown).await
    }

    /// Its stream stands: orders that waited go out.
    pub async fn connected(&self, id: AgentId, host: &Host, stream: mpsc::Sender<Order>) -> Result<()> {
        let (shown, waiting) = {
            let mut agents = self.agents();
            let known = agents.entry(id).or_default();
            known.shown.id = id.to_string();
            known.shown.connected = true;
            known.shown.last_seen_us = self.clock.wall();
            describe(&mut known.shown, host);
            known.stream = Some(stream.clone());
            (known.shown.clone(), std::mem::take(&mut known.waiting))
        };
        for order in waiting {
            // A stream that closes again drops the order; it stands in the tables and the agent's absence is shown.
            let _ = stream.send(order).await;
        }
        self.store(id, &shown).await
    }

    /// Its stream ended.
    pub fn gone(&self, id: AgentId) {
        if let Some(known) = self.agents().get_mut(&id) {
            known.shown.connected = false;
            known.stream = None;
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
        if let Some(known) = self.agents().get_mut(&id) {
            *known.shown.dropped.entry(class.to_string()).or_default() += count;
        }
    }

    /// Sends an order, or keeps it until the agent comes.
    pub async fn send(&self, order: Order) -> Result<()> {
        let id: AgentId = order.agent.parse()?;
        let stream = {
            let mut agents = self.agents();
            let known = agents.get_mut(&id).ok_or_else(|| unknown(&order.agent))?;
            match &known.stream {
                Some(stream) => stream.clone(),
                None if known.waiting.len() < ORDERS_WAITING => {
                    known.waiting.push(order);
                    return Ok(());
                }
                None => return Err(Fault::new(&super::fault::AGENT_AWAY).object(&order.agent)),
            }
        };
        let away = |_| Fault::new(&super::fault::AGENT_AWAY).object(&order.agent);
        stream.send(order.clone()).await.map_err(away)
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

fn describe(shown: &mut Agent, host: &Host) {
    shown.host = host.name.clone();
    shown.os = host.os.clone();
    shown.kernel = host.kernel.clone();
    shown.addresses = host.addresses.clone();
}

fn unknown(agent: &str) -> Fault {
    Fault::new(&super::fault::UNKNOWN_AGENT).object(agent)
}
