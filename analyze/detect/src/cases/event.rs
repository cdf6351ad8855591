//! An event from words and values.

use super::observed;
use crate::{fault, field_map::Origin};
use base::{Fault, Result};
use record::{
    Activity, BpfCall, Dns, Event, Exec, Exit, Field, FileActivity, FileOp, Fork, IoUring, Kind, Lost, Memory, Module,
    Mount, Namespace, NetActivity, NetOp, Privilege, Proc, Process, ProcessAccess, ProcessKey, SignalSent,
};
use sigma::selection::{boolean, integer};
use std::net::IpAddr;
use std::sync::Arc;

/// Builds an event from words of [`record::Field`] and their values as text (`ancestors.exe`: one path a line, nearest
/// first). The time is the Unix epoch, the process has pid 1000 unless `process.pid` says otherwise; what is observed
/// past the kernel has a process only when a word of it is given. A word that the kind does not carry, or a value that
/// does not fit, is a fault. Findings and parts of the inventory take `details.NAME` too, the latter `before.NAME`.
pub fn event(kind: Kind, fields: &[(&str, &str)]) -> Result<Event> {
    let mut build = Build {
        process: Process { key: ProcessKey::from_ticks(1000, 1).0, ..Process::default() },
        process_known: !matches!(kind, Kind::Log | Kind::Scan | Kind::Integrity | Kind::Asset | Kind::Http),
        parent: Process { key: ProcessKey::from_ticks(999, 1).0, ..Process::default() },
        parent_known: false,
        ancestors: Vec::new(),
        activity: empty(kind),
    };
    for (word, value) in fields {
        if observed::set_detail(&mut build.activity, word, value) {
            continue;
        }
        let field = Field::from_word(word).ok_or_else(|| {
            Fault::new(&fault::CASE).object(*word).expected("a word of the fields, such as process.exe")
        })?;
        build.set(field, value)?;
    }
    let event = build.finish();
    // Read back, so that a word the kind does not carry cannot pass by accident.
    for (word, value) in fields {
        let typed = kind != Kind::Log || word.starts_with("log.");
        let field = Field::from_word(word).filter(|_| typed && !value.is_empty());
        if field.is_some_and(|field| event.get(field) == record::Value::None) {
            let expected = format!("a field that `{}` events carry", kind.word());
            return Err(Fault::new(&fault::CASE).object(*word).expected(expected));
        }
    }
    Ok(event)
}

fn empty(kind: Kind) -> Activity {
    match kind {
        Kind::Exec => Activity::Exec(Exec::default()),
        Kind::Fork => Activity::Fork(Fork::default()),
        Kind::Exit => Activity::Exit(Exit::default()),
        Kind::File => Activity::File(FileActivity { op: FileOp::Create as i32, ..FileActivity::default() }),
        Kind::Mount => Activity::Mount(Mount::default()),
        Kind::Net => Activity::Net(NetActivity { op: NetOp::Connect as i32, protocol: 6, ..NetActivity::default() }),
        Kind::Dns => Activity::Dns(Dns { query_type: 1, ..Dns::default() }),
        Kind::Access => Activity::Access(ProcessAccess::default()),
        Kind::Memory => Activity::Memory(Memory::default()),
        Kind::Privilege => Activity::Privilege(Privilege::default()),
        Kind::Namespace => Activity::Namespace(Namespace::default()),
        Kind::Module => Activity::Module(Module::default()),
        Kind::Bpf => Activity::Bpf(BpfCall::default()),
        Kind::IoUring => Activity::IoUring(IoUring::default()),
        Kind::Signal => Activity::Signal(SignalSent::default()),
        Kind::Lost => Activity::Lost(Lost::default()),
        Kind::Log => Activity::Log(Default::default()),
        Kind::Scan => Activity::Scan(Default::default()),
        Kind::Integrity => Activity::Integrity(Default::default()),
        Kind::Asset => Activity::Asset(Default::default()),
        Kind::Http => Activity::Http(Default::default()),
    }
}

struct Build {
    process: Process,
    process_known: bool,
    parent: Process,
    parent_known: bool,
    ancestors: Vec<String>,
    activity: Activity,
}

fn wrong(field: Field, expected: &str, value: &str) -> Fault {
    Fault::new(&fault::CASE).object(field.word()).expected(expected).found(format!("`{value}`"))
}

pub(super) fn number<N: TryFrom<i64>>(field: Field, value: &str) -> Result<N> {
    let given = integer(value).or_else(|| Origin::Field(field).number_of(value));
    given.and_then(|number| N::try_from(number).ok()).ok_or_else(|| wrong(field, "a number that fits", value))
}

fn flag(field: Field, value: &str) -> Result<bool> {
    boolean(value).ok_or_else(|| wrong(field, "true or false", value))
}

fn address(field: Field, value: &str) -> Result<Vec<u8>> {
    match value.parse() {
        Ok(IpAddr::V4(address)) => Ok(address.octets().to_vec()),
        Ok(IpAddr::V6(address)) => Ok(address.octets().to_vec()),
        Err(_) => Err(wrong(field, "an address", value)),
    }
}

impl Build {
    fn set(&mut self, field: Field, value: &str) -> Result<()> {
        let text = || value.to_owned();
        let of_process = ["process.", "parent.", "ancestors."];
        self.process_known |= of_process.iter().any(|start| field.word().starts_with(start));
        let process = &mut self.process;
        match field {
            Field::ProcessExe => process.exe.path = text(),
            Field::ProcessCmdLine => process.set_args(value.split(' ')),
            Field::ProcessComm => process.comm = text(),
            Field::ProcessCwd => process.cwd = text(),
            Field::ProcessPid => process.key = ProcessKey::from_ticks(number(field, value)?, 1).0,
            Field::ProcessUser => process.user.name = text(),
            Field::ProcessUid => process.user.uid = number(field, value)?,
            Field::ProcessEuid => process.user.euid = number(field, value)?,
            Field::ProcessLoginUid => process.user.loginuid = number(field, value)?,
            Field::ProcessSha256 => {
                process.exe.sha256 = hex::decode(value).map_err(|_| wrong(field, "hexadecimal digits", value))?;
            }
            Field::ProcessContainer => process.container = text(),
            Field::ProcessTty => process.tty = text(),
            Field::ProcessCapabilities => process.user.capabilities = number::<i64>(field, value)? as u64,
            Field::ExecUnlinked => process.exe.unlinked = flag(field, value)?,
            Field::AncestorExes => {
                self.ancestors = value.lines().filter(|path| !path.is_empty()).map(str::to_owned).collect();
            }
            Field::ParentExe | Field::ParentCmdLine | Field::ParentComm | Field::ParentPid => {
                self.parent_known = true;
                let parent = &mut self.parent;
                match field {
                    Field::ParentExe => parent.exe.path = text(),
                    Field::ParentCmdLine => parent.set_args(value.split(' ')),
                    Field::ParentComm => parent.comm = text(),
                    _ => parent.key = ProcessKey::from_ticks(number(field, value)?, 1).0,
                }
            }
            Field::Kind => {}
            _ => return set_activity(&mut self.activity, field, value),
        }
        Ok(())
    }

    fn finish(mut self) -> Event {
        let mut above: Option<Arc<Proc>> = None;
        let same = !self.parent.exe.path.is_empty() && self.ancestors.first() == Some(&self.parent.exe.path);
        let skip =
            usize::from(same || !self.ancestors.is_empty() && self.parent_known && self.parent.exe.path.is_empty());
        if skip == 1 {
            self.parent.exe.path.clone_from(&self.ancestors[0]);
        }
        for (depth, path) in self.ancestors.iter().enumerate().skip(skip).rev() {
            let mut info = Process { key: ProcessKey::from_ticks(990 - depth as u32 % 900, 1).0, ..Process::default() };
            info.exe.path.clone_from(path);
            above = Some(Proc::new(info, above));
        }
        if self.parent_known {
            above = Some(Proc::new(self.parent, above));
        }
        self.process.parent_key = above.as_ref().map_or(0, |parent| parent.info.key);
        let process = self.process_known.then(|| Proc::new(self.process, above));
        Event { seq: 0, time_us: 0, process, activity: self.activity }
    }
}

fn set_activity(activity: &mut Activity, field: Field, value: &str) -> Result<()> {
    let text = || value.to_owned();
    match activity {
        Activity::Exec(exec) => match field {
            Field::ExecFromMemory => exec.from_memory = flag(field, value)?,
            Field::ExecElevated => exec.elevated = flag(field, value)?,
            Field::ExecScript => exec.script = text(),
            Field::ExecPreviousExe => exec.previous_exe = text(),
            _ => {}
        },
        Activity::Exit(exit) => match field {
            Field::ExitCode => exit.code = number(field, value)?,
            Field::SignalNumber => exit.signal = number(field, value)?,
            _ => {}
        },
        Activity::File(file) => match field {
            Field::FilePath => file.file.path = text(),
            Field::FileTarget => file.target = text(),
            Field::FileFlags => file.flags = number(field, value)?,
            Field::FileMode => file.mode = number(field, value)?,
            Field::FileOp => {
                let known = (0..14).filter_map(|number| FileOp::try_from(number).ok()).find(|op| op.word() == value);
                file.op = known.ok_or_else(|| wrong(field, "a word of FileOp such as create or write", value))? as i32;
            }
            _ => {}
        },
        Activity::Net(net) => return set_net(net, field, value),
        Activity::Dns(dns) => match field {
            Field::DnsName => dns.name = text(),
            Field::DnsType => dns.query_type = number(field, value)?,
            Field::RemoteIp => dns.server_ip = address(field, value)?,
            Field::RemotePort => dns.server_port = number(field, value)?,
            _ => {}
        },
        Activity::Scan(_) | Activity::Integrity(_) | Activity::Asset(_) | Activity::Log(_) => {
            return observed::set(activity, field, value);
        }
        _ => return set_call(activity, field, value),
    }
    Ok(())
}

fn set_net(net: &mut NetActivity, field: Field, value: &str) -> Result<()> {
    match field {
        Field::RemoteIp => net.remote_ip = address(field, value)?,
        Field::RemotePort => net.remote_port = number(field, value)?,
        Field::RemoteName => net.remote_name = value.to_owned(),
        Field::LocalIp => net.local_ip = address(field, value)?,
        Field::LocalPort => net.local_port = number(field, value)?,
        Field::NetProtocol => net.protocol = number(field, value)?,
        Field::NetOutbound => net.op = if flag(field, value)? { NetOp::Connect } else { NetOp::Accept } as i32,
        Field::NetOp => {
            let known = (0..6).filter_map(|number| NetOp::try_from(number).ok()).find(|op| op.word() == value);
            net.op = known.ok_or_else(|| wrong(field, "a word of NetOp such as connect or listen", value))? as i32;
        }
        _ => {}
    }
    Ok(())
}

fn set_call(activity: &mut Activity, field: Field, value: &str) -> Result<()> {
    let text = || value.to_owned();
    match (activity, field) {
        (Activity::Mount(mount), Field::CallFlags) => mount.flags = number(field, value)?,
        (Activity::Mount(mount), Field::MountSource) => mount.source = text(),
        (Activity::Mount(mount), Field::MountTarget) => mount.target = text(),
        (Activity::Mount(mount), Field::MountType) => mount.fs_type = text(),
        (Activity::Access(access), Field::CallName) => access.call = text(),
        (Activity::Access(access), Field::CallFlags) => access.request = number(field, value)?,
        (Activity::Access(access), Field::TargetPid) => access.target_pid = number(field, value)?,
        (Activity::Access(access), Field::TargetExe) => {
            access.target.get_or_insert_default().exe.path = text();
        }
        (Activity::Memory(memory), Field::CallName) => memory.call = text(),
        (Activity::Memory(memory), Field::ObjectName) => memory.name = text(),
        (Activity::Memory(memory), Field::CallFlags) => memory.flags = number(field, value)?,
        (Activity::Privilege(change), Field::CallName) => change.call = text(),
        (Activity::Privilege(change), Field::CallFlags) => change.argument = number(field, value)?,
        (Activity::Privilege(change), Field::UserBefore) => change.before.euid = number(field, value)?,
        (Activity::Privilege(change), Field::UserAfter) => change.after.euid = number(field, value)?,
        (Activity::Namespace(change), Field::CallName) => change.call = text(),
        (Activity::Namespace(change), Field::CallFlags) => change.flags = number(field, value)?,
        (Activity::Namespace(change), Field::NamespaceUser) => {
            let bit = if flag(field, value)? { record::CLONE_NEWUSER } else { 0 };
            change.flags = change.flags & !record::CLONE_NEWUSER | bit;
        }
        (Activity::Module(module), Field::CallName) => module.call = text(),
        (Activity::Module(module), Field::ObjectName) => module.name = text(),
        (Activity::Bpf(call), Field::BpfCommand) => call.command = number(field, value)?,
        (Activity::Bpf(call), Field::BpfType) => call.program_type = number(field, value)?,
        (Activity::Bpf(call), Field::ObjectName) => call.name = text(),
        (Activity::IoUring(ring), Field::IoUringOp) => ring.name = text(),
        (Activity::IoUring(ring), Field::IoUringPath) => ring.path = text(),
        (Activity::Signal(signal), Field::SignalNumber) => signal.signal = number(field, value)?,
        (Activity::Signal(signal), Field::TargetPid) => signal.target_pid = number(field, value)?,
        (Activity::Signal(signal), Field::SignalToAgent) => signal.to_agent = flag(field, value)?,
        (Activity::Lost(lost), Field::ObjectName) => lost.class = text(),
        _ => {}
    }
    Ok(())
}
