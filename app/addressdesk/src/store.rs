//! The pool in the state tables: rows of one generation, the changes made since, and one document that says which they are.

use base::{Fault, Result};
use pool::{Change, Kind, Limits, Pool, Restore, Row};
use port::{Item, Tables, Write};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Rows and holders: key generation, `h` or `r`, number of the part; value a JSON list.
pub const ROWS: &str = "pool-rows";
/// Changes since: key number, value JSON [`Logged`].
pub const LOG: &str = "pool-log";
/// Single facts: key `now`, value JSON [`Facts`].
pub const FACTS: &str = "pool-facts";

/// Documents read at once.
const PAGE: usize = 16;
/// Changes read at once.
const CHANGES: usize = 1000;

/// What stands in the tables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Generation of the rows; 0 while there are none. Of two workers that write rows at once each has its own.
    pub generation: u64,
    /// Number of the last change that is in the rows.
    pub rows_at: u64,
    /// Number of the last change.
    pub last: u64,
}

/// A change as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Logged {
    /// What.
    pub change: Change,
    /// By whom.
    pub who: String,
    /// Why.
    pub reason: String,
    /// When, µs since the Unix epoch.
    pub time_us: i64,
}

/// A holder as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Named {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

fn parse<T: DeserializeOwned>(item: &Item) -> Result<T> {
    let damaged = |cause| Fault::new(&api::fault::CORRUPT).object(format!("address pool, {}", item.key)).because(cause);
    serde_json::from_slice(&item.value).map_err(damaged)
}

/// Key of a change: numbers sort as texts.
pub fn log_key(number: u64) -> String {
    format!("{number:020}")
}

/// Key of a part of the rows (`r`) or the holders (`h`).
pub fn row_key(generation: u64, what: char, part: usize) -> String {
    format!("{generation:020}/{what}/{part:010}")
}

/// What stands, with the version of the document.
pub async fn facts(tables: &dyn Tables) -> Result<(Facts, u64)> {
    match tables.get(FACTS, "now").await? {
        Some(item) => Ok((parse(&item)?, item.version)),
        None => Ok(Default::default()),
    }
}

/// A document of ours. Own types with string keys cannot fail to be written.
pub fn document<T: Serialize>(value: &T) -> bytes::Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// The document of facts, if nobody else has written it.
pub fn put_facts(facts: &Facts, version: u64) -> Write {
    Write::PutIf { table: FACTS, key: "now".into(), value: document(facts), version }
}

/// Gives each document of a generation's rows or holders to `take`, in order.
async fn parts<T: DeserializeOwned>(
    tables: &dyn Tables,
    generation: u64,
    what: char,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let prefix = format!("{generation:020}/{what}/");
    let mut after = String::new();
    loop {
        let items = tables.scan(ROWS, &prefix, &after, PAGE).await?;
        for item in &items {
            parse::<Vec<T>>(item)?.into_iter().try_for_each(&mut take)?;
        }
        match items.last() {
            Some(last) if items.len() == PAGE => after = last.key.clone(),
            _ => return Ok(()),
        }
    }
}

/// The pool of a generation, without the changes since. Rows go into it as they are read: five million of them would take
/// twice the memory of the pool.
pub async fn rows(tables: &dyn Tables, facts: &Facts, limits: Limits) -> Result<Pool> {
    let mut pool = Restore::new(limits);
    parts(tables, facts.generation, 'h', |one: Named| pool.holder(one.name, one.kind)).await?;
    parts(tables, facts.generation, 'r', |row: Row| pool.row(&row)).await?;
    let lost = |cause| Fault::new(&api::fault::CORRUPT).object("address pool").because(cause);
    tokio::task::spawn_blocking(|| pool.pool()).await.map_err(lost)
}

/// Changes behind a number up to another, in order without a gap, at most a page; none when the next one is not there.
pub async fn changes(tables: &dyn Tables, after: u64, last: u64) -> Result<Vec<Logged>> {
    let items = tables.scan(LOG, "", &log_key(after), CHANGES).await?;
    let next = items.iter().zip(after + 1..=last).take_while(|(item, number)| item.key == log_key(*number));
    next.map(|(item, _)| parse(item)).collect()
}
