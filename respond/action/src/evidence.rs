//! A bounded archive whose members are summed while they are written.

use crate::{digest, fault};
use base::{Fault, Result};
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// zstd level: evidence is written in the middle of an incident, speed counts.
const LEVEL: i32 = 3;

/// Counts and sums what goes through to the file.
struct Summed {
    file: File,
    hash: Context,
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// An archive being written.
pub(crate) struct Archive {
    path: PathBuf,
    tar: tar::Builder<zstd::Encoder<'static, Summed>>,
    members: Vec<Value>,
    left: u64,
    complete: bool,
}

/// What came of it.
pub(crate) struct Finished {
    pub(crate) sha256: String,
    pub(crate) members: usize,
    pub(crate) complete: bool,
}

fn failed(path: &Path, cause: std::io::Error) -> Fault {
    Fault::new(&fault::STORE).object(path.display()).because(cause)
}

fn private(path: &Path) -> Result<File> {
    // An interrupted attempt of the same order may have left one.
    let _ = std::fs::remove_file(path);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|cause| failed(path, cause))
}

impl Archive {
    /// A new file, mode 0600, that takes at most `limit` bytes before compression.
    pub(crate) fn create(path: &Path, limit: u64) -> Result<Archive> {
        let summed = Summed { file: private(path)?, hash: Context::new(&SHA256) };
        let encoder = zstd::Encoder::new(summed, LEVEL).map_err(|cause| failed(path, cause))?;
        let tar = tar::Builder::new(encoder);
        Ok(Archive { path: path.to_path_buf(), tar, members: Vec::new(), left: limit, complete: true })
    }

    /// Adds text.
    pub(crate) fn text(&mut self, name: &str, text: &str) -> Result<()> {
        self.add(name, text.as_bytes(), false)
    }

    /// Adds the output of a program; `cut` when there was more.
    pub(crate) fn bytes(&mut self, name: &str, bytes: &[u8], cut: bool) -> Result<()> {
        self.add(name, bytes, cut)
    }

    /// Notes what is not there and why.
    pub(crate) fn missing(&mut self, name: &str, why: &str) {
        self.members.push(json!({ "name": name, "missing": why }));
    }

    /// Adds the beginning of a file; one that cannot be read is noted and left out.
    pub(crate) fn file(&mut self, name: &str, path: &Path, limit: u64) -> Result<()> {
        self.part(name, path, limit, false)
    }

    /// Adds the end of a file.
    pub(crate) fn tail(&mut self, name: &str, path: &Path, limit: u64) -> Result<()> {
        self.part(name, path, limit, true)
    }

    fn part(&mut self, name: &str, path: &Path, limit: u64, tail: bool) -> Result<()> {
        let limit = limit.min(self.left);
        match read_part(path, limit, tail) {
            Ok((bytes, cut)) => self.add(name, &bytes, cut),
            Err(cause) => {
                self.missing(name, &cause.to_string());
                Ok(())
            }
        }
    }

    fn add(&mut self, name: &str, bytes: &[u8], cut: bool) -> Result<()> {
        let kept = &bytes[..bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX))];
        let cut = cut || kept.len() < bytes.len();
        self.left -= kept.len() as u64;
        self.complete &= !cut;
        self.append(name, kept)?;
        self.members.push(json!({ "name": name, "bytes": kept.len(), "sha256": digest::hex_of(kept), "cut": cut }));
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, name, bytes).map_err(|cause| failed(&self.path, cause))
    }

    /// Writes the manifest, closes the archive and makes both files durable.
    pub(crate) fn finish(mut self, about: Value, manifest: &Path) -> Result<Finished> {
        let inner = json!({ "about": about, "complete": self.complete, "members": self.members });
        let text = serde_json::to_vec_pretty(&inner).unwrap_or_default();
        self.append("manifest.json", &text)?;
        let Archive { path, tar, members, complete, .. } = self;
        let summed = tar.into_inner().and_then(zstd::Encoder::finish).map_err(|cause| failed(&path, cause))?;
        summed.file.sync_all().map_err(|cause| failed(&path, cause))?;
        let sha256 = hex::encode(summed.hash.finish());
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let outer =
            json!({ "archive": name, "sha256": sha256, "manifest_sha256": digest::hex_of(&text), "content": inner });
        let mut file = private(manifest)?;
        let written =
            file.write_all(&serde_json::to_vec_pretty(&outer).unwrap_or_default()).and_then(|()| file.sync_all());
        written.map_err(|cause| failed(manifest, cause))?;
        Ok(Finished { sha256, members: members.len(), complete })
    }
}

/// At most `limit` bytes of the beginning or the end, and whether that is not all.
fn read_part(path: &Path, limit: u64, tail: bool) -> std::io::Result<(Vec<u8>, bool)> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let size = file.metadata()?.len();
    if tail && size > limit {
        file.seek(SeekFrom::Start(size - limit))?;
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(limit).read_to_end(&mut bytes)?;
    let cut = size > limit || bytes.len() as u64 == limit && file.read(&mut [0])? > 0;
    Ok((bytes, cut))
}
