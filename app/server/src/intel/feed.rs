//! Feeds: what is fetched on schedule, and how each is.

use super::{Intel, Job, Order};
use async_trait::async_trait;
use base::{Fault, Micros, Result};
use intel::format::misp;
use intel::format::taxii::MEDIA_TYPE;
use intel::format::taxii::client as taxii;
use intel::{Kind, Tlp};
use port::{Fetch, FetchRequest, Write};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use taxii::Fetched;
use tokio::sync::watch;

/// Feeds: key id, value JSON [`Feed`].
pub const FEEDS: &str = "intel-feeds";
/// Most feeds.
const FEEDS_MOST: usize = 500;
/// Largest feed, bytes.
const FEED_BYTES: u64 = 2 << 30;
/// How often the schedule is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Shortest time between two looks at a feed, seconds.
const EVERY_LEAST_S: u64 = 60;
/// After a failure the next try waits twice as long each time, up to this, seconds.
const BACK_OFF_MOST_S: u64 = 6 * 3600;
/// Objects asked for on one page of TAXII.
const PAGE: u32 = 1000;

/// How a feed is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// One address, one file.
    #[default]
    File,
    /// A folder with `manifest.json` and one file an event.
    Misp,
    /// A collection of a TAXII 2.1 server; the address is `API-ROOT#COLLECTION`.
    Taxii,
}

/// A feed and how it is.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feed {
    /// Its id, the source of its claims.
    pub id: String,
    /// How it is fetched.
    pub manner: Manner,
    /// Its address.
    pub url: String,
    /// Word of the format of a file; empty looks at it.
    pub format: String,
    /// Seconds between two looks.
    pub every_s: u64,
    /// Confidence of what names none.
    pub confidence: Option<u8>,
    /// Marking of what names none.
    pub tlp: Tlp,
    /// Kind of every value.
    pub kind: Option<Kind>,
    /// Value of the header `Authorization`. Never shown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub authorization: String,
    /// Whether plain HTTP is allowed.
    pub plain: bool,
    /// Whether it is left alone.
    pub paused: bool,
    /// How it is; written by the server.
    pub health: Health,
}

/// How a feed is.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Health {
    /// Last try, µs.
    pub tried_us: Micros,
    /// Last success, µs.
    pub good_us: Micros,
    /// Failures since then.
    pub failures: u32,
    /// The last fault, empty when the last try succeeded.
    pub fault: String,
    /// What the server said of the file's version.
    pub etag: String,
    /// When it said that the file changed.
    pub modified: String,
    /// The last import.
    pub last: serde_json::Value,
    /// Events of MISP taken, and their times, µs.
    pub seen: HashMap<String, i64>,
    /// How far a collection of TAXII is read.
    pub cursor: taxii::Cursor,
}

impl Feed {
    /// Checks what a person wrote.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str, expected: &str| Err(Fault::new(&api::fault::INVALID).object(what).expected(expected));
        let name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if self.id.is_empty() || self.id.len() > 64 || !self.id.chars().all(name) || self.id == super::import::OWN {
            return wrong("id", "1 to 64 letters, digits, `-`, `_`, `.`");
        }
        if self.every_s < EVERY_LEAST_S {
            return wrong("every_s", &format!("at least {EVERY_LEAST_S}"));
        }
        if !(self.url.starts_with("https://") || self.plain && self.url.starts_with("http://")) {
            return wrong("url", "https://, or http:// with `plain`");
        }
        if self.manner == Manner::Taxii && !self.url.contains('#') {
            return wrong("url", "API-ROOT#COLLECTION");
        }
        if !self.format.is_empty() {
            intel::format::named(&self.format)?;
        }
        Ok(())
    }

    fn due(&self, now: Micros) -> bool {
        let tries = self.health.failures.min(16);
        let wait = if tries == 0 { self.every_s } else { (60u64 << tries).min(BACK_OFF_MOST_S) };
        !self.paused && now.saturating_sub(self.health.tried_us) >= wait as i64 * 1_000_000
    }

    fn order(&self, whole: bool) -> Order {
        Order {
            source: self.id.clone(),
            format: self.format.clone(),
            confidence: self.confidence,
            tlp: self.tlp,
            kind: self.kind,
            whole,
            ..Order::default()
        }
    }

    fn request(&self, url: &str) -> FetchRequest {
        let request = FetchRequest::get(url, FEED_BYTES);
        if self.authorization.is_empty() { request } else { request.header("authorization", &self.authorization) }
    }

    /// As people see it: without its secret.
    pub fn shown(mut self) -> Feed {
        self.authorization.clear();
        self
    }
}

/// What a TAXII client fetches through.
struct Account<'f>(&'f dyn Fetch, &'f Feed);

#[async_trait]
impl taxii::Fetch for Account<'_> {
    async fn get(&self, url: &str, headers: &[(&str, &str)], most: usize) -> Result<Fetched> {
        let mut request = FetchRequest { limit: most as u64, ..self.1.request(url) };
        request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (head, body) = self.0.whole(&request).await?;
        Ok(Fetched { status: head.status, headers: head.headers, body })
    }
}

/// Fetches what is due until told to stop.
pub async fn run(intel: Arc<Intel>, fetch: Arc<dyn Fetch>, mut stop: watch::Receiver<bool>) {
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = stop.changed() => return,
        }
        let feeds = intel.feeds().await.unwrap_or_default();
        for feed in feeds.into_iter().filter(|feed| feed.due(intel.clock.wall())) {
            let id = feed.id.clone();
            if let Err(fault) = intel.fetch(feed, &*fetch).await {
                tracing::warn!(feed = id, fault = %fault.inside(), "the state of a feed cannot be stored");
            }
            if *stop.borrow() {
                return;
            }
        }
    }
}

impl Intel {
    /// Every feed, secrets included.
    pub async fn feeds(&self) -> Result<Vec<Feed>> {
        let items = self.tables.scan(FEEDS, "", "", FEEDS_MOST).await?;
        Ok(items.iter().filter_map(|item| serde_json::from_slice(&item.value).ok()).collect())
    }

    /// Adds or changes a feed; what is known of its health stays, and its secret when none is given.
    pub async fn put_feed(&self, mut feed: Feed) -> Result<()> {
        feed.check()?;
        let known = self.feeds().await?;
        if known.len() >= FEEDS_MOST && known.iter().all(|one| one.id != feed.id) {
            return Err(Fault::new(&api::fault::INVALID).object("feeds").expected(format!("at most {FEEDS_MOST}")));
        }
        feed.health = Health::default();
        if let Some(before) = known.into_iter().find(|one| one.id == feed.id && one.url == feed.url) {
            feed.health = before.health;
            if feed.authorization.is_empty() {
                feed.authorization = before.authorization;
            }
        }
        self.store_feed(&feed).await
    }

    async fn store_feed(&self, feed: &Feed) -> Result<()> {
        let value = serde_json::to_vec(feed).unwrap_or_default().into();
        self.tables.commit(vec![Write::Put { table: FEEDS, key: feed.id.clone(), value }]).await
    }

    /// Removes a feed. What it said stays until it is withdrawn.
    pub async fn drop_feed(&self, id: &str) -> Result<()> {
        self.tables.commit(vec![Write::Delete { table: FEEDS, key: id.to_owned() }]).await
    }

    /// Fetches a feed now and notes how it went.
    pub async fn fetch(self: &Arc<Intel>, mut feed: Feed, fetch: &dyn Fetch) -> Result<Feed> {
        feed.health.tried_us = self.clock.wall();
        let done = match feed.manner {
            Manner::File => self.fetch_file(&mut feed, fetch).await,
            Manner::Misp => self.fetch_misp(&mut feed, fetch).await,
            Manner::Taxii => self.fetch_taxii(&mut feed, fetch).await,
        };
        match done {
            Ok(()) => {
                feed.health.good_us = self.clock.wall();
                feed.health.failures = 0;
                feed.health.fault.clear();
            }
            Err(fault) => {
                tracing::warn!(feed = feed.id, fault = %fault.inside(), "a feed failed");
                feed.health.failures += 1;
                feed.health.fault = fault.outside(base::Lang::En);
            }
        }
        // A person may have changed or removed it meanwhile.
        if self.feeds().await?.iter().any(|one| one.id == feed.id && one.url == feed.url) {
            self.store_feed(&feed).await?;
        }
        Ok(feed)
    }

    /// A file to import from; the importer deletes it.
    pub fn place(&self) -> Result<(std::fs::File, PathBuf)> {
        use std::os::unix::fs::OpenOptionsExt;
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = self.folder.join(format!("import-{}-{number}", std::process::id()));
        let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let file =
            opened.map_err(|cause| Fault::new(&crate::fault::DATA_DIRECTORY).object(path.display()).because(cause))?;
        Ok((file, path))
    }

    /// Imports what is in memory, and waits for the end.
    pub(super) async fn take_objects(self: &Arc<Intel>, order: Order, bytes: &[u8]) -> Result<Job> {
        use std::io::Write as _;
        let (mut file, path) = self.place()?;
        let written = file.write_all(bytes);
        written.map_err(|cause| Fault::new(&crate::fault::DATA_DIRECTORY).object("import").because(cause))?;
        good(self.import_now(order, path).await?)
    }

    async fn fetch_file(self: &Arc<Intel>, feed: &mut Feed, fetch: &dyn Fetch) -> Result<()> {
        use std::io::Write as _;
        let mut request = feed.request(&feed.url);
        for (name, value) in [("if-none-match", &feed.health.etag), ("if-modified-since", &feed.health.modified)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let (mut file, path) = self.place()?;
        let full = |cause| Fault::new(&crate::fault::DATA_DIRECTORY).object("import").because(cause);
        let fetched = fetch.fetch(&request, &mut |piece| file.write_all(piece).map_err(full)).await;
        let head = match fetched {
            Ok(head) if head.status == 200 => head,
            other => {
                // Best effort: the file is only ours.
                let _ = std::fs::remove_file(&path);
                return match other {
                    Ok(head) if head.status == 304 => Ok(()),
                    Ok(head) => {
                        Err(Fault::new(&port::fault::ANSWER).object(&feed.url).expected(200).found(head.status))
                    }
                    Err(fault) => Err(fault),
                };
            }
        };
        let job = good(self.import_now(feed.order(true), path).await?)?;
        feed.health.etag = head.header("etag").unwrap_or_default().to_owned();
        feed.health.modified = head.header("last-modified").unwrap_or_default().to_owned();
        feed.health.last = serde_json::to_value(job).unwrap_or_default();
        Ok(())
    }

    async fn fetch_misp(self: &Arc<Intel>, feed: &mut Feed, fetch: &dyn Fetch) -> Result<()> {
        let folder = feed.url.trim_end_matches('/').to_owned();
        let (head, manifest) = fetch.whole(&feed.request(&format!("{folder}/manifest.json"))).await?;
        let wrong = |url: &str, status: u16| Fault::new(&port::fault::ANSWER).object(url).expected(200).found(status);
        if head.status != 200 {
            return Err(wrong("manifest.json", head.status));
        }
        let listed = misp::manifest(&manifest)?;
        for event in misp::due(&listed, &feed.health.seen) {
            let url = format!("{folder}/{}.json", event.uuid);
            let (head, body) = fetch.whole(&feed.request(&url)).await?;
            if head.status != 200 {
                return Err(wrong(&url, head.status));
            }
            let order = Order { format: "misp".into(), ..feed.order(false) };
            let job = self.take_objects(order, &body).await?;
            feed.health.last = serde_json::to_value(job).unwrap_or_default();
            feed.health.seen.insert(event.uuid.clone(), event.changed_us);
        }
        let there: std::collections::HashSet<&str> = listed.iter().map(|event| event.uuid.as_str()).collect();
        feed.health.seen.retain(|uuid, _| there.contains(uuid.as_str()));
        Ok(())
    }

    async fn fetch_taxii(self: &Arc<Intel>, feed: &mut Feed, fetch: &dyn Fetch) -> Result<()> {
        let (root, collection) = feed.url.split_once('#').unwrap_or((&feed.url, ""));
        let mut pull = taxii::Pull::new(root, collection, feed.health.cursor.clone(), PAGE)?;
        loop {
            // Page by page, so that what was taken stays taken when the server stops half-way.
            let account = Account(fetch, feed);
            let accept = [("Accept", MEDIA_TYPE)];
            let answer = taxii::Fetch::get(&account, &pull.url(), &accept, taxii::ANSWER_BYTES).await?;
            let step = pull.digest(&answer)?;
            if let taxii::Step::Wait(wait_s) = step {
                tokio::time::sleep(Duration::from_secs(wait_s.min(BACK_OFF_MOST_S))).await;
                continue;
            }
            let order = Order { format: "stix".into(), ..feed.order(false) };
            let job = self.take_objects(order, &answer.body).await?;
            feed.health.last = serde_json::to_value(job).unwrap_or_default();
            feed.health.cursor = pull.cursor().clone();
            if step == taxii::Step::Last {
                return Ok(());
            }
        }
    }
}

/// A job that ended well.
fn good(job: Job) -> Result<Job> {
    if job.fault.is_empty() {
        return Ok(job);
    }
    Err(Fault::new(&port::fault::ANSWER).object(&job.source).expected("content that can be imported").found(&job.fault))
}
