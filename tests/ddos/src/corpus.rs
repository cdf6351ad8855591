//! Everything that is judged: sessions of our generators and of other people's programs.

use crate::chance::Chance;
use crate::frame::Frame;
use crate::session::{self, Place, Second};
use crate::{attack, benign, sixth, tools};
use std::net::Ipv4Addr;

/// Who is flooded.
const TARGET: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
/// Share of the made sessions that are over IPv6.
const SIXTH: f64 = 0.25;
/// Length of a second, µs.
pub(crate) const SECOND_US: i64 = 1_000_000;
/// Samples of a window that are looked at.
const SAMPLES: usize = 500;
/// Seconds of a session.
const LENGTH_S: i64 = 10;
/// Seconds of it before the flood begins.
const BEFORE_S: i64 = 2;

/// One session.
pub struct Session {
    /// What made it: a family of [`attack::ALL`], `users`, a program, or a recording.
    pub source: String,
    /// The styles of the users in it, joined by `+`; empty when there are none.
    pub style: String,
    /// The class of its flood; empty when there is none.
    pub class: String,
    /// Ten seconds of its users before, without a flood; empty when they are not known.
    pub usual: Vec<Second>,
    /// Its windows.
    pub windows: Vec<Second>,
    /// Length of a window, seconds.
    pub span_s: i64,
    /// Whether it is over IPv6.
    pub sixth: bool,
}

/// Users for the time of a session, and for as long before it. Most servers have more than one kind: often another style is
/// among them, with fewer packets. Returns the styles, the time before, and the session's frames.
fn users(chance: &mut Chance, style: &benign::Style, sixth: bool) -> (String, Vec<Second>, Vec<Frame>) {
    let rate = 150.0 * 30_f64.powf(chance.share());
    let place = Place { destination: TARGET, rate, seconds: 2 * LENGTH_S };
    let (mut name, mut frames) = (style.name.to_string(), (style.make)(chance, &place));
    if chance.happens(0.6) {
        let other = &benign::ALL[chance.within(0..benign::ALL.len() as u64) as usize];
        let fewer = Place { rate: rate * (0.05 + 0.5 * chance.share()), ..place };
        frames.extend((other.make)(chance, &fewer));
        name = format!("{name}+{}", other.name);
    }
    if sixth {
        frames = frames.into_iter().map(sixth::over).collect();
    }
    let middle = LENGTH_S * SECOND_US;
    let (before, mut frames): (Vec<Frame>, Vec<Frame>) = frames.into_iter().partition(|frame| frame.at_us < middle);
    frames.iter_mut().for_each(|frame| frame.at_us -= middle);
    frames.retain(|frame| frame.at_us < middle);
    (name, session::seconds(before, SECOND_US, SAMPLES), frames)
}

/// Sessions of our generators: `each` of every flood among users of every style in turn, and `alone` of every style.
pub fn made(seed: u64, each: u64, alone: u64) -> Vec<Session> {
    let mut sessions = Vec::new();
    for (index, flood) in (0_u64..).zip(attack::ALL) {
        for number in 0..each {
            let mut chance = Chance::new(seed ^ (index * 1_000 + number).wrapping_mul(0x9e37));
            let style = &benign::ALL[chance.within(0..benign::ALL.len() as u64) as usize];
            let rate = 1_500.0 * 10_f64.powf(chance.share());
            let sixth = chance.happens(SIXTH);
            let (name, usual, mut frames) = users(&mut chance, style, sixth);
            // Half of the floods began before the session did.
            let before = if number % 2 == 0 { BEFORE_S } else { 0 };
            let place = Place { destination: TARGET, rate, seconds: LENGTH_S - before };
            let mut flood_frames = session::attack((flood.make)(&mut chance, &place), before * SECOND_US);
            if sixth {
                flood_frames = flood_frames.into_iter().map(sixth::over).collect();
            }
            frames.extend(flood_frames);
            frames.retain(|frame| frame.at_us < LENGTH_S * SECOND_US);
            sessions.push(Session {
                source: flood.generator.into(),
                style: name,
                class: flood.class.into(),
                usual,
                windows: session::seconds(frames, SECOND_US, SAMPLES),
                span_s: 1,
                sixth,
            });
        }
    }
    for (index, style) in (0_u64..).zip(benign::ALL) {
        for number in 0..alone {
            let mut chance = Chance::new(seed ^ (1_000_000 + index * 1_000 + number).wrapping_mul(0x85eb));
            let sixth = chance.happens(SIXTH);
            let (name, usual, frames) = users(&mut chance, style, sixth);
            let windows = session::seconds(frames, SECOND_US, SAMPLES);
            sessions.push(Session {
                source: "users".into(),
                style: name,
                class: String::new(),
                usual,
                windows,
                span_s: 1,
                sixth,
            });
        }
    }
    sessions
}

/// Sessions of other people's programs: each flood alone, and among users of a style.
pub fn recorded(seed: u64) -> Vec<Session> {
    let mut sessions = Vec::new();
    for (index, recording) in (0_u64..).zip(tools::record()) {
        let mut chance = Chance::new(seed ^ index);
        let session = |style: String, usual, frames, class: &str| Session {
            source: recording.program.into(),
            style,
            class: class.into(),
            usual,
            windows: session::seconds(frames, SECOND_US, SAMPLES),
            span_s: 1,
            sixth: false,
        };
        if recording.class.is_empty() {
            sessions.push(session(String::new(), Vec::new(), recording.frames, ""));
            continue;
        }
        let flood = session::attack(recording.frames, BEFORE_S * SECOND_US);
        sessions.push(session(String::new(), Vec::new(), flood.clone(), recording.class));
        let style = &benign::ALL[(index % benign::ALL.len() as u64) as usize];
        let (name, usual, mut frames) = users(&mut chance, style, false);
        frames.extend(flood);
        sessions.push(session(name, usual, frames, recording.class));
    }
    sessions
}

/// The windows of a session's frames, sampled as all are here.
pub(crate) fn seconds(frames: Vec<Frame>, span_us: i64) -> Vec<Second> {
    session::seconds(frames, span_us, SAMPLES)
}
