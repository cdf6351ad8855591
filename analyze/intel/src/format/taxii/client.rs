//! A client: which request comes next, and what its answer means.
//!
//! [`Pull`] reads a collection page by page; it never sleeps and never opens a connection. [`drive`] runs it over a
//! [`Fetch`] until it has to wait.

use super::{DATE_ADDED_LAST, MEDIA_TYPE};
use crate::format::{fault, time};
use async_trait::async_trait;
use base::{Fault, Result};
use serde::Deserialize;

/// Largest answer, bytes.
pub const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Most pages of one pull; a server that never ends is left.
pub const PAGES: u32 = 100_000;
/// Most waits for the same page.
pub const ATTEMPTS: u32 = 6;
/// Longest wait that a server may ask for, seconds; a longer one is left to the schedule.
pub const WAIT_S: u64 = 3600;

/// What a server answered.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// Headers; names in any case.
    pub headers: Vec<(String, String)>,
    /// Body, at most [`ANSWER_BYTES`].
    pub body: Vec<u8>,
}

impl Fetched {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Who moves the bytes: HTTP GET with these headers, and a body of at most so many bytes. The account's
/// `Authorization` is its own matter.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// A fault is one of the way (no connection, certificate, larger body); a status is an answer.
    async fn get(&self, url: &str, headers: &[(&str, &str)], most: usize) -> Result<Fetched>;
}

/// The discovery resource.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Discovery {
    /// Title of the server.
    pub title: String,
    /// The root to take when none is named.
    pub default: Option<String>,
    /// URLs of its roots; may be relative.
    pub api_roots: Vec<String>,
}

/// A collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Collection {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Its readable name in URLs.
    pub alias: Option<String>,
    /// Whether this account may read it.
    pub can_read: bool,
    /// Whether this account may add to it.
    pub can_write: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Collections {
    collections: Vec<Collection>,
}

/// Asks a server what it has.
///
/// # Errors
/// `intel.taxii-answer`, `intel.taxii-later`, and those of the way.
pub async fn discover(fetch: &dyn Fetch, url: &str) -> Result<Discovery> {
    let answer = get(fetch, url).await?;
    let mut discovery: Discovery = parse(url, &answer.body)?;
    for root in discovery.api_roots.iter_mut().chain(discovery.default.iter_mut()) {
        *root = join(url, root)?;
    }
    Ok(discovery)
}

/// The collections of a root.
///
/// # Errors
/// Those of [`discover`].
pub async fn collections(fetch: &dyn Fetch, root: &str) -> Result<Vec<Collection>> {
    let url = join(&slashed(root), "collections/")?;
    let answer = get(fetch, &url).await?;
    parse::<Collections>(&url, &answer.body).map(|all| all.collections)
}

async fn get(fetch: &dyn Fetch, url: &str) -> Result<Fetched> {
    let answer = fetch.get(url, &[("Accept", MEDIA_TYPE)], ANSWER_BYTES).await?;
    match advice(url, &answer, 0)? {
        None => Ok(answer),
        Some(wait_s) => {
            Err(Fault::new(&fault::LATER).object(url).found(format!("status {}, wait {wait_s} s", answer.status)))
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(url: &str, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| Fault::new(&fault::ANSWER).object(url).expected("JSON").found(error))
}

fn slashed(url: &str) -> String {
    if url.ends_with('/') { url.to_string() } else { format!("{url}/") }
}

/// A URL relative to another one; only HTTP leads anywhere.
fn join(from: &str, to: &str) -> Result<String> {
    let bad = |cause: String| Fault::new(&fault::ANSWER).object(to).expected("a URL").because(cause);
    let from = url::Url::parse(from).map_err(|error| bad(error.to_string()))?;
    let to_ = from.join(to).map_err(|error| bad(error.to_string()))?;
    if matches!(to_.scheme(), "http" | "https") { Ok(to_.into()) } else { Err(bad(to_.scheme().to_string())) }
}

/// `None`: the answer is good. `Some`: wait so many seconds and ask again.
fn advice(url: &str, answer: &Fetched, attempts: u32) -> Result<Option<u64>> {
    let wrong = |expected: &str| {
        let title = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
        let title = title
            .and_then(|error| error.get("title")?.as_str().map(|title| title.chars().take(200).collect::<String>()));
        let found = format!("status {}{}", answer.status, title.map(|title| format!(" ({title})")).unwrap_or_default());
        Fault::new(&fault::ANSWER).object(url).expected(expected).found(found)
    };
    match answer.status {
        200 | 206 => {
            let kind = answer.header("Content-Type").unwrap_or_default();
            let taxii = kind.starts_with("application/taxii+json") || kind.starts_with("application/json");
            if taxii { Ok(None) } else { Err(wrong("TAXII 2.1").found(format!("`{kind}`"))) }
        }
        401 => Err(wrong("an account that the server knows")),
        403 => Err(wrong("an account that may read it")),
        404 => Err(wrong("a collection that exists")),
        406 | 415 => Err(wrong("a server that speaks TAXII 2.1")),
        408 | 425 | 429 | 500..=599 if attempts < ATTEMPTS => {
            let asked = answer.header("Retry-After").and_then(|text| text.trim().parse::<u64>().ok());
            let wait_s = asked.unwrap_or(1 << attempts.min(8)).max(1);
            if wait_s > WAIT_S {
                return Err(Fault::new(&fault::LATER).object(url).found(format!("wait {wait_s} s")));
            }
            Ok(Some(wait_s))
        }
        408 | 425 | 429 | 500..=599 => {
            Err(Fault::new(&fault::LATER).object(url).found(format!("status {} again and again", answer.status)))
        }
        _ => Err(wrong("status 200")),
    }
}

/// How far a collection is read; stored between pulls.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// Objects added later than this are new; empty is all. As the server wrote it.
    pub added_after: String,
    /// The next page of a pull that was not finished, empty when none is.
    pub next: String,
}

/// What to do after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The body of the answer is a page of objects; ask on.
    Page,
    /// The body is the last page.
    Last,
    /// Ask the same again after so many seconds.
    Wait(u64),
}

/// Reads one collection.
#[derive(Debug, Clone)]
pub struct Pull {
    objects: String,
    limit: u32,
    cursor: Cursor,
    /// The date of the last object read, the cursor's when all is read.
    last: String,
    attempts: u32,
    pages: u32,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    more: bool,
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    objects: Vec<serde::de::IgnoredAny>,
}

impl Pull {
    /// A pull of the collection `id` below `root`, from where the cursor stands, so many objects a page.
    ///
    /// # Errors
    /// `intel.taxii-answer` when root and id make no URL.
    pub fn new(root: &str, id: &str, cursor: Cursor, limit: u32) -> Result<Pull> {
        let objects = join(&slashed(root), &format!("collections/{}/objects/", encoded(id)))?;
        Ok(Pull { objects, limit, last: cursor.added_after.clone(), cursor, attempts: 0, pages: 0 })
    }

    /// The URL to get, with the header `Accept:` [`MEDIA_TYPE`].
    pub fn url(&self) -> String {
        let mut url = format!("{}?limit={}", self.objects, self.limit);
        for (name, value) in [("added_after", &self.cursor.added_after), ("next", &self.cursor.next)] {
            if !value.is_empty() {
                url.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        url
    }

    /// Where the pull stands: store it when a page has been taken.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// What an answer to [`Pull::url`] means.
    ///
    /// # Errors
    /// `intel.taxii-answer` when it cannot be used; `intel.taxii-later` when the server stays busy;
    /// `intel.import-limit` when the collection never ends.
    pub fn digest(&mut self, answer: &Fetched) -> Result<Step> {
        if let Some(wait_s) = advice(&self.objects, answer, self.attempts)? {
            self.attempts += 1;
            return Ok(Step::Wait(wait_s));
        }
        self.attempts = 0;
        self.pages += 1;
        let envelope: Envelope = parse(&self.objects, &answer.body)?;
        if let Some(last) = answer.header(DATE_ADDED_LAST).filter(|last| time::micros(last).is_some()) {
            self.last = last.to_string();
        }
        if !envelope.more {
            self.cursor = Cursor { added_after: self.last.clone(), next: String::new() };
            return Ok(Step::Last);
        }
        if self.pages >= PAGES {
            return Err(Fault::new(&fault::LIMIT).object(&self.objects).expected(format!("at most {PAGES} pages")));
        }
        let next = match envelope.next {
            Some(next) => Cursor { next, ..self.cursor.clone() },
            // Without a cursor of the server's the date leads on.
            None => Cursor { added_after: self.last.clone(), next: String::new() },
        };
        // Some servers keep one token for all pages of a request and count behind it; a page must then hold something.
        if next == self.cursor && (next.next.is_empty() || envelope.objects.is_empty()) {
            let fault = Fault::new(&fault::ANSWER).object(&self.objects);
            return Err(fault.expected("another page").found("the same one again"));
        }
        self.cursor = next;
        Ok(Step::Page)
    }
}

/// Percent-encodes a part of a URL.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Pulls until the end of the collection or until the server asks to wait: `Some(seconds)`, and the same pull goes on
/// after that. Each page is given to `page` with where to go on, to be stored with what it holds.
///
/// # Errors
/// Those of [`Pull::digest`], of the way and of `page`.
pub async fn drive(
    fetch: &dyn Fetch,
    pull: &mut Pull,
    page: &mut (dyn FnMut(&[u8], &Cursor) -> Result<()> + Send),
) -> Result<Option<u64>> {
    loop {
        let answer = fetch.get(&pull.url(), &[("Accept", MEDIA_TYPE)], ANSWER_BYTES).await?;
        match pull.digest(&answer)? {
            Step::Wait(wait_s) => return Ok(Some(wait_s)),
            Step::Page => page(&answer.body, pull.cursor())?,
            Step::Last => {
                page(&answer.body, pull.cursor())?;
                return Ok(None);
            }
        }
    }
}
