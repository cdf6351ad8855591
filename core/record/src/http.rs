//! What a gateway saw and did: one request with its answer and the verdict on it.

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum HttpDecision {
    /// Not judged: the firewall is off for the site.
    Unjudged = 0,
    /// Judged and let through.
    Allowed = 1,
    /// Would have been refused; the site only observes.
    Observed = 2,
    /// Refused by the rules or the model.
    Blocked = 3,
    /// Asked to prove itself (proof of work) before it is served.
    Challenged = 4,
    /// Refused by a limit of the flood defence.
    Limited = 5,
    /// Refused because it was no proper HTTP (smuggling, bad framing) or too slow or big.
    Malformed = 6,
    /// Let through unjudged because the engine faulted and the site fails open.
    FailedOpen = 7,
    /// Refused because the engine faulted and the site fails closed.
    FailedClosed = 8,
}

impl HttpDecision {
    /// Every decision, by number.
    pub const ALL: &'static [HttpDecision] = &[
        HttpDecision::Unjudged,
        HttpDecision::Allowed,
        HttpDecision::Observed,
        HttpDecision::Blocked,
        HttpDecision::Challenged,
        HttpDecision::Limited,
        HttpDecision::Malformed,
        HttpDecision::FailedOpen,
        HttpDecision::FailedClosed,
    ];

    /// Its word in filters and tables.
    pub const fn word(self) -> &'static str {
        match self {
            HttpDecision::Unjudged => "unjudged",
            HttpDecision::Allowed => "allowed",
            HttpDecision::Observed => "observed",
            HttpDecision::Blocked => "blocked",
            HttpDecision::Challenged => "challenged",
            HttpDecision::Limited => "limited",
            HttpDecision::Malformed => "malformed",
            HttpDecision::FailedOpen => "failed-open",
            HttpDecision::FailedClosed => "failed-closed",
        }
    }

    /// The decision of a word.
    pub fn from_word(word: &str) -> Option<HttpDecision> {
        HttpDecision::ALL.iter().copied().find(|decision| decision.word() == word)
    }
}

/// A request through the gateway. Texts are lossy UTF-8, redacted by the site's policy before they come here.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HttpActivity {
    /// The configured site that took it, empty when none did.
    #[prost(string, tag = "1")]
    pub site: String,
    /// Request method as sent.
    #[prost(string, tag = "2")]
    pub method: String,
    /// `http` or `https`.
    #[prost(string, tag = "3")]
    pub scheme: String,
    /// Host asked for, without the port.
    #[prost(string, tag = "4")]
    pub host: String,
    /// Path as sent.
    #[prost(string, tag = "5")]
    pub path: String,
    /// Query without the question mark, redacted.
    #[prost(string, tag = "6")]
    pub query: String,
    /// `1.0`, `1.1`, `2`.
    #[prost(string, tag = "7")]
    pub version: String,
    /// Status of the answer, 0 when none was sent.
    #[prost(uint32, tag = "8")]
    pub status: u32,
    /// Bytes of the request's body.
    #[prost(uint64, tag = "9")]
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    #[prost(uint64, tag = "10")]
    pub response_bytes: u64,
    /// From the first byte of the request to the last of the answer, µs.
    #[prost(uint64, tag = "11")]
    pub duration_us: u64,
    /// The client, 4 or 16 bytes: the address that trusted proxies name, else the peer.
    #[prost(bytes = "vec", tag = "12")]
    pub client_ip: Vec<u8>,
    /// The client's port, 0 when a proxy hides it.
    #[prost(uint32, tag = "13")]
    pub client_port: u32,
    /// Our address that took it, 4 or 16 bytes.
    #[prost(bytes = "vec", tag = "14")]
    pub server_ip: Vec<u8>,
    /// Our port.
    #[prost(uint32, tag = "15")]
    pub server_port: u32,
    /// Address and port of the origin that answered, empty when none was asked.
    #[prost(string, tag = "16")]
    pub upstream: String,
    /// `User-Agent`.
    #[prost(string, tag = "17")]
    pub user_agent: String,
    /// `Referer`, redacted.
    #[prost(string, tag = "18")]
    pub referrer: String,
    /// `Content-Type` of the request.
    #[prost(string, tag = "19")]
    pub content_type: String,
    /// JA4 of the TLS ClientHello, empty without TLS.
    #[prost(string, tag = "20")]
    pub ja4: String,
    /// JA3 (MD5, hexadecimal), empty without TLS.
    #[prost(string, tag = "21")]
    pub ja3: String,
    /// Fingerprint of the HTTP/2 settings, empty without HTTP/2.
    #[prost(string, tag = "22")]
    pub h2: String,
    /// Fingerprint of names and order of the fields of the request's head; our own form, since FoxIO's licence of JA4H is not
    /// for all uses.
    #[prost(string, tag = "23")]
    pub order: String,
    /// Server name that the client asked for in TLS.
    #[prost(string, tag = "24")]
    pub sni: String,
    /// `1.2` or `1.3`, empty without TLS.
    #[prost(string, tag = "25")]
    pub tls: String,
    /// What became of it.
    #[prost(enumeration = "HttpDecision", tag = "26")]
    pub decision: i32,
    /// Why, in words; empty for what was let through.
    #[prost(string, tag = "27")]
    pub reason: String,
    /// Inbound anomaly score of the rules.
    #[prost(uint32, tag = "28")]
    pub score: u32,
    /// Score of the model, thousandths; 0 when it did not run.
    #[prost(uint32, tag = "29")]
    pub model: u32,
    /// Rules that held, in order, at most [`base::limits::HTTP_RULES`].
    #[prost(uint64, repeated, tag = "30")]
    pub rules: Vec<u64>,
    /// Level of the flood defence, 1 (normal) to 5 (essential only); 0 when it is off.
    #[prost(uint32, tag = "31")]
    pub level: u32,
    /// The number that the block page shows, so that a person can name the request.
    #[prost(string, tag = "32")]
    pub reference: String,
}

impl HttpActivity {
    /// The client as a type.
    pub fn client(&self) -> Option<std::net::IpAddr> {
        crate::event::address(&self.client_ip)
    }
}
