//! Finding the file that made a query fail.

use super::snapshot::Snapshot;
use crate::lake::{Lake, blocking};
use crate::manifest::{Change, FileEntry};
use crate::{fault, files};
use base::{Fault, Result};
use std::sync::Arc;

impl Lake {
    /// Reads every file of the snapshot whole; those that are damaged are moved to the folder `aside`, taken out of the
    /// manifest and reported by [`Lake::notices`]. Costly, and only done after a query met damage. A fault when
    /// none is damaged but the disk refused to read one.
    pub(crate) async fn set_damaged_aside(&self, snapshot: &Snapshot) -> Result<()> {
        let dir = self.inner.config.dir.clone();
        let files: Vec<Arc<FileEntry>> = snapshot.files().cloned().collect();
        let (damaged, refused): (Vec<_>, Vec<_>) = blocking(move || {
            let broken = |file: Arc<FileEntry>| files::read(&dir, &file).err().map(|fault| (file, fault));
            let broken = files.into_iter().filter_map(broken);
            Ok(broken.partition(|(_, fault): &(Arc<FileEntry>, Fault)| fault.is(&fault::CORRUPT)))
        })
        .await?;
        match refused.into_iter().next() {
            Some((_, fault)) if damaged.is_empty() => return Err(fault),
            _ => {}
        }
        let dir = self.inner.config.dir.clone();
        let done = self.change(move |state| {
            let mut change = Change::default();
            for (file, fault) in damaged {
                // Another query may have been faster, or a compaction replaced the file.
                if state.manifest.files.contains_key(&file.number) {
                    files::set_aside(&dir, &file);
                    tracing::error!(file = file.name(), "set aside a damaged file of the lake");
                    state.notices.push(fault);
                    change.remove.push(file);
                }
            }
            Some(((), change))
        });
        done.await.map(|_| ())
    }
}
