//! What every request handler shares.

use crate::caller::Caller;
use crate::limiter::Limiter;
use crate::{Addresses, Control, Intelligence, Posture, Rules, Web};
use base::{Clock, Random, Result};
use port::{Query, Tables};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Password hashes computed at once: each takes 19 MiB and a core for some 30 ms.
const HASHES_AT_ONCE: usize = 2;
/// Requests that may wait for a hash: a crowd of logins must not pile up passwords in memory.
const HASHES_WAITING: usize = 64;
/// Live streams at once: each holds a connection and a place in the broadcast.
const STREAMS_AT_ONCE: usize = 64;

/// The API's surroundings, cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) control: Arc<dyn Control>,
    pub(crate) tables: Arc<dyn Tables>,
    pub(crate) query: Arc<dyn Query>,
    pub(crate) intelligence: Option<Arc<dyn Intelligence>>,
    pub(crate) rules: Option<Arc<dyn Rules>>,
    pub(crate) posture: Option<Arc<dyn Posture>>,
    pub(crate) web: Option<Arc<dyn Web>>,
    pub(crate) addresses: Option<Arc<dyn Addresses>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) hashes: Arc<Semaphore>,
    pub(crate) hash_places: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
}

impl ApiState {
    /// The API over this server, state and lake.
    pub fn new(
        control: Arc<dyn Control>,
        tables: Arc<dyn Tables>,
        query: Arc<dyn Query>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> ApiState {
        ApiState {
            control,
            tables,
            query,
            intelligence: None,
            rules: None,
            posture: None,
            web: None,
            addresses: None,
            clock,
            random,
            limiter: Arc::new(Limiter::default()),
            hashes: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            hash_places: Arc::new(Semaphore::new(HASHES_AT_ONCE + HASHES_WAITING)),
            streams: Arc::new(Semaphore::new(STREAMS_AT_ONCE)),
        }
    }

    /// With threat intelligence; without it its routes answer that there is none.
    pub fn with_intelligence(mut self, intelligence: Arc<dyn Intelligence>) -> ApiState {
        self.intelligence = Some(intelligence);
        self
    }

    /// With rules; without them their routes answer that there are none.
    pub fn with_rules(mut self, rules: Arc<dyn Rules>) -> ApiState {
        self.rules = Some(rules);
        self
    }

    /// With inventory and vulnerabilities; without them their routes answer that there are none.
    pub fn with_posture(mut self, posture: Arc<dyn Posture>) -> ApiState {
        self.posture = Some(posture);
        self
    }

    /// With web sites; without them their routes answer that there are none.
    pub fn with_web(mut self, web: Arc<dyn Web>) -> ApiState {
        self.web = Some(web);
        self
    }

    /// With a pool of addresses; without it its routes answer that there is none.
    pub fn with_addresses(mut self, addresses: Arc<dyn Addresses>) -> ApiState {
        self.addresses = Some(addresses);
        self
    }

    /// Seals what a caller does, before it is done.
    pub(crate) async fn seal(
        &self,
        caller: &Caller,
        what: &str,
        object: &str,
        details: serde_json::Value,
    ) -> Result<()> {
        self.control.seal(caller.draft(what, object, details)).await?;
        Ok(())
    }

    /// The wall clock, µs since the Unix epoch.
    pub(crate) fn now(&self) -> i64 {
        self.clock.wall()
    }
}
