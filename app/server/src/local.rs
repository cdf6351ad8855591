//! The agent of this very machine: enrolled by the server it belongs to, started and kept running.

use super::places::Places;
use super::{Server, fault};
use api::view::Program;
use base::{Clock, Fault, Result};
use fleet::Identity;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// Pause before a failed agent is started again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Life of the token that enrols the local agent, seconds.
const ENROLL_LIFE_S: u64 = 300;
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

/// What the local agent may do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Respond {
    /// Alerts only.
    Observe,
    /// Act only on processes that a drill started.
    Drills,
    /// Act on every rule that asks for it.
    Enforce,
}

impl Respond {
    const fn word(self) -> &'static str {
        match self {
            Respond::Observe => "observe",
            Respond::Drills => "drills",
            Respond::Enforce => "enforce",
        }
    }
}

/// The configuration to run the agent with. `agent.yml` is written when there is none, a person's changes stay; a wish of
/// this run alone goes into a copy beside it.
pub fn configure(places: &Places, respond: Option<Respond>) -> Result<PathBuf> {
    let folder = places.agent();
    let path = folder.join("agent.yml");
    let unusable = |cause: std::io::Error| Fault::new(&fault::DATA_DIRECTORY).object(path.display()).because(cause);
    std::fs::create_dir_all(&folder).map_err(unusable)?;
    if !path.exists() {
        let text = format!(
            "# Written by `garrison up`; change it as you like, it is not written again.\nstate: {}\nrespond: {}\n",
            serde_json::Value::from(folder.display().to_string()),
            respond.unwrap_or(Respond::Drills).word()
        );
        std::fs::write(&path, text).map_err(unusable)?;
    }
    let Some(respond) = respond else { return Ok(path) };
    let text = std::fs::read_to_string(&path).map_err(unusable)?;
    let copy = folder.join("agent.run.yml");
    std::fs::write(&copy, overridden(&text, respond)).map_err(unusable)?;
    Ok(copy)
}

/// The configuration with another `respond`. Pure.
fn overridden(text: &str, respond: Respond) -> String {
    let kept = text.lines().filter(|line| !line.starts_with("respond:"));
    let mut text: String = kept.flat_map(|line| [line, "\n"]).collect();
    text.push_str(&format!("respond: {}\n", respond.word()));
    text
}

/// Makes sure that the agent has an identity that is good here: one that ended, is damaged or came from another
/// installation gives way to a new one; a server that moved is followed.
pub async fn identify(places: &Places, config: &Path, server: &Server) -> Result<()> {
    let folder = places.agent().join("identity");
    match Identity::load(&folder) {
        Ok(mut identity) if identity.fits(&server.authority, server.clock.wall()) => {
            if identity.url == server.link_url {
                return Ok(());
            }
            identity.url = server.link_url.clone();
            return identity.save(&folder);
        }
        Err(fault) if fault.is(&fleet::fault::NOT_ENROLLED) => {}
        Ok(_) => tracing::warn!("the local agent's certificate is not good here any more; it enrols anew"),
        Err(fault) => tracing::warn!(fault = %fault.inside(), "the local agent enrols anew"),
    }
    Identity::remove(&folder)?;
    let token = server.authority.issue_token(&server.link_url, "local", 1, ENROLL_LIFE_S).await?;
    enroll(config, &token.text()).await
}

/// Enrols the agent with a token given on standard input.
async fn enroll(config: &Path, token: &str) -> Result<()> {
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
        command.arg("run").arg("--follow-parent").arg("--config").arg(&config).stdin(Stdio::null()).kill_on_drop(true);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_of_one_run_changes_that_key_alone() {
        let text = "# mine\nrespond: observe\nstate: /x\nnever_block:\n  - 192.0.2.1\n";
        let wanted = "# mine\nstate: /x\nnever_block:\n  - 192.0.2.1\nrespond: enforce\n";
        assert_eq!(overridden(text, Respond::Enforce), wanted);
    }

    #[test]
    fn the_configuration_is_written_once_and_the_copy_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Some(folder.path()));
        let path = configure(&places, None).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("respond: drills"));
        std::fs::write(&path, "respond: observe\n").unwrap();
        assert_eq!(configure(&places, None).unwrap(), path);
        let copy = configure(&places, Some(Respond::Enforce)).unwrap();
        assert_eq!(std::fs::read_to_string(copy).unwrap(), "respond: enforce\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "respond: observe\n");
    }
}
