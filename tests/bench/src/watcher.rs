//! The two watchers that are compared: our agent and auditd with equal rules, and their CPU time.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Who watches while a load runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watcher<'r> {
    /// Nobody.
    Nobody,
    /// Our agent without a server, with these lines below `sensor:` in its configuration.
    Ours(&'r str),
    /// auditd writing its log, with these rules.
    Auditd(&'r [&'r str]),
}

/// A running watcher.
pub struct Running {
    child: Option<Child>,
    folder: tempfile::TempDir,
    audit: bool,
}

/// CPU seconds of all threads of a process so far, to the nanosecond (`/proc/PID/task/*/schedstat`).
pub fn cpu_seconds(pid: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    nanos.sum::<u64>() as f64 / 1e9
}

/// Resident memory, bytes.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

impl Running {
    /// Starts a watcher and waits until it watches.
    pub fn start(watcher: Watcher<'_>, agent: &Path) -> Result<Running, String> {
        let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
        let child = match watcher {
            Watcher::Nobody => None,
            Watcher::Ours(sensor) => Some(ours(agent, folder.path(), sensor)?),
            Watcher::Auditd(rules) => Some(auditd(folder.path(), rules)?),
        };
        let running = Running { child, folder, audit: matches!(watcher, Watcher::Auditd(_)) };
        running.settle();
        Ok(running)
    }

    /// Its process id, 0 for nobody.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// CPU time so far, with the kernel's audit thread for auditd.
    pub fn cpu(&self) -> f64 {
        let kernel = if self.audit { kernel_thread("kauditd").map_or(0.0, cpu_seconds) } else { 0.0 };
        kernel + self.child.as_ref().map_or(0.0, |child| cpu_seconds(child.id()))
    }

    /// Waits until it has worked off what it was given: a quarter of a second costs it less than 5 ms.
    pub fn settle(&self) {
        let (mut last, mut still) = (self.cpu(), 0);
        let end = Instant::now() + Duration::from_secs(10);
        while self.child.is_some() && still < 3 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(250));
            let now = self.cpu();
            still = if now - last < 0.005 { still + 1 } else { 0 };
            last = now;
        }
    }

    /// A watcher that did not see its load has no cost worth telling: an error when our agent delivered fewer events.
    pub fn reports(&self, events: u64) -> Result<(), String> {
        if self.audit || self.child.is_none() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1200)); // the counts are written each second
        let (delivered, lost) = self.counts()?;
        if delivered < events || lost > 0 {
            return Err(format!("{delivered} events delivered and {lost} lost, at least {events} expected"));
        }
        Ok(())
    }

    /// What the agent counted since its start (`run --standalone` writes it each second): delivered and lost events.
    pub fn counts(&self) -> Result<(u64, u64), String> {
        let path = self.folder.path().join("state/stats.json");
        let text = std::fs::read_to_string(&path).map_err(|cause| format!("{}: {cause}", path.display()))?;
        let stats: serde_json::Value = serde_json::from_str(&text).map_err(|cause| cause.to_string())?;
        let of = |key: &str| stats[key].as_u64().ok_or_else(|| format!("{key} is not counted"));
        Ok((of("delivered")?, of("lost")?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.audit {
            let _ = Command::new("auditctl").arg("-D").output();
            let _ = Command::new("auditctl").args(["-e", "0"]).output();
        }
        if let Some(mut child) = self.child.take() {
            if let Some(pid) = rustix::process::Pid::from_raw(child.id() as i32) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            let end = Instant::now() + Duration::from_secs(10);
            while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn ours(agent: &Path, folder: &Path, sensor: &str) -> Result<Child, String> {
    let config = folder.join("agent.yml");
    let text = format!("state: {}\nrespond: observe\n{sensor}", folder.join("state").display());
    std::fs::write(&config, text).map_err(|cause| cause.to_string())?;
    let mut command = Command::new(agent);
    command.args(["run", "--standalone", "--ready-file"]).arg(folder.join("ready")).arg("--config").arg(config);
    let child = command.stdin(Stdio::null()).spawn().map_err(|cause| cause.to_string())?;
    wait_for(&folder.join("ready"))?;
    Ok(child)
}

fn auditd(folder: &Path, rules: &[&str]) -> Result<Child, String> {
    let configuration = folder.join("auditd");
    std::fs::create_dir_all(configuration.join("plugins.d")).map_err(|cause| cause.to_string())?;
    let log = folder.join("audit.log");
    let text = format!(
        "log_file = {}\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 1000\nnum_logs = 2\nmax_log_file_action = ROTATE\nspace_left = 75\nadmin_space_left = 50\nspace_left_action = IGNORE\nadmin_space_left_action = IGNORE\ndisk_full_action = IGNORE\ndisk_error_action = IGNORE\nlocal_events = yes\n",
        log.display()
    );
    std::fs::write(configuration.join("auditd.conf"), text).map_err(|cause| cause.to_string())?;
    let mut command = Command::new("auditd");
    command.arg("-n").arg("-c").arg(&configuration).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().map_err(|cause| format!("auditd: {cause}"))?;
    wait_for(&log)?;
    for arguments in [&["-D"][..], &["-b", "16384"], &["-e", "1"]] {
        let _ = Command::new("auditctl").args(arguments).output();
    }
    for rule in rules {
        let done = Command::new("auditctl").args(rule.split(' ')).output().map_err(|cause| cause.to_string())?;
        if !done.status.success() {
            return Err(format!("auditctl {rule}: {}", String::from_utf8_lossy(&done.stderr)));
        }
    }
    Ok(child)
}

/// Name and version of the auditd that is installed.
pub fn auditd_version() -> String {
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Version}", "auditd"]).output();
    let version = asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default();
    format!("auditd {version}").trim_end().to_string()
}

/// Whether the peer can run here.
pub fn has_auditd() -> bool {
    Command::new("auditctl").arg("-s").output().is_ok_and(|output| output.status.success())
}

fn wait_for(path: &Path) -> Result<(), String> {
    let end = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        if Instant::now() > end {
            return Err(format!("{}: did not appear", path.display()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn kernel_thread(name: &str) -> Option<u32> {
    let entries = std::fs::read_dir("/proc").ok()?.flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.find(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name))
}
