//! Retention: what is dropped when, by age, by bytes, by the disk.

use crate::config::LakeConfig;
use crate::files::{self, Disk};
use crate::lake::Lake;
use crate::lake::blocking;
use crate::manifest::{Change, FileEntry};
use crate::state::State;
use crate::{Family, fault};
use base::{Fault, Result};
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

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Reason] = &[Reason::Age, Reason::Bytes, Reason::Disk];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Age => "age",
            Reason::Bytes => "bytes",
            Reason::Disk => "disk",
        }
    }
}

/// Rows and bytes dropped for each reason since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals([(u64, u64); Reason::ALL.len()]);

impl Totals {
    fn add(&mut self, retired: &Retired) {
        let (rows, bytes) = &mut self.0[retired.reason as usize];
        *rows += retired.rows;
        *bytes += retired.bytes;
    }

    /// (reason, rows, bytes).
    pub(crate) fn list(&self) -> Vec<(&'static str, u64, u64)> {
        Reason::ALL.iter().zip(self.0).map(|(reason, (rows, bytes))| (reason.word(), rows, bytes)).collect()
    }
}

/// What the disk asks of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressure {
    /// It is below the watermark.
    None,
    /// It is above, but telemetry is below its floor: dropping it would not help.
    Crowded,
    /// So many bytes of telemetry shall go now.
    Excess(u64),
}

/// What a disk asks for that holds so many bytes of telemetry.
pub(crate) fn pressure(config: &LakeConfig, disk: Disk, telemetry: u64) -> Pressure {
    let mark = (u128::from(disk.size) * u128::from(config.disk_percent.min(100)) / 100) as u64;
    let over = disk.used.saturating_sub(mark);
    if config.disk_percent >= 100 || over == 0 {
        return Pressure::None;
    }
    // At most a tenth at a time: another program may be about to free what it filled the disk with.
    match over.min((telemetry / 10).max(1)).min(telemetry.saturating_sub(config.disk_floor_bytes)) {
        0 => Pressure::Crowded,
        excess => Pressure::Excess(excess),
    }
}

fn is_finding(file: &FileEntry) -> bool {
    file.family == Family::Finding.word()
}

/// Time before which records of a table are dropped, µs; `None` keeps them.
fn horizon(family: Family, config: &LakeConfig, now_us: i64) -> Option<i64> {
    let days = if family == Family::Finding { config.finding_days } else { config.retention_days };
    let age = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_US);
    (days > 0).then(|| now_us.saturating_sub(age))
}

/// Which files to drop. Pure. Findings go by their own age only: neither bytes nor a full disk touches them.
pub(crate) fn plan(
    files: &[Arc<FileEntry>],
    config: &LakeConfig,
    now_us: i64,
    disk_excess: u64,
) -> Vec<(Arc<FileEntry>, Reason)> {
    let expired = |file: &FileEntry| {
        let family = file.family().unwrap_or(Family::Process);
        horizon(family, config, now_us).is_some_and(|before_us| file.max_us < before_us)
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
    /// answer counts it by table and reason, [`crate::LakeStatus::retired`] since the start, and what was dropped before its
    /// age is a fault in [`Lake::notices`].
    pub async fn retain(&self) -> Result<Vec<Retired>> {
        let (config, now) = (self.inner.config.clone(), self.inner.clock.wall());
        let work = move || {
            let expired = files::expire_aside(&config.dir, |family| horizon(family, &config, now))?;
            if expired > 0 {
                tracing::info!(expired, "files set aside long ago were deleted");
            }
            files::disk(&config.dir)
        };
        let disk = blocking(work).await?;
        self.retain_at(disk).await
    }

    /// The same with the disk given.
    pub(crate) async fn retain_at(&self, disk: Disk) -> Result<Vec<Retired>> {
        let now = self.inner.clock.wall();
        let config = self.inner.config.clone();
        let dropped = self.change(move |state| {
            let files: Vec<Arc<FileEntry>> = state.manifest.files.values().cloned().collect();
            let telemetry = files.iter().filter(|file| !is_finding(file)).map(|file| file.total_bytes()).sum();
            let pressure = pressure(&config, disk, telemetry);
            crowded(state, pressure, disk);
            let excess = if let Pressure::Excess(bytes) = pressure { bytes } else { 0 };
            let dropped = plan(&files, &config, now, excess);
            let remove = dropped.iter().map(|(file, _)| file.clone()).collect();
            Some((count(&dropped), Change { remove, ..Change::default() }))
        });
        let retired = dropped.await?.unwrap_or_default();
        note(&mut self.state(), &retired);
        self.sweep().await?;
        Ok(retired)
    }
}

/// Says once that other files fill the disk, until it has room again.
fn crowded(state: &mut State, pressure: Pressure, disk: Disk) {
    let is = pressure == Pressure::Crowded;
    if is && !state.crowded {
        let found = format!("{} of {} bytes in use", disk.used, disk.size);
        state.notices.push(Fault::new(&fault::CROWDED).object("disk of the lake").found(found));
    }
    state.crowded = is;
}

/// Counts what was dropped; what was not yet too old is told, too.
fn note(state: &mut State, retired: &[Retired]) {
    for one in retired {
        state.retired.add(one);
        if one.reason != Reason::Age {
            let found = format!("{} rows of {} bytes, for {}", one.rows, one.bytes, one.reason.word());
            state.notices.push(Fault::new(&fault::RETIRED).object(one.family.word()).found(found));
        }
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
    fn the_watermark_asks_for_what_is_over_it_and_at_most_a_tenth_at_a_time() {
        let config = LakeConfig { disk_floor_bytes: 200, ..LakeConfig::default() };
        let at = |used, telemetry| pressure(&config, Disk { used, size: 10_000 }, telemetry);
        assert_eq!(
            (at(8_500, 1000), at(8_510, 1000), at(9_900, 1000)),
            (Pressure::None, Pressure::Excess(10), Pressure::Excess(100))
        );
        // Others fill the disk: dropping the last of the lake would free nothing and cost the record.
        assert_eq!(
            (at(9_999, 200), at(9_999, 0), at(9_999, 203)),
            (Pressure::Crowded, Pressure::Crowded, Pressure::Excess(3))
        );
        let off = LakeConfig { disk_percent: 100, ..config };
        assert_eq!(pressure(&off, Disk { used: 10, size: 10 }, 1000), Pressure::None);
    }
}
