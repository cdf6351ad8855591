//! The lake at one moment.

use super::whole::OCSF;
use crate::image::{Home, ImageTable};
use crate::manifest::FileEntry;
use crate::state::State;
use crate::{Family, fault, schema};
use base::{Fault, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field};
use port::Column;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files and rows in memory of one table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    /// Newest first. A clone keeps the file from being deleted.
    pub(crate) files: Vec<Arc<FileEntry>>,
    pub(crate) memory: Vec<RecordBatch>,
}

/// All tables.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    contents: Arc<HashMap<Family, Content>>,
    images: Arc<HashMap<Home, Arc<ImageTable>>>,
}

impl Snapshot {
    pub(crate) fn of(state: &State) -> Snapshot {
        let mut contents: HashMap<Family, Content> = HashMap::new();
        let mut images = HashMap::new();
        for file in state.manifest.files.values() {
            if let Some(family) = file.family() {
                contents.entry(family).or_default().files.push(file.clone());
            }
        }
        for (family, memory) in &state.memory {
            let content = contents.entry(*family).or_default();
            for chunk in memory.flushing.iter().chain(&memory.active) {
                content.memory.push(chunk.rows.clone());
                images.insert(chunk.home, chunk.images.clone());
            }
        }
        for content in contents.values_mut() {
            content.files.sort_by_key(|file| std::cmp::Reverse(file.max_us));
        }
        Snapshot { contents: Arc::new(contents), images: Arc::new(images) }
    }

    pub(crate) fn content(&self, family: Family) -> Content {
        self.contents.get(&family).cloned().unwrap_or_default()
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<FileEntry>> {
        self.contents.values().flat_map(|content| &content.files)
    }

    pub(crate) fn images_in_memory(&self, home: Home) -> Option<Arc<ImageTable>> {
        self.images.get(&home).cloned()
    }

    /// Images of the rows in memory.
    pub(crate) fn images(&self) -> impl Iterator<Item = &ImageTable> {
        self.images.values().map(|table| &**table)
    }

    pub(crate) fn images_path(&self, dir: &Path, home: Home) -> Result<PathBuf> {
        let file = self.files().find(|file| !home.in_memory && file.number == home.number);
        let missing =
            || Fault::new(&fault::CORRUPT).object(format!("images {}", home.number)).expected("a file of the manifest");
        file.map(|file| file.images_path(dir)).ok_or_else(missing)
    }
}

/// Tables and columns as people read them.
pub(crate) fn tables() -> Vec<(String, Vec<Column>)> {
    let column = |field: &Field| Column { name: field.name().clone(), kind: kind(field.data_type()) };
    let mut tables = vec![("events".to_string(), schema::of_events().iter().map(column).collect())];
    let mut whole: Vec<Column> = schema::of_events().iter().map(column).collect();
    whole.push(Column { name: OCSF.to_string(), kind: kind(&DataType::Utf8View) });
    tables.push((OCSF.to_string(), whole));
    for family in Family::ALL {
        let columns = schema::of(*family).fields().iter().map(|field| column(field)).collect();
        tables.push((family.word().to_string(), columns));
    }
    tables
}

/// Name of a type as Arrow prints it.
pub(crate) fn kind(kind: &DataType) -> String {
    kind.to_string()
}
