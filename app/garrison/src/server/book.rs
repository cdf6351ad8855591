//! The ledger on its tables: seals entries one after the other, together with the writes they prove.

use base::{Clock, Result};
use ledger::{Draft, Verifier};
use port::{Tables, Write};
use record::Entry;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Table of ledger entries; the key is the number, twenty digits.
pub const LEDGER: &str = "ledger";

/// Entries read at once while verifying.
const PAGE: usize = 1000;

/// The one writer of the ledger.
pub struct Book {
    tables: Arc<dyn Tables>,
    clock: Arc<dyn Clock>,
    head: Mutex<Option<Entry>>,
}

/// What a verification found.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Verdict {
    /// Entries read.
    pub entries: u64,
    /// Hash of the newest, empty for an empty ledger.
    pub head: String,
    /// What is wrong, `None` when the chain holds.
    pub broken: Option<String>,
}

impl Book {
    /// Opens the ledger at its newest entry.
    pub async fn open(tables: Arc<dyn Tables>, clock: Arc<dyn Clock>) -> Result<Book> {
        let newest = tables.scan_back(LEDGER, "", "", 1).await?;
        let head = newest.first().and_then(|item| serde_json::from_slice(&item.value).ok());
        Ok(Book { tables, clock, head: Mutex::new(head) })
    }

    /// Seals who did what to which object, and commits the entry together with `also`: both stand or neither.
    pub async fn seal(
        &self,
        who: &str,
        what: &str,
        object: &str,
        details: serde_json::Value,
        also: Vec<Write>,
    ) -> Result<Entry> {
        let mut head = self.head.lock().await;
        let draft = Draft::new(self.clock.wall(), who, what, object, &details);
        let entry = ledger::seal(head.as_ref(), draft);
        let value = serde_json::to_vec(&entry).unwrap_or_default().into();
        let mut writes = also;
        // Version 0: a second writer on the same tables is found out instead of forking the chain.
        writes.push(Write::PutIf { table: LEDGER, key: key(entry.seq), value, version: 0 });
        self.tables.commit(writes).await?;
        *head = Some(entry.clone());
        Ok(entry)
    }

    /// Entries after this number, at most `limit`.
    pub async fn page(&self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        let start = if after == 0 { String::new() } else { key(after) };
        let items = self.tables.scan(LEDGER, "", &start, limit).await?;
        Ok(items.iter().filter_map(|item| serde_json::from_slice(&item.value).ok()).collect())
    }

    /// Reads the whole chain and says whether it holds.
    pub async fn verify(&self) -> Result<Verdict> {
        let known = self.head.lock().await.clone();
        let mut verifier = Verifier::new();
        let mut after = String::new();
        let (mut entries, mut last) = (0, String::new());
        loop {
            let items = self.tables.scan(LEDGER, "", &after, PAGE).await?;
            let Some(end) = items.last() else { break };
            after = end.key.clone();
            for item in &items {
                let fed = match serde_json::from_slice::<Entry>(&item.value) {
                    Ok(entry) => {
                        last = entry.hash.clone();
                        verifier.feed(&entry).map_err(|fault| fault.to_string())
                    }
                    Err(cause) => Err(format!("ledger entry {}: does not decode ({cause})", item.key)),
                };
                if let Err(broken) = fed {
                    return Ok(Verdict { entries, head: last, broken: Some(broken) });
                }
                entries += 1;
            }
        }
        // The newest entry that this process sealed must still be there: a cut tail leaves a chain that holds by itself.
        let cut = known.filter(|head| head.seq > entries);
        let broken =
            cut.map(|head| format!("ledger ends at {entries}, but entry {} was sealed: the tail was cut", head.seq));
        Ok(Verdict { entries, head: last, broken })
    }
}

fn key(seq: u64) -> String {
    format!("{seq:020}")
}
