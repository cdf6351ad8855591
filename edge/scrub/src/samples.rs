//! Sampled headers.

use crate::Filter;
use crate::layout::{Plain, SampleEntry};
use base::Result;
use ddos::{Prefix, Reason, Sample};
use std::collections::BTreeMap;
use std::time::Duration;

impl Filter {
    /// Takes at most so many samples (0: all that are there), oldest first, with the protected prefix that each went to.
    /// Does not wait. Samples of a prefix that is no longer protected are left out.
    ///
    /// # Errors
    /// [`kernel::fault::RING`].
    pub fn samples(&mut self, most: usize) -> Result<Vec<(Prefix, Sample)>> {
        let prefixes: BTreeMap<u32, Prefix> = self.slots.iter().map(|(prefix, slot)| (*slot, *prefix)).collect();
        let mut samples = Vec::new();
        self.ring.poll(Duration::ZERO, most, &mut |bytes| {
            if let Some(entry) = SampleEntry::read(bytes) {
                samples.extend(prefixes.get(&entry.slot).map(|prefix| (*prefix, sample(&entry))));
            }
        })?;
        Ok(samples)
    }

    /// Samples that were lost because nobody fetched them in time.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn samples_lost(&self) -> Result<u64> {
        Ok(self.maps.unsampled.first_values::<u64>(1)?.iter().flatten().fold(0, |sum, each| sum.wrapping_add(*each)))
    }
}

fn sample(entry: &SampleEntry) -> Sample {
    let captured = usize::from(entry.captured).min(entry.header.len());
    Sample {
        at_ns: entry.at,
        length: entry.length,
        reason: Reason::from_number(entry.reason),
        header: entry.header[..captured].into(),
    }
}
