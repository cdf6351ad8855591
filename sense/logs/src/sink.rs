//! Where events go.

use base::Result;
use record::Event;

/// Takes events. A return without fault means that they are safe (queued for judgement and spooled): only then does the
/// reader move its durable position past them. After a fault the same records are read and given again.
pub trait Sink: Send + Sync {
    /// Takes a batch, in the order of its source.
    fn take(&self, events: Vec<Event>) -> Result<()>;
}
