//! `port::Blobs` in a directory.

use crate::fault;
use async_trait::async_trait;
use base::{Blame, Fault, Result};
use bytes::Bytes;
use port::Blobs;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Folder of half-written objects, inside the directory so that the rename stays on one file system.
const PARTS: &str = ".parts";
/// Longest name, bytes, and longest part of one (`NAME_MAX`).
const NAME_BYTES: usize = 1024;
const PART_BYTES: usize = 255;

/// Objects as files.
#[derive(Debug)]
pub struct FileBlobs {
    root: PathBuf,
    counter: AtomicU64,
}

impl FileBlobs {
    /// Opens the directory, makes it when absent (mode 0700), and removes what a crash left half written.
    pub fn open(dir: &Path) -> Result<FileBlobs> {
        let parts = dir.join(PARTS);
        let opened = make_folders(&parts)
            .and_then(|()| fs::read_dir(&parts))
            .and_then(|entries| entries.flatten().try_for_each(|entry| fs::remove_file(entry.path())));
        opened.map_err(|error| Fault::new(&fault::UNOPENABLE).object(dir.display()).because(error))?;
        Ok(FileBlobs { root: dir.to_path_buf(), counter: AtomicU64::new(0) })
    }

    fn place(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.root.join(name))
    }

    fn part(&self) -> PathBuf {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        self.root.join(PARTS).join(format!("{}-{number}", std::process::id()))
    }
}

/// A name stays below the root and is not one of our own temporary names.
fn check_name(name: &str) -> Result<()> {
    let good_part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.len() <= PART_BYTES
            && !part.chars().any(char::is_control)
    };
    let ours = name == PARTS || name.starts_with(".parts/");
    if ours || name.len() > NAME_BYTES || !name.split('/').all(good_part) {
        let shown: String = name.chars().take(80).flat_map(char::escape_default).collect();
        return Err(Fault::new(&fault::BAD_NAME).object(shown).blame(Blame::Bug));
    }
    Ok(())
}

fn make_folders(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the folders of `path`, each durable in its parent, up to `root`.
fn make_durable_folders(root: &Path, path: &Path) -> std::io::Result<()> {
    if path == root || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_durable_folders(root, parent)?;
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => File::open(parent)?.sync_all()?,
        }
    }
    Ok(())
}

fn write_whole(root: &Path, part: &Path, place: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(root);
    make_durable_folders(root, folder)?;
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(part)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(part, place)?;
    File::open(folder)?.sync_all()
}

/// Files below `folder`, as names relative to `root`. Symbolic links are not followed; nothing of ours makes any.
fn names_below(root: &Path, folder: &Path, found: &mut Vec<String>) -> std::io::Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                continue;
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            let path = entry.path();
            if kind.is_dir() && path != root.join(PARTS) {
                folders.push(path);
            } else if kind.is_file() {
                found.extend(path.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_string));
            }
        }
    }
    Ok(())
}

/// Runs file work off the threads that serve requests.
async fn blocking<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| Fault::new(&port::fault::FAILED).object(name).because(error))?;
    done.map_err(|error| fault::of_file(name, &error))
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, name: &str, content: Bytes) -> Result<()> {
        let (root, part, place) = (self.root.clone(), self.part(), self.place(name)?);
        blocking(name, move || {
            write_whole(&root, &part, &place, &content).inspect_err(|_| {
                let _ = fs::remove_file(&part);
            })
        })
        .await
    }

    async fn get(&self, name: &str) -> Result<Bytes> {
        let place = self.place(name)?;
        blocking(name, move || fs::read(place)).await.map(Bytes::from)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        // Only the last part of a prefix may be a part of a name: the folders before it are names.
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !folder.is_empty() {
            check_name(folder)?;
        }
        let (root, folder) = (self.root.clone(), self.root.join(folder));
        let mut names = blocking(prefix, move || {
            let mut found = Vec::new();
            names_below(&root, &folder, &mut found).map(|()| found)
        })
        .await?;
        names.retain(|name| name.starts_with(prefix));
        names.sort();
        Ok(names)
    }

    async fn delete(&self, name: &str) -> Result<()> {
        let place = self.place(name)?;
        blocking(name, move || match fs::remove_file(&place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => place.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()),
        })
        .await
    }
}
