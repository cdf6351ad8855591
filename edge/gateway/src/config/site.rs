//! What is served under a host name, and how it is guarded.

use super::{Audit, Ban};
use base::config::units;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// One site.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Name, for events and statistics.
    pub name: String,
    /// Host names; `*.example.org` for every name below, `*` for any.
    pub hosts: Vec<String>,
    /// Names of the listeners it is served on; all when left out.
    #[serde(default)]
    pub listeners: Vec<String>,
    /// What it shows under TLS.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// Name of the pool it is served from.
    pub pool: String,
    /// Redirects (308) what comes without TLS.
    #[serde(default)]
    pub https_only: bool,
    /// What requests may be.
    #[serde(default)]
    pub request: Request,
    /// What answers may take.
    #[serde(default)]
    pub timeouts: Response,
    /// Flood defence; none when left out, `{}` for all defaults.
    #[serde(default)]
    pub flood: Option<flood::Settings>,
    /// When sources of attacks are banned.
    #[serde(default)]
    pub ban: Ban,
    /// Which requests are kept whole.
    #[serde(default)]
    pub audit: Audit,
    /// The web application firewall.
    #[serde(default)]
    pub waf: Waf,
}

/// Files of a certificate, PEM (RFC 7468). Read again at each reload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The chain, the server's own certificate first.
    pub chain: PathBuf,
    /// The private key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
}

/// What a request may be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// Largest body, bytes.
    #[serde(deserialize_with = "units::size")]
    pub body: u64,
    /// Lowest rate of a body while we wait for it, bytes a second; 0 for any (slow-body attacks).
    pub body_rate: u64,
    /// Time before the rate counts.
    #[serde(deserialize_with = "units::duration")]
    pub body_grace: Duration,
    /// Whether `Upgrade: websocket` is passed on.
    pub websocket: bool,
}

impl Default for Request {
    fn default() -> Request {
        Request { body: 16 << 20, body_rate: 256, body_grace: Duration::from_secs(5), websocket: true }
    }
}

/// What an answer may take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Response {
    /// From the request's last byte to the answer's first.
    #[serde(deserialize_with = "units::duration")]
    pub answer: Duration,
    /// Between two pieces of an answer, and of a WebSocket in both directions.
    #[serde(deserialize_with = "units::duration")]
    pub silence: Duration,
}

impl Default for Response {
    fn default() -> Response {
        Response { answer: Duration::from_secs(60), silence: Duration::from_secs(300) }
    }
}

/// What is done with what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Nothing is looked at.
    #[default]
    Off,
    /// It is told and counted; requests pass.
    Observe,
    /// It is told, counted and refused.
    Block,
}

/// What happens when our own engine faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fail {
    /// The request passes and is counted.
    #[default]
    Open,
    /// The request is refused with 503.
    Closed,
}

/// What happens to a body that is longer than what is inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beyond {
    /// Its beginning is judged, the rest passes: whoever fills a form up hides what stands behind.
    Pass,
    /// Refused with 413 where an application takes arguments out of it (forms, JSON, XML); of others (uploads) the beginning
    /// is judged and the rest passes.
    #[default]
    Fields,
    /// It is refused with 413.
    Refuse,
}

/// The positive model of a site: what its requests look like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Positive {
    /// What is done with requests that are not as the model says.
    pub mode: Act,
    /// The model: an OpenAPI document (JSON), written by `garrison-gateway learned` or by a person.
    pub openapi: Option<PathBuf>,
    /// Whether a model is learned from what the rules find nothing in.
    pub learn: bool,
}

/// The web application firewall of a site.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Waf {
    /// What is done with what the rules find.
    pub mode: Act,
    /// Files and folders of rules, in order.
    pub rules: Vec<PathBuf>,
    /// Paranoia level of OWASP CRS, 1 to 4.
    pub paranoia: u8,
    /// Anomaly score at which a request is refused.
    pub threshold: u32,
    /// Anomaly score at which an answer is refused.
    pub response_threshold: u32,
    /// What happens when the engine faults.
    pub fail: Fail,
    /// What is done with what the learned score finds.
    pub model: Act,
    /// Whether rules see what hides inside values: JSON in an argument, base64, repeated encodings, GraphQL, gRPC.
    pub inside: bool,
    /// Whether the tuning that we ship against refusals by mere policy is laid over OWASP CRS.
    pub tuned: bool,
    /// The positive model of the site.
    pub positive: Positive,
    /// Bytes of a body that are judged; of forms with files, bytes of the fields: they are judged whole, up to the largest
    /// body of the site.
    #[serde(deserialize_with = "units::size")]
    pub body: u64,
    /// What happens to a longer body.
    pub beyond: Beyond,
    /// Whether answers are judged.
    pub responses: bool,
    /// Bytes of an answer's body that are judged; longer ones pass.
    #[serde(deserialize_with = "units::size")]
    pub response_body: u64,
    /// Content types of answers that are judged.
    pub response_types: Vec<String>,
    /// Names of arguments, headers and cookies whose values are never told.
    pub redact: Vec<String>,
}

impl Default for Waf {
    fn default() -> Waf {
        Waf {
            mode: Act::Off,
            rules: Vec::new(),
            paranoia: 1,
            threshold: 5,
            response_threshold: 4,
            fail: Fail::Open,
            model: Act::Off,
            inside: true,
            tuned: true,
            positive: Positive::default(),
            body: 128 * 1024,
            beyond: Beyond::default(),
            responses: false,
            response_body: 512 * 1024,
            response_types: ["text/plain", "text/html", "text/xml", "application/json"].map(String::from).to_vec(),
            redact: ["password", "passwd", "pwd", "token", "secret", "authorization", "cookie"]
                .map(String::from)
                .to_vec(),
        }
    }
}
