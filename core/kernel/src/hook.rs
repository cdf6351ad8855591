//! Kinds of hook, the planner that tries them best first, and the table that tells what came out.

use base::Result;
use serde::Serialize;
use std::fmt;

/// A way to see or refuse something, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Hook {
    /// Sleepable security module program.
    #[serde(rename = "lsm.s")]
    LsmSleepable,
    /// Security module program.
    #[serde(rename = "lsm")]
    Lsm,
    /// Program that changes the result of a security function.
    #[serde(rename = "fmod_ret")]
    ModifyReturn,
    /// Typed tracepoint that only sees.
    #[serde(rename = "tp_btf")]
    Tracepoint,
    /// Typed tracepoint that sees and kills.
    #[serde(rename = "tp_btf+signal")]
    TracepointSignal,
    /// Permission events of fanotify.
    #[serde(rename = "fanotify")]
    Fanotify,
    /// The audit subsystem.
    #[serde(rename = "audit")]
    Audit,
}

impl Hook {
    /// Every kind, best first.
    pub const ALL: &'static [Hook] = &[
        Hook::LsmSleepable,
        Hook::Lsm,
        Hook::ModifyReturn,
        Hook::Tracepoint,
        Hook::TracepointSignal,
        Hook::Fanotify,
        Hook::Audit,
    ];

    /// Its word in tables.
    pub const fn word(self) -> &'static str {
        match self {
            Hook::LsmSleepable => "lsm.s",
            Hook::Lsm => "lsm",
            Hook::ModifyReturn => "fmod_ret",
            Hook::Tracepoint => "tp_btf",
            Hook::TracepointSignal => "tp_btf+signal",
            Hook::Fanotify => "fanotify",
            Hook::Audit => "audit",
        }
    }
}

/// One way to get an event.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// Kind of hook.
    pub hook: Hook,
    /// Program that does it.
    pub program: &'static str,
    /// What is lost with it against the best one, empty for the best.
    pub lost: &'static str,
}

/// What came of trying a candidate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempt {
    /// Whether the kernel took it.
    pub attached: bool,
    /// Whether our own deed came through it.
    pub fired: bool,
    /// The refusal in a few words.
    pub note: String,
}

/// One line of the probe table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProbeRow {
    /// Event or power, for example `exec` or `exec deny`.
    pub event: String,
    /// Hook in use, the last one tried when none works.
    pub hook: Option<Hook>,
    /// Its program.
    pub program: String,
    /// Whether the kernel took it.
    pub attached: bool,
    /// Whether the canary came through; attached and not fired counts as absent.
    pub fired: bool,
    /// What is lost without a better hook.
    pub lost: String,
    /// Better hooks that were tried, and the kernel's answers.
    pub note: String,
}

/// What this kernel lets us see and refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProbeTable {
    /// Kernel release.
    pub kernel: String,
    /// Lines in the order of the reference page.
    pub rows: Vec<ProbeRow>,
}

impl ProbeTable {
    /// The line of this event.
    pub fn row(&self, event: &str) -> Option<&ProbeRow> {
        self.rows.iter().find(|row| row.event == event)
    }
}

impl fmt::Display for ProbeTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel {}", self.kernel)?;
        writeln!(f, "{:<14} {:<14} {:<9} {:<6} WHAT IS LOST", "EVENT", "HOOK", "ATTACHED", "FIRED")?;
        for row in &self.rows {
            let word = |yes| if yes { "yes" } else { "no" };
            let hook = row.hook.map_or("-", Hook::word);
            let lost = [row.lost.as_str(), row.note.as_str()];
            let lost = lost.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
            let lost = if lost.is_empty() { "-".to_owned() } else { lost };
            writeln!(f, "{:<14} {:<14} {:<9} {:<6} {lost}", row.event, hook, word(row.attached), word(row.fired))?;
        }
        Ok(())
    }
}

/// Tries candidates best first and stops at the first that fires. The row tells which, and what the others said.
pub fn choose(
    event: &str,
    candidates: &[Candidate],
    mut attempt: impl FnMut(&Candidate) -> Result<Attempt>,
) -> ProbeRow {
    let mut row = ProbeRow {
        event: event.to_owned(),
        hook: None,
        program: String::new(),
        attached: false,
        fired: false,
        lost: String::new(),
        note: String::new(),
    };
    let mut notes = Vec::new();
    for candidate in candidates {
        let tried = attempt(candidate);
        let tried = tried.unwrap_or_else(|fault| Attempt { note: fault.to_string(), ..Attempt::default() });
        row.hook = Some(candidate.hook);
        row.program = candidate.program.to_owned();
        row.attached = tried.attached;
        row.fired = tried.fired;
        row.lost = candidate.lost.to_owned();
        if tried.fired {
            break;
        }
        let why = if tried.attached { "attached and never fired" } else { tried.note.as_str() };
        notes.push(format!("{} {why}", candidate.hook.word()));
    }
    row.note = notes.join("; ");
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANDIDATES: &[Candidate] = &[
        Candidate { hook: Hook::Lsm, program: "a", lost: "" },
        Candidate { hook: Hook::ModifyReturn, program: "b", lost: "" },
        Candidate { hook: Hook::TracepointSignal, program: "c", lost: "the file is opened" },
    ];

    #[test]
    fn a_hook_that_never_fires_is_passed_over() {
        let row = choose("exec deny", CANDIDATES, |candidate| {
            Ok(Attempt { attached: true, fired: candidate.program == "c", note: String::new() })
        });
        assert_eq!(
            (row.hook, row.fired, row.lost.as_str()),
            (Some(Hook::TracepointSignal), true, "the file is opened")
        );
        assert!(row.note.contains("lsm attached and never fired"), "{}", row.note);
    }

    #[test]
    fn the_best_that_fires_is_taken() {
        let mut tried = 0;
        let row = choose("exec deny", CANDIDATES, |_| {
            tried += 1;
            Ok(Attempt { attached: true, fired: true, note: String::new() })
        });
        assert_eq!((tried, row.hook, row.note.as_str()), (1, Some(Hook::Lsm), ""));
        let table = ProbeTable { kernel: "6.1".to_owned(), rows: vec![row] };
        assert!(table.to_string().contains("exec deny"));
    }
}
