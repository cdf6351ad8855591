//! Parquet files: writing whole ones, reading them back, setting damaged ones aside.

use crate::image::{ImageSet, ImageTable, read_file};
use crate::manifest::FileEntry;
use crate::{Family, back, fault, schema};
use base::{Fault, Result};
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

/// Folder below the lake's directory, mode 0700.
pub(crate) fn make_folders(dir: &Path) -> Result<()> {
    let folders = Family::ALL.iter().map(|family| dir.join(family.word())).chain([dir.join(ASIDE)]);
    for folder in folders {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| fault::of_file(folder.display(), &error))?;
    }
    Ok(())
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

/// Writes a file and its images: temporary name, fsync, rename, fsync of the folder. Not known to anyone until committed.
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
    let path = entry.rows_path(dir);
    let properties = properties(family, row_group)?;
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
        let mut writer = ArrowWriter::try_new(file, schema::of(family), Some(properties))?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        Ok(writer.into_inner()?)
    })
    .map_err(named)?;
    entry.bytes = fs::metadata(&path).map_err(named)?.len();
    Ok(entry)
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

/// Reads a file whole, with its images.
pub(crate) fn read(dir: &Path, entry: &FileEntry) -> Result<(Vec<RecordBatch>, ImageTable)> {
    let path = entry.rows_path(dir);
    let damaged = |cause: &dyn std::fmt::Display| Fault::new(&fault::CORRUPT).object(entry.name()).because(cause);
    let file = File::open(&path).map_err(|error| damaged(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
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
        let found = fs::metadata(&path).map(|meta| meta.len()).ok();
        if found != Some(bytes) {
            let found = found.map_or("no file".to_string(), |found| format!("{found} bytes"));
            return Err(Fault::new(&fault::CORRUPT)
                .object(entry.name())
                .expected(format!("{bytes} bytes"))
                .found(found));
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

/// Removes files that no manifest knows: a crash came between rename and commit, or between commit and deletion.
/// Answers how many, and the greatest number ever used.
pub(crate) fn remove_orphans(dir: &Path, known: &HashSet<PathBuf>) -> Result<(usize, u64)> {
    let (mut removed, mut greatest) = (0, 0);
    for family in Family::ALL {
        let folder = dir.join(family.word());
        let entries = fs::read_dir(&folder).map_err(|error| fault::of_file(folder.display(), &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            greatest = greatest.max(number.unwrap_or(0));
            let ours = path
                .extension()
                .and_then(|end| end.to_str())
                .is_some_and(|end| ["parquet", "images", PART].contains(&end));
            if ours && number.is_some() && !known.contains(&path) {
                fs::remove_file(&path).map_err(|error| fault::of_file(path.display(), &error))?;
                removed += 1;
            }
        }
    }
    Ok((removed, greatest))
}

/// Percentage of the file system below `dir` that is in use.
pub(crate) fn disk_percent(dir: &Path) -> Result<u8> {
    let stat = rustix::fs::statvfs(dir).map_err(|error| fault::of_file(dir.display(), &error.into()))?;
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    let reachable = used + stat.f_bavail;
    Ok((used * 100).checked_div(reachable).unwrap_or(100).min(100) as u8)
}
