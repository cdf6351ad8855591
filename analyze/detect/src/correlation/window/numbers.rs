//! Numbers, for sums, means and percentiles.

use super::Measured;
use super::times::{insert, shrink};
use crate::correlation::limits::NUMBERS;
use std::collections::VecDeque;

/// Neighbours are joined when together they span no more than this part of the window. Twice as many always fit.
const PARTS: i64 = NUMBERS as i64 / 4;

/// Numbers of neighbouring events, added up.
#[derive(Debug, Clone, Copy)]
struct Sum {
    begin: i64,
    end: i64,
    sum: f64,
    count: u32,
}

/// The numbers of a group. When there are too many, neighbours in time are added up: the sum stays whole, only when
/// they leave the window is blurred, by 1/256 of it and to the side of counting too long.
#[derive(Debug, Default)]
pub(in crate::correlation) struct Sums {
    sums: VecDeque<Sum>,
}

impl Sums {
    pub(super) fn take(&mut self, time: i64, number: f64, span_us: i64, cutoff: i64) -> u64 {
        insert(&mut self.sums, Sum { begin: time, end: time, sum: number, count: 1 }, |sum| sum.end);
        while self.sums.front().is_some_and(|first| first.end < cutoff) {
            self.sums.pop_front();
        }
        if self.sums.len() > NUMBERS {
            self.join((span_us / PARTS).max(1));
        }
        shrink(&mut self.sums);
        0
    }

    fn join(&mut self, extent: i64) {
        let mut joined: VecDeque<Sum> = VecDeque::with_capacity(NUMBERS);
        for sum in self.sums.drain(..) {
            match joined.back_mut() {
                Some(last) if sum.end - last.begin.min(sum.begin) <= extent => {
                    last.begin = last.begin.min(sum.begin);
                    last.end = sum.end;
                    last.sum += sum.sum;
                    last.count = last.count.saturating_add(sum.count);
                }
                _ => joined.push_back(sum),
            }
        }
        // Late events may lie so that fewer can be joined than planned; the oldest two always can.
        while joined.len() > NUMBERS {
            if let (Some(first), Some(second)) = (joined.pop_front(), joined.front_mut()) {
                second.begin = second.begin.min(first.begin);
                second.sum += first.sum;
                second.count = second.count.saturating_add(first.count);
            }
        }
        self.sums = joined;
    }

    pub(super) fn measure(&self, mean: bool) -> Option<Measured> {
        let first = self.sums.front()?.begin;
        let (sum, count) =
            self.sums.iter().fold((0.0, 0_u64), |(sum, count), one| (sum + one.sum, count + u64::from(one.count)));
        let value = if mean { sum / count as f64 } else { sum };
        Some(Measured { value, seen: 0, first, cut: false })
    }

    pub(super) fn bytes(&self) -> usize {
        self.sums.capacity() * size_of::<Sum>()
    }
}

/// The newest numbers of a group, in the order of their times and in their own.
#[derive(Debug)]
pub(in crate::correlation) struct Ranked {
    numbers: VecDeque<(i64, f64)>,
    sorted: Vec<f64>,
    /// The newest time of a number that was cut.
    cut: i64,
}

impl Default for Ranked {
    fn default() -> Ranked {
        Ranked { numbers: VecDeque::new(), sorted: Vec::new(), cut: i64::MIN }
    }
}

impl Ranked {
    pub(super) fn take(&mut self, time: i64, number: f64, cutoff: i64) -> u64 {
        insert(&mut self.numbers, (time, number), |entry| entry.0);
        let at = self.sorted.partition_point(|other| other.total_cmp(&number).is_lt());
        self.sorted.insert(at, number);
        while self.numbers.front().is_some_and(|(first, _)| *first < cutoff) {
            self.forget();
        }
        let mut cut = 0;
        while self.numbers.len() > NUMBERS {
            self.cut = self.forget();
            cut += 1;
        }
        shrink(&mut self.numbers);
        cut
    }

    fn forget(&mut self) -> i64 {
        let Some((time, number)) = self.numbers.pop_front() else { return i64::MIN };
        let at = self.sorted.partition_point(|other| other.total_cmp(&number).is_lt());
        if at < self.sorted.len() {
            self.sorted.remove(at);
        }
        time
    }

    /// The number at a rank of 0 to 100: linear between the two beside it (Hyndman and Fan 1996, definition 7).
    pub(super) fn measure(&self, rank: f64, cutoff: i64) -> Option<Measured> {
        let (first, _) = *self.numbers.front()?;
        let at = rank / 100.0 * (self.sorted.len().checked_sub(1)?) as f64;
        let (below, above) = (*self.sorted.get(at.floor() as usize)?, *self.sorted.get(at.ceil() as usize)?);
        let value = below + (above - below) * at.fract();
        Some(Measured { value, seen: 0, first, cut: self.cut >= cutoff })
    }

    pub(super) fn bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<(i64, f64)>() + self.sorted.capacity() * size_of::<f64>()
    }
}
