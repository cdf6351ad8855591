//! The agent of this very machine: enrolled by the server it belongs to, started and kept running.

use super::fault;
use super::places::Places;
use api::view::Program;
use base::{Clock, Fault, Result};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// Pause before a failed agent is started again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long the agent may take to end after SIGTERM.
const FAREWELL: Duration = Duration::from_secs(10);

/// What is shown of the server's programs.
pub type Programs = Arc<Mutex<Vec<Program>>>;

/// The agent program beside this one.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name("garrison-agent")
}

/// Writes the agent's configuration when there is none: a person's changes stay.
pub fn configure(places: &Places, respond: &str) -> Result<PathBuf> {
    let folder = places.agent();
    let path = folder.join("agent.yml");
    let unusable = |cause: std::io::Error| Fault::new(&fault::DATA_DIRECTORY).object(path.display()).because(cause);
    std::fs::create_dir_all(&folder).map_err(unusable)?;
    let text = format!(
        "# Written by `garrison up`; change it as you like, it is not written again.\nstate: {}\nrespond: {respond}\n",
        folder.display()
    );
    if !path.exists() {
        std::fs::write(&path, text).map_err(unusable)?;
    }
    Ok(path)
}

/// Whether the agent in this folder has an identity.
pub fn enrolled(places: &Places) -> bool {
    places.agent().join("identity").exists()
}

/// Enrols the agent with a token given on standard input.
pub async fn enroll(config: &Path, token: &str) -> Result<()> {
    let failed = |cause: String| Fault::new(&fault::AGENT_START).object("garrison-agent enroll").because(cause);
    let mut command = Command::new(program());
    command.arg("enroll").arg("--config").arg(config).stdin(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|cause| failed(cause.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(token.as_bytes()).await.map_err(|cause| failed(cause.to_string()))?;
    }
    let output = child.wait_with_output().await.map_err(|cause| failed(cause.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    Err(failed(said.clone()).found(said))
}

/// Keeps the agent running until told to stop.
pub async fn keep(config: PathBuf, programs: Programs, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut command = Command::new(program());
        command.arg("run").arg("--config").arg(&config).stdin(Stdio::null()).kill_on_drop(true);
        let message = match command.spawn() {
            Ok(mut child) => {
                show(&programs, &*clock, child.id().unwrap_or(0), "running", "");
                let begun = clock.monotonic();
                tokio::select! {
                    ended = child.wait() => {
                        if clock.monotonic() - begun > LONGEST_PAUSE.as_micros() as i64 {
                            pause = FIRST_PAUSE;
                        }
                        ended.map_or_else(|cause| cause.to_string(), |status| status.to_string())
                    }
                    _ = stop.changed() => return farewell(child).await,
                }
            }
            Err(cause) => cause.to_string(),
        };
        tracing::error!(message, "the local agent ended; it is started again");
        show(&programs, &*clock, 0, "failed", &message);
        tokio::select! {
            _ = tokio::time::sleep(pause) => {}
            _ = stop.changed() => return,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn farewell(mut child: Child) {
    if let Some(pid) = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid as i32)) {
        // It may just have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    if tokio::time::timeout(FAREWELL, child.wait()).await.is_err() {
        // kill_on_drop ends it; its journal and spool are made for that.
        tracing::warn!("the local agent did not end in time");
    }
}

fn show(programs: &Programs, clock: &dyn Clock, pid: u32, state: &str, message: &str) {
    let mut programs = programs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    programs.retain(|program| program.name != "garrison-agent");
    programs.push(Program {
        name: "garrison-agent".into(),
        pid,
        state: state.into(),
        since_us: clock.wall(),
        memory_bytes: 0,
        message: message.into(),
    });
}
