//! Executions that are refused: which files, and through which hook.

use super::{FileKey, Programs, groups};
use base::Result;
use kernel::canary::{Cage, Deed, REFUSED};
use kernel::{Attempt, Candidate, Hook, Loaded, Plan, ProbeRow, choose, load};
use std::collections::BTreeSet;

/// Ways to refuse, best first.
const CANDIDATES: &[Candidate] = &[
    Candidate { hook: Hook::LsmSleepable, program: "deny_lsm_sleepable", lost: "" },
    Candidate { hook: Hook::Lsm, program: "deny_lsm", lost: "" },
    Candidate { hook: Hook::ModifyReturn, program: "deny_modify_return", lost: "" },
    Candidate {
        hook: Hook::TracepointSignal,
        program: "process_exec",
        lost: "the process is killed before its first instruction instead of an error from execve; \
            a denied script is only seen through its interpreter",
    },
];

/// Denied files and the hook that refuses them.
#[derive(Default)]
pub struct Denials {
    files: BTreeSet<FileKey>,
    /// The refusing program; `None` while the tracepoint kills.
    group: Option<Loaded>,
    row: Option<ProbeRow>,
}

impl Denials {
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl Programs {
    /// Refuses every execution of this file from now on. The first call finds the best hook with a canary.
    ///
    /// # Errors
    /// `kernel.map` when the list is full (4096 files), `kernel.canary` when no child can be made.
    pub fn deny(&mut self, file: FileKey) -> Result<()> {
        if self.denials.row.is_none() {
            self.plan_denials()?;
        }
        self.maps.deny(file)?;
        self.denials.files.insert(file);
        self.switch_denials()
    }

    /// Allows it again; nothing happens when it was not denied.
    ///
    /// # Errors
    /// `kernel.map` when the list cannot be changed.
    pub fn allow(&mut self, file: FileKey) -> Result<()> {
        self.maps.allow(file)?;
        self.denials.files.remove(&file);
        self.switch_denials()
    }

    /// Whether the kernel refuses this file now, read back from its list and from the hook that looks at it.
    ///
    /// # Errors
    /// `kernel.map` when the list cannot be read.
    pub fn denies(&self, file: FileKey) -> Result<bool> {
        let hooked = self.denials.row.as_ref().is_some_and(|row| row.fired);
        Ok(hooked && self.maps.denies(file)?)
    }

    /// The files denied now.
    pub fn denied(&self) -> impl Iterator<Item = FileKey> + '_ {
        self.denials.files.iter().copied()
    }

    fn switch_denials(&mut self) -> Result<()> {
        self.maps.set(&self.filters, self.levels, !self.denials.is_empty())
    }

    /// Finds the hook that refuses best, proved by a canary, and keeps it loaded.
    ///
    /// # Errors
    /// `kernel.canary` when no child can be made.
    pub(super) fn plan_denials(&mut self) -> Result<ProbeRow> {
        if let Some(row) = &self.denials.row {
            return Ok(row.clone());
        }
        let cage = Cage::new()?;
        let row = choose("exec deny", CANDIDATES, |candidate| self.try_denial(candidate, &cage));
        self.denials.row = Some(row.clone());
        Ok(row)
    }

    fn try_denial(&mut self, candidate: &Candidate, cage: &Cage) -> Result<Attempt> {
        let by_signal = candidate.hook == Hook::TracepointSignal;
        if !by_signal {
            let plan = Plan {
                name: groups::DENY.name,
                bytes: groups::DENY.bytes,
                wanted: &|program| program == candidate.program,
                sizes: &[],
            };
            let mut group = load(&plan, self.maps.shared())?;
            group.attach(candidate.program)?;
            self.denials.group = Some(group);
        } else if !self.groups.iter().any(|group| group.attached(candidate.program)) {
            return Ok(Attempt { note: "process_exec is not attached".to_owned(), ..Attempt::default() });
        }
        let file = FileKey::of(cage.program())?;
        self.maps.deny(file)?;
        self.maps.set(&self.filters, self.levels, true)?;
        let ended = cage.release(&[Deed::Exec]);
        self.maps.allow(file)?;
        self.switch_denials()?;
        let ended = ended?;
        self.drop_records_of(ended.pid)?;
        let fired = if by_signal { ended.signal == Some(libc::SIGKILL) } else { ended.code == Some(REFUSED) };
        if !fired {
            self.denials.group = None;
        }
        Ok(Attempt { attached: true, fired, note: String::new() })
    }
}
