//! A gate of our own: fanotify permission events, for kernels whose security hooks are closed to us.
//!
//! A file is denied by a mark on that one inode, so no other execution on the host is slowed down. Content is
//! denied by marks on the mounts given at the start, set only while a content is denied at all.
//!
//! Fail-open, on purpose: an internal error, a file too large to hash in time or a dead listener means ALLOW
//! (the kernel answers pending questions with ALLOW when the listener's descriptor closes, fanotify(7)). The
//! agent's own process is never asked.

use crate::gate::{Denied, Gate};
use crate::{digest, fault};
use base::{Fault, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::fstat;
use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// Largest file whose content is compared, bytes; hashing it holds its execution up by about a quarter of a second.
const HASHED_BYTES: u64 = 64 << 20;
/// Digests that are remembered.
const REMEMBERED: usize = 4096;
/// The event asked for.
const MASK: u64 = libc::FAN_OPEN_EXEC_PERM;

#[derive(Default)]
struct Rules {
    files: HashSet<(u64, u64)>,
    contents: HashSet<[u8; 32]>,
}

/// What a digest was computed of: device, inode, size, modification and change time.
type Version = (u64, u64, i64, i64, i64, i64, i64);

struct Shared {
    group: OwnedFd,
    rules: Mutex<Rules>,
    stop: AtomicBool,
    denied: AtomicU64,
    failed_open: AtomicU64,
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The listener; dropping it ends the thread and with it every refusal.
pub struct Listener {
    shared: Arc<Shared>,
    mounts: Vec<PathBuf>,
    wake: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

fn refused(step: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::KERNEL).object(step).found(std::io::Error::last_os_error())
}

impl Listener {
    /// Starts the listener. `mounts` are mount points on which content may be denied; empty allows only single files.
    /// Needs `CAP_SYS_ADMIN` and a kernel with `CONFIG_FANOTIFY_ACCESS_PERMISSIONS`.
    pub fn start(mounts: &[PathBuf]) -> Result<Listener> {
        let flags = libc::FAN_CLASS_CONTENT | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK;
        let open = (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_LARGEFILE) as u32;
        // SAFETY: plain system call without pointers; the result is checked before it is used.
        let raw = unsafe { libc::fanotify_init(flags, open) };
        if raw < 0 {
            return Err(refused("fanotify_init"));
        }
        // SAFETY: `raw` is a descriptor that was just made for us and is owned by nobody else.
        let group = unsafe { OwnedFd::from_raw_fd(raw) };
        let (ends, wake) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|cause| Fault::new(&fault::KERNEL).object("pipe").found(cause))?;
        let shared = Arc::new(Shared {
            group,
            rules: Mutex::default(),
            stop: AtomicBool::new(false),
            denied: AtomicU64::new(0),
            failed_open: AtomicU64::new(0),
        });
        let served = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("deny-exec".to_string());
        let thread = builder.spawn(move || serve(&served, &ends));
        let thread = thread.map_err(|cause| Fault::new(&fault::KERNEL).object("thread").found(cause))?;
        Ok(Listener { shared, mounts: mounts.to_vec(), wake, thread: Some(thread) })
    }

    /// Executions refused so far.
    pub fn denied(&self) -> u64 {
        self.shared.denied.load(Ordering::Relaxed)
    }

    /// Executions allowed because judging them failed.
    pub fn failed_open(&self) -> u64 {
        self.shared.failed_open.load(Ordering::Relaxed)
    }

    fn mark(&self, flags: u32, path: &Path) -> Result<()> {
        let wrong = |_| Fault::new(&fault::UNSAFE_PATH).object(path.display()).found("a zero byte");
        let text = CString::new(path.as_os_str().as_bytes()).map_err(wrong)?;
        // SAFETY: `text` is a zero-terminated string that outlives the call; the kernel only reads it.
        let result =
            unsafe { libc::fanotify_mark(self.shared.group.as_raw_fd(), flags, MASK, libc::AT_FDCWD, text.as_ptr()) };
        match result {
            0 => Ok(()),
            _ => Err(refused(format!("fanotify mark on {}", path.display()))),
        }
    }

    fn mark_mounts(&self, flags: u32) -> Result<()> {
        self.mounts.iter().try_for_each(|mount| self.mark(flags | libc::FAN_MARK_MOUNT, mount))
    }

    /// The marks as the kernel lists them (proc(5), `fdinfo`).
    fn marks(&self) -> Result<String> {
        let path = format!("/proc/self/fdinfo/{}", self.shared.group.as_raw_fd());
        std::fs::read_to_string(&path).map_err(|cause| Fault::new(&fault::KERNEL).object(path).found(cause))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // A full pipe wakes the thread as well, so that a failed write means nothing.
        let _ = rustix::io::write(&self.wake, b"x");
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Gate for Listener {
    fn name(&self) -> String {
        "fanotify".to_string()
    }

    fn deny(&self, denied: &Denied) -> Result<()> {
        match denied {
            Denied::File { device, inode, path } => {
                // The rule first: between mark and rule an execution would be asked about and allowed.
                self.shared.rules().files.insert((*device, *inode));
                let flags = libc::FAN_MARK_ADD | libc::FAN_MARK_DONT_FOLLOW;
                self.mark(flags, path).inspect_err(|_| {
                    self.shared.rules().files.remove(&(*device, *inode));
                })
            }
            Denied::Sha256(_) if self.mounts.is_empty() => {
                let fault = Fault::new(&fault::UNSUPPORTED).object(denied).expected("mounts to watch");
                Err(fault.found("none in the agent's configuration"))
            }
            Denied::Sha256(content) => {
                self.shared.rules().contents.insert(*content);
                self.mark_mounts(libc::FAN_MARK_ADD)
            }
        }
    }

    fn allow(&self, denied: &Denied) -> Result<()> {
        match denied {
            Denied::File { device, inode, path } => {
                self.shared.rules().files.remove(&(*device, *inode));
                // The kernel drops the mark with the inode; without a rule a mark that stays refuses nothing.
                let _ = self.mark(libc::FAN_MARK_REMOVE | libc::FAN_MARK_DONT_FOLLOW, path);
                Ok(())
            }
            Denied::Sha256(content) => {
                let mut rules = self.shared.rules();
                let last = rules.contents.remove(content) && rules.contents.is_empty();
                drop(rules);
                if last { self.mark_mounts(libc::FAN_MARK_REMOVE) } else { Ok(()) }
            }
        }
    }

    fn denies(&self, denied: &Denied) -> Result<Option<String>> {
        let marks = self.marks()?;
        match denied {
            Denied::File { device, inode, .. } => {
                let ruled = self.shared.rules().files.contains(&(*device, *inode));
                let wanted = format!("fanotify ino:{inode:x} ");
                let line = marks.lines().find(|line| ruled && line.starts_with(&wanted));
                Ok(line.map(|line| format!("kernel: {}", line.split(" fhandle").next().unwrap_or(line).trim())))
            }
            Denied::Sha256(content) => {
                let ruled = self.shared.rules().contents.contains(content);
                let mounts = marks.lines().filter(|line| line.starts_with("fanotify mnt_id:")).count();
                Ok((ruled && mounts >= self.mounts.len()).then(|| format!("kernel: fanotify marks on {mounts} mounts")))
            }
        }
    }
}

/// Answers questions until told to stop.
fn serve(shared: &Shared, ends: &OwnedFd) {
    let mut remembered: HashMap<Version, [u8; 32]> = HashMap::new();
    let mut buffer = vec![0u8; 16 * 1024];
    while !shared.stop.load(Ordering::SeqCst) {
        let mut waiting = [PollFd::new(&shared.group, PollFlags::IN), PollFd::new(ends, PollFlags::IN)];
        if poll(&mut waiting, None).is_err() {
            continue;
        }
        match rustix::io::read(&shared.group, buffer.as_mut_slice()) {
            Ok(length) => answer_all(shared, &buffer[..length], &mut remembered),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            // A file that cannot be opened for us (for instance on a dead network mount): the kernel has denied
            // or dropped that one question itself; go on with the next.
            Err(_) => {
                shared.failed_open.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn answer_all(shared: &Shared, mut bytes: &[u8], remembered: &mut HashMap<Version, [u8; 32]>) {
    const HEADER: usize = size_of::<libc::fanotify_event_metadata>();
    while bytes.len() >= HEADER {
        // SAFETY: at least HEADER bytes are there; the struct has no invalid bit patterns and is read unaligned.
        let event: libc::fanotify_event_metadata = unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) };
        let length = event.event_len as usize;
        if length < HEADER || length > bytes.len() {
            return;
        }
        bytes = &bytes[length..];
        if event.fd < 0 {
            continue;
        }
        // SAFETY: the kernel made this descriptor for us with the event; nobody else owns it.
        let file = unsafe { OwnedFd::from_raw_fd(event.fd) };
        let own = event.pid.unsigned_abs() == std::process::id();
        let deny = !own && is_denied(shared, &file, remembered);
        if deny {
            shared.denied.fetch_add(1, Ordering::Relaxed);
        }
        let response = if deny { libc::FAN_DENY } else { libc::FAN_ALLOW };
        let mut answer = [0u8; 8];
        answer[..4].copy_from_slice(&file.as_raw_fd().to_ne_bytes());
        answer[4..].copy_from_slice(&response.to_ne_bytes());
        if rustix::io::write(&shared.group, &answer).is_err() {
            shared.failed_open.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_denied(shared: &Shared, file: &OwnedFd, remembered: &mut HashMap<Version, [u8; 32]>) -> bool {
    let Ok(stat) = fstat(file) else { return false };
    let by_content = {
        let rules = shared.rules();
        if rules.files.contains(&(stat.st_dev, stat.st_ino)) {
            return true;
        }
        !rules.contents.is_empty()
    };
    if !by_content {
        return false;
    }
    let times = (stat.st_mtime, stat.st_mtime_nsec as i64, stat.st_ctime, stat.st_ctime_nsec as i64);
    let version = (stat.st_dev, stat.st_ino, stat.st_size, times.0, times.1, times.2, times.3);
    let digest = match remembered.get(&version) {
        Some(digest) => *digest,
        None => {
            let Ok(clone) = file.try_clone() else { return false };
            let Ok(digest) = digest::of(&mut File::from(clone), HASHED_BYTES) else {
                shared.failed_open.fetch_add(1, Ordering::Relaxed);
                return false;
            };
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(version, digest);
            digest
        }
    };
    shared.rules().contents.contains(&digest)
}
