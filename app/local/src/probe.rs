//! The server's eyes on protected names: a prober beside each scrubber, so that none moves a name because it lost its own network.
//!
//! A prober is a program of its own (`garrison-gateway scrub probe`), kept running as the other programs of this machine are. For
//! the scrubber that this server starts nothing has to be set up: its key is made here and given to both. Scrubbers elsewhere
//! are listed in `probes.yaml`.

use crate::Child;
use base::config::INVALID;
use base::{Fault, Random, Result, config};
use base64::Engine;
use serde::Deserialize;
use serde::de::IgnoredAny;
use server::fault;
use server::places::Places;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Probers of one server.
const MOST: usize = 64;
/// Bytes of a key's secret (HMAC-SHA-256).
const SECRET_BYTES: usize = 32;

/// The file `probes.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probes {
    probes: Vec<Probe>,
}

/// One scrubber elsewhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    /// What it is called among the programs of the server.
    name: String,
    /// The scrubber's configuration; a path that does not begin with a slash begins at the list's folder.
    config: PathBuf,
    /// Where votes go; `votes.listen` of the configuration when absent.
    #[serde(default)]
    to: Option<SocketAddr>,
    /// Key of this prober, also one of the scrubber's `votes.key_files`.
    key_file: PathBuf,
}

/// What matters here of a scrubber's configuration; the scrubber itself says what is wrong with it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Scrubber {
    votes: Option<IgnoredAny>,
}

/// Probers for scrubbers elsewhere: of the list that is named, else of `probes.yaml` in the data directory if there is one.
///
/// # Errors
/// What is wrong with the list.
pub fn elsewhere(places: &Places, named: Option<&Path>) -> Result<Vec<Child>> {
    let usual = places.root.join("probes.yaml");
    let Some(path) = named.map(Path::to_path_buf).or_else(|| usual.exists().then_some(usual)) else {
        return Ok(Vec::new());
    };
    let Probes { probes } = config::read(&path)?;
    let wrong = |at: String| Fault::new(&INVALID).object(format!("{}: {at}", path.display()));
    if probes.len() > MOST {
        return Err(wrong("probes".into()).expected(format!("at most {MOST}")).found(probes.len()));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut seen = BTreeSet::new();
    let child = |(number, probe): (usize, Probe)| {
        if probe.name.is_empty() || !seen.insert(probe.name.clone()) {
            let wrong = wrong(format!("probes[{number}].name"));
            return Err(wrong.expected("a name, each once").found(probe.name));
        }
        let to = probe.to.map(|to| OsString::from(to.to_string()));
        let (config, key) = (folder.join(probe.config), folder.join(probe.key_file));
        Ok(prober(format!("garrison-prober {}", probe.name), config, key, to))
    };
    probes.into_iter().enumerate().map(child).collect()
}

/// The prober beside the scrubber of this machine, where its configuration has `votes:`, and the key by which the scrubber knows
/// it.
///
/// # Errors
/// `server.data-directory` when the key cannot be made.
pub fn beside(places: &Places, scrubber: &Path, random: &dyn Random) -> Result<Option<(Child, PathBuf)>> {
    let read: Result<Scrubber> = config::read(scrubber);
    if read.is_ok_and(|config| config.votes.is_none()) {
        return Ok(None);
    }
    let key = places.root.join("scrubber").join("server.key");
    make_key(&key, random)?;
    let child = prober("garrison-prober".into(), scrubber.to_path_buf(), key.clone(), None);
    Ok(Some((child, key)))
}

fn prober(name: String, config: PathBuf, key: PathBuf, to: Option<OsString>) -> Child {
    let mut options = vec!["--config".into(), config.into(), "--key-file".into(), key.into()];
    options.extend(to.into_iter().flat_map(|to| ["--to".into(), to]));
    Child { name, program: "garrison-gateway", words: &["scrub"], verb: "probe", options, run_options: Vec::new() }
}

/// A key of TSIG, made once: whole or not at all, for a scrubber that finds half of one does not start.
fn make_key(path: &Path, random: &dyn Random) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let failed = |cause: std::io::Error| Fault::new(&fault::DATA_DIRECTORY).object(path.display()).because(cause);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let mut secret = [0; SECRET_BYTES];
    random.fill(&mut secret);
    let secret = base64::engine::general_purpose::STANDARD.encode(secret);
    let fresh = path.with_extension("new");
    // One that is left of an earlier attempt.
    let _ = std::fs::remove_file(&fresh);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh);
    let mut file = file.map_err(failed)?;
    let text = format!("key \"garrison-server\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{secret}\";\n}};\n");
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

    fn words(child: &Child) -> Vec<String> {
        child.options.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn where_votes_are_taken_the_server_votes_with_a_key_that_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Some(&folder.path().join("data")));
        let config = folder.path().join("scrubber.yaml");
        std::fs::write(&config, "interfaces: [eth0]\n").unwrap();
        assert!(beside(&places, &config, &SystemRandom::new()).unwrap().is_none());
        assert!(!places.root.exists(), "nothing is made where nothing is asked for");
        std::fs::write(&config, "interfaces: [eth0]\nvotes: {listen: '127.0.0.1:4853', server: true}\n").unwrap();
        let (child, key) = beside(&places, &config, &SystemRandom::new()).unwrap().unwrap();
        assert_eq!((child.words, child.verb), (&["scrub"][..], "probe"));
        assert_eq!(words(&child)[..2], ["--config".to_string(), config.display().to_string()]);
        assert_eq!(words(&child)[2..], ["--key-file".to_string(), key.display().to_string()]);
        let text = std::fs::read_to_string(&key).unwrap();
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(text.starts_with("key \"garrison-server\" {") && text.contains("hmac-sha256"), "{text}");
        beside(&places, &config, &SystemRandom::new()).unwrap();
        assert_eq!(std::fs::read_to_string(&key).unwrap(), text);
    }

    #[test]
    fn scrubbers_elsewhere_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Some(folder.path()));
        assert!(elsewhere(&places, None).unwrap().is_empty());
        let list = "probes:\n  - {name: edge1, config: edge1.yaml, to: '192.0.2.2:4853', key_file: /etc/x.key}\n  \
                    - {name: edge2, config: /etc/edge2.yaml, key_file: edge2.key}\n";
        let path = folder.path().join("probes.yaml");
        std::fs::write(&path, list).unwrap();
        let found = elsewhere(&places, None).unwrap();
        assert_eq!(
            found.iter().map(|child| child.name.as_str()).collect::<Vec<_>>(),
            ["garrison-prober edge1", "garrison-prober edge2"]
        );
        let here = |name: &str| folder.path().join(name).display().to_string();
        assert_eq!(
            words(&found[0]),
            ["--config", &here("edge1.yaml"), "--key-file", "/etc/x.key", "--to", "192.0.2.2:4853"]
        );
        assert_eq!(words(&found[1]), ["--config", "/etc/edge2.yaml", "--key-file", &here("edge2.key")]);
        for (from, to) in [("edge2,", "edge1,"), ("edge2,", "'',"), ("key_file: edge2.key", "key: x")] {
            std::fs::write(&path, list.replace(from, to)).unwrap();
            assert!(elsewhere(&places, Some(&path)).is_err_and(|fault| fault.is(&INVALID)), "{to}");
        }
        assert!(
            elsewhere(&places, Some(&folder.path().join("none.yaml")))
                .is_err_and(|fault| fault.is(&config::UNREADABLE))
        );
    }
}
