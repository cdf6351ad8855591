//! One line of the ledger.

/// Who did what to which object, chained to the line before.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Place in the ledger, from 1, without holes.
    pub seq: u64,
    /// When, µs since the Unix epoch (server's clock).
    pub time_us: i64,
    /// Who: `user:alice`, `rule:<id>`, `agent:<id>`, `system`.
    pub who: String,
    /// What: `order.intent`, `order.result`, `login`, `token.create` …
    pub what: String,
    /// The object: order id, account, incident id.
    pub object: String,
    /// Details as canonical JSON (keys sorted), without secrets.
    pub details: String,
    /// Hash of the entry before, 64 hexadecimal digits; zeros for the first.
    pub previous: String,
    /// SHA-256 over the other fields, 64 hexadecimal digits.
    pub hash: String,
}
