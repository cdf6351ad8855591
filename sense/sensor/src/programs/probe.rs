//! What this kernel really delivers: every hook is made to fire by a child of our own.

use super::{Filters, Programs, groups};
use crate::raw::{Body, RawEvent};
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
    seen: fn(&Body<'_>) -> bool,
    /// What is lost against the best hook there is for it.
    lost: &'static str,
}

const NAME_ONLY: &str = "the name is read from the program's memory when the call returns, not from the kernel";
const LATE: &str = "a first datagram that waits for a neighbour's address may name another process";

macro_rules! body {
    ($pattern:pat $(if $guard:expr)?) => { |body| matches!(body, $pattern $(if $guard)?) };
}

const EXPECTED: &[Expected] = &[
    Expected { event: "exec", program: "process_exec", seen: body!(Body::Exec(_)), lost: "" },
    Expected { event: "fork", program: "process_fork", seen: body!(Body::Fork(_)), lost: "" },
    Expected { event: "exit", program: "process_exit", seen: body!(Body::Exit(_)), lost: "" },
    Expected {
        event: "file open",
        program: "file_open",
        seen: body!(Body::File(file) if file.head.op == FileOp::Create as u32),
        lost: "",
    },
    Expected {
        event: "file rename",
        program: "file_names",
        seen: body!(Body::File(file) if file.head.op == FileOp::Rename as u32),
        lost: NAME_ONLY,
    },
    Expected {
        event: "file unlink",
        program: "file_name",
        seen: body!(Body::File(file) if file.head.op == FileOp::Unlink as u32),
        lost: NAME_ONLY,
    },
    Expected {
        event: "file chmod",
        program: "file_descriptor",
        seen: body!(Body::File(file) if file.head.op == FileOp::Chmod as u32),
        lost: "",
    },
    Expected { event: "mount", program: "system_mount", seen: body!(Body::Mount(_)), lost: NAME_ONLY },
    Expected {
        event: "net connect",
        program: "net_call",
        seen: body!(Body::Net(net) if net.op == NetOp::Connect as u32),
        lost: "",
    },
    Expected {
        event: "net send",
        program: "net_datagram",
        seen: body!(Body::Net(net) if net.op == NetOp::Send as u32),
        lost: LATE,
    },
    Expected { event: "dns", program: "net_datagram", seen: body!(Body::Dns(_)), lost: LATE },
    Expected { event: "access", program: "system_access", seen: body!(Body::Access(_)), lost: "" },
    Expected { event: "memory", program: "system_memory", seen: body!(Body::Memory(_)), lost: "" },
    Expected { event: "privilege", program: "system_privilege", seen: body!(Body::Privilege(_)), lost: "" },
    Expected { event: "namespace", program: "system_namespace", seen: body!(Body::Namespace(_)), lost: "" },
    Expected { event: "module", program: "system_module", seen: body!(Body::Module(_)), lost: "" },
    Expected { event: "bpf", program: "system_bpf", seen: body!(Body::Bpf(_)), lost: "" },
    Expected { event: "io_uring", program: "uring", seen: body!(Body::IoUring(_)), lost: "" },
    Expected { event: "signal", program: "signal_generate", seen: body!(Body::Signal(_)), lost: "" },
];

impl Programs {
    /// Fires a canary through every hook and tells what came back. Other records that arrive meanwhile are kept for the
    /// next [`Programs::poll`]. Takes some ten milliseconds.
    ///
    /// # Errors
    /// `kernel.canary` when no child can be made, `kernel.map` or `kernel.ring` when the programs are broken.
    pub fn probe(&mut self) -> Result<ProbeTable> {
        let before = self.filters.clone();
        self.set_filters(&Filters::default())?;
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
        self.ring.poll(Duration::ZERO, 0, &mut |bytes| match RawEvent::parse(bytes) {
            Ok(event) if event.header.tgid == ended.pid => {
                for (seen, expected) in seen.iter_mut().zip(EXPECTED) {
                    *seen |= (expected.seen)(&event.body);
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

/// Whether the host forbids io_uring to everyone (kernel.io_uring_disabled = 2).
fn uring_is_off() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").is_ok_and(|text| text.trim() == "2")
}
