//! Compaction: many small files of one table become few large ones, sorted by (kind, agent, time).
//!
//! First the files of each ended hour, then the leftovers of each ended day, up to [`ROWS_MAX`] rows a file. Rows are the same
//! before and after; the swap is one commit; replaced files are deleted when no query reads them any more.

use crate::image::{Home, IMAGES_MAX, ImageSet};
use crate::lake::{Lake, blocking};
use crate::manifest::{Change, FileEntry};
use crate::{Family, back, fault, files, schema};
use base::Result;
use datafusion::arrow::array::{RecordBatch, UInt32Array};
use datafusion::arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most rows of a compacted file: they are sorted in memory, about 600 bytes a row.
const ROWS_MAX: u64 = 524_288;
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Order of rows in a compacted file, as far as the table has the columns.
const ORDER: &[&str] = &["kind", "name", "agent", "time", "boot", "lane", "seq"];

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Files replaced.
    pub from: usize,
    /// Files that replace them.
    pub to: usize,
    /// Rows moved.
    pub rows: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

/// Files to merge into one.
pub(crate) type Group = Vec<Arc<FileEntry>>;

/// Groups worth merging. Pure: `now_us` decides which hours and days have ended.
pub(crate) fn plan(files: &[Arc<FileEntry>], now_us: i64) -> Vec<Group> {
    let mut groups = Vec::new();
    for family in Family::ALL {
        let small = |file: &&Arc<FileEntry>| file.family == family.word() && file.rows < ROWS_MAX / 2;
        let of_hour = |file: &Arc<FileEntry>| file.level == 0 && file.max_us < now_us - now_us.rem_euclid(HOUR_US);
        let hours = gather(files.iter().filter(small).filter(|file| of_hour(file)), HOUR_US);
        let of_day = |file: &Arc<FileEntry>| file.max_us < now_us - now_us.rem_euclid(DAY_US);
        let days = gather(files.iter().filter(small).filter(|file| of_day(file)), DAY_US);
        // A day's merge takes the hours along, so a file is in one group only.
        groups.extend(if days.is_empty() { hours } else { days });
    }
    groups
}

fn gather<'f>(files: impl Iterator<Item = &'f Arc<FileEntry>>, span_us: i64) -> Vec<Group> {
    let mut spans: BTreeMap<i64, Group> = BTreeMap::new();
    for file in files {
        spans.entry(file.min_us.div_euclid(span_us)).or_default().push(file.clone());
    }
    let mut groups = Vec::new();
    for mut span in spans.into_values() {
        span.sort_by_key(|file| (file.min_us, file.number));
        let (mut group, mut rows): (Group, u64) = (Vec::new(), 0);
        for file in span {
            if rows + file.rows > ROWS_MAX {
                groups.push(std::mem::take(&mut group));
                rows = 0;
            }
            rows += file.rows;
            group.push(file);
        }
        groups.push(group);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

impl Lake {
    /// Merges what is worth merging; to be called now and then (every few minutes). One group at a time, each its own
    /// commit, so that a fault or a stop leaves whole groups. A damaged file is set aside and the rest goes on.
    pub async fn compact(&self) -> Result<Compacted> {
        let now = self.inner.clock.wall();
        let files: Vec<Arc<FileEntry>> = self.state().manifest.files.values().cloned().collect();
        let mut total = Compacted::default();
        for group in plan(&files, now) {
            let number = self.state().number();
            let (dir, row_group, sources) =
                (self.inner.config.dir.clone(), self.inner.config.flush_rows, group.clone());
            let merged = match blocking(move || merge(&dir, &sources, number, row_group)).await {
                Err(fault) if fault.is(&fault::CORRUPT) => {
                    let snapshot = self.snapshot();
                    self.set_damaged_aside(&snapshot).await?;
                    continue;
                }
                merged => Arc::new(merged?),
            };
            let planned = AtomicBool::new(false);
            let swapped = self.change(|state| {
                planned.store(true, Ordering::Relaxed);
                let known = &state.manifest.files;
                // Retention may have dropped a source meanwhile: then the merge is void, its file an orphan to delete.
                if !group.iter().all(|file| known.contains_key(&file.number)) {
                    state.garbage.push(merged.clone());
                    return None;
                }
                Some(((), Change { add: vec![merged.clone()], remove: group.clone(), ..Change::default() }))
            });
            let swapped = swapped.await;
            if swapped.is_err() && !planned.load(Ordering::Relaxed) {
                // Nobody has heard of the merged file; after a failed commit it may be known.
                self.state().garbage.push(merged.clone());
            }
            if swapped?.is_some() {
                total.from += group.len();
                total.to += 1;
                total.rows += merged.rows;
                total.bytes_before += group.iter().map(|file| file.total_bytes()).sum::<u64>();
                total.bytes_after += merged.total_bytes();
            }
        }
        drop(files);
        self.sweep().await?;
        Ok(total)
    }
}

/// One sorted file of several.
fn merge(dir: &Path, sources: &[Arc<FileEntry>], number: u64, row_group: usize) -> Result<FileEntry> {
    let family =
        sources.first().and_then(|file| file.family()).ok_or_else(|| fault::of_bug("compaction", "no family"))?;
    let home = Home { in_memory: false, number };
    let mut images = ImageSet::default();
    let mut batches = Vec::new();
    // Tables of images live until the set is full: it knows processes by their address.
    let mut tables = Vec::with_capacity(sources.len());
    for source in sources {
        let (rows, table) = files::read(dir, source)?;
        let mut places: HashMap<u64, u64> = HashMap::new();
        for batch in &rows {
            for place in back::places_used(batch) {
                let Some((host, proc)) = table.get(crate::image::split(place).1) else { continue };
                places.entry(place).or_insert_with(|| home.place(images.place(host, proc.as_ref())));
            }
        }
        for batch in &rows {
            batches.push(back::renumber(batch, &places)?);
        }
        tables.push(table);
    }
    if images.len() > IMAGES_MAX {
        return Err(fault::of_bug("compaction", "more images than a place can number"));
    }
    let sorted = sort(family, &batches)?;
    files::write(dir, (family, number, 1), &[sorted], &images, row_group)
}

fn sort(family: Family, batches: &[RecordBatch]) -> Result<RecordBatch> {
    let broken = |error| fault::of_bug("compaction", error);
    let all = concat_batches(&schema::of(family), batches).map_err(broken)?;
    let column = |name: &&str| {
        let values = all.column_by_name(name)?.clone();
        Some(SortColumn { values, options: None })
    };
    // A name sorts metrics; for events it is one more cell.
    let order = ORDER.iter().filter(|name| family == Family::Sample || **name != "name");
    let columns: Vec<SortColumn> = order.filter_map(column).collect();
    let indices: UInt32Array = lexsort_to_indices(&columns, None).map_err(broken)?;
    take_record_batch(&all, &indices).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, min_us: i64, rows: u64, level: u8) -> Arc<FileEntry> {
        let family = "process".to_string();
        Arc::new(FileEntry { number, family, rows, bytes: 1, image_bytes: 0, min_us, max_us: min_us + 1, level })
    }

    fn numbers(groups: &[Group]) -> Vec<Vec<u64>> {
        groups.iter().map(|group| group.iter().map(|file| file.number).collect()).collect()
    }

    #[test]
    fn ended_hours_are_merged_and_then_ended_days() {
        let now = 10 * DAY_US + 5 * HOUR_US;
        let today = 10 * DAY_US;
        let files =
            [file(1, today, 5, 0), file(2, today + 2, 5, 0), file(3, today + HOUR_US, 5, 0), file(4, now + 1, 5, 0)];
        assert_eq!(numbers(&plan(&files, now)), [[1, 2]], "one alone and the running hour stay");
        let files = [file(1, today, 5, 1), file(2, today + HOUR_US, 5, 1)];
        assert!(plan(&files, now).is_empty(), "the day has not ended");
        assert_eq!(numbers(&plan(&files, now + DAY_US)), [[1, 2]]);
    }

    #[test]
    fn groups_stay_below_the_limit_and_large_files_stay_alone() {
        let third = ROWS_MAX / 3 + 1;
        let files = [
            file(1, 1, third, 0),
            file(2, 2, third, 0),
            file(3, 3, third, 0),
            file(4, 4, ROWS_MAX, 0),
            file(5, 5, 9, 0),
        ];
        assert_eq!(numbers(&plan(&files, DAY_US * 2)), [vec![1, 2], vec![3, 5]]);
    }
}
