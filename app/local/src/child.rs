//! A program beside the server: its commands, its identity, and its life.

use api::view::Program;
use base::{Clock, Fault, Result};
use fleet::Identity;
use server::{Programs, Server, fault};
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::watch;

/// Pause before a failed program is started again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Life of the token that enrols a program of this machine, seconds.
const ENROLL_LIFE_S: u64 = 300;
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a program may take to end after SIGTERM.
const FAREWELL: Duration = Duration::from_secs(10);

/// A program beside this one, and how it is started: `PROGRAM WORDS VERB --follow-parent OPTIONS`, `PROGRAM WORDS enroll OPTIONS`.
#[derive(Debug)]
pub struct Child {
    /// Its name among the programs of the server.
    pub name: String,
    /// The file, beside this program's.
    pub program: &'static str,
    /// Words before the verb and `enroll`.
    pub words: &'static [&'static str],
    /// What it is told to do: `run`.
    pub verb: &'static str,
    /// Options of both commands.
    pub options: Vec<OsString>,
    /// Further options of the verb.
    pub run_options: Vec<OsString>,
}

impl Child {
    fn command(&self, word: &str) -> Command {
        let own = std::env::current_exe().unwrap_or_default();
        let mut command = Command::new(own.with_file_name(self.program));
        command.args(self.words).arg(word).args(&self.options).kill_on_drop(true);
        command
    }

    /// Makes sure that the program has an identity that is good here: one that ended, is damaged or came from another
    /// installation gives way to a new one; a server that moved is followed.
    pub(crate) async fn identify(&self, folder: &Path, group: &str, server: &Server) -> Result<()> {
        match Identity::load(folder) {
            Ok(mut identity) if identity.fits(&server.authority, server.clock.wall()) => {
                if identity.url == server.link_url {
                    return Ok(());
                }
                identity.url = server.link_url.clone();
                return identity.save(folder);
            }
            Err(fault) if fault.is(&fleet::fault::NOT_ENROLLED) => {}
            Ok(_) => tracing::warn!(program = %self.name, "its certificate is not good here any more; it enrols anew"),
            Err(fault) => tracing::warn!(program = %self.name, fault = %fault.inside(), "it enrols anew"),
        }
        Identity::remove(folder)?;
        let token = server.authority.issue_token(&server.link_url, group, 1, ENROLL_LIFE_S).await?;
        self.enroll(&token.text()).await
    }

    /// Enrols the program with a token given on standard input.
    async fn enroll(&self, token: &str) -> Result<()> {
        let object = format!("{} enroll", self.name);
        let failed = |cause: String| Fault::new(&fault::AGENT_START).object(&object).because(cause);
        let mut command = self.command("enroll");
        let mut child =
            command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|cause| failed(cause.to_string()))?;
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

    /// Keeps the program running until told to stop.
    pub async fn keep(self, programs: Programs, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let mut command = self.command(self.verb);
            command.arg("--follow-parent").args(&self.run_options).stdin(Stdio::null());
            let message = match command.spawn() {
                Ok(mut child) => {
                    show(&programs, &*clock, &self.name, child.id().unwrap_or(0), "running", "");
                    let begun = clock.monotonic();
                    tokio::select! {
                        ended = child.wait() => {
                            if clock.monotonic() - begun > LONGEST_PAUSE.as_micros() as i64 {
                                pause = FIRST_PAUSE;
                            }
                            ended.map_or_else(|cause| cause.to_string(), |status| status.to_string())
                        }
                        _ = stop.changed() => return farewell(&self.name, child).await,
                    }
                }
                Err(cause) => cause.to_string(),
            };
            tracing::error!(program = %self.name, message, "a program of this machine ended; it is started again");
            show(&programs, &*clock, &self.name, 0, "failed", &message);
            tokio::select! {
                _ = tokio::time::sleep(pause) => {}
                _ = stop.changed() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn farewell(name: &str, mut child: tokio::process::Child) {
    if let Some(pid) = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid as i32)) {
        // It may just have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    if tokio::time::timeout(FAREWELL, child.wait()).await.is_err() {
        // kill_on_drop ends it; its journal and spool are made for that.
        tracing::warn!(program = name, "it did not end in time");
    }
}

fn show(programs: &Programs, clock: &dyn Clock, name: &str, pid: u32, state: &str, message: &str) {
    let mut programs = programs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    programs.retain(|program| program.name != name);
    programs.push(Program {
        name: name.into(),
        pid,
        state: state.into(),
        since_us: clock.wall(),
        memory_bytes: 0,
        message: message.into(),
    });
}
