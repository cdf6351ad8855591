//! What `/proc/PID` says about one process (proc(5)). The parsers are pure; [`Reader`] does the reading.

use crate::container;
use base::limits::{ARGV_BYTES, PATH_BYTES};
use record::{FileId, Namespaces, Process, ProcessKey, User};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

/// `PF_KTHREAD` of `include/linux/sched.h`: a thread of the kernel, without an executable.
const KERNEL_THREAD: u64 = 0x0020_0000;
/// Nanoseconds in a tick of `/proc`, as [`ProcessKey`] counts them (`USER_HZ` is 100).
const TICK_NS: u64 = 10_000_000;
/// What the kernel appends to the link of a file without a name.
const DELETED: &str = " (deleted)";

/// The fields of `/proc/PID/stat` that we use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat<'a> {
    /// Process id.
    pub pid: u32,
    /// Short name, at most 15 bytes; may hold any byte, even `)` and spaces.
    pub comm: &'a [u8],
    /// State letter (`R`, `S`, `D`, `Z`, `T`, `I` …).
    pub state: u8,
    /// Parent's process id.
    pub parent: u32,
    /// Session id.
    pub session: u32,
    /// Controlling terminal as a device number in the kernel's old encoding.
    pub terminal: u32,
    /// `PF_*` flags.
    pub flags: u64,
    /// Start, clock ticks since boot.
    pub start_ticks: u64,
}

impl Stat<'_> {
    /// Whether this is a thread of the kernel.
    pub fn is_kernel(&self) -> bool {
        self.flags & KERNEL_THREAD != 0
    }
}

/// Parses `/proc/PID/stat`. `None` when a field is missing.
pub fn parse_stat(text: &[u8]) -> Option<Stat<'_>> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let comm = text.get(open + 1..close)?;
    let pid = number(text.get(..open)?.trim_ascii())? as u32;
    let mut rest = text.get(close + 1..)?.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let state = *rest.next()?.first()?;
    let parent = number(rest.next()?)? as u32;
    let session = number(rest.nth(1)?)? as u32;
    let terminal = number(rest.next()?)? as u32;
    let flags = number(rest.nth(1)?)?;
    let start_ticks = number(rest.nth(12)?)?;
    Some(Stat { pid, comm, state, parent, session, terminal, flags, start_ticks })
}

/// The fields of `/proc/PID/status` that we use; absent ones stay 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// Thread-group id.
    pub tgid: u32,
    /// Real and effective user.
    pub uid: [u32; 2],
    /// Real and effective group.
    pub gid: [u32; 2],
    /// Effective capabilities.
    pub capabilities: u64,
    /// pid in the innermost pid namespace.
    pub ns_pid: u32,
}

/// Parses `/proc/PID/status`.
pub fn parse_status(text: &[u8]) -> Status {
    let mut status = Status::default();
    for line in text.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let mut words = line[colon + 1..].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let mut next = || words.next().and_then(number).unwrap_or(0) as u32;
        match &line[..colon] {
            b"Tgid" => status.tgid = next(),
            b"Uid" => status.uid = [next(), next()],
            b"Gid" => status.gid = [next(), next()],
            b"NSpid" => status.ns_pid = words.next_back().and_then(number).unwrap_or(0) as u32,
            b"CapEff" => status.capabilities = words.next().and_then(hexadecimal).unwrap_or(0),
            _ => {}
        }
    }
    status
}

/// Splits NUL-separated arguments; says whether `limit` bytes cut them.
pub fn split_arguments(bytes: &[u8], limit: usize) -> (Vec<String>, bool) {
    let truncated = bytes.len() > limit;
    let bytes = &bytes[..bytes.len().min(limit)];
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if bytes.is_empty() {
        return (Vec::new(), truncated);
    }
    (bytes.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect(), truncated)
}

/// Name of a terminal from its device number (Documentation/admin-guide/devices.txt), empty for none.
pub fn terminal_name(device: u32) -> String {
    let major = device >> 8 & 0xfff;
    let minor = device & 0xff | device >> 12 & 0xfff00;
    match (major, minor) {
        (0, 0) => String::new(),
        (136..=143, _) => format!("pts/{}", (major - 136) * 256 + minor),
        (4, 0..64) => format!("tty{minor}"),
        (4, _) => format!("ttyS{}", minor - 64),
        (5, 1) => "console".into(),
        (204, 64..) => format!("ttyAMA{}", minor - 64),
        (229, _) => format!("hvc{minor}"),
        _ => format!("{major}:{minor}"),
    }
}

/// A device number as records carry it (`major << 20 | minor`), from `st_dev`.
pub fn kernel_device(st_dev: u64) -> u32 {
    rustix::fs::major(st_dev) << 20 | rustix::fs::minor(st_dev) & 0xf_ffff
}

/// Unsigned decimal number; a minus sign (a `-1` in old fields) wraps as in C.
pub(crate) fn number(word: &[u8]) -> Option<u64> {
    let (negative, digits) = match word {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, word),
    };
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    let mut value = 0_u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(if negative { value.wrapping_neg() } else { value })
}

fn hexadecimal(word: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

/// A process as `/proc` shows it, and its parent now.
#[derive(Debug, Clone)]
pub struct Found {
    /// The process, without user name, hash and parent key.
    pub process: Process,
    /// Its parent's pid, 0 for none.
    pub parent_pid: u32,
    /// Whether it is a thread of the kernel.
    pub kernel: bool,
}

/// Reads `/proc`, keeping its buffers.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    path: String,
}

impl Reader {
    /// A reader.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// The key of a live process, from its start time.
    pub fn key(&mut self, pid: u32) -> Option<ProcessKey> {
        let text = self.read(pid, "stat", 4096)?;
        parse_stat(text).map(|stat| ProcessKey::from_ticks(pid, stat.start_ticks))
    }

    /// Who made it, or took it over; `None` when it is gone or nobody did.
    pub fn parent(&mut self, pid: u32) -> Option<u32> {
        parse_stat(self.read(pid, "stat", 4096)?).map(|stat| stat.parent).filter(|parent| *parent != 0)
    }

    /// The process that a thread belongs to.
    pub fn leader(&mut self, thread: u32) -> Option<u32> {
        let status = parse_status(self.read(thread, "status", 8192)?);
        (status.tgid != 0).then_some(status.tgid)
    }

    /// Everything about a live process. `None` when it is gone, or was replaced while being read.
    pub fn process(&mut self, pid: u32, to_wall: impl Fn(u64) -> i64) -> Option<Found> {
        let (mut process, parent_pid, kernel) = self.basics(pid, &to_wall)?;
        let status = parse_status(self.read(pid, "status", 8192)?);
        process.ns_pid = status.ns_pid;
        process.user = User {
            uid: status.uid[0],
            gid: status.gid[0],
            euid: status.uid[1],
            egid: status.gid[1],
            loginuid: self
                .read(pid, "loginuid", 32)
                .and_then(|text| number(text.trim_ascii()))
                .map_or(u32::MAX, |id| id as u32),
            capabilities: status.capabilities,
            name: String::new(),
        };
        if !kernel {
            self.image(pid, &mut process);
        }
        self.surroundings(pid, &mut process);
        (self.key(pid)?.0 == process.key).then_some(Found { process, parent_pid, kernel })
    }

    fn basics(&mut self, pid: u32, to_wall: &impl Fn(u64) -> i64) -> Option<(Process, u32, bool)> {
        let stat = parse_stat(self.read(pid, "stat", 4096)?)?;
        let process = Process {
            key: ProcessKey::from_ticks(pid, stat.start_ticks).0,
            comm: String::from_utf8_lossy(stat.comm).into_owned(),
            started_us: to_wall(stat.start_ticks.saturating_mul(TICK_NS)),
            session: stat.session,
            tty: terminal_name(stat.terminal),
            ..Process::default()
        };
        Some((process, stat.parent, stat.is_kernel()))
    }

    /// Executable and arguments.
    fn image(&mut self, pid: u32, process: &mut Process) {
        if let Some(bytes) = self.read(pid, "cmdline", ARGV_BYTES + 1) {
            let (args, truncated) = split_arguments(bytes, ARGV_BYTES);
            process.set_args(args.iter().map(String::as_str));
            process.args_truncated = truncated;
        }
        process.exe = self.executable(pid);
    }

    /// Working directory, control group, container and namespaces.
    fn surroundings(&mut self, pid: u32, process: &mut Process) {
        process.cwd = self.link(pid, "cwd");
        if let Some(text) = self.read(pid, "cgroup", 16 * 1024) {
            let text = String::from_utf8_lossy(text);
            let path = container::attributing_path(&text);
            process.cgroup = path.to_owned();
            process.container = container::container_id(path).unwrap_or_default();
        }
        process.namespaces = self.namespaces(pid);
    }

    /// The executable of a process with its identity.
    pub fn executable(&mut self, pid: u32) -> FileId {
        let link = self.link(pid, "exe");
        let mut file = FileId { path: link.strip_suffix(DELETED).unwrap_or(&link).to_owned(), ..FileId::default() };
        self.locate(pid, "exe");
        if let Ok(found) = std::fs::metadata(&self.path) {
            file.inode = found.ino();
            file.device = kernel_device(found.dev());
            file.unlinked = found.nlink() == 0;
        }
        file
    }

    /// Control-group text of a process, as [`container::attributing_path`] takes it.
    pub fn cgroup(&mut self, pid: u32) -> Option<String> {
        self.read(pid, "cgroup", 16 * 1024).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    /// Working directory of a process, empty when it cannot be read.
    pub fn working_directory(&mut self, pid: u32) -> String {
        self.link(pid, "cwd")
    }

    /// Namespace numbers of a process, 0 where unreadable.
    pub fn namespaces(&mut self, pid: u32) -> Namespaces {
        let mut number = |name: &str| namespace_number(&self.link(pid, name)).unwrap_or(0);
        Namespaces {
            mnt: number("ns/mnt"),
            pid: number("ns/pid"),
            net: number("ns/net"),
            user: number("ns/user"),
            uts: number("ns/uts"),
            ipc: number("ns/ipc"),
            cgroup: number("ns/cgroup"),
        }
    }

    fn locate(&mut self, pid: u32, name: &str) {
        self.path.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.path, "/proc/{pid}/{name}");
    }

    fn link(&mut self, pid: u32, name: &str) -> String {
        self.locate(pid, name);
        match rustix::fs::readlink(&self.path, Vec::new()) {
            Ok(target) => {
                let bytes = target.as_bytes();
                String::from_utf8_lossy(&bytes[..bytes.len().min(PATH_BYTES)]).into_owned()
            }
            Err(_) => String::new(),
        }
    }

    /// At most `limit` bytes of a file of the process.
    pub(crate) fn read(&mut self, pid: u32, name: &str, limit: usize) -> Option<&[u8]> {
        self.locate(pid, name);
        let mut file = File::open(OsStr::from_bytes(self.path.as_bytes())).ok()?;
        self.buffer.resize(limit, 0);
        let mut filled = 0;
        while filled < limit {
            match file.read(&mut self.buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        Some(&self.buffer[..filled])
    }
}

/// `mnt:[4026531841]` → 4026531841.
fn namespace_number(link: &str) -> Option<u32> {
    link.split_once(":[")?.1.strip_suffix(']')?.parse().ok()
}

/// Every pid that `/proc` lists now.
pub fn every_pid() -> Vec<u32> {
    let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
    let names = folder.filter_map(|entry| entry.ok()).map(|entry| entry.file_name());
    names.filter_map(|name| number(name.as_bytes()).map(|pid| pid as u32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let text =
            b"21370 (a) R (b)) S 21351 21352 16935 34816 -1 4194304 100 0 0 0 0 0 0 0 20 0 1 0 214368 3133440 388";
        let stat = parse_stat(text).unwrap();
        assert_eq!((stat.pid, stat.comm, stat.state), (21370, &b"a) R (b)"[..], b'S'));
        assert_eq!((stat.parent, stat.session, stat.terminal, stat.start_ticks), (21351, 16935, 34816, 214368));
        assert_eq!(terminal_name(stat.terminal), "pts/0");
        assert!(!stat.is_kernel());
        assert_eq!(parse_stat(b"1 (x) S 1"), None);
    }

    #[test]
    fn status_gives_credentials_and_the_inner_pid() {
        let text = b"Name:\tx\nTgid:\t9\nUid:\t1000\t0\t0\t0\nGid:\t100\t50\t0\t0\nNSpid:\t900\t9\nCapEff:\t000001fffeffffff\n";
        let status = parse_status(text);
        assert_eq!((status.tgid, status.uid, status.gid), (9, [1000, 0], [100, 50]));
        assert_eq!((status.ns_pid, status.capabilities), (9, 0x1ff_feff_ffff));
    }

    #[test]
    fn arguments_are_split_and_cut() {
        assert_eq!(split_arguments(b"sh\0-c\0echo a b\0\0", 64).0, ["sh", "-c", "echo a b", ""]);
        assert_eq!(split_arguments(b"", 64), (vec![], false));
        let (args, truncated) = split_arguments(b"abc\0defgh\0", 6);
        assert_eq!((args, truncated), (vec!["abc".to_owned(), "de".into()], true));
    }

    #[test]
    fn the_test_process_finds_itself() {
        let mut reader = Reader::new();
        let pid = std::process::id();
        let found = reader.process(pid, |ns| ns as i64 / 1000).unwrap();
        assert_eq!(found.process.pid(), pid);
        assert_eq!(found.process.exe.path, std::env::current_exe().unwrap().to_str().unwrap());
        assert_eq!(found.process.cwd, std::env::current_dir().unwrap().to_str().unwrap());
        assert!(found.process.namespaces.mnt > 0 && found.process.started_us > 0 && found.process.exe.inode > 0);
        assert_eq!(found.process.args().count(), std::env::args().count());
        assert!(every_pid().contains(&pid) && reader.process(4_194_303, |_| 0).is_none());
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), limit in 0usize..100) {
            let _ = parse_stat(&bytes);
            let _ = parse_status(&bytes);
            let _ = split_arguments(&bytes, limit);
            let _ = number(&bytes);
        }

        #[test]
        fn every_terminal_has_a_name(device in any::<u32>()) {
            prop_assert!(terminal_name(device).len() < 24);
        }
    }
}
