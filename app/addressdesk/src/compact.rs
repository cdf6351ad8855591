//! The pool written as rows, so that the log of changes may begin anew.
//!
//! A new generation is written beside the old one; one document then says which counts, and only after that the old one and the
//! changes that are in the new one are deleted. A stop at any moment leaves a pool that opens.

use crate::store::{self, Facts, LOG, Named, ROWS, document, put_facts, row_key};
use base::Result;
use pool::{Pool, Row};
use port::{Tables, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{RwLock, RwLockReadGuard};

/// Rows, or holders, of one document.
const PART: usize = 10_000;
/// Documents of one transaction.
const PARTS: usize = 16;
/// Documents read, and deleted, at once.
const READ: usize = 64;

/// Whether the log has grown enough: at least ten thousand changes, and a tenth of what would be written.
pub fn due(facts: &Facts, runs: usize) -> bool {
    let changes = facts.last.saturating_sub(facts.rows_at);
    changes >= 10_000 && changes >= (runs / 10) as u64
}

fn read(pool: &RwLock<Pool>) -> RwLockReadGuard<'_, Pool> {
    pool.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Writes a pool, which holds everything up to `facts.last` and is not changed meanwhile, as a new generation; it is locked
/// for one part at a time, so that it can be asked. Gives the facts that count then.
pub async fn write(tables: &dyn Tables, pool: &RwLock<Pool>, facts: &Facts, version: u64) -> Result<Facts> {
    // The version of the facts stands for what is in the pool: whoever else writes this generation writes the same rows, and
    // who has a newer pool writes another one.
    let generation = facts.generation.max(version) + 1;
    let next = Facts { generation, rows_at: facts.last, last: facts.last };
    let (mut part, mut place) = (0, Some(String::new()));
    while let Some(after) = place {
        let holders: Vec<_> = read(pool).holders_after(&after).take(PART).collect();
        let named: Vec<Named> = holders.iter().map(|one| Named { name: one.name.clone(), kind: one.kind }).collect();
        place = holders.last().filter(|_| holders.len() == PART).map(|last| last.name.clone());
        let key = row_key(next.generation, 'h', part);
        tables.commit(vec![Write::Put { table: ROWS, key, value: document(&named) }]).await?;
        part += 1;
    }
    let (mut part, mut from) = (0, Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    while from.is_some() {
        let mut writes = Vec::new();
        while let (Some(start), true) = (from, writes.len() < PARTS) {
            let rows: Vec<Row> = read(pool).rows_from(start).take(PART).collect();
            from = rows.last().filter(|_| rows.len() == PART).and_then(|last| last.range.after());
            let key = row_key(next.generation, 'r', part);
            writes.push(Write::Put { table: ROWS, key, value: document(&rows) });
            part += 1;
        }
        tables.commit(writes).await?;
    }
    tables.commit(vec![put_facts(&next, version)]).await?;
    // Older generations: the last one, and what was left when an attempt or a deletion was cut off.
    delete(tables, ROWS, |key| key < format!("{:020}", next.generation).as_str()).await?;
    delete(tables, LOG, |key| key <= store::log_key(next.rows_at).as_str()).await?;
    Ok(next)
}

/// Deletes the documents at the beginning of a table, as long as their keys are old. Those of rows are large, so keys are
/// read a few at a time, and what is not old is not read.
async fn delete(tables: &dyn Tables, table: &'static str, old: impl Fn(&str) -> bool) -> Result<()> {
    loop {
        let items = tables.scan(table, "", "", READ).await?;
        let keys = items.into_iter().map(|item| item.key).take_while(|key| old(key));
        let deletions: Vec<Write> = keys.map(|key| Write::Delete { table, key }).collect();
        let whole = deletions.len() == READ;
        if !deletions.is_empty() {
            tables.commit(deletions).await?;
        }
        if !whole {
            return Ok(());
        }
    }
}
