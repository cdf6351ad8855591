//! The ledger on its tables: seals entries one after the other, together with the writes they prove.

use super::fault;
use super::witness::Witness;
use base::{Clock, Fault, Result};
use ledger::{Draft, Head, Verifier};
use port::{Item, Tables, Write};
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
    /// The newest entry; the outer `None` says that it must be read again, because a commit ended without a clear answer.
    head: Mutex<Option<Option<Entry>>>,
    /// Heads kept beside the tables.
    witness: Option<Witness>,
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
    /// Opens the ledger at its newest entry. An entry that does not decode is a fault: nothing can follow it.
    pub async fn open(tables: Arc<dyn Tables>, clock: Arc<dyn Clock>) -> Result<Book> {
        let head = newest(&*tables).await?;
        Ok(Book { tables, clock, head: Mutex::new(Some(head)), witness: None })
    }

    /// Keeps every head in a file beside the tables from now on, so that a tail cut off while nothing ran is found.
    pub fn witnessed(self, witness: Witness) -> Book {
        Book { witness: Some(witness), ..self }
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
        let mut known = self.head.lock().await;
        let draft = Draft::new(self.clock.wall(), who, what, object, &details);
        // Taken out for as long as the commit runs: one that fails, or whose caller goes away, may have happened.
        let sure = known.take();
        let head = match &sure {
            Some(head) => head.clone(),
            None => newest(&*self.tables).await?,
        };
        let entry = match self.write(head.as_ref(), draft.clone(), also.clone()).await {
            // What was in memory was not the newest: once more on top of what the tables hold.
            Err(fault) if fault.is(&port::fault::CONFLICT) && sure.is_some() => {
                let head = newest(&*self.tables).await?;
                self.write(head.as_ref(), draft, also).await?
            }
            written => written?,
        };
        *known = Some(Some(entry.clone()));
        if let Some(witness) = &self.witness
            && let Err(fault) = witness.note(&Head::of(&entry))
        {
            tracing::error!(fault = %fault.inside(), "the newest head of the ledger was not kept beside it");
        }
        Ok(entry)
    }

    async fn write(&self, head: Option<&Entry>, draft: Draft, also: Vec<Write>) -> Result<Entry> {
        let entry = ledger::seal(head, draft);
        let value = serde_json::to_vec(&entry).unwrap_or_default().into();
        let mut writes = also;
        // Version 0: a second writer on the same tables is found out instead of forking the chain.
        writes.push(Write::PutIf { table: LEDGER, key: key(entry.seq), value, version: 0 });
        self.tables.commit(writes).await?;
        Ok(entry)
    }

    /// Entries after this number, at most `limit`.
    pub async fn page(&self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        let start = if after == 0 { String::new() } else { key(after) };
        let items = self.tables.scan(LEDGER, "", &start, limit).await?;
        items.iter().map(decode).collect()
    }

    /// Reads the whole chain and says whether it holds, up to every head that was kept.
    pub async fn verify(&self) -> Result<Verdict> {
        let known = self.head.lock().await.clone().flatten();
        let kept = self.witness.as_ref().map(Witness::heads).transpose()?.unwrap_or_default();
        let heads = kept.into_iter().chain(known.as_ref().map(Head::of));
        let mut verifier = heads.fold(Verifier::new(), Verifier::expect_head);
        let mut after = String::new();
        let (mut entries, mut last) = (0, String::new());
        loop {
            let items = self.tables.scan(LEDGER, "", &after, PAGE).await?;
            let Some(end) = items.last() else { break };
            after = end.key.clone();
            for item in &items {
                if let Err(fault) = decode(item).and_then(|entry| {
                    last = entry.hash.clone();
                    verifier.feed(&entry)
                }) {
                    return Ok(Verdict { entries, head: last, broken: Some(fault.to_string()) });
                }
                entries += 1;
            }
        }
        let broken = verifier.finish().err().map(|fault| fault.to_string());
        Ok(Verdict { entries, head: last, broken })
    }
}

async fn newest(tables: &dyn Tables) -> Result<Option<Entry>> {
    tables.scan_back(LEDGER, "", "", 1).await?.first().map(decode).transpose()
}

fn decode(item: &Item) -> Result<Entry> {
    let damaged =
        |cause| Fault::new(&fault::LEDGER_DAMAGED).object(format!("ledger entry {}", item.key)).because(cause);
    serde_json::from_slice(&item.value).map_err(damaged)
}

fn key(seq: u64) -> String {
    format!("{seq:020}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;
    use port::MemoryTables;
    use serde_json::json;

    async fn book(tables: &Arc<MemoryTables>) -> Book {
        Book::open(tables.clone(), Arc::new(ManualClock::at(1))).await.unwrap()
    }

    async fn seal(book: &Book, object: &str) -> Result<Entry> {
        book.seal("user:a", "test", object, json!({}), Vec::new()).await
    }

    #[tokio::test]
    async fn a_commit_that_failed_or_was_overtaken_does_not_stop_the_ledger() {
        let tables = Arc::new(MemoryTables::default());
        let book = book(&tables).await;
        seal(&book, "one").await.unwrap();
        tables.trip.fail_at(1);
        assert!(seal(&book, "two").await.is_err());
        assert_eq!(seal(&book, "two").await.unwrap().seq, 2);
        // Committed, but this book never heard of it.
        let behind = self::book(&tables).await;
        seal(&book, "three").await.unwrap();
        assert_eq!(seal(&behind, "four").await.unwrap().seq, 4);
        assert_eq!(behind.verify().await.unwrap().broken, None);
    }

    #[tokio::test]
    async fn a_dropped_call_leaves_the_head_unknown_and_not_wrong() {
        let tables = Arc::new(MemoryTables::default());
        let book = book(&tables).await;
        *book.head.lock().await = None;
        tables.commit(vec![Write::Put { table: LEDGER, key: key(1), value: "not an entry".into() }]).await.unwrap();
        assert!(seal(&book, "one").await.unwrap_err().is(&fault::LEDGER_DAMAGED));
        assert!(Book::open(tables.clone(), Arc::new(ManualClock::at(1))).await.is_err());
        assert!(book.verify().await.unwrap().broken.is_some());
    }

    #[tokio::test]
    async fn a_tail_cut_off_while_nothing_ran_is_found() {
        let (tables, folder) = (Arc::new(MemoryTables::default()), tempfile::tempdir().unwrap());
        let path = folder.path().join("ledger.heads");
        let first = book(&tables).await.witnessed(Witness::open(&path).unwrap());
        for object in ["one", "two", "three"] {
            seal(&first, object).await.unwrap();
        }
        assert_eq!(first.verify().await.unwrap().broken, None);
        drop(first);
        tables.commit(vec![Write::Delete { table: LEDGER, key: key(3) }]).await.unwrap();
        let later = book(&tables).await.witnessed(Witness::open(&path).unwrap());
        assert!(later.verify().await.unwrap().broken.is_some());
        // Going on does not hide it.
        seal(&later, "another three").await.unwrap();
        assert!(later.verify().await.unwrap().broken.is_some());
    }
}
