//! Entries and their hashes.

use crate::canonical;
use record::Entry;
use ring::digest::{Context, SHA256};
use serde_json::Value;

/// `previous` of the first entry: nothing came before.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Keeps our hashes apart from any other use of SHA-256 and names the version of the encoding.
const DOMAIN: &str = "garrison ledger 1";

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When, µs since the Unix epoch.
    pub time_us: i64,
    /// Who: `user:alice`, `rule:<id>`, `agent:<id>`, `system`.
    pub who: String,
    /// What: `order.intent`, `order.result`, `login` …
    pub what: String,
    /// The object: order id, account, incident id.
    pub object: String,
    /// Canonical JSON ([`canonical`]), without secrets.
    pub details: String,
}

impl Draft {
    /// A draft whose details are written canonically.
    pub fn new(
        time_us: i64,
        who: impl Into<String>,
        what: impl Into<String>,
        object: impl Into<String>,
        details: &Value,
    ) -> Draft {
        Draft { time_us, who: who.into(), what: what.into(), object: object.into(), details: canonical(details) }
    }
}

/// The newest entry that someone saw: kept away from the ledger it proves that nothing up to there was changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// Number of the entry.
    pub seq: u64,
    /// Its hash, 64 hexadecimal digits.
    pub hash: String,
}

impl Head {
    /// The head of a ledger that ends with this entry.
    pub fn of(entry: &Entry) -> Head {
        Head { seq: entry.seq, hash: entry.hash.clone() }
    }

    /// The head of a ledger without entries.
    pub fn empty() -> Head {
        Head { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// Appends: numbers the draft, chains it to the entry before (`None` for the first) and hashes it.
pub fn seal(previous: Option<&Entry>, draft: Draft) -> Entry {
    seal_after(&previous.map_or_else(Head::empty, Head::of), draft)
}

/// As [`seal`] when only the head of the ledger is at hand.
pub fn seal_after(head: &Head, draft: Draft) -> Entry {
    let Draft { time_us, who, what, object, details } = draft;
    let previous = head.hash.clone();
    let mut entry =
        Entry { seq: head.seq.saturating_add(1), time_us, who, what, object, details, previous, hash: String::new() };
    entry.hash = hash(&entry);
    entry
}

/// SHA-256 over the domain and all fields but `hash`. Numbers are 8 bytes, big-endian; each text has its length
/// before it, so that moving a character from one field to the next changes the bytes.
pub fn hash(entry: &Entry) -> String {
    let mut context = Context::new(&SHA256);
    let mut text = |value: &str| {
        context.update(&(value.len() as u64).to_be_bytes());
        context.update(value.as_bytes());
    };
    text(DOMAIN);
    for field in [&entry.who, &entry.what, &entry.object, &entry.details, &entry.previous] {
        text(field);
    }
    context.update(&entry.seq.to_be_bytes());
    context.update(&entry.time_us.to_be_bytes());
    hex::encode(context.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_encoding_is_fixed() {
        // A changed encoding would make every ledger ever written look forged. Computed by a program of its own:
        // python3 -c 'import hashlib,struct; t=lambda s: struct.pack(">Q",len(s))+s; print(hashlib.sha256(
        //   t(b"garrison ledger 1")+t(b"user:alice")+t(b"login")+t(b"alice")+t(b"{\"a\":1,\"b\":2}")+t(b"0"*64)
        //   +struct.pack(">Q",1)+struct.pack(">q",1760000000000000)).hexdigest())'
        let draft = Draft::new(1_760_000_000_000_000, "user:alice", "login", "alice", &json!({"b": 2, "a": 1}));
        let entry = seal(None, draft);
        assert_eq!((entry.seq, entry.previous.as_str()), (1, GENESIS));
        assert_eq!(entry.hash, "473c3f428fe7e9113804cfbb12ee3fd4119f8180423692585006766d741cc523");
    }

    #[test]
    fn a_character_moved_between_fields_changes_the_hash() {
        let of = |who: &str, what: &str| seal(None, Draft::new(0, who, what, "", &Value::Null)).hash;
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_ne!(of("", "abc"), of("abc", ""));
    }
}
