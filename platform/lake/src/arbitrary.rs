//! Any event at all, for the tests that records come back as they went in.

use proptest::prelude::*;
use record::*;
use std::sync::Arc;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z/é戍' ]{1,20}",
        Just("a text of more than twelve bytes that repeats".to_string())
    ]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), any::<u32>()]
}

fn large() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), any::<u64>()]
}

fn ip() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        any::<[u8; 4]>().prop_map(|ip| ip.to_vec()),
        any::<[u8; 16]>().prop_map(|ip| ip.to_vec()),
        Just([&[0; 10][..], &[255, 255, 1, 2, 3, 4]].concat()),
        prop::collection::vec(any::<u8>(), 0..7),
    ]
}

fn file_id() -> impl Strategy<Value = FileId> {
    (text(), large(), small(), ip(), any::<bool>()).prop_map(|(path, inode, device, sha256, unlinked)| FileId {
        path,
        inode,
        device,
        sha256,
        unlinked,
    })
}

fn user() -> impl Strategy<Value = User> {
    (small(), small(), small(), large(), text()).prop_map(|(uid, gid, loginuid, capabilities, name)| User {
        uid,
        gid,
        euid: gid,
        egid: uid,
        loginuid,
        capabilities,
        name,
    })
}

fn process() -> impl Strategy<Value = Process> {
    ((large(), large(), text(), file_id(), text()), (text(), user(), text(), any::<i64>(), text(), small())).prop_map(
        |((key, parent_key, comm, exe, line), (cwd, user, container, started_us, tty, session))| {
            let mut process = Process {
                key,
                parent_key,
                comm,
                exe,
                cwd,
                user,
                namespaces: Namespaces { mnt: session, net: session, ..Namespaces::default() },
                container,
                started_us,
                tty,
                session,
                ..Process::default()
            };
            process.set_args(line.split(' '));
            process
        },
    )
}

/// A process with up to four ancestors, or none.
pub(crate) fn proc() -> impl Strategy<Value = Option<Arc<Proc>>> {
    prop::collection::vec(process(), 0..5)
        .prop_map(|chain| chain.into_iter().fold(None, |parent: Option<Arc<Proc>>, info| Some(Proc::new(info, parent))))
}

fn common() -> impl Strategy<Value = Activity> {
    prop_oneof![
        (text(), text(), any::<[bool; 3]>()).prop_map(|(previous_exe, script, [from_memory, elevated, denied])| {
            Activity::Exec(Exec { previous_exe, from_memory, elevated, script, denied, path_truncated: denied })
        }),
        large().prop_map(|child_key| Activity::Fork(Fork { child_key })),
        (small(), small(), large()).prop_map(|(code, signal, lived_us)| Activity::Exit(Exit {
            code,
            signal,
            lived_us
        })),
        ((-2..20i32, file_id(), text()), small(), small(), small(), small()).prop_map(
            |((op, file, target), flags, mode, uid, gid)| {
                Activity::File(FileActivity { op, file, target, flags, mode, uid, gid, path_truncated: flags & 1 != 0 })
            }
        ),
        ((-1..9i32, small(), ip(), small()), (ip(), small(), small(), text())).prop_map(
            |((op, protocol, local_ip, local_port), (remote_ip, remote_port, errno, remote_name))| {
                Activity::Net(NetActivity {
                    op,
                    protocol,
                    local_ip,
                    local_port,
                    remote_ip,
                    remote_port,
                    errno,
                    remote_name,
                })
            }
        ),
        (text(), small(), ip(), small()).prop_map(|(name, query_type, server_ip, server_port)| {
            Activity::Dns(Dns { name, query_type, server_ip, server_port })
        }),
    ]
}

fn system() -> impl Strategy<Value = Activity> {
    prop_oneof![
        (any::<bool>(), text(), text(), text(), large()).prop_map(|(removed, source, target, fs_type, flags)| {
            Activity::Mount(Mount { removed, source, target, fs_type, flags })
        }),
        (text(), small(), prop::option::of(process()), small()).prop_map(|(call, request, target, target_pid)| {
            Activity::Access(ProcessAccess { call, request, target, target_pid, errno: request % 3 })
        }),
        (text(), text(), small()).prop_map(|(call, name, flags)| Activity::Memory(Memory { call, name, flags })),
        (text(), user(), user(), large()).prop_map(|(call, before, after, argument)| Activity::Privilege(Privilege {
            call,
            before,
            errno: argument as u32 % 3,
            after,
            argument
        })),
        (text(), large()).prop_map(|(call, flags)| Activity::Namespace(Namespace { call, flags })),
        (text(), text(), small()).prop_map(|(call, name, errno)| Activity::Module(Module { call, name, errno })),
        (small(), small(), text(), small()).prop_map(|(command, program_type, name, errno)| {
            Activity::Bpf(BpfCall { command, program_type, name, errno })
        }),
        (small(), text(), text(), any::<bool>()).prop_map(|(opcode, name, path, polled)| Activity::IoUring(IoUring {
            opcode,
            name,
            path,
            polled
        })),
        (small(), small(), any::<bool>()).prop_map(|(signal, target_pid, to_agent)| {
            Activity::Signal(SignalSent { signal, target_pid, to_agent })
        }),
        (text(), text(), large(), large(), large()).prop_map(|(class, place, count, first_seq, last_seq)| {
            Activity::Lost(Lost { class, place, count, first_seq, last_seq })
        }),
    ]
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    prop::collection::vec((text(), text()).prop_map(|(name, value)| Pair { name, value }), 0..4)
}

/// In boxes: the whole of it would not fit on the stack of a test's thread.
fn observed() -> impl Strategy<Value = Activity> {
    let state = || {
        (small(), large()).prop_map(|(mode, size)| FileState {
            sha256: vec![mode as u8; 32],
            mode,
            size,
            ..FileState::default()
        })
    };
    prop_oneof![
        (text(), text(), text(), (text(), any::<bool>(), pairs()))
            .prop_map(|(source, origin, host, (message, truncated, fields))| {
                Activity::Log(Log { source, origin, host, message, truncated, fields })
            })
            .boxed(),
        (text(), text(), text(), (text(), small(), small(), pairs()))
            .prop_map(|(engine, name, path, (member, score, pid, details))| {
                let file = FileId { path, inode: u64::from(pid), ..FileId::default() };
                let (family, cause) = (member.clone(), engine.clone());
                Activity::Scan(Scan { engine, name, family, file, member, score, pid, details, cause })
            })
            .boxed(),
        (text(), text(), prop::option::of(state()), prop::option::of(state()), text())
            .prop_map(|(change, path, before, after, diff)| {
                let file = FileId { path, device: 8, ..FileId::default() };
                Activity::Integrity(Integrity { package: change.clone(), change, file, before, after, diff })
            })
            .boxed(),
        (text(), text(), text(), (text(), text(), pairs(), pairs()))
            .prop_map(|(kind, change, key, (name, version, details, before))| {
                Activity::Asset(Asset { kind, change, key, name, version, details, before })
            })
            .boxed(),
    ]
}

fn http() -> impl Strategy<Value = Activity> {
    (text(), text(), text(), (small(), small(), large(), 0..12i32), prop::collection::vec(large(), 0..3)).prop_map(
        |(site, method, query, (status, client_port, response_bytes, decision), rules)| {
            let (path, ja4, client_ip) = (query.clone(), site.clone(), vec![192, 0, 2, 9]);
            let http = HttpActivity { site, method, path, query, status, client_port, client_ip, ..Default::default() };
            Activity::Http(HttpActivity { response_bytes, decision, rules, ja4, upstream: "o:80".into(), ..http })
        },
    )
}

/// Events numbered from 1, of every kind.
pub(crate) fn events(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Event>> {
    let one = (
        proc(),
        prop_oneof![2 => common().boxed(), 4 => system().boxed(), 1 => observed().boxed(), 1 => http().boxed()],
        -4_000_000_000_000_000..4_000_000_000_000_000i64,
    );
    prop::collection::vec(one, count).prop_map(|events| {
        let number =
            |(index, (process, activity, time_us))| Event { seq: index as u64 + 1, time_us, process, activity };
        events.into_iter().enumerate().map(number).collect()
    })
}
