//! A table of metrics with its values of the sample before.

use super::{Row, Shape};
use record::Metric;
use std::collections::HashMap;

/// Most labels of one table.
const LABELS_MAX: usize = 512;

/// The sample being made.
#[derive(Debug, Default)]
pub(super) struct Output {
    metrics: Vec<Metric>,
    elapsed: f64,
    expected: usize,
}

impl Output {
    /// Begins a sample `elapsed` seconds after the one before, 0 for the first.
    pub(super) fn begin(&mut self, elapsed: f64) {
        self.elapsed = elapsed;
        self.metrics = Vec::with_capacity(self.expected);
    }

    /// The metrics of the sample.
    pub(super) fn finish(&mut self) -> Vec<Metric> {
        self.expected = self.metrics.len() + 8;
        std::mem::take(&mut self.metrics)
    }

    fn push(&mut self, row: &Row, label: &str, value: f64) {
        let metric = Metric { id: row.info.id, label: label.into(), value, name: row.info.name.into() };
        self.metrics.push(metric);
    }
}

/// Group and name of a row.
type Key = (&'static [u8], &'static [u8]);

/// A table and what it held before.
#[derive(Debug)]
pub(super) struct Area {
    rows: &'static [Row],
    index: Vec<(Key, usize)>,
    before: HashMap<String, (u64, Vec<f64>)>,
    values: Vec<f64>,
    round: u64,
}

impl Area {
    pub(super) fn new(rows: &'static [Row]) -> Area {
        let split = |key: &'static str| key.split_once(' ').unwrap_or(("", key));
        let keys = rows.iter().map(|row| split(row.key)).map(|(group, name)| (group.as_bytes(), name.as_bytes()));
        let mut index: Vec<_> = keys.zip(0..).collect();
        index.sort_unstable();
        Area { rows, index, before: HashMap::new(), values: vec![f64::NAN; rows.len()], round: 0 }
    }

    /// Begins the values of one label.
    pub(super) fn clear(&mut self) {
        self.values.fill(f64::NAN);
    }

    /// Sets a value by its row.
    pub(super) fn set(&mut self, row: usize, value: f64) {
        if let Some(place) = self.values.get_mut(row) {
            *place = value;
        }
    }

    /// Sets a value by its key; keys that the table does not have are passed over.
    pub(super) fn set_key(&mut self, group: &[u8], name: &[u8], value: f64) {
        if let Ok(found) = self.index.binary_search_by(|(key, _)| key.cmp(&(group, name))) {
            self.values[self.index[found].1] = value;
        }
    }

    /// Sets the values whose keys are column numbers.
    pub(super) fn set_columns(&mut self, columns: impl Iterator<Item = f64>) {
        for (number, value) in columns.enumerate() {
            let mut digits = [0; 4];
            self.set_key(b"", decimal(number, &mut digits), value);
        }
    }

    /// A value set for this label.
    pub(super) fn value(&self, group: &[u8], name: &[u8]) -> f64 {
        let found = self.index.binary_search_by(|(key, _)| key.cmp(&(group, name)));
        found.map_or(f64::NAN, |found| self.values[self.index[found].1])
    }

    /// Writes the values of a label into the sample. A counter that went back (reset, wrap) has no rate this time.
    pub(super) fn emit(&mut self, output: &mut Output, label: &str) {
        let known = self.before.contains_key(label);
        if !known && self.before.len() >= LABELS_MAX {
            return;
        }
        let before = self.before.get(label).map(|(_, values)| values.as_slice()).unwrap_or(&[]);
        for (place, row) in self.rows.iter().enumerate() {
            let value = self.values[place];
            let shown = match row.shape {
                Shape::Gauge(factor) => value * factor,
                Shape::Rate(factor) => match before.get(place) {
                    Some(before) if output.elapsed > 0.0 && value >= *before => {
                        (value - before) / output.elapsed * factor
                    }
                    _ => f64::NAN,
                },
            };
            if shown.is_finite() {
                output.push(row, label, shown);
            }
        }
        match self.before.get_mut(label) {
            Some((round, before)) => {
                *round = self.round;
                before.copy_from_slice(&self.values);
            }
            None => drop(self.before.insert(label.to_owned(), (self.round, self.values.clone()))),
        }
    }

    /// Ends a round: labels that were not seen in it are forgotten.
    pub(super) fn end(&mut self) {
        let round = self.round;
        self.before.retain(|_, (seen, _)| *seen == round);
        self.round += 1;
    }
}

/// A number of up to four digits as text, without allocating.
fn decimal(mut number: usize, digits: &mut [u8; 4]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at = at.saturating_sub(1);
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 || at == 0 {
            return &digits[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables;
    use super::*;

    #[test]
    fn rates_need_two_samples_and_survive_a_reset() {
        let mut area = Area::new(tables::DISK);
        let mut output = Output::default();
        let mut take = |reads: f64, elapsed: f64| {
            output.begin(elapsed);
            area.clear();
            area.set_columns([reads, 0.0].into_iter());
            area.emit(&mut output, "vda");
            area.end();
            let metrics = output.finish();
            metrics.iter().find(|metric| metric.name == "disk.reads").map(|metric| metric.value)
        };
        assert_eq!(take(100.0, 0.0), None);
        assert_eq!(take(150.0, 2.0), Some(25.0));
        assert_eq!(take(3.0, 1.0), None);
        assert_eq!(take(4.0, 1.0), Some(1.0));
    }

    #[test]
    fn labels_that_vanish_are_forgotten_and_their_number_is_bounded() {
        let mut area = Area::new(tables::DISK);
        let mut output = Output::default();
        for number in 0..LABELS_MAX + 9 {
            area.emit(&mut output, &number.to_string());
        }
        assert_eq!(area.before.len(), LABELS_MAX);
        area.end();
        area.end();
        assert!(area.before.is_empty());
    }

    #[test]
    fn small_numbers_are_written() {
        let mut digits = [0; 4];
        for number in [0, 7, 10, 99, 512, 9999] {
            assert_eq!(decimal(number, &mut digits), number.to_string().as_bytes());
        }
    }
}
