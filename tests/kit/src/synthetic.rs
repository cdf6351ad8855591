//! Synthetic telemetry with the shape of a busy server: for benches and tests of throughput and size.
//!
//! The mix is 45 % process (exec, fork, exit), 25 % file, 20 % network, 5 % DNS, 5 % other calls. Processes live in trees of a
//! real depth (init → service → shell → tool), each with 3 to 12 events, so that what is shared between rows is shared here too.

use record::{
    Activity, Dns, Event, Exec, Exit, FileActivity, FileId, FileOp, Fork, Host, Memory, Namespaces, NetActivity, NetOp,
    Privilege, Proc, Process, ProcessAccess, ProcessKey, SignalSent, User,
};
use std::sync::Arc;

/// When the first event happens, µs since the Unix epoch (2026-01-01).
pub const START_US: i64 = 1_767_225_600_000_000;

/// SplitMix64: repeatable, fast.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// Small numbers often, large ones seldom, as names and addresses are used.
    fn skewed(&mut self, limit: u64) -> u64 {
        let bound = self.below(limit) + 1;
        self.below(bound)
    }
}

const TOOLS: &[(&str, &str)] = &[
    ("/usr/bin/bash", "bash -c {}"),
    ("/usr/bin/grep", "grep -rn {} /var/log/app/current"),
    ("/usr/bin/python3.11", "python3 /opt/app/jobs/{}.py --shard 7 --retry"),
    ("/usr/bin/curl", "curl -fsS --max-time 10 http://10.2.0.15:8080/api/v1/items/{}"),
    ("/usr/bin/sed", "sed -n s/^version=//p /opt/app/releases/{}/build.properties"),
    ("/usr/bin/find", "find /srv/data/{} -type f -mtime +7 -print0"),
    ("/usr/bin/cat", "cat /proc/{}/status"),
    ("/usr/bin/awk", "awk -F: {print $1,$3} /etc/passwd {}"),
    ("/usr/bin/ssh", "ssh -o BatchMode=yes deploy@10.2.1.{} uptime"),
    ("/usr/bin/git", "git -C /srv/build/{} fetch --prune origin"),
    ("/usr/bin/gcc", "gcc -O2 -g -Wall -c src/module_{}.c -o build/module.o"),
    ("/usr/lib/postgresql/15/bin/postgres", "postgres: app worker {}"),
];

/// The host that all of it happened on.
pub fn host() -> Host {
    Host {
        name: "web-017".into(),
        machine_id: "5e0d3b5e7c7d4f6f8c1f2a3b4c5d6e7f".into(),
        boot_id: "0b5d7c7e-8a56-4a2d-9d3e-0f6a5b1c2d3e".into(),
        kernel: "6.1.0-28-amd64".into(),
        os: "Debian GNU/Linux 12 (bookworm)".into(),
        addresses: vec!["10.2.0.17".into(), "fd00::17".into()],
    }
}

/// `n` events, numbered from 1, in the order of their times. The same for the same seed.
pub fn synthetic(n: usize, seed: u64) -> Vec<Event> {
    let mut stream = Stream::new(seed);
    (0..n).map(|_| stream.next_event()).collect()
}

/// An endless run of events, so that a bench can make them batch by batch.
pub struct Stream {
    chance: Chance,
    seq: u64,
    now_us: i64,
    parents: Vec<Arc<Proc>>,
    /// Running tools with the events that they have left.
    running: Vec<(Arc<Proc>, u32)>,
    pid: u32,
}

impl Stream {
    /// A run that repeats for the same seed.
    pub fn new(seed: u64) -> Stream {
        let mut stream = Stream {
            chance: Chance(seed),
            seq: 0,
            now_us: START_US,
            parents: Vec::new(),
            running: Vec::new(),
            pid: 900,
        };
        let init = stream.process("/usr/lib/systemd/systemd", "/sbin/init", 0, None);
        for (exe, line, uid) in [
            ("/usr/sbin/sshd", "sshd: deploy@pts/0", 0),
            ("/usr/sbin/cron", "/usr/sbin/cron -f", 0),
            ("/usr/sbin/nginx", "nginx: worker process", 33),
            ("/usr/bin/containerd-shim-runc-v2", "containerd-shim-runc-v2 -namespace moby -id 4f1c", 0),
            ("/opt/app/bin/server", "/opt/app/bin/server --config /etc/app/server.toml", 1001),
        ] {
            let service = stream.process(exe, line, uid, Some(init.clone()));
            let shell = stream.process("/usr/bin/dash", "sh -c /opt/app/run.sh", uid, Some(service.clone()));
            stream.parents.extend([service, shell]);
        }
        stream
    }

    fn process(&mut self, exe: &str, line: &str, uid: u32, parent: Option<Arc<Proc>>) -> Arc<Proc> {
        self.pid = 900 + (self.pid + 1 + self.chance.below(3) as u32) % 4_000_000;
        let ticks = ((self.now_us - START_US) / 10_000) as u64 + 360_000;
        let container = parent.as_ref().map_or("", |parent| {
            if parent.info.exe.path.contains("shim") { CONTAINER } else { &parent.info.container }
        });
        let mut sha256 = [0; 32];
        exe.bytes().enumerate().for_each(|(at, byte)| sha256[at % 32] ^= byte.wrapping_mul(31));
        let mut process = Process {
            key: ProcessKey::from_ticks(self.pid, ticks).0,
            parent_key: parent.as_ref().map_or(0, |parent| parent.info.key),
            comm: exe.rsplit('/').next().unwrap_or(exe).chars().take(15).collect(),
            exe: FileId {
                path: exe.into(),
                inode: 100_000 + exe.len() as u64,
                device: 0x80_0001,
                sha256: sha256.to_vec(),
                unlinked: false,
            },
            cwd: "/opt/app".into(),
            user: User {
                uid,
                gid: uid,
                euid: uid,
                egid: uid,
                loginuid: if uid == 0 { u32::MAX } else { uid },
                capabilities: if uid == 0 { 0x1ff_ffff_ffff } else { 0 },
                name: if uid == 0 { "root".into() } else { format!("app{uid}") },
            },
            namespaces: Namespaces {
                mnt: 4_026_531_841,
                pid: 4_026_531_836,
                net: 4_026_531_840,
                user: 4_026_531_837,
                uts: 4_026_531_838,
                ipc: 4_026_531_839,
                cgroup: 4_026_531_835,
            },
            container: container.into(),
            cgroup: "/system.slice/app.service".into(),
            started_us: self.now_us,
            session: 1,
            ns_pid: self.pid,
            ..Process::default()
        };
        process.set_args(line.split(' '));
        Proc::new(process, parent)
    }

    /// The next event.
    pub fn next_event(&mut self) -> Event {
        self.seq += 1;
        self.now_us += 1 + self.chance.below(400) as i64;
        let (process, activity) = self.next_activity();
        Event { seq: self.seq, time_us: self.now_us, process: Some(process), activity }
    }

    fn next_activity(&mut self) -> (Arc<Proc>, Activity) {
        let roll = self.chance.below(100);
        if roll < 15 || self.running.is_empty() {
            let parent = self.parents[self.chance.skewed(self.parents.len() as u64) as usize].clone();
            let (exe, line) = TOOLS[self.chance.skewed(TOOLS.len() as u64) as usize];
            let word = format!("{:x}", self.chance.skewed(1 << 24));
            let process = self.process(exe, &line.replace("{}", &word), parent.info.user.uid, Some(parent.clone()));
            let events = 2 + self.chance.below(10) as u32;
            self.running.push((process.clone(), events));
            return match roll % 2 {
                0 => (parent, Activity::Fork(Fork { child_key: process.info.key })),
                _ => (process, Activity::Exec(Exec { previous_exe: "/usr/bin/dash".into(), ..Exec::default() })),
            };
        }
        let at = self.chance.below(self.running.len() as u64) as usize;
        let process = self.running[at].0.clone();
        self.running[at].1 = self.running[at].1.saturating_sub(1);
        if roll < 30 && (self.running[at].1 == 0 || self.running.len() > 64) {
            self.running.swap_remove(at);
            let lived_us = (self.now_us - process.info.started_us) as u64;
            return (process, Activity::Exit(Exit { code: (roll == 29).into(), signal: 0, lived_us }));
        }
        let activity = match roll {
            ..30 => Activity::Fork(Fork { child_key: process.info.key + (1 << 22) + 3 }),
            30..45 => Activity::Exec(Exec { previous_exe: process.info.exe.path.clone(), ..Exec::default() }),
            45..70 => self.file(),
            70..90 => self.net(),
            90..95 => self.dns(),
            _ => self.other(),
        };
        (process, activity)
    }

    fn file(&mut self) -> Activity {
        let number = self.chance.skewed(100_000);
        let path = match self.chance.below(4) {
            0 => format!("/var/log/app/worker-{}.log", number % 64),
            1 => format!("/tmp/build-{:x}/object.o", number),
            2 => format!("/srv/data/{}/{}.json", number % 256, number),
            _ => format!("/var/lib/app/cache/{:08x}", number.wrapping_mul(2_654_435_761)),
        };
        let op = [FileOp::Create, FileOp::OpenWrite, FileOp::OpenWrite, FileOp::Rename, FileOp::Unlink]
            [self.chance.below(5) as usize];
        let target = if op == FileOp::Rename { format!("{path}.1") } else { String::new() };
        let file = FileId { path, inode: 2_000_000 + number, device: 0x80_0001, ..FileId::default() };
        Activity::File(FileActivity {
            op: op as i32,
            file,
            target,
            flags: 0x8241,
            mode: 0o644,
            ..FileActivity::default()
        })
    }

    fn net(&mut self) -> Activity {
        let peer = self.chance.skewed(5_000) as u32;
        let op = [NetOp::Connect, NetOp::Connect, NetOp::Accept, NetOp::Send][self.chance.below(4) as usize];
        Activity::Net(NetActivity {
            op: op as i32,
            protocol: if op == NetOp::Send { 17 } else { 6 },
            local_ip: vec![10, 2, 0, 17],
            local_port: 32_768 + self.chance.below(28_000) as u32,
            remote_ip: vec![10, 2, (peer >> 8) as u8, peer as u8],
            remote_port: [443, 5432, 8080, 53][self.chance.skewed(4) as usize],
            errno: if op == NetOp::Connect { 115 } else { 0 },
            remote_name: String::new(),
        })
    }

    fn dns(&mut self) -> Activity {
        let name = format!("svc-{}.internal.example", self.chance.skewed(3_000));
        Activity::Dns(Dns {
            name,
            query_type: if self.chance.below(2) == 0 { 1 } else { 28 },
            server_ip: vec![10, 2, 0, 2],
            server_port: 53,
        })
    }

    fn other(&mut self) -> Activity {
        match self.chance.below(4) {
            0 => Activity::Memory(Memory { call: "memfd_create".into(), name: "jit".into(), flags: 1 }),
            1 => Activity::Signal(SignalSent {
                signal: 15,
                target_pid: 900 + self.chance.below(4_000) as u32,
                to_agent: false,
            }),
            2 => Activity::Access(ProcessAccess {
                call: "ptrace".into(),
                request: 16,
                target_pid: 1234,
                ..ProcessAccess::default()
            }),
            _ => {
                let before = User { name: "root".into(), capabilities: 0x1ff_ffff_ffff, ..User::default() };
                let after = User { uid: 33, gid: 33, euid: 33, egid: 33, name: "www-data".into(), ..User::default() };
                Activity::Privilege(Privilege { call: "setresuid".into(), before, after, argument: 33, errno: 0 })
            }
        }
    }
}

const CONTAINER: &str = "4f1c0d9be0a74e2f8b8f5a1d3c6e7f90112233445566778899aabbccddeeff00";
