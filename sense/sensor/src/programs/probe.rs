//! What this kernel really delivers: every hook is made to fire by a child of our own.

use super::{Filters, Programs, Scope, groups};
use crate::raw::{Body, RawEvent, flags};
use base::Result;
use kernel::canary::{Cage, Deed};
use kernel::{Hook, ProbeRow, ProbeTable, Refusal};
use record::{FileOp, NetOp};
use std::time::Duration;

/// An event that the canary must bring.
struct Expected {
    event: &'static str,
    /// Program that reports it.
    program: &'static str,
    seen: fn(&RawEvent<'_>) -> bool,
    /// What is lost against the best hook there is for it.
    lost: &'static str,
}

const NAME_ONLY: &str = "the name is read from the program's memory when the call returns, not from the kernel: another \
    thread may have changed it; without lsm path_* hooks";
const GOOD_ONLY: &str = "calls that fail are not told; without lsm hooks nothing is refused";
const AFTER: &str = "told when the call has returned; without lsm hooks nothing is refused";
const LATE: &str = "a first datagram that waits for a neighbour's address may name another process; \
    without lsm/socket_sendmsg";

macro_rules! seen {
    ($pattern:pat $(if $guard:expr)?) => { |event| matches!(&event.body, $pattern $(if $guard)?) };
}

const fn expected(
    event: &'static str,
    program: &'static str,
    lost: &'static str,
    seen: fn(&RawEvent<'_>) -> bool,
) -> Expected {
    Expected { event, program, seen, lost }
}

const EXPECTED: &[Expected] = &[
    expected("exec", "process_exec", "an exec that fails is not told; refusing is `exec deny`", seen!(Body::Exec(_))),
    expected("fork", "process_fork", "", seen!(Body::Fork(_))),
    expected("exit", "process_exit", "", seen!(Body::Exit(_))),
    expected(
        "file open",
        "file_open",
        "told when the file is open; without lsm/file_open an open that fails is not told",
        seen!(Body::File(file) if file.head.op == FileOp::Create as u32),
    ),
    expected("file rename", "file_names", NAME_ONLY, seen!(Body::File(file) if file.head.op == FileOp::Rename as u32)),
    expected("file unlink", "file_name", NAME_ONLY, seen!(Body::File(file) if file.head.op == FileOp::Unlink as u32)),
    expected(
        "file chmod",
        "file_descriptor",
        GOOD_ONLY,
        seen!(Body::File(file) if file.head.op == FileOp::Chmod as u32),
    ),
    expected("mount", "system_mount", NAME_ONLY, seen!(Body::Mount(_))),
    expected("net connect", "net_call", AFTER, seen!(Body::Net(net) if net.op == NetOp::Connect as u32)),
    expected("net bind", "net_call", GOOD_ONLY, seen!(Body::Net(net) if net.op == NetOp::Bind as u32)),
    expected("net listen", "net_call", GOOD_ONLY, seen!(Body::Net(net) if net.op == NetOp::Listen as u32)),
    expected("net accept", "net_call", GOOD_ONLY, seen!(Body::Net(net) if net.op == NetOp::Accept as u32)),
    expected("net send", "net_datagram", LATE, seen!(Body::Net(net) if net.op == NetOp::Send as u32)),
    expected("dns", "net_datagram", "names asked over TCP or encrypted are not told", is_question),
    expected(
        "dns answer",
        "net_received",
        "answers over TCP, or behind extension headers of IPv6, teach no name",
        is_received,
    ),
    expected("access read", "system_access", AFTER, |event| is_call(event, "process_vm_readv")),
    expected("access write", "system_access", AFTER, |event| is_call(event, "process_vm_writev")),
    expected("memory", "system_memory", AFTER, seen!(Body::Memory(_))),
    expected(
        "privilege",
        "system_privilege",
        "rights gained inside the kernel are seen at the next exec; without lsm/task_fix_setuid",
        seen!(Body::Privilege(_)),
    ),
    expected("unshare", "system_namespace", AFTER, |event| is_call(event, "unshare")),
    expected("setns", "system_namespace", AFTER, |event| is_call(event, "setns")),
    expected("module load", "system_module", AFTER, |event| is_call(event, "finit_module")),
    expected("module remove", "system_module", AFTER, |event| is_call(event, "delete_module")),
    expected("bpf", "system_bpf", AFTER, seen!(Body::Bpf(_))),
    expected("io_uring", "uring", "told when it is submitted, so not whether it came off", seen!(Body::IoUring(_))),
    expected("signal", "signal_generate", "told and not refused; without lsm/task_kill", seen!(Body::Signal(_))),
];

fn is_call(event: &RawEvent<'_>, word: &str) -> bool {
    event.header.door().word() == word
}

fn is_question(event: &RawEvent<'_>) -> bool {
    matches!(event.body, Body::Dns(_)) && event.header.flags & flags::RECEIVED == 0
}

fn is_received(event: &RawEvent<'_>) -> bool {
    matches!(event.body, Body::Dns(_)) && event.header.flags & flags::RECEIVED != 0
}

impl Programs {
    /// Fires a canary through every hook and tells what came back. Other records that arrive meanwhile are kept for the
    /// next [`Programs::poll`]. Takes some ten milliseconds.
    ///
    /// # Errors
    /// `kernel.canary` when no child can be made, `kernel.map` or `kernel.ring` when the programs are broken.
    pub fn probe(&mut self) -> Result<ProbeTable> {
        let before = self.filters.clone();
        self.set_filters(&probing(&before))?;
        let seen = self.fire();
        self.set_filters(&before)?;
        let seen = seen?;
        let mut rows: Vec<ProbeRow> =
            EXPECTED.iter().zip(seen).map(|(expected, fired)| self.row(expected, fired)).collect();
        rows.insert(1, self.plan_denials()?);
        let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
        Ok(ProbeTable { kernel, rows })
    }

    /// Which of the expected events came.
    fn fire(&mut self) -> Result<Vec<bool>> {
        let cage = Cage::new()?;
        self.hold_all()?;
        let ended = cage.release(Deed::ALL)?;
        let mut seen = vec![false; EXPECTED.len()];
        let mut held = Vec::new();
        let mut flock = vec![ended.pid];
        self.ring.poll(Duration::ZERO, 0, &mut |bytes| match RawEvent::parse(bytes) {
            Ok(event) if flock.contains(&event.header.tgid) || is_received(&event) => {
                if let Body::Fork(fork) = &event.body {
                    flock.push(fork.child_tgid);
                }
                for (seen, expected) in seen.iter_mut().zip(EXPECTED) {
                    *seen |= (expected.seen)(&event);
                }
            }
            _ => held.push(bytes.to_vec()),
        })?;
        self.held.extend(held);
        Ok(seen)
    }

    /// Takes what waits in the ring aside, so that the canary's records find room.
    fn hold_all(&mut self) -> Result<()> {
        let held = &mut self.held;
        self.ring.poll(Duration::ZERO, 0, &mut |bytes| held.push_back(bytes.to_vec()))?;
        Ok(())
    }

    /// Drops the records of a canary and keeps all others for the next poll.
    pub(super) fn drop_records_of(&mut self, pid: u32) -> Result<()> {
        let held = &mut self.held;
        self.ring.poll(Duration::ZERO, 0, &mut |bytes| {
            if !RawEvent::parse(bytes).is_ok_and(|event| event.header.tgid == pid) {
                held.push_back(bytes.to_vec());
            }
        })?;
        Ok(())
    }

    fn row(&self, expected: &Expected, fired: bool) -> ProbeRow {
        let programs: &[&str] = if expected.program == "uring" { groups::URING } else { &[expected.program] };
        let attached = |name: &&&str| self.groups.iter().any(|group| group.attached(name));
        let loaded = |name: &&&str| self.groups.iter().any(|group| group.has(name));
        let direct = groups::GROUPS.iter().any(|group| group.attached.contains(&programs[0]));
        let program = if direct { programs.iter().find(attached) } else { programs.iter().find(loaded) };
        let group =
            groups::GROUPS.iter().find(|group| group.programs.contains(&programs[0])).map_or("", |group| group.name);
        let about = |no: &&Refusal| programs.contains(&no.program.as_str()) || no.program == group;
        let reason = self.refusals.iter().filter(about);
        let mut note = match program {
            None => reason.map(|no| format!("{}: {}", no.program, no.reason)).collect::<Vec<_>>().join("; "),
            Some(_) if !fired => "attached and never fired".to_owned(),
            Some(_) => String::new(),
        };
        if expected.program == "uring" && !fired && uring_is_off() {
            note = "io_uring is switched off on this host, so there is nothing to see".to_owned();
        }
        ProbeRow {
            event: expected.event.to_owned(),
            hook: program.map(|_| Hook::Tracepoint),
            program: program.copied().unwrap_or_default().to_owned(),
            attached: program.is_some(),
            fired,
            lost: if fired { expected.lost.to_owned() } else { format!("every {} event", expected.event) },
            note,
        }
    }
}

/// Everything is reported while the canary flies; who is in scope stays, and our own child comes in addition.
fn probing(before: &Filters) -> Filters {
    let scope = match &before.scope {
        Some(Scope::Tree(roots)) => {
            let mut roots = roots.clone();
            roots.extend((!roots.contains(&std::process::id())).then(std::process::id));
            Some(Scope::Tree(roots))
        }
        _ => None,
    };
    Filters { scope, own: before.own.clone(), ..Filters::default() }
}

/// Whether the host forbids io_uring to everyone (kernel.io_uring_disabled = 2).
fn uring_is_off() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").is_ok_and(|text| text.trim() == "2")
}
