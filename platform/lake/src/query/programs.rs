//! Programs by their hash. A row has no column for it: the hash lies in the image of the process, once a file, so the
//! images of the files in question are read through, and rows are found by the keys of the processes.

use super::snapshot::Snapshot;
use crate::image::{self, ImageTable};
use crate::lake::{Lake, blocking};
use crate::{Family, fault};
use base::Result;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// What a search through images may cost: files are read newest first until so many bytes are (packed, on disk).
const IMAGE_BYTES: u64 = 2 << 30;

/// Keys of processes, and whether there was more to look at than is allowed.
pub type Found = (Vec<u64>, bool);

impl Lake {
    /// Keys of the processes since a time (µs) whose executable has one of these SHA-256 hashes, at most `most`; `true`
    /// beside them when not everything could be looked at.
    ///
    /// # Errors
    /// A disk that refuses; a file that is damaged is set aside and the rest is searched.
    pub async fn programs(&self, hashes: HashSet<Vec<u8>>, since_us: i64, most: usize) -> Result<Found> {
        let hashes = Arc::new(hashes);
        match self.search(self.snapshot(), hashes.clone(), since_us, most).await {
            Err(fault) if fault.is(&fault::CORRUPT) => {
                self.set_damaged_aside(&self.snapshot()).await?;
                self.search(self.snapshot(), hashes, since_us, most).await
            }
            found => found,
        }
    }

    async fn search(
        &self,
        snapshot: Snapshot,
        hashes: Arc<HashSet<Vec<u8>>>,
        since_us: i64,
        most: usize,
    ) -> Result<Found> {
        let dir = self.inner.config.dir.clone();
        blocking(move || {
            let mut keys = BTreeSet::new();
            for table in snapshot.images() {
                keys.extend(keys_of(table, &hashes));
            }
            let (mut left, mut cut) = (IMAGE_BYTES, false);
            for file in &snapshot.content(Family::Process).files {
                if file.max_us < since_us || file.image_bytes == 0 {
                    continue;
                }
                if keys.len() >= most || file.image_bytes > left {
                    cut = true;
                    break;
                }
                left -= file.image_bytes;
                keys.extend(keys_of(&image::read_file(&file.images_path(&dir))?, &hashes));
            }
            cut |= keys.len() > most;
            Ok((keys.into_iter().take(most).collect(), cut))
        })
        .await
    }
}

fn keys_of<'t>(table: &'t ImageTable, hashes: &'t HashSet<Vec<u8>>) -> impl Iterator<Item = u64> + 't {
    let procs = (0..table.len()).filter_map(|index| table.get(index)?.1.as_ref());
    procs.filter(|proc| hashes.contains(&proc.info.exe.sha256)).map(|proc| proc.info.key)
}
