//! Requests to servers of others: feeds, TAXII, cloud interfaces.

use crate::{Trip, fault};
use async_trait::async_trait;
use base::{Fault, Result};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchRequest {
    /// `GET`, `POST`, `DELETE`; `GET` when empty.
    pub method: String,
    /// Absolute `https://` or `http://` address.
    pub url: String,
    /// Names and values. Secrets among them are never logged.
    pub headers: Vec<(String, String)>,
    /// Body, empty for none.
    pub body: Bytes,
    /// Most bytes of the answer's body; a longer one is a fault.
    pub limit: u64,
}

impl FetchRequest {
    /// A `GET` whose answer may have `limit` bytes.
    pub fn get(url: impl Into<String>, limit: u64) -> FetchRequest {
        FetchRequest { url: url.into(), limit, ..FetchRequest::default() }
    }

    /// With a header more.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> FetchRequest {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Head of an answer. A status of 400 and more is an answer, not a fault.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchHead {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
}

impl FetchHead {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Takes the body of an answer piece by piece; its fault ends the request.
pub type Sink<'s> = &'s mut (dyn FnMut(&[u8]) -> Result<()> + Send);

/// Asks servers of others.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Sends a request and hands the body of its answer to `sink`. No redirect is followed to another scheme.
    async fn fetch(&self, request: &FetchRequest, sink: Sink<'_>) -> Result<FetchHead>;

    /// The answer with its whole body, which must fit in memory: [`FetchRequest::limit`] holds.
    async fn whole(&self, request: &FetchRequest) -> Result<(FetchHead, Vec<u8>)> {
        let mut body = Vec::new();
        let mut keep = |piece: &[u8]| {
            body.extend_from_slice(piece);
            Ok(())
        };
        let head = self.fetch(request, &mut keep).await?;
        Ok((head, body))
    }
}

/// Answers prepared in memory, by address.
#[derive(Debug, Default)]
pub struct MemoryFetch {
    answers: Mutex<BTreeMap<String, (FetchHead, Bytes)>>,
    asked: Mutex<Vec<FetchRequest>>,
    /// Fails the n-th call.
    pub trip: Trip,
}

impl MemoryFetch {
    /// Prepares the answer of an address.
    pub fn answer(&self, url: &str, status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut answers = self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        answers.insert(url.to_owned(), (FetchHead { status, headers }, body.into()));
    }

    /// Requests so far.
    pub fn asked(&self) -> Vec<FetchRequest> {
        self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

#[async_trait]
impl Fetch for MemoryFetch {
    async fn fetch(&self, request: &FetchRequest, sink: Sink<'_>) -> Result<FetchHead> {
        self.trip.pass("fetch")?;
        self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(request.clone());
        let answers = self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (head, body) = answers.get(&request.url).cloned().unwrap_or_default();
        drop(answers);
        if head.status == 0 {
            return Err(Fault::new(&fault::UNREACHABLE).object(&request.url));
        }
        if body.len() as u64 > request.limit {
            let found = format!("{} bytes", body.len());
            return Err(Fault::new(&fault::ANSWER).object(&request.url).expected(request.limit).found(found));
        }
        sink(&body)?;
        Ok(head)
    }
}
