//! What watching costs: CPU an exec and an open, ours beside auditd with equal rules; memory; idle cost; and how many
//! events a second arrive with none lost.

use crate::watcher::{Running, Watcher, auditd_version, has_auditd, resident};
use kit::figures::{Row, median, publish};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Execs a run.
const EXECS: u32 = 6000;
/// Opens a run.
const OPENS: u32 = 100_000;
/// Time without load in which the idle cost is measured.
const IDLE: Duration = Duration::from_secs(3);
/// Rates tried, opens a second of two processes together, and how long each is kept up.
const RATES: &[u32] = &[50_000, 100_000, 150_000, 200_000];
const FLOOD_SECONDS: u32 = 5;

/// auditd rules for the kinds that we report by default, so that both watch the same.
const EVERYTHING: &[&str] = &[
    "-a always,exit -F arch=b64 -S execve,execveat -k exec",
    "-a always,exit -F arch=b64 -S clone,clone3,fork,vfork,exit_group -k process",
    "-a always,exit -F arch=b64 -S open,openat,openat2,creat,truncate,ftruncate -F perm=wa -k write",
    "-a always,exit -F arch=b64 -S rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat,mknod,mknodat -k name",
    "-a always,exit -F arch=b64 -S chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,setxattr,lsetxattr,fsetxattr -k attribute",
    "-a always,exit -F arch=b64 -S mount,umount2,connect,accept,accept4,bind,listen,sendto,sendmsg -k system",
    "-a always,exit -F arch=b64 -S ptrace,process_vm_readv,process_vm_writev,memfd_create,setns,unshare,pivot_root,chroot -k access",
    "-a always,exit -F arch=b64 -S setuid,setgid,setreuid,setregid,setresuid,setresgid,setfsuid,setfsgid,setgroups,capset,prctl -k privilege",
    "-a always,exit -F arch=b64 -S init_module,finit_module,delete_module,bpf -k module",
];
const EXEC_ONLY: &[&str] = &["-a always,exit -F arch=b64 -S execve,execveat -k exec"];

/// CPU seconds of the children of this process that ended so far.
fn children_cpu() -> f64 {
    // SAFETY: getrusage fills the structure, which is valid and of its layout.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// CPU seconds a second of a watcher that has nothing to do.
fn idle_cpu(watcher: &Running) -> f64 {
    let (begun, before) = (Instant::now(), watcher.cpu());
    std::thread::sleep(IDLE);
    (watcher.cpu() - before) / begun.elapsed().as_secs_f64()
}

/// A load with the number of its operations.
struct Load<'l> {
    arguments: &'l [&'l str],
    operations: u32,
    /// Events that we must report of one operation.
    events: u32,
}

/// What each watcher adds to one operation, over all rounds: CPU µs of load and watcher together, less what nobody's
/// round cost and what the watcher costs when idle. And the memory of ours, MB.
struct Costs {
    bare: Vec<f64>,
    added: Vec<Vec<f64>>,
    memory: Vec<f64>,
    idle: Vec<f64>,
}

impl Load<'_> {
    /// Runs the load once; CPU seconds of the load, and of the watcher above its idle cost.
    fn run(&self, watcher: &Running, idle: f64) -> Result<f64, String> {
        let own = std::env::current_exe().map_err(|cause| cause.to_string())?;
        let (begun, load, before) = (Instant::now(), children_cpu(), watcher.cpu());
        let status = Command::new(own).args(self.arguments).status().map_err(|cause| cause.to_string())?;
        if !status.success() {
            return Err("the load failed".into());
        }
        watcher.settle();
        watcher.reports(u64::from(self.operations) * u64::from(self.events))?;
        let watching = watcher.cpu() - before - idle * begun.elapsed().as_secs_f64();
        Ok((children_cpu() - load + watching) * 1e6 / f64::from(self.operations))
    }

    /// Each round runs every watcher once, in turn, so that a noisy moment of the machine meets all of them.
    fn costs(&self, agent: &Path, watchers: &[Watcher<'_>], rounds: usize) -> Result<Costs, String> {
        let mut costs =
            Costs { bare: Vec::new(), added: vec![Vec::new(); watchers.len()], memory: Vec::new(), idle: Vec::new() };
        for _ in 0..rounds {
            let bare = self.run(&Running::start(Watcher::Nobody, agent)?, 0.0)?;
            costs.bare.push(bare);
            for (added, watcher) in costs.added.iter_mut().zip(watchers) {
                let running = Running::start(*watcher, agent)?;
                let idle = idle_cpu(&running);
                added.push(self.run(&running, idle)? - bare);
                if matches!(watcher, Watcher::Ours(_)) {
                    costs.memory.push(resident(running.pid()) as f64 / 1e6);
                    costs.idle.push(idle * 100.0);
                }
            }
        }
        Ok(costs)
    }
}

/// A row that compares what ours adds with what auditd adds.
fn beside(id: &'static str, what: String, ours: &[f64], peer: Option<&Vec<f64>>, data: String) -> Row {
    let met = peer.is_some_and(|peer| median(ours) <= 0.25 * median(peer));
    Row {
        id: id.into(),
        what: if peer.is_some() { what } else { format!("{what}; auditd cannot run here") },
        ours: ours.to_vec(),
        unit: "us",
        peer: peer.cloned().unwrap_or_default(),
        peer_name: auditd_version(),
        goal: "<= 0.25 of auditd".into(),
        met,
        data,
    }
}

/// Measures and publishes.
pub fn run(agent: &Path, rounds: usize) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: host figures (need root)");
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let place = folder.path().display().to_string();
    // What else runs on this machine is not the load: ours looks at the children of this bench only.
    let scope = format!("sensor:\n  scope: {}\n", std::process::id());
    let narrow = format!("{scope}  kinds: [exec]\n");
    let (execs, opens) = (EXECS.to_string(), OPENS.to_string());
    let mut watchers = vec![Watcher::Ours(&scope), Watcher::Ours(&narrow)];
    if has_auditd() {
        watchers.extend([Watcher::Auditd(EVERYTHING), Watcher::Auditd(EXEC_ONLY)]);
    }
    let exec =
        Load { arguments: &["spin", "exec", &execs], operations: EXECS, events: 3 }.costs(agent, &watchers, rounds)?;
    watchers.retain(|watcher| *watcher != Watcher::Ours(&narrow) && *watcher != Watcher::Auditd(EXEC_ONLY));
    let open = Load { arguments: &["spin", "open", &opens, &place, "0"], operations: OPENS, events: 1 }
        .costs(agent, &watchers, rounds)?;
    let build = if cfg!(debug_assertions) { "everyday build" } else { "release build" };
    let data = |operations: u32, what: &str| {
        format!("{operations} {what} a run, {rounds} rounds; load and watcher, idle cost taken off; {build}")
    };
    let base = format!("{:.0} µs alone", median(&exec.bare));
    let mut rows = vec![
        beside(
            "S2.exec-cpu",
            format!("CPU added by fork + exec + exit of /bin/true, every kind and rule on, both sides ({base})"),
            &exec.added[0],
            exec.added.get(2),
            data(EXECS, "execs"),
        ),
        beside(
            "S2.exec-only-cpu",
            "the same when both report execs only".into(),
            &exec.added[1],
            exec.added.get(3),
            data(EXECS, "execs"),
        ),
        beside(
            "S2.open-cpu",
            format!("CPU added by an open for writing, every kind on ({:.2} µs alone)", median(&open.bare)),
            &open.added[0],
            open.added.get(1),
            data(OPENS, "opens"),
        ),
    ];
    let memory = [exec.memory, open.memory].concat();
    let idle = [exec.idle, open.idle].concat();
    rows.push(alone("S2.agent-rss", "resident memory of the agent after the loads", memory, "MB", "<= 60", |mb| {
        mb <= 60.0
    }));
    rows.push(alone(
        "L4.agent-idle",
        "CPU of the idle agent, metrics each second",
        idle,
        "% of a core",
        "<= 2",
        |cpu| cpu <= 2.0,
    ));
    rows.push(metrics());
    rows.push(flood(agent, &scope)?);
    publish("host", &rows)
}

fn alone(
    id: &'static str,
    what: &str,
    ours: Vec<f64>,
    unit: &'static str,
    goal: &'static str,
    good: fn(f64) -> bool,
) -> Row {
    let met = good(median(&ours));
    let data = "every kind and rule on".to_string();
    Row {
        id: id.into(),
        what: what.into(),
        ours,
        unit,
        peer: Vec::new(),
        peer_name: String::new(),
        goal: goal.into(),
        met,
        data,
    }
}

/// CPU that the metrics sampler takes when it samples each second, % of a core.
fn metrics() -> Row {
    let mut sampler = sensor::metrics::Sampler::new();
    let (mut times, mut delivered) = (Vec::new(), 0);
    for number in 0..20 {
        let before = cpu_seconds_of_thread();
        delivered = sampler.sample(number).metrics.len();
        times.push((cpu_seconds_of_thread() - before) * 100.0);
    }
    // The first one opens its files.
    times.remove(0);
    let named = sensor::metrics::CATALOGUE.len();
    let what = format!("CPU of a sample each second: {named} named metrics, {delivered} values delivered here");
    Row {
        met: median(&times) <= 0.5 && named >= 200,
        ..alone("S1.metrics", &what, times, "% of a core", "<= 0.5, >= 200 metrics", |_| true)
    }
}

fn cpu_seconds_of_thread() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The greatest rate of opens, from two processes, at which no event was lost.
fn flood(agent: &Path, scope: &str) -> Result<Row, String> {
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let own = std::env::current_exe().map_err(|cause| cause.to_string())?;
    let (mut best, mut told) = (0.0, Vec::new());
    for rate in RATES {
        let running = Running::start(Watcher::Ours(scope), agent)?;
        let begun = Instant::now();
        let mut children = Vec::new();
        for core in 0..2 {
            let place = folder.path().join(core.to_string());
            std::fs::create_dir_all(&place).map_err(|cause| cause.to_string())?;
            let (count, each) = ((rate / 2 * FLOOD_SECONDS).to_string(), (rate / 2).to_string());
            let mut command = Command::new(&own);
            command.args(["spin", "open", &count]).arg(&place).arg(each);
            children.push(command.spawn().map_err(|cause| cause.to_string())?);
        }
        for mut child in children {
            child.wait().map_err(|cause| cause.to_string())?;
        }
        let reached = f64::from(rate * FLOOD_SECONDS) / begun.elapsed().as_secs_f64();
        running.settle();
        std::thread::sleep(Duration::from_millis(1500)); // the counts are written each second
        let (delivered, lost) = running.counts()?;
        told.push(format!("{reached:.0}/s: {delivered} delivered, {lost} lost"));
        if lost == 0 && reached > best {
            best = reached;
        }
    }
    let data = format!("load, agent and spool share two cores; {}", told.join("; "));
    let what = "opens a second from two processes with no event lost";
    let row =
        alone("S2.events-at-no-loss", what, vec![best], "events/s", ">= 100000 at 0 lost", |rate| rate >= 95_000.0);
    Ok(Row { data, ..row })
}
