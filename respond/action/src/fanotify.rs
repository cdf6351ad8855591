//! A gate of our own: fanotify permission events, for what the kernel's programs cannot refuse.
//!
//! A file is denied by a mark on that one inode, so no other execution on the host is slowed down. Content is
//! denied by marks on the mounts that the orders name, set only while a content is denied there at all. Marks are
//! set through the opened file, never by a path that was looked at before.
//!
//! Fail-open, on purpose: an internal error, a file too large or too slow to hash, or a dead listener means ALLOW.
//! The group's descriptor belongs to the listening thread alone: however that thread ends, the descriptor closes
//! with it, and the kernel answers pending questions with ALLOW (fanotify(7)). Files on network file systems and
//! on those that a program serves are not marked: opening one could hold the listener up. The agent's own process
//! is never asked.

use crate::gate::{Denied, Gate};
use crate::hasher::Hasher;
use crate::{FileKey, fault};
use base::{Fault, Result};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::fstat;
use std::collections::HashSet;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// Largest file whose content is compared, bytes; hashing it holds its execution up by about a quarter of a second.
const HASHED_BYTES: u64 = 64 << 20;
/// Most files and contents denied at a time.
const RULES_MAX: usize = 4096;
/// Longest wait for the listening thread; it answers each question within a deadline.
const PATIENCE: Duration = Duration::from_secs(10);
/// The event asked for.
const MASK: u64 = libc::FAN_OPEN_EXEC_PERM;
/// File systems of this machine, by `f_type` (statfs(2), `include/uapi/linux/magic.h`): ext2 to 4, XFS, btrfs, tmpfs,
/// ramfs, overlay, F2FS, squashfs, EROFS, FAT, ISO 9660, ZFS, bcachefs.
const LOCAL: &[u32] = &[
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0x0102_1994,
    0x8584_58f6,
    0x794c_7630,
    0xf2f5_2010,
    0x7371_7368,
    0xe0f5_e1e2,
    0x4d44,
    0x9660,
    0x2fc1_2fc1,
    0xca45_1a4e,
];

#[derive(Default)]
struct Rules {
    files: HashSet<(u64, u64)>,
    contents: HashSet<[u8; 32]>,
}

#[derive(Default)]
struct Shared {
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

/// What the listening thread is asked to do with its group.
enum Task {
    /// `fanotify_mark` with these flags on an opened object.
    Mark(u32, OwnedFd),
    /// Remove every mark on a mount.
    FlushMounts,
    /// The marks as the kernel lists them (proc(5), `fdinfo`).
    Marks,
    #[cfg(test)]
    Panic,
}

struct Asked {
    task: Task,
    answer: SyncSender<Result<String>>,
}

/// The listener; dropping it ends the thread and with it every refusal.
pub struct Listener {
    shared: Arc<Shared>,
    asks: Sender<Asked>,
    wake: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

fn refused(step: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::KERNEL).object(step).found(std::io::Error::last_os_error())
}

impl Listener {
    /// Starts the listener, with no mark on anything. Needs `CAP_SYS_ADMIN` and a kernel with
    /// `CONFIG_FANOTIFY_ACCESS_PERMISSIONS`.
    pub fn start() -> Result<Listener> {
        let flags = libc::FAN_CLASS_CONTENT | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK;
        let open = (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_LARGEFILE | libc::O_NONBLOCK) as u32;
        // SAFETY: plain system call without pointers; the result is checked before it is used.
        let raw = unsafe { libc::fanotify_init(flags, open) };
        if raw < 0 {
            return Err(refused("fanotify_init"));
        }
        // SAFETY: `raw` is a descriptor that was just made for us and is owned by nobody else.
        let group = unsafe { OwnedFd::from_raw_fd(raw) };
        let (ends, wake) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|cause| Fault::new(&fault::KERNEL).object("pipe").found(cause))?;
        let shared = Arc::new(Shared::default());
        let (asks, inbox) = channel();
        let served = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("deny-exec".to_string());
        let thread = builder.spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| serve(&group, &served, &ends, &inbox))).is_err() {
                tracing::error!("the exec gate's listener ended by itself; executions are allowed again");
            }
            // First of all: from here on the kernel asks nobody and allows what waits.
            drop(group);
            served.stop.store(true, Ordering::SeqCst);
        });
        let thread = thread.map_err(|cause| Fault::new(&fault::KERNEL).object("thread").found(cause))?;
        Ok(Listener { shared, asks, wake, thread: Some(thread) })
    }

    /// Executions refused so far.
    pub fn denied(&self) -> u64 {
        self.shared.denied.load(Ordering::Relaxed)
    }

    /// Executions allowed because judging them failed.
    pub fn failed_open(&self) -> u64 {
        self.shared.failed_open.load(Ordering::Relaxed)
    }

    /// Has the listening thread do something with its group.
    fn ask(&self, task: Task) -> Result<String> {
        let silent =
            || Fault::new(&fault::UNSUPPORTED).object("fanotify").expected("a listener").found("none any more");
        let (answer, answered) = sync_channel(1);
        self.asks.send(Asked { task, answer }).map_err(|_| silent())?;
        // A full pipe wakes the thread as well, so that a failed write means nothing.
        let _ = rustix::io::write(&self.wake, b"x");
        answered.recv_timeout(PATIENCE).map_err(|_| silent())?
    }

    fn mark(&self, flags: u32, place: BorrowedFd<'_>) -> Result<()> {
        let place = place.try_clone_to_owned();
        let place = place.map_err(|cause| Fault::new(&fault::KERNEL).object("descriptor").found(cause))?;
        self.ask(Task::Mark(flags, place)).map(|_| ())
    }

    /// Adds a rule and its mark; the rule first, or an execution in between would be asked about and allowed.
    fn add(&self, denied: &Denied, flags: u32, place: BorrowedFd<'_>) -> Result<()> {
        check_local(denied, place)?;
        let fresh = {
            let mut rules = self.shared.rules();
            let count = rules.files.len() + rules.contents.len();
            if count >= RULES_MAX {
                let fault = Fault::new(&fault::TOO_LARGE).object("denied by fanotify");
                return Err(fault.expected(format!("fewer than {RULES_MAX}")).found(count));
            }
            match denied {
                Denied::File { device, inode, .. } => rules.files.insert((*device, *inode)),
                Denied::Sha256(content) => rules.contents.insert(*content),
            }
        };
        self.mark(libc::FAN_MARK_ADD | flags, place).inspect_err(|_| {
            if fresh {
                self.remove(denied);
            }
        })
    }

    /// Removes a rule; true when it was the last content.
    fn remove(&self, denied: &Denied) -> bool {
        let mut rules = self.shared.rules();
        match denied {
            Denied::File { device, inode, .. } => {
                rules.files.remove(&(*device, *inode));
                false
            }
            Denied::Sha256(content) => rules.contents.remove(content) && rules.contents.is_empty(),
        }
    }
}

/// Opening a file for the question can hang where somebody else serves the file system.
fn check_local(denied: &Denied, place: BorrowedFd<'_>) -> Result<()> {
    let unsupported = || Fault::new(&fault::UNSUPPORTED).object(denied).expected("a file system of this machine");
    let found = rustix::fs::fstatfs(place).map_err(|cause| unsupported().found(cause))?.f_type as u32;
    match LOCAL.contains(&found) {
        true => Ok(()),
        false => Err(unsupported().found(format!("type {found:#x}"))),
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

    fn deny(&self, denied: &Denied, place: Option<BorrowedFd<'_>>) -> Result<()> {
        let nowhere = || Fault::new(&fault::UNSUPPORTED).object(denied).expected("the parameter `mount`").found("none");
        let place = place.ok_or_else(nowhere)?;
        match denied {
            Denied::File { .. } => self.add(denied, 0, place),
            Denied::Sha256(_) => self.add(denied, libc::FAN_MARK_MOUNT, place),
        }
    }

    fn allow(&self, denied: &Denied, place: Option<BorrowedFd<'_>>) -> Result<()> {
        let last_content = self.remove(denied);
        // Without a rule a mark that stays refuses nothing; it goes with the inode or the listener.
        let unmarked = match (denied, place) {
            _ if last_content => self.ask(Task::FlushMounts).map(|_| ()),
            (Denied::File { .. }, Some(place)) => self.mark(libc::FAN_MARK_REMOVE, place),
            _ => Ok(()),
        };
        if let Err(fault) = unmarked {
            tracing::debug!(fault = fault.inside(), "a mark stays without a rule");
        }
        Ok(())
    }

    fn denies(&self, denied: &Denied) -> Result<Option<String>> {
        let ruled = {
            let rules = self.shared.rules();
            match denied {
                Denied::File { device, inode, .. } => rules.files.contains(&(*device, *inode)),
                Denied::Sha256(content) => rules.contents.contains(content),
            }
        };
        if !ruled {
            return Ok(None);
        }
        // Without a listener nothing is refused, whatever the rules say.
        let Ok(marks) = self.ask(Task::Marks) else { return Ok(None) };
        match denied {
            Denied::File { key: FileKey { device, inode }, .. } => {
                let wanted = format!("fanotify ino:{inode:x} sdev:{device:x} ");
                let line = marks.lines().find(|line| line.starts_with(&wanted));
                Ok(line.map(|line| format!("kernel: {}", line.split(" fhandle").next().unwrap_or(line).trim())))
            }
            Denied::Sha256(_) => {
                let mounts = marks.lines().filter(|line| line.starts_with("fanotify mnt_id:")).count();
                Ok((mounts > 0).then(|| format!("kernel: fanotify marks on {mounts} mounts")))
            }
        }
    }
}

/// Answers questions until told to stop.
fn serve(group: &OwnedFd, shared: &Shared, ends: &OwnedFd, inbox: &Receiver<Asked>) {
    let mut hasher = Hasher::new(HASHED_BYTES);
    let mut buffer = vec![0u8; 16 * 1024];
    while !shared.stop.load(Ordering::SeqCst) {
        let mut waiting = [PollFd::new(group, PollFlags::IN), PollFd::new(ends, PollFlags::IN)];
        if poll(&mut waiting, None).is_err() {
            continue;
        }
        if !waiting[1].revents().is_empty() {
            // Only a signal to look; what is to be done waits in the inbox.
            let _ = rustix::io::read(ends, &mut [0u8; 64]);
        }
        while let Ok(Asked { task, answer }) = inbox.try_recv() {
            // Whoever asked may have lost patience.
            let _ = answer.send(carry_out(group, task));
        }
        match rustix::io::read(group, buffer.as_mut_slice()) {
            Ok(length) => answer_all(group, shared, &buffer[..length], &mut hasher),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            // A file that cannot be opened for us: the kernel has answered that one question itself; go on with
            // the next.
            Err(_) => {
                shared.failed_open.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn carry_out(group: &OwnedFd, task: Task) -> Result<String> {
    match task {
        Task::Mark(flags, place) => {
            // The link leads to the very object, whatever its names are by now; an O_PATH descriptor itself would
            // not be taken.
            let path = format!("/proc/self/fd/{}", place.as_raw_fd());
            mark(group, flags, Some(&path)).map(|()| String::new())
        }
        Task::FlushMounts => mark(group, libc::FAN_MARK_FLUSH | libc::FAN_MARK_MOUNT, None).map(|()| String::new()),
        Task::Marks => {
            let path = format!("/proc/self/fdinfo/{}", group.as_raw_fd());
            std::fs::read_to_string(&path).map_err(|cause| Fault::new(&fault::KERNEL).object(path).found(cause))
        }
        #[cfg(test)]
        Task::Panic => panic!("as the test wanted"),
    }
}

fn mark(group: &OwnedFd, flags: u32, path: Option<&str>) -> Result<()> {
    let path = path.unwrap_or("/");
    let wrong = |_| Fault::new(&fault::UNSAFE_PATH).object(path).found("a zero byte");
    let text = CString::new(path).map_err(wrong)?;
    let mask = if flags & libc::FAN_MARK_FLUSH == 0 { MASK } else { 0 };
    // SAFETY: `text` is a zero-terminated string that outlives the call; the kernel only reads it.
    let result = unsafe { libc::fanotify_mark(group.as_raw_fd(), flags, mask, libc::AT_FDCWD, text.as_ptr()) };
    match result {
        0 => Ok(()),
        _ => Err(refused(format!("fanotify mark, flags {flags:#x}"))),
    }
}

fn answer_all(group: &OwnedFd, shared: &Shared, mut bytes: &[u8], hasher: &mut Hasher) {
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
        let deny = !own && is_denied(shared, &file, hasher);
        if deny {
            shared.denied.fetch_add(1, Ordering::Relaxed);
        }
        let response = if deny { libc::FAN_DENY } else { libc::FAN_ALLOW };
        let mut answer = [0u8; 8];
        answer[..4].copy_from_slice(&file.as_raw_fd().to_ne_bytes());
        answer[4..].copy_from_slice(&response.to_ne_bytes());
        if rustix::io::write(group, &answer).is_err() {
            shared.failed_open.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_denied(shared: &Shared, file: &OwnedFd, hasher: &mut Hasher) -> bool {
    let Ok(stat) = fstat(file.as_fd()) else { return false };
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
    let digest = hasher.of(version, file);
    if digest.is_none() {
        shared.failed_open.fetch_add(1, Ordering::Relaxed);
    }
    digest.is_some_and(|digest| shared.rules().contents.contains(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_panics_lets_go_of_its_group() {
        if !rustix::process::geteuid().is_root() {
            return println!("skipped: fanotify permission events need root");
        }
        let listener = match Listener::start() {
            Ok(listener) => listener,
            Err(fault) => return println!("skipped: no fanotify permission events here: {fault}"),
        };
        assert!(listener.ask(Task::Marks).is_ok());
        assert!(listener.ask(Task::Panic).is_err());
        while !listener.shared.stop.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        // The group was closed before that was said; later wishes are refused with a name, not waited for.
        assert!(listener.ask(Task::Marks).unwrap_err().is(&fault::UNSUPPORTED));
    }
}
