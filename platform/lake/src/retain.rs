//! Retention: what is dropped when, by age, by bytes, by the disk.

use crate::config::LakeConfig;
use crate::lake::Lake;
use crate::manifest::{Change, FileEntry};
use crate::{Family, files};
use base::Result;
use std::sync::Arc;

const DAY_US: i64 = 24 * 3_600_000_000;

/// Why a file was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// All its rows are older than the retention allows.
    Age,
    /// Telemetry takes more bytes than the retention allows.
    Bytes,
    /// The disk is fuller than the watermark.
    Disk,
}

/// What a retention dropped of one table for one reason: for the caller to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The table.
    pub family: Family,
    /// Why.
    pub reason: Reason,
    /// Files.
    pub files: usize,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Greatest time among the rows, µs: nothing newer was dropped.
    pub newest_us: i64,
}

/// Bytes that must go for the disk to be below the watermark again.
pub(crate) fn excess(config: &LakeConfig, percent: u8, lake_bytes: u64) -> u64 {
    if config.disk_percent >= 100 || percent <= config.disk_percent {
        return 0;
    }
    // The disk's size is not needed: a tenth of the lake at a time comes below the mark in a few rounds.
    (lake_bytes / 10).max(1)
}

/// Which files to drop. Pure. Findings go by their own age only: neither bytes nor a full disk touches them.
pub(crate) fn plan(
    files: &[Arc<FileEntry>],
    config: &LakeConfig,
    now_us: i64,
    disk_excess: u64,
) -> Vec<(Arc<FileEntry>, Reason)> {
    let is_finding = |file: &FileEntry| file.family == Family::Finding.word();
    let expired = |file: &FileEntry| {
        let days = if is_finding(file) { config.finding_days } else { config.retention_days };
        let age = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_US);
        days > 0 && file.max_us < now_us.saturating_sub(age)
    };
    let (old, mut kept): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|file| expired(file));
    let mut dropped: Vec<(Arc<FileEntry>, Reason)> = old.into_iter().map(|file| (file, Reason::Age)).collect();
    kept.retain(|file| !is_finding(file));
    kept.sort_by_key(|file| (file.max_us, file.number));
    let total: u64 = kept.iter().map(|file| file.total_bytes()).sum();
    let over = if config.retention_bytes == 0 { 0 } else { total.saturating_sub(config.retention_bytes) };
    let aged: u64 = dropped.iter().map(|(file, _)| file.total_bytes()).sum();
    let (mut gone, disk) = (0, disk_excess.saturating_sub(aged));
    for file in kept {
        let reason = match gone {
            gone if gone < over => Reason::Bytes,
            gone if gone < disk => Reason::Disk,
            _ => break,
        };
        gone += file.total_bytes();
        dropped.push((file, reason));
    }
    dropped
}

impl Lake {
    /// Drops what the retention does not keep; to be called now and then (every minute). Nothing is dropped silently: the
    /// answer counts it by table and reason.
    pub async fn retain(&self) -> Result<Vec<Retired>> {
        let percent = files::disk_percent(&self.inner.config.dir)?;
        self.retain_at(percent).await
    }

    /// The same with the disk's percentage given.
    pub(crate) async fn retain_at(&self, percent: u8) -> Result<Vec<Retired>> {
        let now = self.inner.clock.wall();
        let config = self.inner.config.clone();
        let dropped = self.change(move |state| {
            let files: Vec<Arc<FileEntry>> = state.manifest.files.values().cloned().collect();
            let bytes = files.iter().map(|file| file.total_bytes()).sum();
            let dropped = plan(&files, &config, now, excess(&config, percent, bytes));
            let remove = dropped.iter().map(|(file, _)| file.clone()).collect();
            Some((count(&dropped), Change { remove, ..Change::default() }))
        });
        let retired = dropped.await?.unwrap_or_default();
        self.sweep().await?;
        Ok(retired)
    }
}

fn count(dropped: &[(Arc<FileEntry>, Reason)]) -> Vec<Retired> {
    let mut retired: Vec<Retired> = Vec::new();
    for (file, reason) in dropped {
        let Some(family) = file.family() else { continue };
        let at = retired.iter().position(|one| one.family == family && one.reason == *reason).unwrap_or_else(|| {
            retired.push(Retired { family, reason: *reason, files: 0, rows: 0, bytes: 0, newest_us: i64::MIN });
            retired.len() - 1
        });
        let one = &mut retired[at];
        one.files += 1;
        one.rows += file.rows;
        one.bytes += file.total_bytes();
        one.newest_us = one.newest_us.max(file.max_us);
    }
    retired
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, family: Family, day: i64) -> Arc<FileEntry> {
        let (family, min_us, max_us) = (family.word().to_string(), day * DAY_US, day * DAY_US + 1);
        Arc::new(FileEntry { number, family, rows: 10, bytes: 90, image_bytes: 10, min_us, max_us, level: 0 })
    }

    fn numbers(dropped: &[(Arc<FileEntry>, Reason)]) -> Vec<(u64, Reason)> {
        dropped.iter().map(|(file, reason)| (file.number, *reason)).collect()
    }

    #[test]
    fn age_bytes_and_disk_drop_the_oldest_telemetry_and_keep_findings() {
        let files = [
            file(1, Family::Process, 1),
            file(2, Family::Finding, 1),
            file(3, Family::File, 50),
            file(4, Family::Process, 60),
            file(5, Family::Finding, 60),
            file(6, Family::Sample, 70),
        ];
        let now = 80 * DAY_US;
        let config = |days, bytes| LakeConfig { retention_days: days, retention_bytes: bytes, ..LakeConfig::default() };
        assert_eq!(numbers(&plan(&files, &config(40, 0), now, 0)), [(1, Reason::Age)]);
        assert_eq!(numbers(&plan(&files, &config(0, 250), now, 0)), [(1, Reason::Bytes), (3, Reason::Bytes)]);
        assert_eq!(numbers(&plan(&files, &config(0, 0), now, 101)), [(1, Reason::Disk), (3, Reason::Disk)]);
        assert_eq!(numbers(&plan(&files, &config(40, 0), now, 150)), [(1, Reason::Age), (3, Reason::Disk)]);
        assert_eq!(numbers(&plan(&files, &config(0, 0), now, u64::MAX)).len(), 4, "findings stay whatever happens");
        let short = LakeConfig { finding_days: 30, retention_days: 0, ..LakeConfig::default() };
        assert_eq!(numbers(&plan(&files, &short, now, 0)), [(2, Reason::Age)]);
        assert!(plan(&files, &config(0, 0), now, 0).is_empty());
    }

    #[test]
    fn the_watermark_asks_for_a_tenth_at_a_time() {
        let config = LakeConfig::default();
        assert_eq!((excess(&config, 85, 1000), excess(&config, 86, 1000), excess(&config, 99, 5)), (0, 100, 1));
        assert_eq!(excess(&LakeConfig { disk_percent: 100, ..config }, 100, 1000), 0);
    }
}
