//! Scripts: one that walks through everything, and those that chance writes.

use crate::world::Step;
use base::{Random, SeededRandom};

/// Alerts, orders, a merge of two incidents, shed telemetry, broken links, restarts and a flush in the middle of it.
pub const WHOLE: &[Step] = &[
    Step::Noise(7),
    Step::Strike { tree: 1, uid: 1001 },
    Step::Act,
    Step::Talk(4),
    Step::Talk(4),
    Step::Walk,
    Step::Strike { tree: 2, uid: 1002 },
    Step::Order,
    Step::Pass(600_000),
    Step::Talk(2),
    Step::Break,
    Step::Act,
    Step::Talk(8),
    Step::Walk,
    // The account of one tree below the other: the two incidents become one.
    Step::Strike { tree: 1, uid: 1002 },
    Step::Talk(8),
    Step::Talk(8),
    Step::Walk,
    Step::Keep,
    Step::Noise(12),
    Step::Pass(600_000),
    Step::Talk(3),
    Step::Jump(-3_600_000_000),
    Step::Strike { tree: 3, uid: 1003 },
    Step::Act,
    Step::Talk(8),
    Step::Talk(8),
    Step::Walk,
    Step::Keep,
];

/// A script of this length that chance writes: crashes, broken links, full disks and clock jumps among the work.
pub fn by_chance(length: usize, random: &SeededRandom) -> Vec<Step> {
    (0..length).map(|_| one(random)).collect()
}

fn one(random: &SeededRandom) -> Step {
    match random.below(100) {
        0..12 => Step::Strike { tree: random.below(4) as u32, uid: 1000 + random.below(4) as u32 },
        12..30 => Step::Noise(1 + random.below(12) as u32),
        30..45 => Step::Pass(random.below(700_000) as i64),
        45..48 => Step::Jump(random.below(7_200_000_000) as i64 - 3_600_000_000),
        48..55 => Step::Act,
        55..74 => Step::Talk(1 + random.below(6) as u32),
        74..77 => Step::Break,
        77..86 => Step::Walk,
        86..88 => Step::Keep,
        88..91 => Step::Order,
        91..94 => Step::KillGuard,
        94..97 => Step::KillStation,
        97..98 => Step::Fill(random.below(2_000)),
        _ => Step::Free,
    }
}
