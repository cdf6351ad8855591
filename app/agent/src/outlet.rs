//! Where the agent's records go: the spool in service, a channel in a self-test.

use base::Result;
use bus::SharedSpool;
use record::{Alert, Event, Receipt, Sample};

/// Takes records from the agent's threads.
pub trait Outlet: Send + Sync {
    /// Telemetry, in order; leaves the list empty.
    fn events(&self, events: &mut Vec<Event>);
    /// A finding; returns it with its id.
    fn alert(&self, alert: Alert) -> Result<Alert>;
    /// What became of an order.
    fn receipt(&self, receipt: Receipt) -> Result<()>;
    /// Metrics.
    fn sample(&self, sample: Sample);
    /// Returns when the events that came in so far outlive the agent, as far as the disk allows.
    fn keep(&self);
}

/// The spool keeps them until the server has acknowledged.
impl Outlet for SharedSpool {
    fn events(&self, events: &mut Vec<Event>) {
        self.push_telemetry(events.drain(..));
    }

    fn alert(&self, mut alert: Alert) -> Result<Alert> {
        alert.id = self.push_alert(alert.clone())?.to_string();
        Ok(alert)
    }

    fn receipt(&self, receipt: Receipt) -> Result<()> {
        self.push_receipt(receipt).map(|_| ())
    }

    fn sample(&self, sample: Sample) {
        self.push_sample(sample);
    }

    fn keep(&self) {
        self.with(bus::Spool::flush);
    }
}
