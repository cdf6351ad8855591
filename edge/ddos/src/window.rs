//! One second of a destination, and the ten before and with it.

use crate::{Counters, Packet, Shape};
use std::collections::VecDeque;

/// Seconds of the long window.
pub const LONG_S: usize = 10;
/// Most samples of a second that are looked at.
pub const SAMPLES: usize = 2_048;

/// Most that is believed of a counter in a second.
const MOST: u64 = 1 << 50;

/// What HTTP requests to a site looked like in a second, as the gateway counted them.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct HttpLoad {
    /// Requests a second.
    pub requests: f32,
    /// Requests a second in quiet times; 0 when not known.
    pub usual: f32,
    /// Of the requests, those that were held back.
    pub held: f32,
    /// Share of answers that were errors of the origin, 0 to 1.
    pub errors: f32,
    /// 95th percentile of the origin's latency as a multiple of quiet times; 0 when not known.
    pub latency: f32,
    /// The gateway's level of defence, 0 (normal) to 4.
    pub level: u8,
}

/// What is judged: a second's counters and samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// What was counted in the second.
    pub counters: Counters,
    /// What was counted in the last [`LONG_S`] seconds, this one among them.
    pub long: Counters,
    /// How many seconds those are.
    pub seconds: usize,
    /// What the samples of the second look like.
    pub shape: Shape,
    /// The gateway's figures.
    pub http: Option<HttpLoad>,
}

/// Makes windows of seconds as they come.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    last: VecDeque<Counters>,
}

impl Windows {
    /// The window that ends with this second.
    pub fn push(&mut self, counters: &Counters, packets: &[Packet], http: Option<&HttpLoad>) -> Window {
        // No wire carries as much in a second; sums and multiples of what is left do not overflow.
        let counters = counters.at_most(MOST);
        if self.last.len() >= LONG_S {
            self.last.pop_front();
        }
        self.last.push_back(counters);
        let mut long = Counters::default();
        self.last.iter().for_each(|second| long += *second);
        let shape = Shape::of(&packets[..packets.len().min(SAMPLES)]);
        Window { counters, long, seconds: self.last.len(), shape, http: http.copied() }
    }
}
