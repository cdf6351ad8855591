//! Any recording judged: `ddos-eval --capture FILE`, with what is true of it when that is known.

use base::{Fault, Result};
use ddos::replay::{Manner, recording};
use ddos::{Class, Replayed};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// What is true of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Nothing is known.
    Unknown,
    /// It is users' traffic alone.
    Benign,
    /// What goes to its destinations is an attack of this class.
    Attack(Class),
}

impl Label {
    /// `benign`, or the name of a class.
    pub fn from_word(word: &str) -> Option<Label> {
        if word == "benign" { Some(Label::Benign) } else { Class::from_word(word).map(Label::Attack) }
    }
}

/// Judges a recording.
///
/// # Errors
/// Those of [`recording`], about the file.
pub fn judge(path: &Path, manner: Manner) -> Result<Replayed> {
    let about = |fault: Fault| fault.object(path.display());
    let open = || {
        let file = File::open(path).map_err(|cause| Fault::new(&capture::fault::READ).found(cause))?;
        Ok(BufReader::with_capacity(1 << 16, file))
    };
    recording(open, manner).map_err(about)
}

/// How well it was judged, one line a destination.
pub fn lines(replayed: &Replayed, label: Label) -> Vec<String> {
    let mut lines = Vec::new();
    for seen in &replayed.destinations {
        let windows = seen.windows.iter().filter(|moment| moment.packets > 0).count();
        let alarmed = seen.windows.iter().filter(|moment| moment.packets > 0 && moment.alarm);
        let (count, destination) = (alarmed.clone().count(), seen.destination);
        let share = 100.0 * count as f64 / windows.max(1) as f64;
        lines.push(match label {
            Label::Unknown => format!("{destination}: {count} of {windows} windows alarmed ({share:.1} %)"),
            Label::Benign => format!("{destination}: {count} of {windows} windows alarmed falsely ({share:.2} %)"),
            Label::Attack(class) => {
                let named = alarmed.filter(|moment| moment.classes.first() == Some(&class)).count();
                let after = seen.alarm_s.map_or("never".into(), |at| format!("after {at} s"));
                let (matched, of) = seen.signatures.iter().fold((0, 0), |sum, made| (sum.0 + made.matched, made.of.max(sum.1)));
                format!(
                    "{destination}: {count} of {windows} windows alarmed ({share:.1} %), {named} named {}; alarm {after}; signatures matched {matched} of {of} packets",
                    class.word()
                )
            }
        });
    }
    lines
}
