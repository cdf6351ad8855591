//! Questions: `port::Query` on the lake.
//!
//! A query sees one snapshot: the files of the manifest and the rows in memory of one moment, across all tables. It runs on
//! threads of its own, so that a heavy hunt does not hold up what arrives, within limits of rows, time and memory.

mod answer;
mod damage;
mod engine;
mod guard;
mod joins;
mod programs;
mod snapshot;
mod table;
mod text;
mod whole;

pub(crate) use engine::Engine;

use crate::back::{self, Events, Homes};
use crate::lake::{Lake, blocking};
use crate::{fault, image};
use async_trait::async_trait;
use base::{Fault, Result};
use datafusion::arrow::array::RecordBatch;
use engine::{Answer, Trouble};
use port::{Column, Query, QueryLimits, Rows};
use record::Alert;
use snapshot::Snapshot;
use std::collections::HashSet;
use std::sync::Arc;

/// An event with its id and host.
type Restored = (record::EventId, Arc<record::Host>, record::Event);

/// Time that the questions with a condition get, milliseconds.
const CONDITION_MILLIS: u64 = 30_000;
/// Most records that a question with a condition gives back.
const RECORDS_MAX: usize = 100_000;

impl Lake {
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.state())
    }

    /// Asks; when a file turns out to be damaged it is set aside and the rest is asked again.
    async fn ask(&self, statement: &str, limits: QueryLimits) -> Result<(Snapshot, Answer)> {
        guard::check(statement)?;
        let snapshot = self.snapshot();
        match self.inner.engine.run(snapshot.clone(), statement, limits).await {
            Ok(answer) => Ok((snapshot, answer)),
            Err(Trouble::Fault(fault)) => Err(fault),
            Err(Trouble::Damage(cause)) => {
                tracing::warn!(%cause, "a query met a file that does not read; looking for it");
                self.set_damaged_aside(&snapshot).await?;
                drop(snapshot);
                let snapshot = self.snapshot();
                match self.inner.engine.run(snapshot.clone(), statement, limits).await {
                    Ok(answer) => Ok((snapshot, answer)),
                    Err(Trouble::Fault(fault)) => Err(fault),
                    Err(Trouble::Damage(cause)) => Err(Fault::new(&port::fault::FAILED).object("query").because(cause)),
                }
            }
        }
    }

    async fn newest(&self, table: &str, condition: &str, limit: usize) -> Result<(Snapshot, Answer)> {
        let condition = guard::condition(condition)?;
        let limit = limit.min(RECORDS_MAX);
        // Every row has its place, so that a page begins where the one before ended.
        let statement = format!(
            "SELECT * FROM {table} WHERE ({condition}) \
             ORDER BY time DESC, agent, boot DESC, lane, seq DESC LIMIT {limit}"
        );
        let (snapshot, answer) = self.ask(&statement, QueryLimits { rows: limit, millis: CONDITION_MILLIS }).await?;
        if answer.cut {
            // A caller takes fewer records than it asked for as the end.
            let fault = Fault::new(&fault::TOO_MUCH_MEMORY).object("query");
            return Err(fault.expected("an answer within the limit of bytes; ask for fewer records"));
        }
        Ok((snapshot, answer))
    }

    /// Findings that match an SQL condition over the columns of table `finding`, newest first, whole.
    pub async fn findings(&self, condition: &str, limit: usize) -> Result<Vec<Alert>> {
        let (_, answer) = self.newest("finding", condition, limit).await?;
        answer.batches.iter().map(back::alerts).collect::<Result<Vec<_>>>().map(|alerts| alerts.concat())
    }

    /// Events that match an SQL condition over the columns of view `events`, newest first, whole: with their host, process
    /// and ancestry as they were recorded.
    pub async fn restore(&self, condition: &str, limit: usize) -> Result<Vec<Restored>> {
        let (snapshot, answer) = self.newest("events", condition, limit).await?;
        match self.restore_answer(snapshot.clone(), answer).await {
            // The query reads no images; one that is damaged shows only here.
            Err(fault) if fault.is(&fault::CORRUPT) => {
                self.set_damaged_aside(&snapshot).await?;
                drop(snapshot);
                let (snapshot, answer) = self.newest("events", condition, limit).await?;
                self.restore_answer(snapshot, answer).await
            }
            restored => restored,
        }
    }

    async fn restore_answer(&self, snapshot: Snapshot, answer: Answer) -> Result<Vec<Restored>> {
        let mut wanted = HashSet::new();
        for batch in &answer.batches {
            wanted.extend(Events::new(batch)?.homes());
        }
        let dir = self.inner.config.dir.clone();
        blocking(move || {
            let mut homes = Homes::new();
            for home in wanted {
                let table = match snapshot.images_in_memory(home) {
                    Some(table) => table,
                    None => Arc::new(image::read_file(&snapshot.images_path(&dir, home)?)?),
                };
                homes.insert(home, table);
            }
            restore_all(&answer.batches, &homes)
        })
        .await
    }
}

fn restore_all(batches: &[RecordBatch], homes: &Homes) -> Result<Vec<Restored>> {
    let mut restored = Vec::new();
    for batch in batches {
        let events = Events::new(batch)?;
        for row in 0..batch.num_rows() {
            let one = events.restore(row, homes)?;
            restored.push((one.id, one.host, one.event));
        }
    }
    Ok(restored)
}

#[async_trait]
impl Query for Lake {
    async fn sql(&self, statement: &str, limits: QueryLimits) -> Result<Rows> {
        let (_, answer) = self.ask(statement, limits).await?;
        answer::rows(&answer)
    }

    async fn tables(&self) -> Result<Vec<(String, Vec<Column>)>> {
        Ok(snapshot::tables())
    }

    async fn events(&self, condition: &str, limit: usize) -> Result<Vec<serde_json::Value>> {
        let restored = self.restore(condition, limit).await?;
        Ok(restored.iter().map(|(id, host, event)| record::ocsf::event(host, id, event)).collect())
    }
}
