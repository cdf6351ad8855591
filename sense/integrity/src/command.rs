//! What a person at the host asks: what changed, the difference, and to accept it. The agent that runs is asked through a
//! file in its state folder, which only its owner can write; without one the baseline is changed directly.

use crate::baseline::{Baseline, Pending, Vault, write};
use crate::fault;
use crate::runner::no_baseline;
use crate::texts::Texts;
use base::{Fault, Random, Result};
use std::path::{Path, PathBuf};

const REQUEST: &str = "accept";
/// Stands for every path.
const ALL: &str = "*";

fn request(state: &Path) -> PathBuf {
    state.join(REQUEST)
}

/// The baseline as it was saved last.
///
/// # Errors
/// [`fault::NO_BASELINE`], [`fault::BASELINE`].
pub fn status(state: &Path, random: &dyn Random) -> Result<Baseline> {
    if !state.is_dir() {
        return Err(no_baseline(state));
    }
    Vault::open(state, random)?.load()?.ok_or_else(|| no_baseline(state))
}

/// Asks the agent that runs to accept a path with all below it, or everything.
///
/// # Errors
/// [`fault::NOT_WATCHED`] when nothing of it waits; [`fault::STATE`] when the folder cannot be written.
pub fn ask(state: &Path, path: Option<&str>, random: &dyn Random) -> Result<usize> {
    let count = waiting(&status(state, random)?, path)?;
    let place = request(state);
    let mut lines = std::fs::read_to_string(&place).unwrap_or_default();
    lines.push_str(path.unwrap_or(ALL));
    lines.push('\n');
    let failed = |cause: std::io::Error| Fault::new(&fault::STATE).object(place.display()).because(cause);
    write(&place, &[lines.as_bytes()]).map_err(failed)?;
    Ok(count)
}

/// Accepts in the place of an agent that does not run.
///
/// # Errors
/// As [`ask`].
pub fn accept(state: &Path, path: Option<&str>, random: &dyn Random) -> Result<usize> {
    let mut baseline = status(state, random)?;
    waiting(&baseline, path)?;
    let count = baseline.accept(path);
    Vault::open(state, random)?.save(&baseline)?;
    Ok(count)
}

fn waiting(baseline: &Baseline, path: Option<&str>) -> Result<usize> {
    let meant = |name: &&String| path.is_none_or(|path| Path::new(name.as_str()).starts_with(path));
    match baseline.pending.keys().filter(meant).count() {
        0 => Err(Fault::new(&fault::NOT_WATCHED).object(path.unwrap_or("/"))),
        count => Ok(count),
    }
}

/// A change that waits, with the difference between what was accepted and what is there now.
///
/// # Errors
/// [`fault::NOT_WATCHED`] when the path has none.
pub fn difference(state: &Path, path: &str, random: &dyn Random) -> Result<(Pending, String)> {
    let baseline = status(state, random)?;
    let pending = baseline.pending.get(path).ok_or_else(|| Fault::new(&fault::NOT_WATCHED).object(path))?;
    let texts = Texts::open(state, &Vault::open(state, random)?.mark_key(), true);
    let accepted = baseline.accepted.get(path).map(|entry| entry.sha256.as_slice());
    let now = crate::entry::look(Path::new(path), crate::limits::TEXT_BYTES);
    Ok((pending.clone(), texts.difference(path, accepted, now.as_ref())))
}

/// Takes what was asked for: a path, or `None` for everything.
pub(crate) fn take_requests(state: &Path) -> Vec<Option<String>> {
    let place = request(state);
    let Ok(text) = std::fs::read_to_string(&place) else { return Vec::new() };
    // Asked for twice, accepted twice: no harm.
    let _ = std::fs::remove_file(&place);
    text.lines().map(|line| (line != ALL).then(|| line.to_owned())).collect()
}
