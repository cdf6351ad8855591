//! What leaves: exports, and the collections of the TAXII server. Each partner sees a profile, never the store.

use super::{Intel, store};
use async_trait::async_trait;
use base::{Fault, Result};
use bytes::Bytes;
use intel::format::export::{self, Fields, One, Profile};
use intel::format::taxii::server::{Addition, Collection, Request, Response, Row, Server, Store};
use intel::{Indicator, Kind, Tlp};
use port::Write;
use std::sync::Arc;

/// Sharing profiles: key id, value JSON [`Share`].
pub const SHARES: &str = "intel-shares";
/// Objects that partners added: key `{collection}/{seq:016x}`, value JSON [`Added`].
const ADDED: &str = "intel-added";
/// Status of additions: key id, value JSON text.
const STATUS: &str = "intel-status";
/// Largest addition, bytes.
const ADDITION_BYTES: usize = 10 << 20;
/// Statuses kept.
const STATUSES: usize = 1000;
/// Most profiles.
const SHARES_MOST: usize = 200;

/// A one-way profile of what a partner gets.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Its id, a UUID: the collection's.
    pub id: String,
    /// Its readable name in addresses.
    pub alias: String,
    /// Its title.
    pub title: String,
    /// Accounts that may read it.
    #[serde(default)]
    pub readers: Vec<String>,
    /// Accounts that may add to it.
    #[serde(default)]
    pub writers: Vec<String>,
    /// Nothing more secret leaves.
    #[serde(default)]
    pub ceiling: Tlp,
    /// Only these kinds; empty is every kind.
    #[serde(default)]
    pub kinds: Vec<Kind>,
    /// Least confidence, 0–100.
    #[serde(default)]
    pub min_confidence: u8,
    /// What is said beside the values.
    #[serde(default)]
    pub fields: Fields,
}

impl Share {
    /// Checks what a person wrote.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str, expected: &str| Err(Fault::new(&api::fault::INVALID).object(what).expected(expected));
        let name = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if !intel::format::uuid::is_uuid(&self.id) {
            return wrong("id", "a UUID");
        }
        if self.alias.is_empty() || self.alias.len() > 64 || !self.alias.chars().all(name) {
            return wrong("alias", "1 to 64 letters, digits, `-`, `_`");
        }
        Ok(())
    }

    fn profile(&self, now_us: i64) -> Profile {
        Profile {
            title: self.title.clone(),
            ceiling: self.ceiling,
            kinds: self.kinds.clone(),
            min_confidence: self.min_confidence,
            fields: self.fields,
            now_us,
            ..Profile::default()
        }
    }

    /// What partners told us through this collection is not told back to them as ours.
    fn own_source(&self) -> String {
        format!("taxii-{}", self.alias)
    }
}

/// An object as a partner added it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Added {
    added_us: i64,
    id: String,
    kind: String,
    version_us: i64,
    spec: String,
    text: String,
}

/// What one account sees of the collections.
struct Seen<'i> {
    intel: &'i Arc<Intel>,
    account: &'i str,
    /// Whether it may read every collection.
    all: bool,
}

/// Sequence numbers of added objects stand beside those of indicators: both grow, and a row of a collection is named by
/// twice its number, plus one for an added object.
const fn of_indicator(seq: u64) -> u64 {
    seq << 1
}

impl Seen<'_> {
    async fn share(&self, collection: &str) -> Result<Share> {
        let shares = self.intel.shares().await?;
        let missing = || Fault::new(&api::fault::MISSING).object(format!("collection {collection}"));
        shares.into_iter().find(|share| share.id == collection).ok_or_else(missing)
    }

    fn row(&self, share: &Share, seq: u64, stored: store::Row) -> Option<Row> {
        let mut indicator = stored.indicator;
        let own = share.own_source();
        indicator.claims.retain(|claim| claim.source != own);
        let profile = share.profile(self.intel.clock.wall());
        let said = export::pass(indicator, &profile)?;
        let object = export::stix::object(&said, &profile);
        Some(Row {
            seq: of_indicator(seq),
            added_us: stored.added_us,
            id: object["id"].as_str().unwrap_or_default().to_owned(),
            kind: "indicator".into(),
            version_us: said.last_us / 1000 * 1000,
            spec: "2.1".into(),
            first: true,
            last: true,
            text: object.to_string(),
        })
    }

    fn added(item: &port::Item) -> Option<Row> {
        let seq = store::number(item.key.rsplit('/').next()?);
        let Added { added_us, id, kind, version_us, spec, text } = serde_json::from_slice(&item.value).ok()?;
        Some(Row { seq: of_indicator(seq) + 1, added_us, id, kind, version_us, spec, first: true, last: true, text })
    }
}

#[async_trait]
impl Store for Seen<'_> {
    async fn collections(&self) -> Result<Vec<Collection>> {
        let see = |share: Share| {
            let named = |list: &[String]| list.iter().any(|name| name == self.account);
            let (can_read, can_write) = (self.all || named(&share.readers), named(&share.writers));
            (can_read || can_write).then(|| Collection {
                id: share.id,
                title: share.title,
                description: format!("TLP:{} and below", share.ceiling.word().to_uppercase()),
                alias: share.alias,
                can_read,
                can_write,
            })
        };
        Ok(self.intel.shares().await?.into_iter().filter_map(see).collect())
    }

    async fn until(&self, _collection: &str, time_us: i64) -> Result<u64> {
        let before = format!("{:020}", time_us.saturating_add(1).max(0));
        let found = self.intel.tables.scan_back(store::BATCHES, "", &before, 1).await?;
        let seq = found.first().and_then(|item| String::from_utf8_lossy(&item.value).parse::<u64>().ok());
        Ok(seq.map_or(0, |seq| of_indicator(seq) + 1))
    }

    async fn after(&self, collection: &str, seq: u64, most: usize) -> Result<Vec<Row>> {
        let share = self.share(collection).await?;
        let mut rows = Vec::new();
        let mut after = if seq == 0 { String::new() } else { store::place(seq >> 1) };
        let mut looked = 0;
        while rows.len() < most && looked < intel::format::taxii::server::SCAN {
            let items = self.intel.tables.scan(store::ORDER, "", &after, most.max(256)).await?;
            let Some(last) = items.last() else { break };
            (after, looked) = (last.key.clone(), looked + items.len());
            for item in &items {
                if let Ok(stored) = serde_json::from_slice(&item.value) {
                    rows.extend(self.row(&share, store::number(&item.key), stored));
                }
            }
        }
        let prefix = format!("{collection}/");
        // An added object has the number after that of the indicators before it, so one behind `seq` may share its half.
        let from = if seq == 0 { String::new() } else { format!("{prefix}{}", store::place((seq - 1) >> 1)) };
        let added = self.intel.tables.scan(ADDED, &prefix, &from, most).await?;
        rows.extend(added.iter().filter_map(Seen::added).filter(|row| row.seq > seq));
        rows.sort_by_key(|row| row.seq);
        rows.truncate(most);
        Ok(rows)
    }

    async fn versions(&self, collection: &str, id: &str, most: usize) -> Result<Vec<Row>> {
        let share = self.share(collection).await?;
        let mut rows = Vec::new();
        if let Some(place) = self.intel.tables.get(store::PLACES, id).await?
            && let Some((seq, stored)) =
                store::by_place(&*self.intel.tables, &String::from_utf8_lossy(&place.value)).await?
        {
            rows.extend(self.row(&share, seq, stored));
        }
        let added = self.intel.tables.scan(ADDED, &format!("{collection}/"), "", usize::MAX >> 1).await?;
        rows.extend(added.iter().filter_map(Seen::added).filter(|row| row.id == id).take(most));
        let last = rows.iter().map(|row| row.version_us).max();
        let first = rows.iter().map(|row| row.version_us).min();
        for row in &mut rows {
            (row.first, row.last) = (Some(row.version_us) == first, Some(row.version_us) == last);
        }
        Ok(rows)
    }

    async fn add(&self, collection: &str, objects: Vec<Addition>) -> Result<Vec<Option<String>>> {
        let share = self.share(collection).await?;
        let bundle: Vec<&str> = objects.iter().map(|object| object.text.as_str()).collect();
        let bundle = format!("{{\"objects\": [{}]}}", bundle.join(","));
        let order = super::Order {
            source: share.own_source(),
            format: "stix".into(),
            tlp: Tlp::Amber,
            ..super::Order::default()
        };
        self.intel.take_objects(order, bundle.as_bytes()).await?;
        let mut writer = self.intel.turn.lock().await;
        let now = self.intel.clock.wall();
        let mut writes = Vec::new();
        for object in &objects {
            writer.seq += 1;
            let Addition { id, kind, version_us, spec, text } = object.clone();
            let version_us = if version_us == 0 { now } else { version_us };
            let added = Added { added_us: now, id, kind, version_us, spec, text };
            let key = format!("{collection}/{}", store::place(writer.seq));
            writes.push(Write::Put { table: ADDED, key, value: serde_json::to_vec(&added).unwrap_or_default().into() });
        }
        writes.push(Write::Put { table: store::FACTS, key: "seq".into(), value: writer.seq.to_string().into() });
        writes.push(Write::Put {
            table: store::BATCHES,
            key: format!("{now:020}"),
            value: writer.seq.to_string().into(),
        });
        self.intel.tables.commit(writes).await?;
        Ok(vec![None; objects.len()])
    }

    async fn remove(&self, collection: &str, rows: &[u64]) -> Result<()> {
        // Only what partners added; an indicator is withdrawn by its source.
        let added = rows.iter().filter(|seq| *seq & 1 == 1);
        let gone = |seq: &u64| Write::Delete { table: ADDED, key: format!("{collection}/{}", store::place(seq >> 1)) };
        self.intel.tables.commit(added.map(gone).collect()).await
    }

    async fn keep_status(&self, id: &str, text: String) -> Result<()> {
        let old = self.intel.tables.scan(STATUS, "", "", STATUSES + 1).await?;
        let mut writes = vec![Write::Put { table: STATUS, key: id.to_owned(), value: text.into() }];
        if old.len() > STATUSES
            && let Some(first) = old.into_iter().next()
        {
            writes.push(Write::Delete { table: STATUS, key: first.key });
        }
        self.intel.tables.commit(writes).await
    }

    async fn status(&self, id: &str) -> Result<Option<String>> {
        let item = self.intel.tables.get(STATUS, id).await?;
        Ok(item.map(|item| String::from_utf8_lossy(&item.value).into_owned()))
    }
}

impl Intel {
    /// Every sharing profile.
    pub async fn shares(&self) -> Result<Vec<Share>> {
        let items = self.tables.scan(SHARES, "", "", SHARES_MOST).await?;
        Ok(items.iter().filter_map(|item| serde_json::from_slice(&item.value).ok()).collect())
    }

    /// Adds or changes a sharing profile.
    pub async fn put_share(&self, share: &Share) -> Result<()> {
        share.check()?;
        let value = serde_json::to_vec(share).unwrap_or_default().into();
        self.tables.commit(vec![Write::Put { table: SHARES, key: share.id.clone(), value }]).await
    }

    /// Ends a sharing profile.
    pub async fn drop_share(&self, id: &str) -> Result<()> {
        self.tables.commit(vec![Write::Delete { table: SHARES, key: id.to_owned() }]).await
    }

    /// Answers a request to the TAXII server from an account.
    pub async fn taxii(self: &Arc<Intel>, account: &str, all: bool, request: &Request<'_>) -> Result<Response> {
        let server = Server {
            title: "Garrison".into(),
            description: "Indicators of this installation".into(),
            contact: String::new(),
            origin: String::new(),
            discovery: "/taxii2/".into(),
            root: "/taxii2/garrison/".into(),
            max_content_length: ADDITION_BYTES,
        };
        server.answer(request, &Seen { intel: self, account, all }).await
    }

    /// Writes an export of everything that a profile lets out. Several files come as one JSON object, name to text.
    pub async fn export(self: &Arc<Intel>, format: &str, profile: Profile) -> Result<(&'static str, Bytes)> {
        let export = export::named(format)?;
        let profile = Profile { now_us: self.clock.wall(), ..profile };
        let (intel, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let written = tokio::task::spawn_blocking(move || -> Result<Bytes> {
            let mut items =
                All { intel: &intel, runtime, after: String::new(), page: Vec::new().into_iter(), ended: Ok(false) };
            if export.name() == "misp" || export.name() == "suricata" {
                let mut files = std::collections::BTreeMap::new();
                export.write(&mut items, &profile, &mut files)?;
                items.ended?;
                let texts: serde_json::Map<String, serde_json::Value> =
                    files.iter().map(|(name, bytes)| (name.clone(), String::from_utf8_lossy(bytes).into())).collect();
                return Ok(serde_json::Value::Object(texts).to_string().into());
            }
            let mut one = One(Vec::new());
            export.write(&mut items, &profile, &mut one)?;
            items.ended?;
            Ok(one.0.into())
        });
        let bytes = written.await.map_err(|cause| Fault::new(&api::fault::BUG).object("export").because(cause))??;
        let media = if matches!(export.name(), "misp" | "suricata") { "application/json" } else { export.media_type() };
        Ok((media, bytes))
    }
}

/// Every stored indicator, page by page.
struct All<'i> {
    intel: &'i Intel,
    runtime: tokio::runtime::Handle,
    after: String,
    page: std::vec::IntoIter<port::Item>,
    /// Whether the end was reached, or why not: half an export must not look like a whole one.
    ended: Result<bool>,
}

impl Iterator for All<'_> {
    type Item = Indicator;

    fn next(&mut self) -> Option<Indicator> {
        loop {
            for item in self.page.by_ref() {
                if let Ok(row) = serde_json::from_slice::<store::Row>(&item.value) {
                    return Some(row.indicator);
                }
            }
            if !matches!(self.ended, Ok(false)) {
                return None;
            }
            let page = match self.runtime.block_on(self.intel.tables.scan(store::ORDER, "", &self.after, super::SCAN)) {
                Ok(page) => page,
                Err(fault) => {
                    self.ended = Err(fault);
                    return None;
                }
            };
            self.ended = Ok(page.is_empty());
            self.after = page.last().map(|item| item.key.clone()).unwrap_or_default();
            self.page = page.into_iter();
        }
    }
}
