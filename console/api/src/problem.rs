//! Faults as problem details (RFC 9457), in the reader's language.

use crate::fault;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::{Fault, Lang, LogLevel};

/// Media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Begin of the media type of TAXII.
const TAXII: &[u8] = b"application/taxii+json";
/// What a client is told to wait when a fault may pass, seconds, unless the fault knows better.
const RETRY_S: u64 = 1;

/// A problem as the API sends it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:garrison:fault:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of fault in one sentence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// This fault: object, title, what was expected and found.
    pub detail: String,
    /// Path of the request.
    pub instance: String,
    /// The code: `area.words-with-dashes`; part of the contract.
    pub code: String,
    /// The class: `invalid`, `denied`, `missing` …
    pub class: String,
    /// The object it names, or empty.
    pub object: String,
    /// What would have been right, or empty.
    pub expected: String,
    /// What was there instead, or empty.
    pub found: String,
    /// What the reader can do.
    pub hint: String,
    /// Whether the same call may succeed later.
    pub retry: bool,
}

/// A fault on its way out of a handler.
#[derive(Debug, Clone)]
pub struct Failure {
    fault: Fault,
    retry_after_s: Option<u64>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure { fault, retry_after_s: None }
    }
}

impl Failure {
    /// Says how long to wait, seconds.
    pub(crate) fn after(mut self, seconds: u64) -> Failure {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.fault.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // The body is written by `render`, which knows the request's language.
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The outermost layer: gives every failed response, whoever made it, the one form; and every response its headers.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let lang = language(request.headers());
    let path = request.uri().path().to_string();
    let mut response = next.run(request).await;
    // A TAXII server has its own form of errors (TAXII 2.1 §3.6), and its clients read no other.
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let is_taxii = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(TAXII));
    if is_error && !is_taxii {
        let failure = response.extensions_mut().remove::<Failure>();
        let failure = failure.unwrap_or_else(|| of_status(response.status()).into());
        let status = response.status();
        log(&failure.fault, &path);
        response = body(&failure, status, &path, lang);
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn body(failure: &Failure, status: StatusCode, path: &str, lang: Lang) -> Response {
    let fault = &failure.fault;
    let code = fault.code();
    let problem = Problem {
        kind: format!("urn:garrison:fault:{}", code.id),
        title: lang.pick(code.title, code.title_zh).into(),
        status: status.as_u16(),
        detail: fault.outside(lang),
        instance: path.into(),
        code: code.id.into(),
        class: code.class.row().word.into(),
        object: fault.named().into(),
        expected: fault.wanted().into(),
        found: fault.got().into(),
        hint: fault.hint(lang).into(),
        retry: fault.retryable(),
    };
    let mut response = (status, axum::Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.pick("en", "zh-CN")));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    if fault.retryable() {
        headers.insert(header::RETRY_AFTER, failure.retry_after_s.unwrap_or(RETRY_S).into());
    }
    response
}

/// The fault behind a status that the framework itself answered with.
fn of_status(status: StatusCode) -> Fault {
    match status {
        StatusCode::NOT_FOUND => Fault::new(&fault::NO_ROUTE),
        StatusCode::METHOD_NOT_ALLOWED => Fault::new(&fault::NO_METHOD),
        StatusCode::PAYLOAD_TOO_LARGE => Fault::new(&fault::TOO_LARGE),
        status if status.is_client_error() => Fault::new(&fault::INVALID),
        status => Fault::new(&fault::BUG).because(status),
    }
}

fn log(fault: &Fault, path: &str) {
    let text = fault.inside();
    match fault.log_level() {
        LogLevel::Debug => tracing::debug!(path, "{text}"),
        LogLevel::Info => tracing::info!(path, "{text}"),
        LogLevel::Warn => tracing::warn!(path, "{text}"),
        LogLevel::Error => tracing::error!(path, "{text}"),
    }
}

/// The language that `Accept-Language` weighs most (RFC 9110 §12.5.4); English when it names neither.
pub(crate) fn language(headers: &HeaderMap) -> Lang {
    let value = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut best = (Lang::En, 0.0);
    for choice in value.split(',').take(32) {
        let (tag, weight) = choice.split_once(";q=").unwrap_or((choice, "1"));
        let weight: f32 = weight.trim().parse().unwrap_or(0.0);
        let tag = tag.trim().to_ascii_lowercase();
        if (tag.starts_with("zh") || tag.starts_with("en")) && weight > best.1 {
            best = (Lang::from_tag(&tag), weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_wins() {
        let pick = |value: &'static str| {
            language(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value))]))
        };
        assert_eq!(pick("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
        assert_eq!(pick("en;q=0.5, zh;q=0.9"), Lang::Zh);
        assert_eq!(pick("fr, en;q=0.2, zh;q=0.1"), Lang::En);
        assert_eq!(pick("de"), Lang::En);
        assert_eq!(language(&HeaderMap::new()), Lang::En);
    }
}
