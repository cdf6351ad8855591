//! What a rule's names mean for the events of a slot.
//!
//! Most events have one view: their own fields, or for a record of a log the names its source gives. Rules about
//! `service: auditd` also get views of what our sensor sees, one for each record that the audit system would write of
//! the same event, so that they work on hosts without it:
//!
//! | event | records | fields |
//! |---|---|---|
//! | `exec` | `EXECVE` | `a0` … (the arguments); keywords: the whole command line |
//! | `exec`, and calls that the rule names | `SYSCALL` | `SYSCALL`, `syscall` (name), `exe`, `comm`, `pid`, `ppid`, `uid`, `euid`, `auid`, `tty`, `UID` (user name) |
//! | `exec`, `file` | `PATH` | `name`, `nametype` (`CREATE`, `DELETE`, `NORMAL`); a rename is two records |
//!
//! What an audit record has and we do not (`key`, the arguments of system calls, `success`) is absent. `SYSCALL` records
//! of calls other than exec are shown only to rules that test the name of the call: the audit system writes them for
//! calls it is told to watch, not for all.

use crate::field_map::{self, Origin, Sort};
use crate::names::{Found, Group, Names};
use crate::route;
use record::{Activity, Event, Field, FileOp, Kind, NetOp, Value};

/// Names of system calls in audit records.
pub(crate) const CALL_NAMES: [&str; 2] = ["SYSCALL", "syscall"];

/// Where a value comes from when a rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Spot {
    /// A typed field.
    Field(Field),
    /// The time of the event, µs.
    Time,
    /// A named field, by its number in the bucket's [`Names`].
    Name(u32),
    /// An argument of the process.
    Argument(u16),
    /// The whole record of a log, for keywords.
    Record,
}

impl From<Origin> for Spot {
    fn from(origin: Origin) -> Spot {
        match origin {
            Origin::Field(field) => Spot::Field(field),
            Origin::Time => Spot::Time,
        }
    }
}

/// An event, and where its named fields stand.
pub(crate) struct Subject<'e> {
    pub event: &'e Event,
    pub found: &'e Found,
}

impl Spot {
    /// What kind of value it holds.
    pub(crate) fn sort(self) -> Sort {
        self.origin().map_or(Sort::Text, Origin::sort)
    }

    /// The typed field or the time.
    pub(crate) fn origin(self) -> Option<Origin> {
        match self {
            Spot::Field(field) => Some(Origin::Field(field)),
            Spot::Time => Some(Origin::Time),
            _ => None,
        }
    }

    /// Tries its values until one passes; a value that is absent is not tried.
    pub(crate) fn any<'e>(self, subject: &Subject<'e>, mut test: impl FnMut(Value<'e>) -> bool) -> bool {
        let event = subject.event;
        match self {
            Spot::Field(field) => match event.get(field) {
                Value::None => false,
                value => test(value),
            },
            Spot::Time => test(Value::Number(event.time_us)),
            Spot::Name(number) => subject.found.values(event, number).any(|text| test(Value::Text(text))),
            Spot::Argument(index) => {
                let argument = event.process.as_deref().and_then(|proc| proc.info.args().nth(usize::from(index)));
                argument.is_some_and(|text| test(Value::Text(text)))
            }
            Spot::Record => {
                let Activity::Log(log) = &event.activity else { return false };
                // The audit system writes arguments with spaces as hexadecimal digits: decoded they stand in fields.
                let decoded = log.truncated || log.message.is_empty() || log.source == "auditd";
                test(Value::Text(&log.message))
                    || decoded && log.fields.iter().any(|pair| test(Value::Text(&pair.value)))
            }
        }
    }
}

/// What a rule's name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The value of any of these.
    Any(Vec<Spot>),
    /// In every such event this text.
    Constant(&'static str),
    /// Nothing.
    Absent,
}

/// A way to look at the events of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The event's own fields.
    Event,
    /// The names of a record.
    Log,
    /// Audit: the arguments of a new program.
    Execve,
    /// Audit: a system call, whose name is this or in `call.name`.
    Call(Option<&'static str>),
    /// Audit: a file that a call touched, and how.
    Path(Field, &'static str),
}

/// The views for rules about the audit system of the events of a slot; `calls`: the rule tests names of system calls.
pub(crate) fn of_audit(slot: usize, calls: bool) -> Vec<View> {
    let path = |operation: FileOp| {
        use FileOp::*;
        match operation {
            Create | Mkdir | Symlink => vec![View::Path(Field::FilePath, "CREATE")],
            Unlink | Rmdir => vec![View::Path(Field::FilePath, "DELETE")],
            Rename => vec![View::Path(Field::FilePath, "DELETE"), View::Path(Field::FileTarget, "CREATE")],
            Link => vec![View::Path(Field::FilePath, "NORMAL"), View::Path(Field::FileTarget, "CREATE")],
            OpenRead | OpenWrite | Truncate | Chmod | Chown | SetXattr => vec![View::Path(Field::FilePath, "NORMAL")],
            Unknown => Vec::new(),
        }
    };
    let call = |name| if calls { vec![View::Call(name)] } else { Vec::new() };
    match route::kind(slot) {
        Kind::Exec => vec![View::Execve, View::Call(Some("execve")), View::Path(Field::ProcessExe, "NORMAL")],
        Kind::File => route::file_op(slot).map_or(Vec::new(), path),
        Kind::Mount | Kind::Access | Kind::Memory | Kind::Privilege | Kind::Namespace | Kind::Module | Kind::Bpf => {
            call(None)
        }
        Kind::Net => match route::net_op(slot) {
            Some(NetOp::Connect) => call(Some("connect")),
            Some(NetOp::Bind) => call(Some("bind")),
            Some(NetOp::Listen) => call(Some("listen")),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

impl View {
    /// What a name means; an empty one stands for keywords. `names` numbers what is no typed field.
    pub(crate) fn meaning(self, category: Option<&str>, slot: usize, name: &str, names: &mut Names) -> Meaning {
        let fields = |fields: &[Field]| Meaning::Any(fields.iter().copied().map(Spot::Field).collect());
        match (self, name) {
            (View::Event, "") => fields(field_map::keyword_fields(route::kind(slot))),
            (View::Event, name) => match field_map::origin(category, route::turned(slot), name) {
                Some(origin) => Meaning::Any(vec![origin.into()]),
                None => match detail(category, name) {
                    Some((group, name)) => Meaning::Any(vec![Spot::Name(names.number(group, name))]),
                    None => Meaning::Absent,
                },
            },
            (View::Log, "") => Meaning::Any(vec![Spot::Record]),
            (View::Log, name) => Meaning::Any(vec![match field_map::of_log(name) {
                Some(origin) => origin.into(),
                None => Spot::Name(names.number(Group::Fields, name)),
            }]),
            (View::Execve, "") => fields(&[Field::ProcessCmdLine]),
            (View::Execve, "type") => Meaning::Constant("EXECVE"),
            (View::Execve, name) => match name.strip_prefix('a').and_then(|digits| digits.parse().ok()) {
                Some(index) => Meaning::Any(vec![Spot::Argument(index)]),
                None => Meaning::Absent,
            },
            (View::Call(_), "") => fields(&[Field::ProcessExe, Field::ProcessComm]),
            (View::Call(_), "type") => Meaning::Constant("SYSCALL"),
            (View::Call(call), name) if CALL_NAMES.contains(&name) => match call {
                Some(call) => Meaning::Constant(call),
                None => fields(&[Field::CallName]),
            },
            (View::Call(_), name) => match field_map::of_audit(name) {
                Some(field) => fields(&[field]),
                None => Meaning::Absent,
            },
            (View::Path(field, _), "" | "name") => fields(&[field]),
            (View::Path(..), "type") => Meaning::Constant("PATH"),
            (View::Path(_, kind), "nametype") => Meaning::Constant(kind),
            (View::Path(..), _) => Meaning::Absent,
        }
    }
}

/// A named detail of a finding (`details.ruleset`) or of a part of the inventory (`details.shell`, `before.version`).
pub(crate) fn detail<'n>(category: Option<&str>, name: &'n str) -> Option<(Group, &'n str)> {
    let fields = name.strip_prefix("details.").map(|name| (Group::Fields, name));
    match category {
        Some("scan" | "malware" | "antivirus") => fields,
        Some("inventory") => fields.or_else(|| name.strip_prefix("before.").map(|name| (Group::Before, name))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_what_its_view_says() {
        let names = &mut Names::default();
        let exec = Kind::Exec as usize;
        let mut meaning = |view: View, name| view.meaning(None, exec, name, names);
        let any = |spot| Meaning::Any(vec![spot]);
        assert_eq!(meaning(View::Execve, "a12"), any(Spot::Argument(12)));
        assert_eq!(meaning(View::Execve, "auid"), Meaning::Absent);
        assert_eq!(meaning(View::Execve, "type"), Meaning::Constant("EXECVE"));
        assert_eq!(meaning(View::Call(Some("execve")), "SYSCALL"), Meaning::Constant("execve"));
        assert_eq!(meaning(View::Call(None), "syscall"), any(Spot::Field(Field::CallName)));
        assert_eq!(meaning(View::Call(None), "comm"), any(Spot::Field(Field::ProcessComm)));
        assert_eq!(meaning(View::Path(Field::FileTarget, "CREATE"), "name"), any(Spot::Field(Field::FileTarget)));
        assert_eq!(meaning(View::Log, "log.host"), any(Spot::Field(Field::LogHost)));
        assert_eq!(meaning(View::Log, "process.exe"), any(Spot::Name(0)));
        assert_eq!(meaning(View::Event, "process.exe"), any(Spot::Field(Field::ProcessExe)));
        assert_eq!(meaning(View::Event, "nothing"), Meaning::Absent);
    }

    #[test]
    fn calls_are_shown_to_rules_that_name_them() {
        assert!(of_audit(Kind::Memory as usize, false).is_empty());
        assert_eq!(of_audit(Kind::Memory as usize, true), [View::Call(None)]);
        assert_eq!(of_audit(Kind::Exec as usize, false).len(), 3);
    }
}
