//! Tests of the interpreter.

use super::*;
use crate::raw::{CredentialsHead, ExecHead, ForkHead, Header, NamespacesHead, PlaceHead, kind};
use base::SystemClock;

/// A parent that no table knows: its pid is beyond what Linux gives.
const SHELL: u32 = 4_194_302;

fn interpreter() -> Interpreter {
    Interpreter::new(Arc::new(SystemClock::default()), TableLimits::default(), 0)
}

fn header(kind: u16, pid: u32, start_ns: u64) -> Header {
    Header {
        size: 0,
        kind,
        flags: 0,
        time: start_ns + 5_000_000,
        start: start_ns,
        tgid: pid,
        tid: pid,
        result: 0,
        call: 0,
        hook: 1,
    }
}

fn place(length: u16) -> PlaceHead {
    PlaceHead { inode: 9, device: 1, mode: 0, path_length: length, name_length: 0, flags: 0, reserved: 0 }
}

fn credentials(uid: u32) -> CredentialsHead {
    CredentialsHead {
        uid,
        gid: uid,
        euid: uid,
        egid: uid,
        suid: uid,
        fsuid: uid,
        loginuid: u32::MAX,
        reserved: 0,
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }
}

const NAMESPACES: NamespacesHead =
    NamespacesHead { mnt: 1, pid: 2, net: 3, user: 4, uts: 5, ipc: 6, cgroup: 7, reserved: 0 };

fn exec<'a>(pid: u32, start_ns: u64, parent: (u32, u64), path: &'a [u8], arguments: &'a [u8]) -> RawEvent<'a> {
    let header = header(kind::EXEC, pid, start_ns);
    let head = ExecHead {
        header,
        parent_start: parent.1,
        cgroup_id: 1,
        exe_size: 0,
        exe_modified: 0,
        exe_changed: 0,
        credentials: credentials(0),
        namespaces: NAMESPACES,
        exe: place(path.len() as u16),
        cwd: place(4),
        parent_tgid: parent.0,
        session: 1,
        ns_pid: pid,
        filename_length: 0,
        cgroup_length: 0,
        arguments_length: arguments.len() as u16,
        reserved: 0,
        reserved2: 0,
        comm: *b"program\0\0\0\0\0\0\0\0\0",
        tty: [0; 16],
    };
    let exe = raw::Place { inode: 9, device: 1, directory: path, ..raw::Place::default() };
    let cwd = raw::Place { directory: b"/srv", ..raw::Place::default() };
    let record = ExecRecord { head, exe, cwd, filename: b"", cgroup: b"/lxc/web", arguments };
    RawEvent { header, body: Body::Exec(Box::new(record)) }
}

fn fork(parent: (u32, u64), child: (u32, u64)) -> RawEvent<'static> {
    let header = header(kind::FORK, parent.0, parent.1);
    let head = ForkHead {
        header,
        child_start: child.1,
        child_parent_start: parent.1,
        child_tgid: child.0,
        child_parent_tgid: parent.0,
        child_ns_pid: child.0,
        reserved: 0,
        namespaces: NAMESPACES,
    };
    RawEvent { header, body: Body::Fork(head) }
}

#[test]
fn a_chain_of_forks_and_execs_has_its_ancestry() {
    let mut interpreter = interpreter();
    interpreter.event(&exec(SHELL, 10_000_000, (0, 0), b"/bin/sh", b"sh\0")).unwrap();
    let child = (SHELL - 1, 20_000_000);
    interpreter.event(&fork((SHELL, 10_000_000), child)).unwrap();
    let event = interpreter.event(&exec(child.0, child.1, (1, 1), b"/bin/id", b"id\0-u\0")).unwrap();
    let process = event.process.unwrap();
    assert_eq!(process.info.key(), ProcessKey::from_start_ns(child.0, child.1));
    assert_eq!((process.info.cmd_line.as_str(), process.info.cwd.as_str()), ("id -u", "/srv"));
    assert_eq!((process.info.container.as_str(), process.info.user.name.as_str()), ("web", "root"));
    assert_eq!(process.parent.as_ref().unwrap().info.exe.path, "/bin/sh");
    let Activity::Exec(exec) = event.activity else { panic!("not an exec") };
    assert_eq!(exec.previous_exe, "/bin/sh");
}

#[test]
fn credentials_follow_a_change_and_the_event_tells_both() {
    let mut interpreter = interpreter();
    interpreter.event(&exec(SHELL, 10_000_000, (0, 0), b"/bin/sh", b"sh\0")).unwrap();
    let header =
        Header { call: raw::Call::from_word("setuid").unwrap().0, ..header(kind::PRIVILEGE, SHELL, 10_000_000) };
    let head = PrivilegeHead { header, arguments: [33, 0, 0], after: credentials(4_000_000) };
    let event = interpreter.event(&RawEvent { header, body: Body::Privilege(head) }).unwrap();
    let Activity::Privilege(change) = event.activity else { panic!("not a change") };
    assert_eq!((change.call.as_str(), change.argument), ("setuid", 33));
    assert_eq!((change.before.euid, change.after.euid, change.after.name.as_str()), (0, 4_000_000, ""));
    assert_eq!(interpreter.table().get(SHELL).unwrap().info.user.uid, 4_000_000);
}

#[test]
fn a_stranger_is_told_as_far_as_the_record_goes() {
    let mut interpreter = interpreter();
    let header = header(kind::EXIT, SHELL, 30_000_000);
    let head = raw::ExitHead { header, code: 3, signal: 0 };
    let event = interpreter.event(&RawEvent { header, body: Body::Exit(head) }).unwrap();
    assert_eq!(event.process.unwrap().info.pid(), SHELL);
    assert_eq!(interpreter.strangers(), 1);
    let Activity::Exit(exit) = event.activity else { panic!("not an exit") };
    assert_eq!((exit.code, exit.lived_us), (3, 5_000));
}

#[test]
fn the_test_process_is_found_with_its_ancestors() {
    let mut interpreter = interpreter();
    assert!(interpreter.bootstrap() > 1);
    let own = interpreter.table().get(std::process::id()).unwrap();
    assert_eq!(own.info.exe.path, std::env::current_exe().unwrap().to_str().unwrap());
    assert!(own.ancestors().last().is_some_and(|top| top.info.parent_key == 0));
    // The same process through a record: the start time in nanoseconds gives the same key.
    let start_ns = own.info.key().ticks() * 10_000_000 + 1_234_567;
    let header = header(kind::EXIT, std::process::id(), start_ns);
    let head = raw::ExitHead { header, code: 0, signal: 0 };
    let event = interpreter.event(&RawEvent { header, body: Body::Exit(head) }).unwrap();
    assert_eq!(event.process.unwrap().info.key, own.info.key);
    assert!(interpreter.table().get(std::process::id()).is_none());
}

#[test]
fn a_refused_exec_leaves_the_old_image() {
    let mut interpreter = interpreter();
    interpreter.event(&exec(SHELL, 10_000_000, (0, 0), b"/bin/sh", b"sh\0")).unwrap();
    let mut refused = exec(SHELL, 10_000_000, (0, 0), b"/tmp/bad", b"bad\0");
    if let Body::Exec(record) = &mut refused.body {
        record.head.header.flags = flags::DENIED;
        record.head.header.result = -1;
    }
    let event = interpreter.event(&refused).unwrap();
    assert_eq!(event.process.unwrap().info.exe.path, "/tmp/bad");
    assert_eq!(interpreter.table().get(SHELL).unwrap().info.exe.path, "/bin/sh");
}

#[test]
fn what_clone_or_a_thread_moves_leaves_the_process_where_it_is() {
    let mut interpreter = interpreter();
    interpreter.event(&exec(SHELL, 10_000_000, (0, 0), b"/bin/sh", b"sh\0")).unwrap();
    let mut moved = |call: &str, tid: u32| {
        let call = raw::Call::from_word(call).unwrap().0;
        let header = Header { call, tid, ..header(kind::NAMESPACE, SHELL, 10_000_000) };
        let after = NamespacesHead { net: 99, ..NAMESPACES };
        let head = raw::NamespaceHead { header, clone_flags: 0x4000_0000, after, root: place(0) };
        let record = raw::NamespaceRecord { head, root: raw::Place::default() };
        let event = interpreter.event(&RawEvent { header, body: Body::Namespace(record) }).unwrap();
        let Activity::Namespace(change) = event.activity else { panic!("not a change") };
        assert_eq!(change.flags, 0x4000_0000);
        interpreter.table().get(SHELL).unwrap().info.namespaces.net
    };
    assert_eq!((moved("clone", SHELL), moved("setns", SHELL + 1)), (3, 3));
    assert_eq!(moved("unshare", SHELL), 99);
}

#[test]
fn an_end_is_told_once() {
    let mut interpreter = interpreter();
    interpreter.event(&exec(SHELL, 10_000_000, (0, 0), b"/bin/sh", b"sh\0")).unwrap();
    let header = header(kind::EXIT, SHELL, 10_000_000);
    let record = RawEvent { header, body: Body::Exit(raw::ExitHead { header, code: 0, signal: 0 }) };
    assert!(interpreter.event(&record).is_some());
    assert!(interpreter.event(&record).is_none() && interpreter.strangers() == 0);
}

#[test]
fn a_group_is_known_by_its_key() {
    let mut interpreter = interpreter();
    interpreter.event(&exec(SHELL, 10_000_000, (0, 0), b"/bin/sh", b"sh\0")).unwrap();
    let mut again = exec(SHELL, 10_000_000, (0, 0), b"/bin/id", b"id\0");
    let Body::Exec(record) = &mut again.body else { panic!("not an exec") };
    record.cgroup = b"";
    let event = interpreter.event(&again).unwrap();
    assert_eq!(event.process.unwrap().info.container, "web");
    let Body::Exec(record) = &mut again.body else { panic!("not an exec") };
    record.head.cgroup_id = 2;
    interpreter.event(&again).unwrap();
    assert_eq!(interpreter.missed_groups(), [2]);
}

fn renamed<'a>(call: &str, from: &'a [u8], to: &'a [u8]) -> RawEvent<'a> {
    let header = Header { call: raw::Call::from_word(call).unwrap().0, ..header(kind::FILE, SHELL, 10_000_000) };
    let op = FileOp::Rename as u32;
    let none = place(0);
    let head =
        raw::FileHead { header, op, open_flags: 0, mode: 0, uid: 0, gid: 0, reserved: 0, file: none, target: none };
    let place = |name| raw::Place { directory: b"", name, ..raw::Place::default() };
    RawEvent { header, body: Body::File(raw::FileRecord { head, file: place(from), target: place(to) }) }
}

#[test]
fn names_are_ignored_only_when_they_really_lie_there() {
    let mut interpreter = interpreter().ignoring(vec!["/quiet/".to_owned()]);
    assert!(interpreter.event(&renamed("rename", b"/quiet/a", b"/quiet/b")).is_none());
    assert_eq!(interpreter.filtered(), 1);
    assert!(interpreter.event(&renamed("rename", b"/quiet/a", b"/etc/b")).is_some());
    assert!(interpreter.event(&renamed("rename", b"/quiet/../etc/a", b"/quiet/b")).is_some());
}

#[test]
fn a_cut_path_and_an_unread_name_are_marked() {
    let mut interpreter = interpreter();
    let mut mark = |header_flags: u16, place_flags: u16| {
        let mut raw = renamed("rename", b"/a", b"/b");
        raw.header.flags = header_flags;
        let Body::File(record) = &mut raw.body else { panic!("not a file") };
        record.target.flags = place_flags;
        match interpreter.event(&raw).unwrap().activity {
            Activity::File(file) => file.path_truncated,
            other => panic!("{other:?}"),
        }
    };
    assert!(!mark(0, 0) && mark(flags::NAME_UNREADABLE, 0) && mark(0, raw::place::TRUNCATED));
}

#[test]
fn an_answer_names_the_address_of_a_later_connection() {
    let mut interpreter = interpreter();
    let question = dns::query(7, "c2.example", 1);
    let mut answer = question.clone();
    answer[2] |= 0x80;
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 7]);
    let mut remote = [0; 16];
    remote[..4].copy_from_slice(&[192, 0, 2, 53]);
    let message = |flags: u16, payload: &[u8]| {
        let header = Header { flags, ..header(kind::DNS, SHELL, 10_000_000) };
        let payload_length = payload.len() as u16;
        raw::DnsHead { header, family: 2, local_port: 4000, remote_port: 53, payload_length, local: [0; 16], remote }
    };
    let mut tell = |flags: u16, payload: &[u8]| {
        let head = message(flags, payload);
        let header = head.header;
        interpreter.event(&RawEvent { header, body: Body::Dns(raw::DnsRecord { head, payload }) }).is_some()
    };
    assert!(!tell(flags::RECEIVED, &answer), "nobody asked, and an answer is no event");
    assert!(tell(0, &question) && !tell(flags::RECEIVED, &answer));
    let header = header(kind::NET, SHELL, 10_000_000);
    remote[..4].copy_from_slice(&[192, 0, 2, 7]);
    let head = raw::NetHead {
        header,
        op: record::NetOp::Connect as u32,
        family: 2,
        protocol: 6,
        local: [0; 16],
        remote,
        local_port: 5000,
        remote_port: 443,
        socket_type: 1,
    };
    let event = interpreter.event(&RawEvent { header, body: Body::Net(head) }).unwrap();
    let Activity::Net(net) = event.activity else { panic!("not a connection") };
    assert_eq!(net.remote_name, "c2.example");
    assert_eq!(interpreter.resolved.name("192.0.2.9".parse().unwrap(), 0), None);
}

#[test]
fn failed_calls_carry_their_errno() {
    let mut interpreter = interpreter();
    let call = raw::Call::from_word("ptrace").unwrap().0;
    let header = Header { call, result: -1, ..header(kind::ACCESS, SHELL, 10_000_000) };
    let head = AccessHead { header, request: 16, address: 0, target_start: 0, target_tgid: 0, target_given: 0 };
    let event = interpreter.event(&RawEvent { header, body: Body::Access(head) }).unwrap();
    let Activity::Access(access) = event.activity else { panic!("not an access") };
    assert_eq!(access.errno, 1);
}
