//! Rates by key in fixed memory: a count-min sketch (Cormode, Muthukrishnan 2005) of smoothed rates, and the few keys with the
//! most requests (Space-Saving; Metwally, Agrawal, El Abbadi 2005).

/// Cells of a row. Two rows: a key is over-estimated only when both its cells are shared.
const WIDTH: usize = 2048;

/// Requests a second by key, smoothed.
#[derive(Debug)]
pub(crate) struct Rates {
    counts: Vec<u32>,
    rates: Vec<f32>,
}

impl Rates {
    pub(crate) fn new() -> Rates {
        Rates { counts: vec![0; 2 * WIDTH], rates: vec![0.0; 2 * WIDTH] }
    }

    fn cells(key: u64) -> [usize; 2] {
        [key as usize & (WIDTH - 1), WIDTH + ((key >> 32) as usize & (WIDTH - 1))]
    }

    pub(crate) fn add(&mut self, key: u64) {
        for cell in Rates::cells(key) {
            self.counts[cell] = self.counts[cell].saturating_add(1);
        }
    }

    /// A second ended: each rate moves towards its count by `weight` (0 forgets the second).
    pub(crate) fn tick(&mut self, weight: f32) {
        for (rate, count) in self.rates.iter_mut().zip(&mut self.counts) {
            *rate += weight * (*count as f32 - *rate);
            *count = 0;
        }
    }

    pub(crate) fn rate(&self, key: u64) -> f32 {
        let [one, other] = Rates::cells(key);
        self.rates[one].min(self.rates[other])
    }
}

/// A key with its text and its count.
#[derive(Debug, Clone)]
pub(crate) struct Hitter {
    pub(crate) key: u64,
    pub(crate) label: String,
    count: u32,
}

/// The keys with the most requests of late.
#[derive(Debug, Default)]
pub(crate) struct Hitters {
    list: Vec<Hitter>,
}

/// Most keys kept.
const HITTERS: usize = 48;

impl Hitters {
    pub(crate) fn add(&mut self, key: u64, label: impl FnOnce() -> String) {
        if let Some(hitter) = self.list.iter_mut().find(|hitter| hitter.key == key) {
            hitter.count = hitter.count.saturating_add(1);
        } else if self.list.len() < HITTERS {
            self.list.push(Hitter { key, label: label(), count: 1 });
        } else if let Some(least) = self.list.iter_mut().min_by_key(|hitter| hitter.count) {
            *least = Hitter { key, label: label(), count: least.count.saturating_add(1) };
        }
    }

    /// A second ended: older requests count half.
    pub(crate) fn tick(&mut self) {
        self.list.retain_mut(|hitter| {
            hitter.count /= 2;
            hitter.count > 0
        });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Hitter> {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_and_fade() {
        let mut rates = Rates::new();
        for _ in 0..20 {
            (0..50).for_each(|_| rates.add(0x1234_5678_9abc_def0));
            rates.tick(0.5);
        }
        assert!((rates.rate(0x1234_5678_9abc_def0) - 50.0).abs() < 0.1);
        assert!(rates.rate(1) == 0.0);
        (0..20).for_each(|_| rates.tick(0.5));
        assert!(rates.rate(0x1234_5678_9abc_def0) < 0.1);
    }

    #[test]
    fn heavy_keys_are_kept_among_many() {
        let mut hitters = Hitters::default();
        for step in 0..20_000_u64 {
            hitters.add(1 + step % 3, || "heavy".to_owned());
            hitters.add(1000 + step, || "light".to_owned());
        }
        let heavy = hitters.iter().filter(|hitter| hitter.label == "heavy" && hitter.key <= 3).count();
        assert_eq!((heavy, hitters.list.len()), (3, HITTERS));
        (0..32).for_each(|_| hitters.tick());
        assert_eq!(hitters.list.len(), 0);
    }
}
