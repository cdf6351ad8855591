//! Tokens, agents and the deny list, as documents in [`Tables`].

use crate::fault;
use crate::token::sha256;
use base::{Fault, Result};
use port::{Item, Tables, Write};
use record::{AgentId, Host};
use std::sync::Arc;
use subtle::ConstantTimeEq;

const TOKENS: &str = "fleet.tokens";
const AGENTS: &str = "fleet.agents";
const DENIED: &str = "fleet.denied";
/// Most tries of a change that others change at the same time.
const TRIES: usize = 16;
/// Rows of one page when all are read.
const PAGE: usize = 500;

/// A token as the server keeps it: without its secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Kept {
    /// SHA-256 of the secret, hexadecimal.
    pub(crate) hash: String,
    pub(crate) expires_s: u64,
    pub(crate) uses_left: u32,
    pub(crate) group: String,
}

/// A certificate that was given to an agent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Issued {
    pub(crate) serial: String,
    pub(crate) ends_s: i64,
}

/// An agent that enrolled.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Enrolled {
    /// Its id, 32 hexadecimal digits.
    pub agent: String,
    /// Its host as it described itself at enrolment.
    pub host: Host,
    /// The token's group.
    pub group: String,
    /// When, µs since the Unix epoch.
    pub enrolled_us: i64,
    /// Why it was shut out; empty when it was not.
    pub denied: String,
    pub(crate) certificates: Vec<Issued>,
}

/// The documents.
pub(crate) struct Registry {
    tables: Arc<dyn Tables>,
}

impl Registry {
    pub(crate) fn new(tables: Arc<dyn Tables>) -> Registry {
        Registry { tables }
    }

    /// Keeps a token, by the hash of its secret.
    pub(crate) async fn keep_token(&self, secret: &[u8], kept: Kept) -> Result<()> {
        let value = document(&kept)?;
        self.tables.commit(vec![Write::Put { table: TOKENS, key: token_key(secret), value }]).await
    }

    /// Takes one use of a token and gives its group.
    pub(crate) async fn spend_token(&self, secret: &[u8], now_s: u64) -> Result<String> {
        let key = token_key(secret);
        let refused = |code| Fault::new(code).object(format!("token {key}"));
        for _ in 0..TRIES {
            let item = self.tables.get(TOKENS, &key).await?.ok_or_else(|| refused(&fault::UNKNOWN_TOKEN))?;
            let mut kept: Kept = read(&item)?;
            let hash = hex::encode(sha256(secret));
            if !bool::from(hash.as_bytes().ct_eq(kept.hash.as_bytes())) {
                return Err(refused(&fault::UNKNOWN_TOKEN));
            }
            if now_s >= kept.expires_s {
                return Err(refused(&fault::EXPIRED_TOKEN));
            }
            kept.uses_left = kept.uses_left.checked_sub(1).ok_or_else(|| refused(&fault::USED_TOKEN))?;
            if self.replace(TOKENS, &item, &kept, Vec::new()).await? {
                return Ok(kept.group);
            }
        }
        Err(Fault::new(&port::fault::CONFLICT).object(format!("token {key}")))
    }

    pub(crate) async fn revoke_token(&self, secret: &[u8]) -> Result<()> {
        self.tables.commit(vec![Write::Delete { table: TOKENS, key: token_key(secret) }]).await
    }

    pub(crate) async fn add_agent(&self, agent: &Enrolled) -> Result<()> {
        let (key, value) = (agent.agent.clone(), document(agent)?);
        self.tables.commit(vec![Write::PutIf { table: AGENTS, key, value, version: 0 }]).await
    }

    /// Notes the next certificate of an agent and forgets those that ended.
    pub(crate) async fn add_certificate(&self, agent: AgentId, issued: Issued, now_s: i64) -> Result<()> {
        let add = |enrolled: &mut Enrolled| {
            // Shut out between the greeting and this call: the next certificate would not be on the list.
            if !enrolled.denied.is_empty() {
                return Err(Fault::new(&fault::DENIED).object(format!("agent {agent}")));
            }
            enrolled.certificates.retain(|old| old.ends_s > now_s);
            enrolled.certificates.push(issued.clone());
            Ok(Vec::new())
        };
        self.change(agent, add).await.map(drop)
    }

    /// Shuts an agent out and gives the serial numbers of its certificates.
    pub(crate) async fn deny(&self, agent: AgentId, reason: &str) -> Result<Vec<String>> {
        let value = bytes::Bytes::copy_from_slice(agent.to_string().as_bytes());
        let put = |issued: &Issued| Write::Put { table: DENIED, key: issued.serial.clone(), value: value.clone() };
        let shut = |enrolled: &mut Enrolled| {
            enrolled.denied = if reason.is_empty() { "denied".to_string() } else { reason.to_string() };
            Ok(enrolled.certificates.iter().map(put).collect())
        };
        let enrolled = self.change(agent, shut).await?;
        Ok(enrolled.certificates.into_iter().map(|issued| issued.serial).collect())
    }

    /// Every denied serial number.
    pub(crate) async fn denied(&self) -> Result<Vec<String>> {
        Ok(self.all(DENIED).await?.into_iter().map(|item| item.key).collect())
    }

    /// Every agent.
    pub(crate) async fn agents(&self) -> Result<Vec<Enrolled>> {
        self.all(AGENTS).await?.iter().map(read).collect()
    }

    /// The group of an agent.
    pub(crate) async fn group(&self, agent: AgentId) -> Result<String> {
        let item = self.tables.get(AGENTS, &agent.to_string()).await?;
        Ok(item.map(|item| read::<Enrolled>(&item)).transpose()?.map(|agent| agent.group).unwrap_or_default())
    }

    async fn all(&self, table: &'static str) -> Result<Vec<Item>> {
        let mut found: Vec<Item> = Vec::new();
        loop {
            let after = found.last().map(|item| item.key.clone()).unwrap_or_default();
            let page = self.tables.scan(table, "", &after, PAGE).await?;
            let last = page.len() < PAGE;
            found.extend(page);
            if last {
                return Ok(found);
            }
        }
    }

    /// Changes an agent, together with the writes that the change asks for.
    async fn change(&self, agent: AgentId, change: impl Fn(&mut Enrolled) -> Result<Vec<Write>>) -> Result<Enrolled> {
        let key = agent.to_string();
        for _ in 0..TRIES {
            let missing = || Fault::new(&port::fault::MISSING).object(format!("agent {key}"));
            let item = self.tables.get(AGENTS, &key).await?.ok_or_else(missing)?;
            let mut enrolled: Enrolled = read(&item)?;
            let also = change(&mut enrolled)?;
            if self.replace(AGENTS, &item, &enrolled, also).await? {
                return Ok(enrolled);
            }
        }
        Err(Fault::new(&port::fault::CONFLICT).object(format!("agent {key}")))
    }

    /// Replaces a document unless someone else did; says whether it was replaced.
    async fn replace(
        &self,
        table: &'static str,
        item: &Item,
        next: &impl serde::Serialize,
        also: Vec<Write>,
    ) -> Result<bool> {
        let value = document(next)?;
        let mut writes = also;
        writes.push(Write::PutIf { table, key: item.key.clone(), value, version: item.version });
        match self.tables.commit(writes).await {
            Ok(()) => Ok(true),
            Err(fault) if fault.is(&port::fault::CONFLICT) => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

fn token_key(secret: &[u8]) -> String {
    hex::encode(&sha256(secret)[..8])
}

fn document(value: &impl serde::Serialize) -> Result<bytes::Bytes> {
    let wrong = |cause| Fault::new(&port::fault::FAILED).object("document").because(cause);
    serde_json::to_vec(value).map(bytes::Bytes::from).map_err(wrong)
}

fn read<T: serde::de::DeserializeOwned>(item: &Item) -> Result<T> {
    serde_json::from_slice(&item.value)
        .map_err(|cause| Fault::new(&port::fault::FAILED).object(&item.key).because(cause))
}
