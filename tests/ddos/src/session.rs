//! Sessions: the packets of a generator in the order of time, as the seconds that a filter would count and sample.

use crate::frame::Frame;
use ddos::{Counters, Meter, Sample};
use std::net::Ipv4Addr;

/// Where and how much a generator sends.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// To this address.
    pub destination: Ipv4Addr,
    /// Packets a second, about.
    pub rate: f64,
    /// For so long.
    pub seconds: i64,
}

/// One second of a session.
#[derive(Debug, Clone)]
pub struct Second {
    /// What the filter would count.
    pub counters: Counters,
    /// What it would sample.
    pub samples: Vec<Sample>,
    /// Packets of the attack in it.
    pub attack: u64,
}

/// Cuts frames into seconds (or longer windows of `span_us`), sampling so that about `samples` a window are looked at.
pub fn seconds(mut frames: Vec<Frame>, span_us: i64, samples: usize) -> Vec<Second> {
    frames.sort_by_key(|frame| frame.at_us);
    let Some(last) = frames.last().map(|frame| frame.at_us) else { return Vec::new() };
    let windows = last.div_euclid(span_us) + 1;
    let every = (frames.len() as u64 / windows.max(1) as u64 / samples.max(1) as u64).max(1);
    let mut meter = Meter::new(every, 4 * samples);
    let (mut seconds, mut attack, mut window) = (Vec::new(), 0, 0);
    for frame in &frames {
        while frame.at_us.div_euclid(span_us) > window {
            let (counters, samples) = meter.second();
            seconds.push(Second { counters, samples, attack });
            (attack, window) = (0, window + 1);
        }
        meter.packet(frame.at_us.unsigned_abs() * 1_000, &frame.header, frame.length);
        attack += u64::from(frame.attack);
    }
    let (counters, samples) = meter.second();
    seconds.push(Second { counters, samples, attack });
    seconds
}

/// Delays frames and marks them as an attack.
pub fn attack(mut frames: Vec<Frame>, delay_us: i64) -> Vec<Frame> {
    for frame in &mut frames {
        frame.at_us += delay_us;
        frame.attack = true;
    }
    frames
}
