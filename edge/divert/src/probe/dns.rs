//! A name server that answers a question without a fault.

use super::{Failure, Probe, ProbeSettings};
use crate::exchange::{Patience, exchange};
use crate::{fault, message, name};
use async_trait::async_trait;
use base::{Fault, Random, Result};
use hickory_proto::rr::Name;
use std::net::SocketAddr;
use std::time::Duration;

/// The kind.
pub(super) struct Dns;

#[async_trait]
impl Probe for Dns {
    fn word(&self) -> &'static str {
        "dns"
    }

    fn port(&self, _: &ProbeSettings) -> u16 {
        53
    }

    fn check(&self, settings: &ProbeSettings) -> Result<()> {
        let asked = asked_name(settings).map(|_| ());
        asked.map_err(|_| Fault::new(&fault::PROBE).object("dns").expected("a name to ask for").found(&settings.host))
    }

    async fn ask(
        &self,
        at: SocketAddr,
        settings: &ProbeSettings,
        random: &dyn Random,
    ) -> std::result::Result<(), Failure> {
        let name = asked_name(settings).map_err(|_| Failure::Protocol)?;
        let message = message::any_question(name, random.below(1 << 16) as u16);
        let asked = message::seal(message, None, 0).map_err(|_| Failure::Protocol)?;
        let patience = Patience { attempt: Duration::from_millis(u64::from(settings.timeout_ms)), attempts: 1 };
        let answer = exchange(at, &asked, None, patience).await;
        let answer = answer.map_err(|fault| match fault.code() {
            code if *code == fault::TIMEOUT => Failure::Timeout,
            code if *code == fault::UNREACHABLE => Failure::Connection(fault.got().to_string()),
            _ => Failure::Protocol,
        })?;
        if answer.well() { Ok(()) } else { Err(Failure::Protocol) }
    }
}

fn asked_name(settings: &ProbeSettings) -> Result<Name> {
    if settings.host.is_empty() { Ok(Name::root()) } else { name::parse(&settings.host) }
}
