//! The correlator together with what is known of its traces in the tables, so that a commit that failed is made good by
//! the next one.

use api::tables::{self, INCIDENT_TIMES, INCIDENTS, MERGED};
use base::Result;
use correlate::{Change, Correlator, Limits, Saved};
use port::{Tables, Write};
use record::{Incident, IncidentStatus};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// What the correlator keeps over a restart: key incident id, value JSON [`correlate::Saved`].
const CORRELATION: &str = "correlation";
/// Rows of one page when all are read.
const PAGE: usize = 500;

/// The correlator and its traces.
pub struct Memory {
    correlator: Correlator,
    /// Incidents that became part of another and may still stand in the tables, with the one they are part of.
    gone: BTreeMap<String, String>,
    /// Incidents that changed since they were last stored: a commit that fails must not forget them, since the same
    /// event seen again changes nothing.
    dirty: BTreeSet<String>,
    /// Keys of [`CORRELATION`].
    kept: BTreeSet<String>,
    /// Held from a change until its commit has ended: commits must not overtake each other.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What one commit has to write about incidents.
#[derive(Default)]
pub struct Upkeep {
    /// The writes.
    pub writes: Vec<Write>,
    /// The incidents as they are now.
    pub incidents: Vec<Incident>,
    gone: Vec<(String, String)>,
    left: Vec<String>,
}

/// A memory that threads share.
pub type Shared = Mutex<Memory>;

/// The memory for a moment; never held over a wait.
pub fn lock(memory: &Shared) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Waits until no other change is between correlator and commit.
pub async fn turn(memory: &Shared) -> tokio::sync::OwnedMutexGuard<()> {
    let turn = lock(memory).turn.clone();
    turn.lock_owned().await
}

impl Memory {
    /// Runs one call on the correlator; gives the incident that it was about.
    pub fn change(&mut self, call: impl FnOnce(&mut Correlator) -> Option<Change>) -> Option<String> {
        let change = call(&mut self.correlator)?;
        self.note(&change);
        Some(change.id().to_string())
    }

    /// Runs a call on the correlator that may change many incidents; whether anything waits to be stored.
    pub fn changes(&mut self, call: impl FnOnce(&mut Correlator) -> Vec<Change>) -> bool {
        for change in call(&mut self.correlator) {
            self.note(&change);
        }
        !self.dirty.is_empty() || !self.gone.is_empty()
    }

    fn note(&mut self, change: &Change) {
        if let Change::Merged { into, gone } = change {
            for id in gone {
                self.dirty.remove(id);
                self.gone.insert(id.clone(), into.id.clone());
            }
        }
        self.dirty.extend(change.incident().map(|incident| incident.id.clone()));
    }

    /// Addresses that exactly one host has, with its agent.
    pub fn owners(&self) -> BTreeMap<std::net::IpAddr, String> {
        self.correlator.owners().map(|(ip, agent)| (ip, agent.to_string())).collect()
    }

    /// A person closed an incident; what comes later makes a new one.
    pub fn close(&mut self, id: &str) {
        self.correlator.close(id);
    }

    /// Incidents and what is kept of them, as they are now; ids that are no longer open are left out.
    fn now(&self, changed: &BTreeSet<String>) -> Vec<(Incident, Option<Saved>)> {
        let open = changed.iter().filter_map(|id| self.correlator.incident(id));
        open.map(|incident| (incident.clone(), self.correlator.saved(&incident.id))).collect()
    }

    /// Incidents that left the correlator.
    fn left(&self) -> Vec<String> {
        let open: BTreeSet<&str> = self.correlator.open().collect();
        self.kept.iter().filter(|id| !open.contains(id.as_str())).cloned().collect()
    }
}

/// The writes that bring the tables to where the correlator is: the changed incidents, what was merged, what left. Also
/// what did not change this time is written: the commit of the first time may have failed.
pub async fn upkeep(memory: &Shared, tables: &dyn Tables, changed: &BTreeSet<String>) -> Result<Upkeep> {
    let (now, gone, left) = {
        let memory = lock(memory);
        let changed = changed.union(&memory.dirty).cloned().collect();
        let gone = memory.gone.iter().map(|(id, into)| (id.clone(), into.clone())).collect::<Vec<_>>();
        (memory.now(&changed), gone, memory.left())
    };
    let mut upkeep = Upkeep { gone, left, ..Upkeep::default() };
    for (incident, saved) in now {
        if let Some(first_us) = first_us(tables, &incident.id).await?.filter(|first_us| *first_us != incident.first_us)
        {
            let key = tables::timed(first_us, &incident.id);
            upkeep.writes.push(Write::Delete { table: INCIDENT_TIMES, key });
        }
        upkeep.writes.extend(tables::incident_writes(&incident));
        if let Some(saved) = saved {
            let value = serde_json::to_vec(&saved).unwrap_or_default().into();
            upkeep.writes.push(Write::Put { table: CORRELATION, key: incident.id.clone(), value });
        }
        upkeep.incidents.push(incident);
    }
    for (id, into) in &upkeep.gone {
        if let Some(first_us) = first_us(tables, id).await? {
            upkeep.writes.push(Write::Delete { table: INCIDENT_TIMES, key: tables::timed(first_us, id) });
        }
        upkeep.writes.push(Write::Delete { table: INCIDENTS, key: id.clone() });
        upkeep.writes.push(Write::Put { table: MERGED, key: id.clone(), value: into.clone().into() });
    }
    let ended = upkeep.gone.iter().map(|(id, _)| id).chain(&upkeep.left);
    upkeep.writes.extend(ended.map(|id| Write::Delete { table: CORRELATION, key: id.clone() }));
    Ok(upkeep)
}

/// The commit succeeded.
pub fn committed(memory: &Shared, upkeep: &Upkeep) {
    let mut memory = lock(memory);
    for incident in &upkeep.incidents {
        memory.dirty.remove(&incident.id);
        memory.kept.insert(incident.id.clone());
    }
    // What left the correlator before it was stored has nothing more to say here.
    let open: BTreeSet<String> = memory.correlator.open().map(str::to_string).collect();
    memory.dirty.retain(|id| open.contains(id));
    for (id, _) in &upkeep.gone {
        memory.gone.remove(id);
        memory.kept.remove(id);
    }
    for id in &upkeep.left {
        memory.kept.remove(id);
    }
}

/// When an incident began as far as the tables know.
async fn first_us(tables: &dyn Tables, id: &str) -> Result<Option<i64>> {
    let Some(item) = tables.get(INCIDENTS, id).await? else { return Ok(None) };
    Ok(serde_json::from_slice::<Incident>(&item.value).ok().map(|incident| incident.first_us))
}

/// Stores an incident as closed and forgets what was kept of it.
pub async fn store_closed(memory: &Shared, tables: &dyn Tables, id: &str) -> Result<()> {
    let mut writes = vec![Write::Delete { table: CORRELATION, key: id.to_string() }];
    if let Some(item) = tables.get(INCIDENTS, id).await?
        && let Ok(mut incident) = serde_json::from_slice::<Incident>(&item.value)
    {
        incident.status = IncidentStatus::Closed;
        writes.extend(tables::incident_writes(&incident));
    }
    tables.commit(writes).await?;
    lock(memory).kept.remove(id);
    Ok(())
}

/// The correlator as it was: the newest incidents that are open. What is kept of others goes at the next commit.
pub async fn restore(tables: &dyn Tables) -> Result<Memory> {
    let (mut all, mut kept) = (Vec::new(), BTreeSet::new());
    let mut after = String::new();
    loop {
        let items = tables.scan(CORRELATION, "", &after, PAGE).await?;
        let Some(last) = items.last() else { break };
        after = last.key.clone();
        for item in items {
            let incident = tables.get(INCIDENTS, &item.key).await?;
            let incident = incident.and_then(|item| serde_json::from_slice::<Incident>(&item.value).ok());
            let closed = incident.is_some_and(|incident| incident.status == IncidentStatus::Closed);
            if !closed && let Ok(saved) = serde_json::from_slice::<Saved>(&item.value) {
                all.push(saved);
            }
            kept.insert(item.key);
        }
    }
    let correlator = Correlator::restore(Limits::default(), all);
    Ok(Memory { correlator, gone: BTreeMap::new(), dirty: BTreeSet::new(), kept, turn: Arc::default() })
}
