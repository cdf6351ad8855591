//! The gateway of this very machine. It runs when there is a configuration for it: what it serves nobody can guess.

use super::Child;
use crate::Server;
use crate::places::Places;
use base::Result;
use std::path::{Path, PathBuf};

/// The configuration to run the gateway with: the one named, else `gateway.yaml` of its directory if there is one.
pub fn configured(places: &Places, named: Option<&Path>) -> Option<PathBuf> {
    let usual = places.gateway().join("gateway.yaml");
    named.map(Path::to_path_buf).or_else(|| usual.exists().then_some(usual))
}

/// The gateway, enrolled and ready to be kept.
///
/// # Errors
/// When it does not enrol.
pub async fn ready(places: &Places, config: PathBuf, server: &Server) -> Result<Child> {
    let state = places.gateway();
    let options = vec!["--config".into(), config.into(), "--state".into(), state.clone().into()];
    let child = Child { name: "garrison-gateway", options };
    child.identify(&state.join("identity"), "gateway", server).await?;
    Ok(child)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_only_where_it_is_configured() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Some(folder.path()));
        assert_eq!(configured(&places, None), None);
        assert_eq!(configured(&places, Some(Path::new("/x.yaml"))), Some("/x.yaml".into()));
        std::fs::create_dir_all(places.gateway()).unwrap();
        std::fs::write(places.gateway().join("gateway.yaml"), "").unwrap();
        assert_eq!(configured(&places, None), Some(places.gateway().join("gateway.yaml")));
    }
}
