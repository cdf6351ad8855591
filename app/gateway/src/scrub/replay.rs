//! `garrison-gateway scrub replay`: what a scrubber would have said of a recording. Needs no right and no running scrubber.

use base::{Fault, Lang, Result};
use ddos::replay::{Manner, WINDOW_S, recording};
use ddos::{Model, Prefix, Settings};
use scrubber::config::Config;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

/// What is replayed, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Recording {
    /// The recording (pcap or pcapng).
    file: PathBuf,
    /// Addresses or ranges whose traffic is judged; those of the configuration, else the busiest of the recording.
    #[arg(long)]
    protect: Vec<Prefix>,
    /// Configuration file (YAML): its destinations, `detect` and `model` are used.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Model beside the rules, in LightGBM's text form; that of the configuration, else none.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Length of a window, seconds.
    #[arg(long, default_value_t = 1.0)]
    window: f64,
    /// Floors and ceilings as a multiple of those set: 0.02 for a laboratory with a few packets a second.
    #[arg(long, default_value_t = 1.0)]
    floors: f32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Replays it.
///
/// # Errors
/// Faults of the configuration, the model and the recording.
pub fn replay(what: &Recording, lang: Lang) -> std::result::Result<(), Vec<Fault>> {
    let config = what.config.as_deref().map(Config::load).transpose()?;
    let manner = manner(what, config.as_ref()).map_err(|fault| vec![fault])?;
    let (by_rules, path) = (manner.model.is_none(), &what.file);
    let replayed = recording(|| open(path), manner).map_err(|fault| vec![fault.object(path.display())])?;
    let mut text = if what.json { format!("{}\n", serde_json::json!(replayed)) } else { replayed.text(lang) };
    if by_rules && !what.json {
        let said = lang.pick("Judged by rules alone: no model was named.", "仅按规则判定：未指定模型。");
        text += &format!("\n{said}\n");
    }
    // A reader that has seen enough closes its end.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn manner(what: &Recording, config: Option<&Config>) -> Result<Manner> {
    if !WINDOW_S.contains(&what.window) {
        let (least, most) = (WINDOW_S.start(), WINDOW_S.end());
        let wrong = Fault::new(&crate::fault::OPTION).object("--window");
        return Err(wrong.expected(format!("{least} to {most} s")).found(what.window));
    }
    if !(what.floors.is_finite() && what.floors > 0.0) {
        return Err(Fault::new(&crate::fault::OPTION).object("--floors").expected("more than 0").found(what.floors));
    }
    let path = what.model.as_deref().or(config.and_then(|config| config.model.as_deref()));
    let model: Option<Model> = path.map(scrubber::run::model).transpose()?;
    let settings = config.map_or_else(Settings::default, |config| config.detect.clone()).times(what.floors);
    let protect = match (what.protect.as_slice(), config) {
        ([], Some(config)) => config.protected().map(|(prefix, _)| prefix).collect(),
        (named, _) => named.to_vec(),
    };
    Ok(Manner { protect, window_s: what.window, settings, model })
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).map_err(|cause| Fault::new(&capture::fault::READ).found(cause))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}
