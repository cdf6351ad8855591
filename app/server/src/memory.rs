//! The correlator together with what is known of its traces in the tables, so that a commit that failed is made good by
//! the next one.

use api::tables::{self, INCIDENT_TIMES, INCIDENTS};
use base::Result;
use correlate::{Change, Correlator, Limits, Saved};
use port::{Tables, Write};
use record::{Incident, IncidentStatus};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

/// What the correlator keeps over a restart: key incident id, value JSON [`correlate::Saved`].
const CORRELATION: &str = "correlation";
/// Rows of one page when all are read.
const PAGE: usize = 500;

/// The correlator and its traces.
pub struct Memory {
    correlator: Correlator,
    /// Incidents that became part of another and may still stand in the tables.
    gone: BTreeSet<String>,
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
    gone: Vec<String>,
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
        if let Change::Merged { gone, .. } = &change {
            self.gone.extend(gone.iter().cloned());
        }
        Some(change.id().to_string())
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
        (memory.now(changed), memory.gone.iter().cloned().collect::<Vec<_>>(), memory.left())
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
    for id in &upkeep.gone {
        if let Some(first_us) = first_us(tables, id).await? {
            upkeep.writes.push(Write::Delete { table: INCIDENT_TIMES, key: tables::timed(first_us, id) });
        }
        upkeep.writes.push(Write::Delete { table: INCIDENTS, key: id.clone() });
    }
    let ended = upkeep.gone.iter().chain(&upkeep.left);
    upkeep.writes.extend(ended.map(|id| Write::Delete { table: CORRELATION, key: id.clone() }));
    Ok(upkeep)
}

/// The commit succeeded.
pub fn committed(memory: &Shared, upkeep: &Upkeep) {
    let mut memory = lock(memory);
    memory.kept.extend(upkeep.incidents.iter().map(|incident| incident.id.clone()));
    for id in &upkeep.gone {
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
    Ok(Memory { correlator, gone: BTreeSet::new(), kept, turn: Arc::default() })
}
