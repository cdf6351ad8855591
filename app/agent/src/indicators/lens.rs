//! The filter of crate `intel`, and how events are looked at through it.

use base::Result;
use intel::{Filter, FilterDelta, Observer};
use record::Event;

/// A filter of indicators.
pub struct Lens(Filter);

/// What one judge keeps from event to event.
#[derive(Default)]
pub struct Scratch(Observer);

impl Lens {
    /// From the content that the server published.
    pub fn read(content: &[u8]) -> Result<Lens> {
        Filter::decode(content).map(Lens)
    }

    /// The filter after a change.
    pub fn changed(&self, content: &[u8]) -> Result<Lens> {
        let mut next = self.0.clone();
        next.apply(&FilterDelta::decode(content)?)?;
        Ok(Lens(next))
    }

    /// Its state.
    pub fn version(&self) -> u64 {
        self.0.epoch()
    }

    /// Shows each value of an event that may be listed: word of its kind, key, and the value.
    pub fn look(&self, event: &Event, scratch: &mut Scratch, take: &mut dyn FnMut(&'static str, u64, &str)) {
        scratch.0.look(event, |seen| {
            if self.0.may_hold(seen) {
                take(seen.kind.word(), seen.key.0, seen.value);
            }
        });
    }
}
