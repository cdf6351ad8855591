//! Network namespaces with cables between them, and a BPF file system of our own; all removed at the end, also after a
//! failure.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A name that no other run has.
fn unique(kind: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("scrub-{kind}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst))
}

/// Runs a program and says whether it succeeded, with what it wrote to its error output.
///
/// # Errors
/// What it wrote, or why it did not start.
pub fn run(program: &str, arguments: &[&str]) -> io::Result<()> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{program} {}: {said}", arguments.join(" "))))
}

/// A network namespace, removed when dropped.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one.
    ///
    /// # Errors
    /// Without root, or without `ip`.
    pub fn make(kind: &str) -> io::Result<Namespace> {
        let namespace = Namespace { name: unique(kind) };
        run("ip", &["netns", "add", &namespace.name])?;
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file.
    pub fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// `ip` in it.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn ip(&self, arguments: &[&str]) -> io::Result<()> {
        run("ip", &[&["-n", &self.name], arguments].concat())
    }

    /// A command that will run in it. The file systems stay those of the caller (`ip netns exec` would hide bpffs).
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display())).arg("--").arg(program);
        command
    }

    /// Does something in it, in a thread of its own.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let namespace = File::open(self.path())?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let kind = Some(rustix::thread::LinkNameSpaceType::Network);
                rustix::thread::move_into_link_name_space(namespace.as_fd(), kind)?;
                io::Result::Ok(work())
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Index of one of its interfaces.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn interface(&self, name: &str) -> io::Result<u32> {
        // A /sys of its own would have to be mounted; `ip -o link` prints `7: name@...`.
        let output = Command::new("ip").args(["-n", &self.name, "-o", "link", "show", "dev", name]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let index = text.split(':').next().and_then(|index| index.trim().parse().ok());
        index.ok_or_else(|| io::Error::other(format!("no interface {name} in {}", self.name)))
    }

    /// MAC address of one of its interfaces.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn mac(&self, name: &str) -> io::Result<[u8; 6]> {
        let output = Command::new("ip").args(["-n", &self.name, "-o", "link", "show", "dev", name]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mac = text.split("link/ether ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let bytes: Vec<u8> = mac.split(':').filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        bytes.try_into().map_err(|_| io::Error::other(format!("no MAC address of {name} in {}", self.name)))
    }

    /// Sets a value of `/proc/sys` in it.
    ///
    /// # Errors
    /// When there is no such value.
    pub fn sysctl(&self, name: &str, value: &str) -> io::Result<()> {
        let path = Path::new("/proc/sys").join(name.replace('.', "/"));
        self.inside(|| std::fs::write(path, value))?
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = run("ip", &["netns", "delete", &self.name]);
    }
}

/// Lays a cable between two namespaces; the interface has the same name on both sides.
///
/// # Errors
/// What `ip` says.
pub fn cable(one: &Namespace, other: &Namespace, name: &str) -> io::Result<()> {
    one.ip(&["link", "add", name, "type", "veth", "peer", "name", name, "netns", other.name()])?;
    for side in [one, other] {
        side.ip(&["link", "set", name, "up"])?;
    }
    Ok(())
}

/// A BPF file system in a temporary folder.
pub struct Bpffs {
    folder: PathBuf,
}

impl Bpffs {
    /// Mounts one.
    ///
    /// # Errors
    /// Without root.
    pub fn mount() -> io::Result<Bpffs> {
        let bpffs = Bpffs { folder: std::env::temp_dir().join(unique("bpf")) };
        std::fs::create_dir(&bpffs.folder)?;
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("bpf", &bpffs.folder, "bpf", flags, None::<&std::ffi::CStr>)?;
        Ok(bpffs)
    }

    /// A folder for pins in it, not made yet.
    pub fn pins(&self) -> PathBuf {
        self.folder.join("garrison")
    }
}

impl Drop for Bpffs {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.folder, rustix::mount::UnmountFlags::DETACH);
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// Whether this run may make namespaces and load programs; says so when not.
pub fn allowed() -> bool {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return false;
    }
    true
}
