//! A name server that takes dynamic updates (RFC 2136) signed with TSIG (RFC 8945).

use super::{Provider, Records, Seen, Settings, Swap};
use crate::exchange::{Patience, exchange};
use crate::fault;
use crate::key::Key;
use crate::message::{self, TYPES, Updated};
use crate::name::{Addresses, Found, Protected};
use async_trait::async_trait;
use base::{Clock, Fault, Random, Result};
use std::net::SocketAddr;
use std::sync::Arc;

/// Most servers whose answer is read after a switch.
const WITNESSES_MAX: usize = 16;

/// The kind.
pub(super) struct Rfc2136;

impl Provider for Rfc2136 {
    fn word(&self) -> &'static str {
        "rfc2136"
    }

    fn open(&self, settings: &Settings, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Box<dyn Records>> {
        if settings.witnesses.len() > WITNESSES_MAX {
            let fault = Fault::new(&fault::PROVIDER).object(settings.server);
            return Err(fault.expected(format!("at most {WITNESSES_MAX} witnesses")).found(settings.witnesses.len()));
        }
        let key = Key::read(&settings.key_file)?;
        let (server, witnesses) = (settings.server, settings.witnesses.clone());
        Ok(Box::new(Primary { server, key, witnesses, clock, random, patience: Patience::default() }))
    }
}

/// The primary server of a zone.
struct Primary {
    server: SocketAddr,
    key: Key,
    witnesses: Vec<SocketAddr>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    patience: Patience,
}

impl Primary {
    fn id(&self) -> u16 {
        self.random.below(1 << 16) as u16
    }

    fn now_s(&self) -> u64 {
        u64::try_from(self.clock.wall() / 1_000_000).unwrap_or(0)
    }

    /// Both RRsets as one server tells them.
    async fn ask(&self, server: SocketAddr, name: &Protected, key: Option<&Key>, primary: bool) -> Result<Found> {
        let mut found = Found::default();
        for kind in TYPES {
            let question = message::question(name, kind, self.id(), !primary);
            let asked = message::seal(question, key, self.now_s())?;
            exchange(server, &asked, key, self.patience).await?.found(name, primary, &mut found)?;
        }
        Ok(found)
    }

    async fn update(&self, name: &Protected, from: &Addresses, to: &Addresses) -> Result<Updated> {
        let asked = message::seal(message::update(name, from, to, self.id()), Some(&self.key), self.now_s())?;
        exchange(self.server, &asked, Some(&self.key), self.patience).await?.updated(name)
    }
}

#[async_trait]
impl Records for Primary {
    async fn read(&self, name: &Protected) -> Result<Found> {
        self.ask(self.server, name, Some(&self.key), true).await
    }

    async fn compare_and_swap(&self, name: &Protected, from: &Addresses, to: &Addresses) -> Result<Swap> {
        let updated = self.update(name, from, to).await;
        if let Ok(Updated::Done) = updated {
            return Ok(Swap::Done);
        }
        // A refusal that is believed, or that only the key explains, is the end of it.
        if let Err(fault) = &updated
            && ![&fault::TIMEOUT, &fault::UNREACHABLE, &fault::UNSIGNED].iter().any(|code| fault.is(code))
        {
            return Err(fault.clone());
        }
        // It is otherwise, or no answer came: what it is now says which. A lost answer to a change that was made makes its
        // repeat fail, so "otherwise" may be our own doing.
        let found = self.read(name).await;
        match (updated, found) {
            (_, Ok(found)) if found.addresses == *to => Ok(Swap::Already),
            (Ok(_), Ok(found)) => Ok(Swap::Changed(found)),
            (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
        }
    }

    async fn verify(&self, name: &Protected) -> Vec<Seen> {
        let mut seen = vec![Seen { server: self.server, found: self.ask(self.server, name, None, true).await }];
        for witness in &self.witnesses {
            seen.push(Seen { server: *witness, found: self.ask(*witness, name, None, false).await });
        }
        seen
    }
}
