//! The agent of this very machine.

use crate::Child;
use base::{Fault, Result};
use server::places::Places;
use server::{Server, fault};
use std::path::PathBuf;

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
fn configure(places: &Places, respond: Option<Respond>) -> Result<PathBuf> {
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

/// The agent, enrolled and ready to be kept.
///
/// # Errors
/// When it cannot be configured or does not enrol.
pub async fn ready(places: &Places, respond: Option<Respond>, server: &Server) -> Result<Child> {
    let config = configure(places, respond)?;
    let child = Child {
        name: "garrison-agent".into(),
        program: "garrison-agent",
        words: &[],
        verb: "run",
        options: vec!["--config".into(), config.into()],
        run_options: Vec::new(),
    };
    child.identify(&places.agent().join("identity"), "local", server).await?;
    Ok(child)
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
