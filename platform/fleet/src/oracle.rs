//! Who answers the questions of agents, and how many questions one agent may ask.

use crate::wire::{Answer, Ask};
use async_trait::async_trait;
use base::Result;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use record::AgentId;
use std::sync::Arc;
use std::time::Instant;

/// Questions of one agent that are looked up at a time.
const AT_ONCE: usize = 16;
/// Questions that one agent may ask at once, and how many a second after that. A filter is wrong about one value in tens
/// of thousands, so more is an attack or a mistake; the agent is told to come later.
const BURST: u32 = 256;
const EACH_SECOND: f64 = 64.0;
/// Longest value of a question, bytes.
const VALUE_BYTES: usize = 4096;

/// Answers questions of agents.
#[async_trait]
pub trait Oracle: Send + Sync {
    /// What is known of a value, in the form that the programs at both ends agree on; none when it is no indicator. A
    /// fault is "ask again later".
    async fn answer(&self, agent: AgentId, ask: Ask) -> Result<Option<Bytes>>;
}

/// The questions of one agent.
pub(crate) struct Desk {
    agent: AgentId,
    oracle: Option<Arc<dyn Oracle>>,
    asked: FuturesUnordered<BoxFuture<'static, Answer>>,
    allowed: f64,
    since: Instant,
}

impl Desk {
    pub(crate) fn new(agent: AgentId, oracle: Option<Arc<dyn Oracle>>) -> Desk {
        Desk { agent, oracle, asked: FuturesUnordered::new(), allowed: f64::from(BURST), since: Instant::now() }
    }

    /// Looks a question up. Without an oracle nobody answers, and the agent keeps what it asked about.
    pub(crate) fn ask(&mut self, ask: Ask) {
        let Some(oracle) = self.oracle.clone() else { return };
        let (id, agent) = (ask.id, self.agent);
        let later = Answer { id, found: None, later: true };
        if ask.value.len() > VALUE_BYTES || self.asked.len() >= AT_ONCE || !self.spend(Instant::now()) {
            return self.asked.push(Box::pin(async { later }));
        }
        self.asked.push(Box::pin(async move {
            match oracle.answer(agent, ask).await {
                Ok(found) => Answer { id, found, later: false },
                Err(fault) => {
                    tracing::info!("question of {agent}: {}", fault.inside());
                    later
                }
            }
        }));
    }

    /// The next answer; never, while nothing is asked.
    pub(crate) async fn answer(&mut self) -> Answer {
        match self.asked.next().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// Whether more may be asked. Answers that the link does not take must not pile up.
    pub(crate) fn open(&self) -> bool {
        self.asked.len() < 4 * AT_ONCE
    }

    fn spend(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = now;
        self.allowed = (self.allowed + passed * EACH_SECOND).min(f64::from(BURST));
        let may = self.allowed >= 1.0;
        if may {
            self.allowed -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_allowed_and_then_a_rate() {
        let mut desk = Desk::new(AgentId::default(), None);
        let begin = desk.since;
        let spent = (0..BURST * 2).filter(|_| desk.spend(begin)).count();
        assert_eq!(spent as u32, BURST);
        let second = begin + Duration::from_secs(1);
        let spent = (0..BURST * 2).filter(|_| desk.spend(second)).count();
        assert_eq!(spent as f64, EACH_SECOND);
    }
}
