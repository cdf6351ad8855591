//! A port that takes connections.

use super::{Failure, Probe, ProbeSettings};
use crate::fault;
use async_trait::async_trait;
use base::{Fault, Random, Result};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// The kind.
pub(super) struct Tcp;

#[async_trait]
impl Probe for Tcp {
    fn word(&self) -> &'static str {
        "tcp"
    }

    fn port(&self, _: &ProbeSettings) -> u16 {
        0
    }

    fn check(&self, settings: &ProbeSettings) -> Result<()> {
        let fault = || Fault::new(&fault::PROBE).object("tcp").expected("a port");
        if settings.port == 0 { Err(fault()) } else { Ok(()) }
    }

    async fn ask(&self, at: SocketAddr, _: &ProbeSettings, _: &dyn Random) -> std::result::Result<(), Failure> {
        TcpStream::connect(at).await?;
        Ok(())
    }
}
