//! Indicators in the state tables: each once, in the order of its last change.
//!
//! [`ORDER`] holds the indicators by a number that only grows; a change gives a new number and deletes the old row, so a
//! reader who remembers a number never misses a change and never sees one twice. [`PLACES`] says which number a value
//! has. [`BATCHES`] says which numbers were given when.

use base::{Fault, Micros, Result};
use intel::format::export::stix::indicator_id;
use intel::{Indicator, Kind};
use port::{Tables, Write};
use std::collections::{BTreeMap, HashMap};

/// Indicators: key sequence number, value JSON [`Row`].
pub const ORDER: &str = "intel-order";
/// Place of an indicator: key STIX id of its value, value its key in [`ORDER`] (plain text).
pub const PLACES: &str = "intel-places";
/// When numbers were given: key `{time:020}`, value the last number given then (plain text).
pub const BATCHES: &str = "intel-batches";
/// What changed since the image of the index was written: key epoch, value JSON list of (kind, value), or `null` when it
/// was too much to list.
pub const CHANGES: &str = "intel-changes";
/// Single facts: `epoch`, `seq`.
pub const FACTS: &str = "intel-facts";
/// Most changes listed for one epoch; beyond it the index is built anew at the next start.
const LISTED: usize = 10_000;

/// An indicator as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// When it got this number, µs.
    pub added_us: Micros,
    /// The indicator.
    #[serde(flatten)]
    pub indicator: Indicator,
}

/// One edit of an indicator.
#[derive(Debug, Clone)]
pub enum Edit {
    /// A source says something of it.
    Claim(Indicator),
    /// A source takes back what it said: everything, or the statement with this id.
    Withdraw {
        /// What the value is.
        kind: Kind,
        /// Canonical form.
        value: String,
        /// Who takes back.
        source: String,
        /// The statement; every one of the source when absent.
        id: Option<String>,
    },
    /// Our own detections met it.
    Sighted {
        /// What the value is.
        kind: Kind,
        /// Canonical form.
        value: String,
        /// When, microseconds since 1970.
        time_us: Micros,
    },
}

impl Edit {
    fn value(&self) -> (Kind, &str) {
        match self {
            Edit::Claim(indicator) => (indicator.kind, &indicator.value),
            Edit::Withdraw { kind, value, .. } | Edit::Sighted { kind, value, .. } => (*kind, value),
        }
    }

    /// Makes the edit; says whether anything changed.
    fn make(self, indicator: &mut Indicator) -> bool {
        match self {
            // Every claim is taken, also behind one that changed something.
            Edit::Claim(said) => said.claims.into_iter().filter(|claim| indicator.take(claim.clone())).count() > 0,
            Edit::Withdraw { source, id, .. } => indicator.withdraw(&source, id.as_deref()),
            Edit::Sighted { time_us, .. } if !indicator.claims.is_empty() => {
                indicator.sighted(time_us);
                true
            }
            Edit::Sighted { .. } => false,
        }
    }
}

/// What an edit of the tables comes to.
#[derive(Default)]
pub struct Changed {
    /// Indicators as they are now; one without claims is gone.
    pub indicators: Vec<Indicator>,
    /// Values that a source names for the first time.
    pub fresh: usize,
    writes: Vec<Write>,
    seq: u64,
}

/// Key of a sequence number.
pub fn place(seq: u64) -> String {
    format!("{seq:016x}")
}

/// The sequence number of a key.
pub fn number(key: &str) -> u64 {
    u64::from_str_radix(key, 16).unwrap_or(0)
}

fn damaged(what: &str, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&api::fault::CORRUPT).object(what).because(cause)
}

/// Reads an indicator by its value. `None` when nobody names it.
pub async fn read(tables: &dyn Tables, kind: Kind, value: &str) -> Result<Option<(u64, Row)>> {
    let Some(place) = tables.get(PLACES, &indicator_id(kind, value)).await? else { return Ok(None) };
    by_place(tables, &String::from_utf8_lossy(&place.value)).await
}

/// Reads an indicator by its key in [`ORDER`].
pub async fn by_place(tables: &dyn Tables, key: &str) -> Result<Option<(u64, Row)>> {
    let Some(item) = tables.get(ORDER, key).await? else { return Ok(None) };
    let row = serde_json::from_slice(&item.value).map_err(|cause| damaged("indicator", cause))?;
    Ok(Some((number(key), row)))
}

/// One of the single facts, 0 when it was never written.
pub async fn fact(tables: &dyn Tables, name: &str) -> Result<u64> {
    let item = tables.get(FACTS, name).await?;
    Ok(item.and_then(|item| String::from_utf8_lossy(&item.value).parse().ok()).unwrap_or(0))
}

/// Works out what edits change. `known` says whether a value may be in the tables: what is surely not needs no reading.
pub async fn plan(
    tables: &dyn Tables,
    edits: Vec<Edit>,
    known: impl Fn(Kind, &str) -> bool,
    now: Micros,
    seq: u64,
) -> Result<Changed> {
    let edits: Vec<(String, Edit)> = edits
        .into_iter()
        .map(|edit| {
            let (kind, value) = edit.value();
            (indicator_id(kind, value), edit)
        })
        .collect();
    let asked = edits.iter().filter(|(_, edit)| {
        let (kind, value) = edit.value();
        known(kind, value)
    });
    let held = held(tables, asked.map(|(id, _)| id.clone()).collect()).await?;
    let mut rows: BTreeMap<String, (Option<u64>, Indicator, bool)> = BTreeMap::new();
    for (id, edit) in edits {
        let (kind, value) = edit.value();
        let row = rows.entry(id).or_insert_with_key(|id| match held.get(id) {
            Some((seq, row)) => (Some(*seq), row.indicator.clone(), false),
            None => {
                let (value, claims) = (value.to_owned(), Vec::new());
                (None, Indicator { kind, value, claims, sightings: Default::default() }, false)
            }
        });
        row.2 |= edit.make(&mut row.1);
    }
    let mut all = Changed { seq, ..Changed::default() };
    for (id, (before, indicator, changed)) in rows {
        if changed {
            all.row(id, before, indicator, now);
        }
    }
    Ok(all)
}

/// What is stored of these ids, with its number.
async fn held(tables: &dyn Tables, ids: Vec<String>) -> Result<HashMap<String, (u64, Row)>> {
    let places = tables.get_many(PLACES, &ids).await?;
    let ids: HashMap<String, String> =
        places.into_iter().map(|place| (String::from_utf8_lossy(&place.value).into_owned(), place.key)).collect();
    let keys: Vec<String> = ids.keys().cloned().collect();
    let mut held = HashMap::new();
    for item in tables.get_many(ORDER, &keys).await? {
        let row = serde_json::from_slice(&item.value).map_err(|cause| damaged("indicator", cause))?;
        let Some(id) = ids.get(&item.key) else { continue };
        held.insert(id.clone(), (number(&item.key), row));
    }
    Ok(held)
}

impl Changed {
    fn row(&mut self, id: String, before: Option<u64>, indicator: Indicator, now: Micros) {
        if let Some(before) = before {
            self.writes.push(Write::Delete { table: ORDER, key: place(before) });
        }
        if indicator.claims.is_empty() {
            self.writes.push(Write::Delete { table: PLACES, key: id });
        } else {
            self.seq += 1;
            let key = place(self.seq);
            let row = Row { added_us: now, indicator: indicator.clone() };
            let value = serde_json::to_vec(&row).unwrap_or_default().into();
            self.writes.push(Write::Put { table: PLACES, key: id, value: key.clone().into() });
            self.writes.push(Write::Put { table: ORDER, key, value });
            self.fresh += usize::from(before.is_none());
        }
        self.indicators.push(indicator);
    }

    /// Commits, as the state `epoch` of the index. Answers the last number given.
    pub async fn commit(&mut self, tables: &dyn Tables, now: Micros, epoch: u64) -> Result<u64> {
        let listed: Vec<(Kind, &str)> = self.indicators.iter().map(|one| (one.kind, one.value.as_str())).collect();
        let listed = if listed.len() > LISTED { None } else { Some(listed) };
        let list = serde_json::to_vec(&listed).unwrap_or_default();
        let mut writes = std::mem::take(&mut self.writes);
        writes.push(Write::Put { table: CHANGES, key: place(epoch), value: list.into() });
        writes.push(Write::Put { table: FACTS, key: "epoch".into(), value: epoch.to_string().into() });
        writes.push(Write::Put { table: FACTS, key: "seq".into(), value: self.seq.to_string().into() });
        writes.push(Write::Put { table: BATCHES, key: format!("{now:020}"), value: self.seq.to_string().into() });
        tables.commit(writes).await?;
        Ok(self.seq)
    }
}

/// The values that changed after an epoch; `None` when they were not all listed.
pub async fn changed_since(tables: &dyn Tables, epoch: u64) -> Result<Option<Vec<(Kind, String)>>> {
    let mut all = Vec::new();
    for item in tables.scan(CHANGES, "", &place(epoch), usize::MAX >> 1).await? {
        match serde_json::from_slice::<Option<Vec<(Kind, String)>>>(&item.value) {
            Ok(Some(listed)) => all.extend(listed),
            _ => return Ok(None),
        }
    }
    Ok(Some(all))
}

/// Forgets changes up to an epoch: an image holds them.
pub async fn forget_changes(tables: &dyn Tables, epoch: u64) -> Result<()> {
    let old = tables.scan(CHANGES, "", "", usize::MAX >> 1).await?;
    let old = old.into_iter().filter(|item| number(&item.key) <= epoch);
    tables.commit(old.map(|item| Write::Delete { table: CHANGES, key: item.key }).collect()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use intel::Claim;
    use port::MemoryTables;

    fn claim(value: &str, source: &str) -> Edit {
        let claim = Claim { source: source.into(), confidence: 80, ..Claim::default() };
        Edit::Claim(Indicator::guess(value).unwrap().with(claim))
    }

    async fn edit(tables: &MemoryTables, edits: Vec<Edit>, epoch: u64) -> Changed {
        let seq = fact(tables, "seq").await.unwrap();
        let mut changed = plan(tables, edits, |_, _| true, 10, seq).await.unwrap();
        changed.commit(tables, 10, epoch).await.unwrap();
        changed
    }

    #[tokio::test]
    async fn a_change_moves_to_the_end_and_what_nobody_names_is_gone() {
        let tables = MemoryTables::default();
        edit(&tables, vec![claim("192.0.2.1", "a"), claim("evil.example", "a"), claim("192.0.2.1", "b")], 1).await;
        let rows = tables.scan(ORDER, "", "", 10).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert!(edit(&tables, vec![claim("evil.example", "a")], 2).await.indicators.is_empty(), "nothing new");
        let sighted = Edit::Sighted { kind: Kind::Domain, value: "evil.example".into(), time_us: 7 };
        let stray = Edit::Sighted { kind: Kind::Domain, value: "other.example".into(), time_us: 7 };
        assert_eq!(edit(&tables, vec![sighted, stray], 3).await.indicators.len(), 1);
        let (seq, row) = read(&tables, Kind::Domain, "evil.example").await.unwrap().unwrap();
        assert_eq!((seq, row.indicator.sightings.count), (3, 1));
        let gone = Edit::Withdraw { kind: Kind::Domain, value: "evil.example".into(), source: "a".into(), id: None };
        edit(&tables, vec![gone], 4).await;
        assert!(read(&tables, Kind::Domain, "evil.example").await.unwrap().is_none());
        assert_eq!(tables.scan(ORDER, "", "", 10).await.unwrap().len(), 1);
        let since = changed_since(&tables, 2).await.unwrap().unwrap();
        assert_eq!(since.len(), 2);
        forget_changes(&tables, 3).await.unwrap();
        assert_eq!(changed_since(&tables, 0).await.unwrap().unwrap().len(), 1);
    }
}
