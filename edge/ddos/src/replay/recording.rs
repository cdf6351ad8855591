//! A whole recording: its destinations found, then judged.

use super::{Busiest, Replay, Replayed};
use crate::{Model, Packet, Prefix, Settings};
use base::Result;
use capture::Reader;
use std::io::Read;

/// Shortest and longest window of a replay, seconds.
pub const WINDOW_S: std::ops::RangeInclusive<f64> = 0.1..=3_600.0;

/// How a recording is judged.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Its destinations; none: the busiest are found, which reads the recording twice.
    pub protect: Vec<Prefix>,
    /// Length of a window, seconds; brought into [`WINDOW_S`].
    pub window_s: f64,
    /// Settings of every destination. Floors and ceilings are of a window.
    pub settings: Settings,
    /// The model beside the rules.
    pub model: Option<Model>,
}

/// Judges a recording; `open` begins it anew each time.
///
/// # Errors
/// Those of [`Reader::new`] and [`Reader::packet`].
pub fn recording<R: Read>(open: impl Fn() -> Result<R>, manner: Manner) -> Result<Replayed> {
    let Manner { mut protect, window_s, settings, model } = manner;
    if protect.is_empty() {
        let (mut reader, mut busiest) = (Reader::new(open()?)?, Busiest::default());
        while let Some(packet) = reader.packet()? {
            if let Some(packet) = Packet::parse(&packet.header, packet.length) {
                busiest.add(packet.destination);
            }
        }
        protect = busiest.found();
    }
    let window_us = (window_s.clamp(*WINDOW_S.start(), *WINDOW_S.end()) * 1e6) as i64;
    let (mut reader, mut replay) = (Reader::new(open()?)?, Replay::new(&protect, window_us, settings, model));
    while let Some(packet) = reader.packet()? {
        replay.packet(packet.at_ns, &packet.header, packet.length);
    }
    let counts = reader.counts();
    Ok(Replayed { unread: counts.other, torn: counts.torn, ..replay.finish() })
}
