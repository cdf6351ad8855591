//! What the lake holds, as `port::Tables` keeps it: one document a file, one a numbering, one for the offset.
//!
//! Everything that a flush, a compaction or a retention changes goes into one commit ([`Change`]), so that a crash leaves
//! either all of it or nothing. A change can be committed again: every write says what shall be, not what to add.

use crate::{Family, fault};
use base::{Fault, Result};
use port::{Tables, Write};
use record::{AgentId, Lane, Runs};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FILES: &str = "lake_files";
const POSITIONS: &str = "lake_positions";
const STATE: &str = "lake_state";
const OFFSET: &str = "offset";
/// Documents read at a time.
const PAGE: usize = 1000;

/// One Parquet file and the images beside it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) number: u64,
    /// Word of the [`Family`].
    pub(crate) family: String,
    pub(crate) rows: u64,
    /// Size of the Parquet file.
    pub(crate) bytes: u64,
    /// Size of the file of images, 0 when there is none.
    pub(crate) image_bytes: u64,
    pub(crate) min_us: i64,
    pub(crate) max_us: i64,
    /// 0 as flushed, 1 compacted.
    pub(crate) level: u8,
}

impl FileEntry {
    pub(crate) fn family(&self) -> Option<Family> {
        Family::from_word(&self.family)
    }

    /// Name below the lake's directory.
    pub(crate) fn name(&self) -> String {
        format!("{}/{:012}.parquet", self.family, self.number)
    }

    pub(crate) fn rows_path(&self, dir: &Path) -> PathBuf {
        dir.join(self.name())
    }

    pub(crate) fn images_path(&self, dir: &Path) -> PathBuf {
        self.rows_path(dir).with_extension("images")
    }

    pub(crate) fn total_bytes(&self) -> u64 {
        self.bytes + self.image_bytes
    }

    fn key(&self) -> String {
        format!("{:020}", self.number)
    }
}

/// A numbering.
pub(crate) type Numbering = (AgentId, u64, Lane);

/// A change of the manifest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) add: Vec<Arc<FileEntry>>,
    pub(crate) remove: Vec<Arc<FileEntry>>,
    pub(crate) positions: Vec<(Numbering, Runs)>,
    pub(crate) offset: Option<u64>,
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty() && self.positions.is_empty() && self.offset.is_none()
    }

    /// All of it in one transaction.
    pub(crate) async fn commit(&self, tables: &dyn Tables) -> Result<()> {
        let mut writes = Vec::new();
        for file in &self.remove {
            writes.push(Write::Delete { table: FILES, key: file.key() });
        }
        for file in &self.add {
            let value = serde_json::to_vec(file.as_ref()).map_err(|error| fault::of_bug("manifest", error))?;
            writes.push(Write::Put { table: FILES, key: file.key(), value: value.into() });
        }
        for ((agent, boot, lane), runs) in &self.positions {
            let key = format!("{agent}-{boot}-{}", lane.letter());
            writes.push(Write::Put { table: POSITIONS, key, value: runs.to_string().into() });
        }
        if let Some(offset) = self.offset {
            writes.push(Write::Put { table: STATE, key: OFFSET.into(), value: offset.to_string().into() });
        }
        tables.commit(writes).await
    }
}

/// What was committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    pub(crate) files: BTreeMap<u64, Arc<FileEntry>>,
    pub(crate) positions: HashMap<Numbering, Runs>,
    pub(crate) offset: u64,
}

impl Manifest {
    pub(crate) async fn load(tables: &dyn Tables) -> Result<Manifest> {
        let mut manifest = Manifest::default();
        for (key, value) in all(tables, FILES).await? {
            let file: FileEntry =
                serde_json::from_slice(&value).map_err(|error| damaged(FILES, &key).because(error))?;
            manifest.files.insert(file.number, Arc::new(file));
        }
        for (key, value) in all(tables, POSITIONS).await? {
            let numbering = numbering(&key).ok_or_else(|| damaged(POSITIONS, &key))?;
            manifest.positions.insert(numbering, runs(&value).ok_or_else(|| damaged(POSITIONS, &key))?);
        }
        if let Some(item) = tables.get(STATE, OFFSET).await? {
            manifest.offset = number(&item.value).ok_or_else(|| damaged(STATE, OFFSET))?;
        }
        Ok(manifest)
    }

    pub(crate) fn apply(&mut self, change: &Change) {
        for file in &change.remove {
            self.files.remove(&file.number);
        }
        for file in &change.add {
            self.files.insert(file.number, file.clone());
        }
        self.positions.extend(change.positions.iter().cloned());
        self.offset = change.offset.unwrap_or(self.offset);
    }
}

fn damaged(table: &str, key: &str) -> Fault {
    Fault::new(&fault::CORRUPT).object(format!("{table}/{key}")).expected("a document of the manifest")
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn runs(value: &[u8]) -> Option<Runs> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn numbering(key: &str) -> Option<Numbering> {
    let mut parts = key.split('-');
    let found = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, Lane::from_letter(parts.next()?)?);
    parts.next().is_none().then_some(found)
}

async fn all(tables: &dyn Tables, table: &'static str) -> Result<Vec<(String, bytes::Bytes)>> {
    let mut found: Vec<(String, bytes::Bytes)> = Vec::new();
    loop {
        let after = found.last().map_or("", |(key, _)| key).to_string();
        let page = tables.scan(table, "", &after, PAGE).await?;
        let last = page.len() < PAGE;
        found.extend(page.into_iter().map(|item| (item.key, item.value)));
        if last {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use port::MemoryTables;

    /// Earlier programs stored the greatest number only.
    #[tokio::test]
    async fn numbers_read_back_in_the_new_form_and_in_the_old() {
        let tables = MemoryTables::default();
        let numbering = |boot| (AgentId([1; 16]), boot, Lane::Alert);
        let key = format!("{}-7-a", AgentId([1; 16]));
        tables.commit(vec![Write::Put { table: POSITIONS, key, value: "42".into() }]).await.unwrap();
        let mut runs = Runs::default();
        runs.add(1, 8);
        runs.add(12, 20);
        let change = Change { positions: vec![(numbering(8), runs.clone())], ..Change::default() };
        change.commit(&tables).await.unwrap();
        let manifest = Manifest::load(&tables).await.unwrap();
        assert_eq!(manifest.positions[&numbering(8)], runs);
        assert_eq!(manifest.positions[&numbering(7)].iter().collect::<Vec<_>>(), [(1, 42)]);
    }
}
