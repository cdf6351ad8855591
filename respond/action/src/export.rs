//! Collect evidence: `ORDER.tar.zst` with a `manifest.json` of SHA-256 sums as its last member, and
//! `ORDER.manifest.json` beside it with the sum of the archive itself. Parameters: optional `process`, `also`, `boot`.
//!
//! With a process: its tree's status, command lines, redacted environments, maps, open files, sockets and the
//! executables. Always: host, process list, socket tables, mounts, modules, tails of the logs and of the system's
//! journal, for many hosts have no log files any more. Files are 0600 and
//! bounded; what was cut is marked in the manifest. Nothing on the host changes but the new files.

use crate::action::{Action, Applied, Plan, Progress, pack, unpack};
use crate::evidence::Archive;
use crate::process::{self, Stat};
use crate::redact::redact;
use crate::{HostView, digest, fault, program, tree};
use base::{Fault, Result};
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Largest copy of one executable, bytes.
const PROGRAM_BYTES: u64 = 64 << 20;
/// Largest text of one `/proc` file, bytes.
const TEXT_BYTES: u64 = 4 << 20;
/// Tail kept of each log, bytes.
const LOG_BYTES: u64 = 1 << 20;
/// Most bytes of the system's journal.
const JOURNAL_BYTES: u64 = 8 << 20;
/// Longest run of `journalctl`; a large journal on a slow disk takes a while.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(20);
/// Most processes described in full.
const PROCESSES: usize = 512;
/// Most open files listed of one process.
const OPEN_FILES: usize = 4096;

/// See the module.
pub struct Export;

#[derive(Serialize, Deserialize)]
struct Record {
    archive: PathBuf,
    manifest: PathBuf,
    sha256: String,
    members: usize,
    complete: bool,
}

/// The tree of the order. The never-block list does not apply: nothing is done to the processes.
fn subjects(order: &Order, host: &HostView) -> Result<Vec<Stat>> {
    if order.parameters.get("process").is_none_or(String::is_empty) {
        return Ok(Vec::new());
    }
    let roots = tree::roots(order, host)?;
    let mut tree = process::below(&process::all(host.proc()), &roots);
    tree.truncate(PROCESSES);
    Ok(tree)
}

impl Action for Export {
    fn kind(&self) -> ActionKind {
        ActionKind::Export
    }

    fn plan(&self, order: &Order, host: &HostView) -> Result<Plan> {
        let mut touched: Vec<String> =
            subjects(order, host)?.iter().map(|stat| format!("read: {}", stat.line())).collect();
        touched.truncate(256);
        let nowhere =
            || Fault::new(&fault::UNSUPPORTED).object("evidence").expected("a directory for it").found("none");
        let directory = host.config.evidence_dir.as_deref().ok_or_else(nowhere)?;
        let file = |end: &str| directory.join(format!("{}.{end}", order.id));
        let record = Record {
            archive: file("tar.zst"),
            manifest: file("manifest.json"),
            sha256: String::new(),
            members: 0,
            complete: false,
        };
        touched.push(format!("written: {}", record.archive.display()));
        Ok(Plan { touched, record: pack(&record)? })
    }

    fn apply(&self, order: &Order, plan: &Plan, host: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        let mut record: Record = unpack(&plan.record)?;
        let mut archive = Archive::create(&record.archive, host.config.evidence_bytes)?;
        let tree = subjects(order, host)?;
        collect_host(&mut archive, order, host)?;
        for stat in &tree {
            collect_process(&mut archive, stat, host)?;
        }
        collect_programs(&mut archive, &tree, host)?;
        let about = json!({
            "order": order.id, "agent": order.agent, "incident": order.incident, "alert": order.alert,
            "by": order.by, "reason": order.reason, "time_us": host.clock.wall(), "boot": host.boot().id,
        });
        let finished = archive.finish(about, &record.manifest)?;
        (record.sha256, record.members, record.complete) = (finished.sha256, finished.members, finished.complete);
        let mut touched = vec![format!("written: {}", record.archive.display())];
        touched.push(format!("written: {}", record.manifest.display()));
        Ok(Applied { touched, record: pack(&record)? })
    }

    fn verify(&self, _: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        let unreadable = |cause| Fault::new(&fault::UNVERIFIED).object(record.archive.display()).because(cause);
        let found = hex::encode(digest::of_file(&record.archive, u64::MAX).map_err(unreadable)?);
        let meta = std::fs::metadata(&record.archive).map_err(unreadable)?;
        if found != record.sha256 || meta.mode() & 0o077 != 0 {
            let fault = Fault::new(&fault::UNVERIFIED).object(record.archive.display()).expected(&record.sha256);
            return Err(fault.found(format!("{found}, mode {:o}", meta.mode() & 0o777)));
        }
        let cut = if record.complete { "complete" } else { "cut at the limits, see the manifest" };
        Ok(vec![
            format!("{}: SHA-256 {found}, {} bytes, mode 600", record.archive.display(), meta.len()),
            format!("{} members, {cut}", record.members),
        ])
    }

    fn undo(&self, _: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        // Only an interrupted export comes here: half an archive is no evidence.
        for path in [&record.archive, &record.manifest] {
            let _ = std::fs::remove_file(path);
        }
        Ok(vec![format!("{} removed", record.archive.display())])
    }
}

fn collect_host(archive: &mut Archive, order: &Order, host: &HostView) -> Result<()> {
    let proc = host.proc();
    let list = process::all(proc).values().fold(String::new(), |mut text, stat| {
        let line = std::fs::read(proc.join(stat.pid.to_string()).join("cmdline")).unwrap_or_default();
        let line = redact(&String::from_utf8_lossy(&line).replace('\0', " "));
        let _ = writeln!(text, "{}\t{}\t{}\t{}\t{}", stat.pid, stat.parent, stat.state, stat.key(), line.trim());
        text
    });
    archive.text("order.json", &serde_json::to_string_pretty(order).unwrap_or_default())?;
    archive.text("host/processes.tsv", &list)?;
    for name in ["version", "uptime", "mounts", "modules", "cmdline", "meminfo", "loadavg"] {
        archive.file(&format!("host/{name}"), &proc.join(name), TEXT_BYTES)?;
    }
    for name in ["hostname", "os-release", "machine-id"] {
        archive.file(&format!("host/{name}"), &Path::new("/etc").join(name), TEXT_BYTES)?;
    }
    for name in ["tcp", "tcp6", "udp", "udp6", "unix", "raw", "raw6", "packet", "route", "ipv6_route", "arp"] {
        archive.file(&format!("network/{name}"), &host.config.proc_net.join(name), TEXT_BYTES)?;
    }
    for log in &host.config.logs {
        let name = log.to_string_lossy().trim_start_matches('/').replace('/', "_");
        archive.tail(&format!("logs/{name}"), log, LOG_BYTES)?;
    }
    collect_journal(archive, host.config.journal_lines)
}

/// The newest lines of the system's journal.
fn collect_journal(archive: &mut Archive, lines: u32) -> Result<()> {
    if lines == 0 {
        return Ok(());
    }
    let name = "logs/journal";
    let mut command = Command::new("journalctl");
    command.args(["--no-pager", "--quiet", "-o", "short-iso", "-n", &lines.to_string()]);
    match program::run(&mut command, b"", JOURNAL_BYTES, JOURNAL_PATIENCE) {
        Ok(output) if output.status.success() => archive.bytes(name, &output.stdout, output.cut),
        Ok(output) => {
            archive
                .missing(name, String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("journalctl failed"));
            Ok(())
        }
        Err(cause) => {
            archive.missing(name, &format!("journalctl: {cause}"));
            Ok(())
        }
    }
}

fn collect_process(archive: &mut Archive, stat: &Stat, host: &HostView) -> Result<()> {
    let directory = host.proc().join(stat.pid.to_string());
    if process::find(host.proc(), stat.key()).is_err() {
        return Ok(());
    }
    let name = |file: &str| format!("processes/{}/{file}", stat.pid);
    for file in ["status", "stat", "maps", "limits", "cgroup", "mountinfo", "loginuid", "sessionid", "wchan", "io"] {
        archive.file(&name(file), &directory.join(file), TEXT_BYTES)?;
    }
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(directory.join(file)).unwrap_or_default();
        let lines = String::from_utf8_lossy(&text).split('\0').map(redact).collect::<Vec<_>>().join("\n");
        archive.text(&name(file), &lines)?;
    }
    let mut links = String::new();
    for link in ["exe", "cwd", "root", "ns/mnt", "ns/net", "ns/pid", "ns/user"] {
        let target = std::fs::read_link(directory.join(link)).unwrap_or_default();
        let _ = writeln!(links, "{link} -> {}", target.display());
    }
    archive.text(&name("links"), &links)?;
    archive.text(&name("files"), &open_files(&directory))?;
    archive.text(&name("sockets"), &sockets(host, &directory, stat.pid))
}

fn open_files(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory.join("fd")).into_iter().flatten().take(OPEN_FILES).flatten();
    entries.fold(String::new(), |mut text, entry| {
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        let _ = writeln!(text, "{} -> {}", entry.file_name().to_string_lossy(), target.display());
        text
    })
}

/// The rows of the process's own socket tables that belong to its descriptors.
fn sockets(host: &HostView, directory: &Path, pid: u32) -> String {
    let held = crate::sessions::sockets_of(host.proc(), pid);
    let mut text = String::new();
    for table in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix"] {
        // The row of a local socket has no addresses before its inode.
        let place = if table == "unix" { 6 } else { 9 };
        let rows = std::fs::read_to_string(directory.join("net").join(table)).unwrap_or_default();
        let inode = |row: &str| row.split_ascii_whitespace().nth(place).and_then(|text| text.parse::<u64>().ok());
        for row in rows.lines().skip(1).filter(|row| inode(row).is_some_and(|inode| held.contains(&inode))) {
            let _ = writeln!(text, "{table} {}", row.trim());
        }
    }
    text
}

/// One copy of each distinct executable, also one that was deleted: `/proc/PID/exe` still reaches it.
fn collect_programs(archive: &mut Archive, tree: &[Stat], host: &HostView) -> Result<()> {
    let mut seen = BTreeSet::new();
    for stat in tree {
        let path = host.proc().join(stat.pid.to_string()).join("exe");
        let Ok(file) = File::open(&path) else { continue };
        let Ok(meta) = file.metadata() else { continue };
        if seen.insert((meta.dev(), meta.ino())) {
            archive.file(&format!("programs/{}-{}", stat.pid, plain(&stat.comm)), &path, PROGRAM_BYTES)?;
        }
    }
    Ok(())
}

/// A process name as part of a file name.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}
