//! SHA-256 of executables, computed once per content.
//!
//! A file is known by a [`Stamp`]: device, inode, times of change, size. The kernel programs tell it with each exec, so
//! that a known file costs one look into a table and no system call. Files up to [`INLINE_BYTES`] are hashed at first
//! sight (under a millisecond); larger ones by one background thread, whose results arrive a moment later through
//! [`HashCache::arrived`]: the first event of such a file carries no hash, later ones do. Files above the configured limit
//! are never hashed.
//!
//! Files are opened through `/proc/PID/exe`, which works for paths inside containers, for deleted files and for
//! memory files; the opened file must be the one that was executed.

use crate::procfs;
use record::FileId;
use ring::digest::{Context, SHA256};
use std::collections::{HashMap, VecDeque};
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Largest file hashed at once, bytes.
pub const INLINE_BYTES: u64 = 1024 * 1024;
/// Most files remembered.
const FILES_MAX: usize = 4096;
/// Most files that wait for the background thread; more are tried again at their next execution.
const WAITING_MAX: usize = 256;
/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// A digest.
pub type Sha256 = [u8; 32];

/// What a file's content is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// As the kernel programs name it: `major << 20 | minor` of the file system itself.
    pub device: u32,
    /// Inode number.
    pub inode: u64,
    /// Last change of the content, ns since 1970; wraps like the kernel programs' arithmetic.
    pub modified_ns: u64,
    /// Last change of content or inode. Not settable by a program, unlike the time of modification: catches a rewrite that
    /// puts that back.
    pub changed_ns: u64,
    /// Bytes.
    pub size: u64,
}

impl Stamp {
    /// What `stat` tells of a file, under the device that the kernel programs name.
    fn of(found: &Metadata, device: u32) -> Stamp {
        let nanoseconds =
            |seconds: i64, rest: i64| (seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(rest as u64);
        Stamp {
            device,
            inode: found.ino(),
            modified_ns: nanoseconds(found.mtime(), found.mtime_nsec()),
            changed_ns: nanoseconds(found.ctime(), found.ctime_nsec()),
            size: found.size(),
        }
    }
}

/// A hash that the background thread finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Device as the request named it.
    pub device: u32,
    /// Inode.
    pub inode: u64,
    /// The digest.
    pub sha256: Sha256,
}

/// Work for the background thread.
#[derive(Debug)]
struct Job {
    stamp: Stamp,
    file: File,
}

/// What came of it.
type Finished = (Stamp, Option<Sha256>);

/// The cache and its background thread.
#[derive(Debug)]
pub struct HashCache {
    known: HashMap<Stamp, Option<Sha256>>,
    order: VecDeque<Stamp>,
    limit: u64,
    buffer: Vec<u8>,
    jobs: Option<SyncSender<Job>>,
    results: Option<Receiver<Finished>>,
}

impl HashCache {
    /// A cache for files up to `limit` bytes; 0 turns hashing off.
    pub fn new(limit: u64) -> HashCache {
        HashCache {
            known: HashMap::new(),
            order: VecDeque::new(),
            limit,
            buffer: Vec::new(),
            jobs: None,
            results: None,
        }
    }

    /// The digest of the executable `file` of a live process, `None` when it is not known now. `stamp` is what the kernel
    /// told of it; without one the file is asked.
    pub fn executable(&mut self, pid: u32, file: &FileId, stamp: Option<Stamp>) -> Option<Sha256> {
        if self.limit == 0 || file.inode == 0 {
            return None;
        }
        if let Some(stamp) = stamp {
            if let Some(known) = self.known.get(&stamp) {
                return *known;
            }
            if stamp.size > self.limit {
                return None;
            }
        }
        let link = format!("/proc/{pid}/exe");
        // The link leads to what runs, whatever the times say (layered file systems have two of each). A process that
        // ended already has none; its file may still lie where it was, and then every detail must agree.
        self.at(&link, file, None).or_else(|| self.at(&file.path, file, stamp)).flatten()
    }

    /// `None` when another file or nothing lies there.
    fn at(&mut self, path: &str, file: &FileId, told: Option<Stamp>) -> Option<Option<Sha256>> {
        let matches =
            |found: &Metadata| is_same(found, file) && told.is_none_or(|told| Stamp::of(found, told.device) == told);
        let looked = std::fs::metadata(path).ok().filter(|found| found.is_file() && matches(found))?;
        let stamp = Stamp::of(&looked, file.device);
        if let Some(known) = self.known.get(&stamp) {
            return Some(*known);
        }
        if stamp.size > self.limit {
            return Some(None);
        }
        let opened = File::open(path).ok()?;
        // What was opened may differ from what was looked at a moment before.
        let found = opened.metadata().ok().filter(|found| found.is_file() && matches(found))?;
        Some(self.hash_opened(Job { stamp: Stamp::of(&found, file.device), file: opened }))
    }

    fn hash_opened(&mut self, job: Job) -> Option<Sha256> {
        let stamp = job.stamp;
        if stamp.size <= INLINE_BYTES {
            self.buffer.resize(CHUNK, 0);
            let digest = digest(job.file, INLINE_BYTES, &mut self.buffer);
            self.remember(stamp, digest);
            return digest;
        }
        self.start();
        // A full queue leaves the file unremembered, so that its next execution tries again.
        if self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok()) {
            self.remember(stamp, None);
        }
        None
    }

    /// Takes over what the background thread finished; call it now and then.
    pub fn arrived(&mut self) -> Vec<Arrived> {
        let finished: Vec<_> = self.results.iter().flat_map(|results| results.try_iter()).collect();
        let mut news = Vec::new();
        for (stamp, digest) in finished {
            self.remember(stamp, digest);
            news.extend(digest.map(|sha256| Arrived { device: stamp.device, inode: stamp.inode, sha256 }));
        }
        news
    }

    /// How many files are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn remember(&mut self, stamp: Stamp, digest: Option<Sha256>) {
        if self.known.insert(stamp, digest).is_none() {
            self.order.push_back(stamp);
        }
        while self.known.len() > FILES_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.known.remove(&oldest);
        }
    }

    /// Starts the thread at the first large file. It ends when the cache is dropped.
    fn start(&mut self) {
        if self.jobs.is_some() {
            return;
        }
        let (jobs, waiting) = sync_channel::<Job>(WAITING_MAX);
        let (finished, results) = sync_channel(WAITING_MAX);
        let limit = self.limit;
        let work = move || {
            let mut buffer = vec![0; CHUNK];
            for Job { stamp, file } in waiting {
                if finished.send((stamp, digest(file, limit, &mut buffer))).is_err() {
                    break;
                }
            }
        };
        match std::thread::Builder::new().name("hash".into()).stack_size(128 * 1024).spawn(work) {
            Ok(_) => (self.jobs, self.results) = (Some(jobs), Some(results)),
            Err(cause) => tracing::warn!(%cause, "no thread for hashing large executables"),
        }
    }
}

/// Whether two devices may be of one file. See [`is_same`].
pub fn devices_agree(one: u32, other: u32) -> bool {
    // Major 0 are devices without hardware below: exactly those where the two numbers may differ.
    one == other || one >> 20 == 0 || other >> 20 == 0
}

/// Whether a found file is the executed one. Layered file systems (overlay, btrfs) show `stat` another device
/// than the kernel's super block has, so the inode decides, and the device only where both are on plain ones.
fn is_same(found: &Metadata, file: &FileId) -> bool {
    found.ino() == file.inode && devices_agree(procfs::kernel_device(found.dev()), file.device)
}

/// SHA-256 of a file; `None` when it cannot be read or grows beyond `limit`.
fn digest(mut file: File, limit: u64, buffer: &mut [u8]) -> Option<Sha256> {
    let mut context = Context::new(&SHA256);
    let mut total = 0_u64;
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(count) => {
                total += count as u64;
                if total > limit {
                    return None;
                }
                context.update(&buffer[..count]);
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    context.finish().as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn identity(path: &std::path::Path) -> FileId {
        let found = std::fs::metadata(path).unwrap();
        FileId {
            path: path.to_str().unwrap().into(),
            inode: found.ino(),
            device: procfs::kernel_device(found.dev()),
            ..FileId::default()
        }
    }

    #[test]
    fn a_small_file_is_hashed_at_once_and_again_when_changed() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"abc").unwrap();
        let mut cache = HashCache::new(1 << 20);
        // No such process: the file is found by its path.
        let first = cache.executable(4_194_303, &identity(file.path()), None).unwrap();
        assert_eq!(hex(&first), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        file.write_all(b"d").unwrap();
        let second = cache.executable(4_194_303, &identity(file.path()), None).unwrap();
        assert_ne!(first, second);
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn a_file_that_the_kernel_stamped_is_looked_at_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"abc").unwrap();
        let wanted = identity(file.path());
        let stamp = Stamp::of(&std::fs::metadata(file.path()).unwrap(), wanted.device);
        let mut cache = HashCache::new(1 << 20);
        let first = cache.executable(4_194_303, &wanted, Some(stamp)).unwrap();
        // Known by its stamp alone: neither path leads anywhere now.
        let nowhere = FileId { path: "/no/such/file".into(), ..wanted.clone() };
        assert_eq!(cache.executable(4_194_303, &nowhere, Some(stamp)), Some(first));
        // Changed between exec and look: what lies there is not what ran.
        let earlier = Stamp { changed_ns: stamp.changed_ns - 1, ..stamp };
        assert_eq!(cache.executable(4_194_303, &wanted, Some(earlier)), None);
        let large = Stamp { size: 2 << 20, ..stamp };
        assert_eq!((cache.executable(4_194_303, &wanted, Some(large)), cache.len()), (None, 1));
    }

    #[test]
    fn another_file_in_its_place_is_not_taken() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let wrong = FileId { inode: 1, ..identity(file.path()) };
        assert_eq!(HashCache::new(1 << 20).executable(4_194_303, &wrong, None), None);
        assert_eq!(HashCache::new(0).executable(4_194_303, &identity(file.path()), None), None);
    }

    #[test]
    fn a_large_file_arrives_later() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![7; INLINE_BYTES as usize + 1]).unwrap();
        let mut cache = HashCache::new(INLINE_BYTES * 4);
        let wanted = identity(file.path());
        assert_eq!(cache.executable(4_194_303, &wanted, None), None);
        let results = cache.results.take().unwrap();
        let (stamp, digest) = results.recv().unwrap();
        assert_eq!(stamp.device, wanted.device);
        cache.remember(stamp, digest);
        assert_eq!(cache.executable(4_194_303, &wanted, None), digest);
        assert!(digest.is_some() && cache.len() == 1);
        let mut strict = HashCache::new(INLINE_BYTES);
        assert_eq!(strict.executable(4_194_303, &wanted, None), None);
        assert!(strict.is_empty() && strict.jobs.is_none());
    }

    #[test]
    fn the_test_program_is_hashed_through_its_link() {
        let mut cache = HashCache::new(1 << 30);
        let file = procfs::Reader::new().executable(std::process::id());
        let now = cache.executable(std::process::id(), &file, None);
        let later = cache.results.take().map(|results| results.recv().unwrap().1.unwrap());
        let expected = digest(File::open(&file.path).unwrap(), 1 << 30, &mut vec![0; CHUNK]);
        assert_eq!(now.or(later), expected);
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
