//! A prober at another place: it asks the places of the names and sends what it thinks to a scrubber, signed.

use super::watch;
use crate::config::Config;
use crate::fault;
use base::{Clock, Fault, Random, Result};
use divert::{Key, Prober, Protected, Sighting, Vote, Voter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// Sightings that may wait to be sent.
const SIGHTINGS: usize = 1024;

/// Probes the names of a configuration and sends votes to a scrubber until the future is dropped. `key` names this prober;
/// the configuration's own key files are not read.
///
/// # Errors
/// [`fault::SOCKET`], and what `divert` says of the key and of the names.
pub async fn probe(
    config: &Config,
    to: SocketAddr,
    key: &Path,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<()> {
    let mut voter = Voter::new(Key::read(key)?);
    let (mut watches, mut names) = (Vec::new(), Vec::new());
    for (number, name) in config.names.iter().enumerate() {
        names.push(Protected::new(&name.zone, &name.name, name.ttl)?.name());
        watches.extend(watch(number, name)?);
    }
    let any = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let failed = |cause: std::io::Error| Fault::new(&fault::SOCKET).object(to).because(cause);
    let socket = tokio::net::UdpSocket::bind((any, 0)).await.map_err(failed)?;
    let (sink, mut sightings) = tokio::sync::mpsc::channel(SIGHTINGS);
    let _prober = Prober::start(watches, clock, random, &sink);
    while let Some(Sighting { name, place, condition, .. }) = sightings.recv().await {
        let vote =
            Vote { name: names[name].clone(), place: config.names[name].places[place].addresses.clone(), condition };
        for datagram in voter.seal(&[vote], clock.wall()) {
            // The scrubber may be away; the next second says it again.
            if let Err(cause) = socket.send_to(&datagram, to).await {
                tracing::debug!(%to, %cause, "a vote was not sent");
            }
        }
    }
    Ok(())
}
