//! A server: a request and a store in, an answer out.
//!
//! A page is one contiguous read of objects that are stored as they leave, in the order of a sequence that only grows:
//! thousands may be added within the same microsecond and none is given twice or left out. Filters that a page of rows
//! does not satisfy cost at most [`SCAN`] rows a request; the client is told to ask on.

use super::filter::{Filter, Version, cursor};
use super::{DATE_ADDED_FIRST, DATE_ADDED_LAST, MEDIA_TYPE};
use crate::format::time::{micros, rfc3339};
use crate::format::uuid;
use async_trait::async_trait;
use base::Result;
use serde_json::{Value, json};

/// Rows looked at for one answer.
pub const SCAN: usize = 20_000;
/// Rows of one read.
const READ: usize = 1000;
/// Most versions of one object that are looked at.
const VERSIONS: usize = 1000;
/// Most objects of one addition.
pub const POST_OBJECTS: usize = 10_000;

/// A collection as this caller may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its id, a UUID.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Its readable name in URLs, empty for none.
    pub alias: String,
    /// Whether the caller may read it.
    pub can_read: bool,
    /// Whether the caller may add to it.
    pub can_write: bool,
}

/// One version of an object in a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place; larger than that of everything added before.
    pub seq: u64,
    /// When it was added, µs since 1970; never before that of a smaller `seq`.
    pub added_us: i64,
    /// `id` of the object.
    pub id: String,
    /// `type` of the object.
    pub kind: String,
    /// `modified`, else `created`, else when it was added, µs since 1970.
    pub version_us: i64,
    /// `2.1` or `2.0`.
    pub spec: String,
    /// Whether no older version is in the collection.
    pub first: bool,
    /// Whether no newer version is in the collection.
    pub last: bool,
    /// The object as JSON.
    pub text: String,
}

/// An object to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// `id` of the object.
    pub id: String,
    /// `type` of the object.
    pub kind: String,
    /// Its version, µs since 1970; 0 when it names none.
    pub version_us: i64,
    /// `2.1` or `2.0`.
    pub spec: String,
    /// The object as JSON.
    pub text: String,
}

/// Where objects are kept, as one caller sees it.
#[async_trait]
pub trait Store: Send + Sync {
    /// The collections that the caller may know of.
    async fn collections(&self) -> Result<Vec<Collection>>;

    /// The sequence number of the last row added at or before a time, 0 when there is none.
    async fn until(&self, collection: &str, time_us: i64) -> Result<u64>;

    /// Rows behind a sequence number, in order, at most so many.
    async fn after(&self, collection: &str, seq: u64, most: usize) -> Result<Vec<Row>>;

    /// The versions of one object, in order, at most so many.
    async fn versions(&self, collection: &str, id: &str, most: usize) -> Result<Vec<Row>>;

    /// Adds objects; one message each when it was refused, in their order. A version that is there already is no
    /// error.
    async fn add(&self, collection: &str, objects: Vec<Addition>) -> Result<Vec<Option<String>>>;

    /// Deletes these rows.
    async fn remove(&self, collection: &str, rows: &[u64]) -> Result<()>;

    /// Keeps the status of an addition.
    async fn keep_status(&self, id: &str, text: String) -> Result<()>;

    /// The status of an addition.
    async fn status(&self, id: &str) -> Result<Option<String>>;
}

/// A request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'r> {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'r str,
    /// Path without its query.
    pub path: &'r str,
    /// The query, empty for none.
    pub query: &'r str,
    /// `Accept`, empty when absent.
    pub accept: &'r str,
    /// `Content-Type`, empty when absent.
    pub content_type: &'r str,
    /// The body. One that was too large to read is [`Request::too_large`].
    pub body: &'r [u8],
    /// Whether the body was larger than `max_content_length`.
    pub too_large: bool,
    /// The time now, µs since 1970.
    pub now_us: i64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// What the server says of itself.
#[derive(Debug, Clone)]
pub struct Server {
    /// Title.
    pub title: String,
    /// What it is.
    pub description: String,
    /// Whom to ask, empty for nobody.
    pub contact: String,
    /// In front of the paths in its answers, such as `https://host:8443`; may be empty.
    pub origin: String,
    /// Path of the discovery, ending in a slash: `/taxii2/`.
    pub discovery: String,
    /// Path of the API root, ending in a slash: `/taxii2/garrison/`.
    pub root: String,
    /// Largest body of an addition, bytes.
    pub max_content_length: usize,
}

type Answer = std::result::Result<Response, Response>;

impl Server {
    /// Answers a request.
    ///
    /// # Errors
    /// Those of the store; everything that the client did wrong is an answer.
    pub async fn answer(&self, request: &Request<'_>, store: &dyn Store) -> Result<Response> {
        Ok(match self.route(request, store).await? {
            Ok(answer) | Err(answer) => answer,
        })
    }

    async fn route(&self, request: &Request<'_>, store: &dyn Store) -> Result<Answer> {
        if !accepts(request.accept) {
            return Ok(Err(error(406, "Not Acceptable", &format!("this server speaks {MEDIA_TYPE}"))));
        }
        let path = format!("{}/", request.path.trim_end_matches('/'));
        if path == self.discovery {
            return Ok(only(request, "GET").map(|()| self.discovery()));
        }
        let Some(rest) = path.strip_prefix(&self.root) else { return Ok(Err(missing("no such resource"))) };
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [] => Ok(only(request, "GET").map(|()| self.api_root())),
            ["status", id] => Ok(match (only(request, "GET"), store.status(id).await?) {
                (Err(answer), _) => Err(answer),
                (_, Some(text)) => Ok(good(200, text.into_bytes())),
                (_, None) => Err(missing("no such status")),
            }),
            ["collections"] => {
                let all = store.collections().await?;
                let all: Vec<Value> = all.iter().map(describe).collect();
                let body = if all.is_empty() { json!({}) } else { json!({ "collections": all }) };
                Ok(only(request, "GET").map(|()| good(200, body.to_string().into_bytes())))
            }
            ["collections", name, rest @ ..] => {
                let all = store.collections().await?;
                let named = |one: &Collection| one.id == *name || (!one.alias.is_empty() && one.alias == *name);
                match all.into_iter().find(named) {
                    Some(collection) => self.collection(request, store, &collection, rest).await,
                    None => Ok(Err(missing("no such collection"))),
                }
            }
            _ => Ok(Err(missing("no such resource"))),
        }
    }

    async fn collection(
        &self,
        request: &Request<'_>,
        store: &dyn Store,
        collection: &Collection,
        rest: &[&str],
    ) -> Result<Answer> {
        if rest.is_empty() {
            let body = describe(collection).to_string().into_bytes();
            return Ok(only(request, "GET").map(|()| good(200, body)));
        }
        let writes = matches!(request.method, "POST" | "DELETE");
        let allowed = match request.method {
            "POST" => collection.can_write,
            "DELETE" => collection.can_write && collection.can_read,
            _ => collection.can_read,
        };
        let known = collection.can_read || collection.can_write;
        if !allowed {
            return Ok(Err(if known {
                error(403, "Forbidden", "not allowed in this collection")
            } else {
                missing("no such collection")
            }));
        }
        let filter = match Filter::parse(request.query) {
            Ok(filter) => filter,
            Err(what) => return Ok(Err(error(400, "Bad Request", &what))),
        };
        match (request.method, rest) {
            ("GET", ["objects"]) => page(store, &collection.id, &filter, false).await,
            ("GET", ["manifest"]) => page(store, &collection.id, &filter, true).await,
            ("POST", ["objects"]) => self.post(request, store, collection).await,
            ("GET", ["objects", id]) => one(store, &collection.id, id, filter, Form::Objects).await,
            ("GET", ["objects", id, "versions"]) => one(store, &collection.id, id, filter, Form::Versions).await,
            ("DELETE", ["objects", id]) => delete(store, &collection.id, id, filter).await,
            (_, ["objects"] | ["manifest"] | ["objects", _] | ["objects", _, "versions"]) => Ok(Err(error(
                405,
                "Method Not Allowed",
                if writes { "this resource is read" } else { "unknown method" },
            ))),
            _ => Ok(Err(missing("no such resource"))),
        }
    }

    fn discovery(&self) -> Response {
        let root = format!("{}{}", self.origin, self.root);
        let mut body = json!({ "title": self.title, "description": self.description });
        if !self.contact.is_empty() {
            body["contact"] = json!(self.contact);
        }
        body["default"] = json!(root);
        body["api_roots"] = json!([root]);
        good(200, body.to_string().into_bytes())
    }

    fn api_root(&self) -> Response {
        let body = json!({
            "title": self.title, "description": self.description, "versions": [MEDIA_TYPE],
            "max_content_length": self.max_content_length,
        });
        good(200, body.to_string().into_bytes())
    }

    async fn post(&self, request: &Request<'_>, store: &dyn Store, collection: &Collection) -> Result<Answer> {
        if !is_taxii(request.content_type) {
            return Ok(Err(error(415, "Unsupported Media Type", &format!("send {MEDIA_TYPE}"))));
        }
        if request.too_large || request.body.len() > self.max_content_length {
            return Ok(Err(error(413, "Payload Too Large", &format!("at most {} bytes", self.max_content_length))));
        }
        let objects = match additions(request.body) {
            Ok(objects) => objects,
            Err(answer) => return Ok(Err(answer)),
        };
        let told: Vec<Value> = objects
            .iter()
            .map(|object| {
                let version = if object.version_us == 0 { request.now_us } else { object.version_us };
                json!({ "id": object.id, "version": rfc3339(version, 6) })
            })
            .collect();
        let refused = store.add(&collection.id, objects).await?;
        let mut successes = Vec::new();
        let mut failures = Vec::new();
        for (mut object, refused) in told.into_iter().zip(refused) {
            match refused {
                None => successes.push(object),
                Some(message) => {
                    object["message"] = json!(message);
                    failures.push(object);
                }
            }
        }
        let name = format!("status:{}:{}:{}", collection.id, request.now_us, hex::encode(digest(request.body)));
        let id = uuid::v5(uuid::OWN, name.as_bytes());
        let status = json!({
            "id": id, "status": "complete", "request_timestamp": rfc3339(request.now_us, 6),
            "total_count": successes.len() + failures.len(), "success_count": successes.len(), "successes": successes,
            "failure_count": failures.len(), "failures": failures, "pending_count": 0, "pendings": [],
        })
        .to_string();
        store.keep_status(&id, status.clone()).await?;
        Ok(Ok(good(202, status.into_bytes())))
    }
}

fn digest(body: &[u8]) -> impl AsRef<[u8]> {
    ring::digest::digest(&ring::digest::SHA256, body)
}

fn only(request: &Request<'_>, method: &str) -> std::result::Result<(), Response> {
    if request.method == method { Ok(()) } else { Err(error(405, "Method Not Allowed", "unknown method")) }
}

fn good(status: u16, body: Vec<u8>) -> Response {
    Response { status, headers: vec![("Content-Type", MEDIA_TYPE.to_string())], body }
}

fn missing(what: &str) -> Response {
    error(404, "Not Found", what)
}

/// The error resource.
pub fn error(status: u16, title: &str, description: &str) -> Response {
    let body = json!({ "title": title, "description": description, "http_status": status.to_string() });
    good(status, body.to_string().into_bytes())
}

/// Whether a media type is TAXII of version 2.1 or of no version.
fn is_taxii(text: &str) -> bool {
    let mut parts = text.split(';').map(str::trim);
    let taxii = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/taxii+json"));
    taxii
        && parts.all(|parameter| {
            parameter.strip_prefix("version=").is_none_or(|version| version.trim_matches('"') == "2.1")
        })
}

/// Whether a client takes TAXII 2.1. No `Accept` takes anything (RFC 9110).
fn accepts(accept: &str) -> bool {
    let any = |kind: &str| matches!(kind.split(';').next().unwrap_or_default().trim(), "*/*" | "application/*");
    accept.trim().is_empty() || accept.split(',').any(|kind| any(kind) || is_taxii(kind))
}

fn describe(collection: &Collection) -> Value {
    let mut body = json!({
        "id": collection.id, "title": collection.title, "description": collection.description,
        "can_read": collection.can_read, "can_write": collection.can_write,
        "media_types": ["application/stix+json;version=2.1"],
    });
    if !collection.alias.is_empty() {
        body["alias"] = json!(collection.alias);
    }
    body
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Objects,
    Manifest,
    Versions,
}

/// A page of a collection.
async fn page(store: &dyn Store, collection: &str, filter: &Filter, manifest: bool) -> Result<Answer> {
    let mut at = filter.next.unwrap_or(0);
    if let Some(after) = filter.added_after_us {
        at = at.max(store.until(collection, after).await?);
    }
    let (mut found, mut scanned, mut end) = (Vec::new(), 0, false);
    while found.len() <= filter.limit && scanned < SCAN && !end {
        // Without filters one read is the page; with them rows are passed over.
        let most = if filter.narrow() { READ } else { filter.limit + 1 };
        let rows = store.after(collection, at, most).await?;
        end = rows.len() < most;
        scanned += rows.len();
        at = rows.last().map_or(at, |row| row.seq);
        found.extend(rows.into_iter().filter(|row| filter.fits(row)));
    }
    let full = found.len() > filter.limit;
    found.truncate(filter.limit);
    let next = match (full, end) {
        (true, _) => found.last().map(|row| row.seq),
        (false, true) => None,
        (false, false) => Some(at),
    };
    Ok(Ok(envelope(&found, next, if manifest { Form::Manifest } else { Form::Objects })))
}

/// One object, or its versions.
async fn one(store: &dyn Store, collection: &str, id: &str, mut filter: Filter, form: Form) -> Result<Answer> {
    let rows = store.versions(collection, id, VERSIONS).await?;
    if rows.is_empty() {
        return Ok(Err(missing("no such object")));
    }
    if form == Form::Versions {
        filter.versions = vec![Version::All];
    }
    let next = filter.next.unwrap_or(0);
    let mut found: Vec<Row> = rows.into_iter().filter(|row| row.seq > next && filter.fits(row)).collect();
    let more = found.len() > filter.limit;
    found.truncate(filter.limit);
    let next = found.last().filter(|_| more).map(|row| row.seq);
    Ok(Ok(envelope(&found, next, form)))
}

/// Without `match[version]` every version goes.
async fn delete(store: &dyn Store, collection: &str, id: &str, mut filter: Filter) -> Result<Answer> {
    let rows = store.versions(collection, id, VERSIONS).await?;
    if rows.is_empty() {
        return Ok(Err(missing("no such object")));
    }
    if filter.versions.is_empty() {
        filter.versions = vec![Version::All];
    }
    let gone: Vec<u64> = rows.iter().filter(|row| filter.fits(row)).map(|row| row.seq).collect();
    store.remove(collection, &gone).await?;
    Ok(Ok(good(200, Vec::new())))
}

/// Rows as an envelope (objects as they are stored), a manifest or a list of versions.
fn envelope(rows: &[Row], next: Option<u64>, form: Form) -> Response {
    let mut members = Vec::new();
    if let Some(seq) = next {
        members.push(format!("\"more\":true,\"next\":\"{}\"", cursor(seq)));
    }
    if !rows.is_empty() {
        let items: Vec<String> = match form {
            Form::Objects => rows.iter().map(|row| row.text.clone()).collect(),
            Form::Versions => rows.iter().map(|row| format!("\"{}\"", rfc3339(row.version_us, 6))).collect(),
            Form::Manifest => rows.iter().map(manifest).collect(),
        };
        let name = if form == Form::Versions { "versions" } else { "objects" };
        members.push(format!("\"{name}\":[{}]", items.join(",")));
    }
    let mut answer = good(200, format!("{{{}}}", members.join(",")).into_bytes());
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        answer.headers.push((DATE_ADDED_FIRST, rfc3339(first.added_us, 6)));
        answer.headers.push((DATE_ADDED_LAST, rfc3339(last.added_us, 6)));
    }
    answer
}

fn manifest(row: &Row) -> String {
    json!({
        "id": row.id, "date_added": rfc3339(row.added_us, 6), "version": rfc3339(row.version_us, 6),
        "media_type": format!("application/stix+json;version={}", row.spec),
    })
    .to_string()
}

/// The objects of an addition.
fn additions(body: &[u8]) -> std::result::Result<Vec<Addition>, Response> {
    let bad = |what: &str| error(422, "Unprocessable Content", what);
    let envelope: Value = serde_json::from_slice(body).map_err(|_| error(400, "Bad Request", "the body is no JSON"))?;
    let objects = envelope.get("objects").and_then(Value::as_array).ok_or_else(|| bad("an envelope holds objects"))?;
    if objects.len() > POST_OBJECTS {
        return Err(error(413, "Payload Too Large", &format!("at most {POST_OBJECTS} objects")));
    }
    objects.iter().map(|object| addition(object).ok_or_else(|| bad("an object needs type and id"))).collect()
}

/// Observables of 2.1 may leave their version out, and only they have no times.
fn spec(object: &Value) -> &'static str {
    let timeless = object.get("created").is_none() && object.get("modified").is_none();
    let named = object.get("spec_version").and_then(Value::as_str) == Some("2.1");
    if named || timeless { "2.1" } else { "2.0" }
}

fn addition(object: &Value) -> Option<Addition> {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let (id, kind) = (text("id")?, text("type")?);
    let (front, back) = id.split_once("--")?;
    if front != kind || !uuid::is_uuid(back) {
        return None;
    }
    let version = text("modified").or_else(|| text("created")).and_then(micros);
    Some(Addition {
        id: id.to_string(),
        kind: kind.to_string(),
        version_us: version.unwrap_or(0),
        spec: spec(object).to_string(),
        text: object.to_string(),
    })
}
