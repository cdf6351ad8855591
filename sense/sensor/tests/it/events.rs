//! A child of the test does what attackers do, to its own files and processes; each deed must arrive as an event with the
//! right process, ancestry, arguments, working directory and hash.

use crate::programs::alone;
use base::SystemClock;
use record::{Activity, Event, FileOp, Kind, Proc};
use sensor::{Sensor, SensorConfig, dns, procfs};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names the folder in the child that does the deeds.
const FOLDER: &str = "GARRISON_TEST_DEEDS";
const NAME: &str = "deeds.garrison.example";

/// Not a test of its own: the deeds, in a process that [`every_deed_arrives`] starts.
#[test]
fn deeds() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        println!("skipped: only a part of every_deed_arrives");
        return;
    };
    let folder = Path::new(&folder);
    files(folder);
    network();
    let script = folder.join("script.sh");
    std::fs::write(&script, "#!/bin/sh\nexit 3\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    Command::new(&script).arg("one two").current_dir(folder).status().unwrap();
    from_memory();
    calls();
}

fn files(folder: &Path) {
    std::fs::write(folder.join("first"), b"x").unwrap();
    std::fs::rename(folder.join("first"), folder.join("second")).unwrap();
    std::fs::remove_file(folder.join("second")).unwrap();
}

fn network() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(TcpStream::connect(closed).is_err());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Whether anybody listens there does not matter.
    let _ = socket.send_to(&dns::query(9, NAME, 16), "127.0.0.1:53");
}

fn from_memory() {
    // SAFETY: the name is a C string; the descriptor is new and owned by the file made of it.
    let mut file = unsafe { std::fs::File::from_raw_fd(libc::memfd_create(c"payload".as_ptr(), 0)) };
    file.write_all(&std::fs::read("/bin/true").unwrap()).unwrap();
    assert!(Command::new(format!("/proc/self/fd/{}", file.as_raw_fd())).arg("in memory").status().unwrap().success());
}

fn calls() {
    let mut lowered = Command::new("/bin/true");
    // SAFETY: between fork and exec only these system calls are made.
    unsafe {
        lowered.pre_exec(|| {
            assert_eq!(libc::unshare(libc::CLONE_NEWUTS), 0);
            assert_eq!(libc::syscall(libc::SYS_setuid, 65534), 0);
            Ok(())
        })
    };
    assert!(lowered.status().unwrap().success());
    let mut victim = Command::new("/bin/cat").arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // An answer proves that the program runs, so that its exec was reported before.
    victim.stdin.as_mut().unwrap().write_all(b"?").unwrap();
    victim.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let pid = victim.id() as libc::pid_t;
    // SAFETY: seizes our own child; no memory is passed.
    assert_eq!(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) }, 0);
    victim.kill().unwrap();
    victim.wait().unwrap();
}

/// Starts a sensor for the children of this test, or says why this host cannot.
fn start() -> Option<Sensor> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return None;
    }
    let config = SensorConfig { scope: Some(std::process::id()), ..SensorConfig::default() };
    match Sensor::start(config, Arc::new(SystemClock::default())) {
        Ok(sensor) => Some(sensor),
        Err(fault) => {
            println!("skipped: the kernel refuses the programs: {fault:?}");
            None
        }
    }
}

/// Events until the process of this pid has ended.
fn until_exit(sensor: &mut Sensor, pid: u32) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let patience = Instant::now() + Duration::from_secs(60);
    let ended = |event: &Event| event.kind() == Kind::Exit && of(event).info.pid() == pid;
    while !events.iter().any(ended) && Instant::now() < patience {
        sensor.poll(Duration::from_millis(100), &mut |event| events.push(event)).unwrap();
    }
    events
}

fn of(event: &Event) -> &Arc<Proc> {
    event.process.as_ref().expect("an event of a process")
}

fn find<'e, T>(events: &'e [Event], what: &str, pick: impl Fn(&'e Event) -> Option<T>) -> T {
    events.iter().find_map(pick).unwrap_or_else(|| {
        let seen: Vec<_> = events
            .iter()
            .map(|event| {
                format!(
                    "{} [{} {}] {:?}",
                    of(event).info.cmd_line,
                    of(event).info.exe.path,
                    of(event).info.exe.unlinked,
                    event.activity
                )
            })
            .collect();
        panic!("no {what} among {} events:\n{}", events.len(), seen.join("\n"))
    })
}

#[test]
fn every_deed_arrives() {
    let _alone = alone();
    let Some(mut sensor) = start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--exact", "events::deeds", "--nocapture", "--test-threads=1"];
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(&program).args(arguments).env(FOLDER, folder.path()).spawn().unwrap();
    let key = procfs::Reader::new().key(child.id()).unwrap();
    assert!(child.wait().unwrap().success());
    let events = until_exit(&mut sensor, child.id());
    let own = procfs::Reader::new().key(std::process::id()).unwrap();
    for event in &events {
        assert!(of(event).ancestors().any(|above| above.info.key() == own) || of(event).info.key() == own, "{event:?}");
        assert!(event.time_us > 1_600_000_000_000_000);
    }
    let actor = find(&events, "exec of the child", |event| (event.kind() == Kind::Exec).then(|| of(event)));
    assert_eq!(actor.info.key(), key, "the kernel and /proc give one key");
    assert_eq!(actor.info.exe.path, program.to_str().unwrap());
    assert_eq!(actor.info.args().skip(1).collect::<Vec<_>>(), arguments);
    files_arrived(&events, folder.path());
    network_arrived(&events);
    execs_arrived(&events, folder.path());
    calls_arrived(&events);
    assert!(sensor.stats().iter().all(|stat| stat.lost == 0), "{:?}", sensor.stats());
    assert!(sensor.processes().get(std::process::id()).is_some());
}

fn files_arrived(events: &[Event], folder: &Path) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let file = |op: FileOp, name: &str| {
        find(events, &format!("{op:?} of {name}"), |event| match &event.activity {
            Activity::File(file) if file.op() == op && file.file.path == path(name) => Some(file),
            _ => None,
        })
    };
    file(FileOp::Create, "first");
    assert_eq!(file(FileOp::Rename, "first").target, path("second"));
    file(FileOp::Unlink, "second");
    assert_eq!(file(FileOp::Chmod, "script.sh").mode & 0o777, 0o755);
}

fn network_arrived(events: &[Event]) {
    let connect = find(events, "connect", |event| match &event.activity {
        Activity::Net(net) if net.op() == record::NetOp::Connect && net.protocol == 6 => Some(net),
        _ => None,
    });
    assert_eq!(
        (connect.remote().unwrap().to_string().as_str(), connect.errno),
        ("127.0.0.1", libc::ECONNREFUSED as u32)
    );
    let query = find(events, "name query", |event| match &event.activity {
        Activity::Dns(query) => Some(query),
        _ => None,
    });
    assert_eq!((query.name.as_str(), query.query_type, query.server_port), (NAME, 16, 53));
    assert_eq!(query.server_ip, [127, 0, 0, 1]);
}

fn execs_arrived(events: &[Event], folder: &Path) {
    let exec = |what: &str, wanted: &dyn Fn(&record::Exec, &Proc) -> bool| {
        find(events, what, |event| match &event.activity {
            Activity::Exec(exec) if wanted(exec, of(event)) => Some((exec.clone(), of(event).clone())),
            _ => None,
        })
    };
    let script = folder.join("script.sh").to_str().unwrap().to_owned();
    let (_, shell) = exec("script", &|exec, _| exec.script == script);
    assert_eq!(shell.info.cwd, folder.to_str().unwrap());
    assert_eq!(shell.info.args().last(), Some("one two"));
    let ended = find(events, "end of the script", |event| match &event.activity {
        Activity::Exit(exit) if of(event).info.key == shell.info.key => Some(exit),
        _ => None,
    });
    assert_eq!((ended.code, ended.signal), (3, 0));
    let (_, memory) = exec("exec from memory", &|exec, _| exec.from_memory);
    assert!(memory.info.exe.unlinked && memory.info.exe.path.contains("memfd:payload"), "{:?}", memory.info.exe);
    assert_eq!(memory.info.args().nth(1), Some("in memory"));
    find(events, "memory file", |event| match &event.activity {
        Activity::Memory(memory) if memory.call == "memfd_create" && memory.name == "payload" => Some(()),
        _ => None,
    });
    let (_, plain) = exec("exec of true", &|_, proc| proc.info.user.uid == 65534);
    let expected = ring::digest::digest(&ring::digest::SHA256, &std::fs::read("/bin/true").unwrap());
    assert_eq!(plain.info.exe.sha256, expected.as_ref());
    assert_eq!(plain.info.user.name, "nobody");
    assert_ne!(plain.info.namespaces.uts, plain.parent.as_ref().unwrap().info.namespaces.uts);
    assert_eq!(plain.info.namespaces.net, plain.parent.as_ref().unwrap().info.namespaces.net);
}

fn calls_arrived(events: &[Event]) {
    let change = find(events, "setuid", |event| match &event.activity {
        Activity::Privilege(change) if change.call == "setuid" => Some(change),
        _ => None,
    });
    assert_eq!((change.before.uid, change.after.uid, change.argument), (0, 65534, 65534));
    let moved = find(events, "unshare", |event| match &event.activity {
        Activity::Namespace(change) if change.call == "unshare" => Some(change),
        _ => None,
    });
    assert_eq!(moved.flags, libc::CLONE_NEWUTS as u64);
    let access = find(events, "ptrace", |event| match &event.activity {
        Activity::Access(access) if access.call == "ptrace" => Some(access),
        _ => None,
    });
    assert_eq!(access.request, libc::PTRACE_SEIZE);
    let target = access.target.as_ref().unwrap();
    assert_eq!((target.pid(), target.cmd_line.as_str()), (access.target_pid, "/bin/cat -"));
    let killed = find(events, "end of the victim", |event| match &event.activity {
        Activity::Exit(exit) if of(event).info.key == target.key => Some(exit),
        _ => None,
    });
    assert_eq!(killed.signal, libc::SIGKILL as u32);
}

#[test]
fn a_flood_is_delivered_or_its_loss_is_told() {
    let _alone = alone();
    if start().is_none() {
        return;
    }
    // The smallest ring, so that losses are likely; nobody reads while the child works.
    let config = SensorConfig { scope: Some(std::process::id()), ring_bytes: 1, ..SensorConfig::default() };
    let mut sensor = Sensor::start(config, Arc::new(SystemClock::default())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let work = "i=0; while [ $i -lt 2000 ]; do : > $0/$i; i=$((i+1)); done";
    let mut child = Command::new("/bin/sh").args(["-c", work]).arg(folder.path()).spawn().unwrap();
    child.wait().unwrap();
    let (mut files, mut told) = (0, 0);
    let patience = Instant::now() + Duration::from_secs(60);
    let wanted = 2000;
    while files + told < wanted && Instant::now() < patience {
        let mut take = |event: Event| match &event.activity {
            Activity::File(_) => files += 1,
            Activity::Lost(lost) if lost.class == "file" && lost.place == "ring" => told += lost.count,
            _ => {}
        };
        sensor.poll(Duration::from_millis(50), &mut take).unwrap();
    }
    println!("{files} delivered, {told} told as lost");
    assert_eq!(files + told, wanted);
    assert!(told > 0, "the ring was to overflow");
}
