//! Parquet files: writing whole ones, reading them back, setting damaged ones aside.

use crate::image::{ImageSet, ImageTable, read_file};
use crate::manifest::FileEntry;
use crate::{Family, back, fault, schema};
use base::{Fault, Micros, Result};
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::schema::types::ColumnPath;
use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Folder of files that did not read.
const ASIDE: &str = "aside";
/// End of the name of a file that is being written.
const PART: &str = "part";
/// zstd level: 9 saves a tenth and takes twice as long.
const ZSTD_LEVEL: i32 = 3;
/// Columns that a hunt looks up by equality.
const BLOOM: &[&str] = &["agent", "remote_ip", "path", "name", "process_key", "exe", "rule", "id"];
/// Columns that grow nearly steadily, where differences are small.
const STEADY: &[&str] = &["time", "seq", "image"];

/// Folders below the lake's directory, mode 0700.
pub(crate) fn make_folders(dir: &Path) -> Result<()> {
    let folders = Family::ALL.iter().map(|family| dir.join(family.word())).chain([dir.join(ASIDE)]);
    for folder in folders {
        make_folder(&folder).map_err(|error| fault::of_file(folder.display(), &error))?;
    }
    Ok(())
}

/// Makes a folder with its parents, each lasting in its own parent.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}

fn properties(family: Family, row_group: usize) -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(|error| fault::of_bug("zstd level", error))?;
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(row_group))
        .set_created_by("garrison".to_string());
    for field in schema::of(family).fields() {
        let name = field.name().as_str();
        let path = || ColumnPath::from(name);
        if STEADY.contains(&name) {
            builder = builder.set_column_dictionary_enabled(path(), false);
            builder = builder.set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED);
        }
        if BLOOM.contains(&name) {
            builder = builder.set_column_bloom_filter_enabled(path(), true);
            builder = builder.set_column_bloom_filter_max_ndv(path(), row_group as u64);
        }
    }
    Ok(builder.build())
}

/// Writes a file and its images: temporary name, fsync, rename, fsync of the folder. Not known to anyone until committed; on a
/// fault nothing is left.
pub(crate) fn write(
    dir: &Path,
    (family, number, level): (Family, u64, u8),
    batches: &[RecordBatch],
    images: &ImageSet,
    row_group: usize,
) -> Result<FileEntry> {
    let mut entry = FileEntry {
        number,
        family: family.word().to_string(),
        rows: batches.iter().map(|batch| batch.num_rows() as u64).sum(),
        bytes: 0,
        image_bytes: 0,
        min_us: i64::MAX,
        max_us: i64::MIN,
        level,
    };
    for (min, max) in batches.iter().filter_map(back::time_range) {
        entry.min_us = entry.min_us.min(min);
        entry.max_us = entry.max_us.max(max);
    }
    let written = write_both(dir, &mut entry, batches, images, properties(family, row_group)?);
    if let Err(fault) = written {
        // The fault that counts is the first one.
        let _ = delete(dir, &entry);
        return Err(fault);
    }
    Ok(entry)
}

fn write_both(
    dir: &Path,
    entry: &mut FileEntry,
    batches: &[RecordBatch],
    images: &ImageSet,
    properties: WriterProperties,
) -> Result<()> {
    let path = entry.rows_path(dir);
    let schema = batches.first().map(RecordBatch::schema).ok_or_else(|| fault::of_bug("lake file", "no rows"))?;
    let named = |error: std::io::Error| fault::of_file(path.display(), &error);
    if images.len() > 0 {
        let content = images.encode().map_err(named)?;
        entry.image_bytes = content.len() as u64;
        whole(&entry.images_path(dir), |mut file| {
            file.write_all(&content)?;
            Ok(file)
        })
        .map_err(named)?;
    }
    whole(&path, |file| {
        let mut writer = ArrowWriter::try_new(file, schema, Some(properties))?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        Ok(writer.into_inner()?)
    })
    .map_err(named)?;
    entry.bytes = fs::metadata(&path).map_err(named)?.len();
    Ok(())
}

type Out = BufWriter<File>;

fn whole(path: &Path, fill: impl FnOnce(Out) -> std::io::Result<Out>) -> std::io::Result<()> {
    let part = path.with_extension(PART);
    let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
    let done = fill(BufWriter::with_capacity(1 << 20, file)).and_then(|out| {
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&part, path)?;
        File::open(path.parent().unwrap_or(path))?.sync_all()
    });
    done.inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

/// Reads a file whole, with its images. Damage is `lake.corrupt`; a disk that refuses is not.
pub(crate) fn read(dir: &Path, entry: &FileEntry) -> Result<(Vec<RecordBatch>, ImageTable)> {
    let path = entry.rows_path(dir);
    let damaged = |cause: &dyn std::fmt::Display| Fault::new(&fault::CORRUPT).object(entry.name()).because(cause);
    // Read before it is decoded: the decoder's errors do not tell damage from a disk that refuses.
    let content = fs::read(&path).map_err(|error| fault::of_reading(entry.name(), &error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content)).and_then(|builder| builder.build());
    let batches: std::result::Result<Vec<RecordBatch>, _> = reader.map_err(|error| damaged(&error))?.collect();
    let batches = batches.map_err(|error| damaged(&error))?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows as u64 != entry.rows {
        return Err(damaged(&"rows are missing").expected(entry.rows).found(rows));
    }
    let images = if entry.image_bytes == 0 { ImageTable::default() } else { read_file(&entry.images_path(dir))? };
    Ok((batches, images))
}

/// Whether the files are there with the size that the manifest says. Cheap: for every start.
pub(crate) fn check(dir: &Path, entry: &FileEntry) -> Result<()> {
    let mut parts = vec![(entry.rows_path(dir), entry.bytes)];
    if entry.image_bytes > 0 {
        parts.push((entry.images_path(dir), entry.image_bytes));
    }
    for (path, bytes) in parts {
        let found = fs::metadata(&path).map_err(|error| fault::of_reading(entry.name(), &error))?.len();
        if found != bytes {
            let fault = Fault::new(&fault::CORRUPT).object(entry.name());
            return Err(fault.expected(format!("{bytes} bytes")).found(format!("{found} bytes")));
        }
    }
    Ok(())
}

/// Moves what is left of a damaged file out of the way.
pub(crate) fn set_aside(dir: &Path, entry: &FileEntry) {
    for path in [entry.rows_path(dir), entry.images_path(dir)] {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = fs::rename(&path, dir.join(ASIDE).join(format!("{}-{name}", entry.family)));
    }
}

/// Deletes a file and its images; absent ones are no fault.
pub(crate) fn delete(dir: &Path, entry: &FileEntry) -> Result<()> {
    for path in [entry.rows_path(dir), entry.images_path(dir)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(fault::of_file(path.display(), &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Files found that the manifest does not know.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    /// Files moved to the folder `aside`.
    pub(crate) files: usize,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// The greatest number that any file ever had.
    pub(crate) greatest_number: u64,
}

impl Orphans {
    /// What to tell about them.
    pub(crate) fn fault(&self, dir: &Path) -> Option<Fault> {
        let found = format!("{} files of {} bytes", self.files, self.bytes);
        (self.files > 0).then(|| Fault::new(&fault::UNKNOWN_FILES).object(dir.join(ASIDE).display()).found(found))
    }
}

fn number_of(path: &Path) -> Option<u64> {
    let stem = path.file_stem()?.to_str()?;
    stem.rsplit('-').next()?.parse().ok()
}

/// Moves files that the manifest does not know to the folder `aside`. Mostly a crash came between rename and commit, or between
/// commit and deletion; but the manifest may also have been lost or restored from an older copy, and then they are all that is
/// left. Only half-written files are deleted.
pub(crate) fn set_orphans_aside(dir: &Path, known: &HashSet<PathBuf>) -> Result<Orphans> {
    let mut orphans = Orphans::default();
    let aside = dir.join(ASIDE);
    for name in Family::ALL.iter().map(|family| family.word()).chain([ASIDE]) {
        let folder = dir.join(name);
        let entries = fs::read_dir(&folder).map_err(|error| fault::of_file(folder.display(), &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let named = |error: std::io::Error| fault::of_file(path.display(), &error);
            let Some(number) = number_of(&path) else { continue };
            orphans.greatest_number = orphans.greatest_number.max(number);
            match path.extension().and_then(|end| end.to_str()) {
                Some(PART) => fs::remove_file(&path).map_err(named)?,
                Some("parquet" | "images") if name != ASIDE && !known.contains(&path) => {
                    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    orphans.bytes += fs::metadata(&path).map_err(named)?.len();
                    orphans.files += 1;
                    fs::rename(&path, aside.join(format!("{name}-{file}"))).map_err(named)?;
                }
                _ => {}
            }
        }
    }
    Ok(orphans)
}

/// Deletes from the folder `aside` what was written before `before_us` (of the table named in its name): the retention would
/// have dropped it, had it been known. Answers how many files.
pub(crate) fn expire_aside(dir: &Path, before_us: impl Fn(Family) -> Option<Micros>) -> Result<usize> {
    let aside = dir.join(ASIDE);
    let mut expired = 0;
    let entries = fs::read_dir(&aside).map_err(|error| fault::of_file(aside.display(), &error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let word = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.split('-').next());
        let Some(before_us) = word.and_then(Family::from_word).and_then(&before_us) else { continue };
        let Ok(written) = fs::metadata(&path).and_then(|about| about.modified()) else { continue };
        let age = written.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        if Micros::try_from(age.as_micros()).is_ok_and(|written_us| written_us < before_us) {
            fs::remove_file(&path).map_err(|error| fault::of_file(path.display(), &error))?;
            expired += 1;
        }
    }
    Ok(expired)
}

/// How full a file system is, bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disk {
    /// In use.
    pub(crate) used: u64,
    /// In use and free, without what is kept for root.
    pub(crate) size: u64,
}

/// The file system below `dir`.
pub(crate) fn disk(dir: &Path) -> Result<Disk> {
    let stat = rustix::fs::statvfs(dir).map_err(|error| fault::of_file(dir.display(), &error.into()))?;
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Disk { used: bytes(used), size: bytes(used + stat.f_bavail) })
}
