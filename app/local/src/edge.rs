//! Gateway and packet filter of this very machine. Each runs when there is a configuration for it: what they serve nobody can guess.

use crate::Child;
use base::Result;
use server::Server;
use server::places::Places;
use std::path::{Path, PathBuf};

/// A part of the program `garrison-gateway` that runs on its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name among the programs of the server.
    label: &'static str,
    /// Words before `run` and `enroll`.
    words: &'static [&'static str],
    /// Its directory below the server's; its configuration there is `FOLDER.yaml`.
    folder: &'static str,
}

/// The proxy with firewall and flood defence.
pub const GATEWAY: Part = Part { label: "garrison-gateway", words: &[], folder: "gateway" };
/// The packet filter with its controller.
pub const SCRUBBER: Part = Part { label: "garrison-scrubber", words: &["scrub"], folder: "scrubber" };

impl Part {
    fn state(&self, places: &Places) -> PathBuf {
        places.root.join(self.folder)
    }

    /// The configuration to run with: the one named, else the usual one of its directory if there is one.
    pub fn configured(&self, places: &Places, named: Option<&Path>) -> Option<PathBuf> {
        let usual = self.state(places).join(format!("{}.yaml", self.folder));
        named.map(Path::to_path_buf).or_else(|| usual.exists().then_some(usual))
    }

    /// Enrolled and ready to be kept.
    ///
    /// # Errors
    /// When it does not enrol.
    pub async fn ready(&self, places: &Places, config: PathBuf, server: &Server) -> Result<Child> {
        let state = self.state(places);
        let options = vec!["--config".into(), config.into(), "--state".into(), state.clone().into()];
        let (name, run_options) = (self.label.into(), Vec::new());
        let child = Child { name, program: "garrison-gateway", words: self.words, verb: "run", options, run_options };
        child.identify(&state.join("identity"), self.folder, server).await?;
        Ok(child)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_run_only_where_they_are_configured() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Some(folder.path()));
        for part in [GATEWAY, SCRUBBER] {
            assert_eq!(part.configured(&places, None), None);
            assert_eq!(part.configured(&places, Some(Path::new("/x.yaml"))), Some("/x.yaml".into()));
            let usual = part.state(&places).join(format!("{}.yaml", part.folder));
            std::fs::create_dir_all(part.state(&places)).unwrap();
            std::fs::write(&usual, "").unwrap();
            assert_eq!(part.configured(&places, None), Some(usual));
        }
    }
}
