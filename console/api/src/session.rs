//! Sessions of people in a browser: an opaque cookie, and a CSRF value that the console sends as a header.

use crate::tables::{self, SESSIONS};
use crate::{account::Account, secret};
use base::{Clock, Random, Result};
use port::{Tables, Write};

/// Name of the cookie. The prefix makes browsers insist on Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2).
pub const COOKIE: &str = "__Host-garrison";
/// Header with the CSRF value.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// How long a session lasts, seconds.
pub const LASTS_S: i64 = 12 * 3600;
/// Most sessions kept; a login beyond it ends the oldest ones.
const MOST: usize = 1000;

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Session {
    /// The account.
    pub user: String,
    /// Epoch of the account at login.
    pub epoch: u64,
    /// When it ends, µs since the Unix epoch.
    pub expires_us: i64,
}

/// Opens a session: its cookie value and what was stored. Clears ended sessions away.
pub(crate) async fn open(
    tables: &dyn Tables,
    random: &dyn Random,
    clock: &dyn Clock,
    account: &Account,
) -> Result<(String, Session)> {
    let now = clock.wall();
    let cookie = secret::make(random);
    let session = Session { user: account.name.clone(), epoch: account.epoch, expires_us: now + LASTS_S * 1_000_000 };
    let mut writes = ended(tables, now).await?;
    writes.push(Write::Put { table: SESSIONS, key: secret::stored(&cookie), value: tables::json(&session) });
    tables.commit(writes).await?;
    Ok((cookie, session))
}

/// Deletes of ended sessions, and of the one that ends first when there are too many.
async fn ended(tables: &dyn Tables, now: i64) -> Result<Vec<Write>> {
    let mut kept = Vec::new();
    let mut writes = Vec::new();
    for item in tables.scan(SESSIONS, "", "", MOST + 1).await? {
        // A session that does not parse cannot be used either: it goes.
        match tables::parse::<Session>(SESSIONS, &item) {
            Ok(session) if session.expires_us > now => kept.push((session.expires_us, item.key)),
            _ => writes.push(delete(item.key)),
        }
    }
    if kept.len() >= MOST {
        kept.sort();
        writes.extend(kept.drain(..kept.len() + 1 - MOST).map(|(_, key)| delete(key)));
    }
    Ok(writes)
}

fn delete(key: String) -> Write {
    Write::Delete { table: SESSIONS, key }
}

/// The session of a cookie value, `None` when there is none or it has ended.
pub(crate) async fn find(tables: &dyn Tables, clock: &dyn Clock, cookie: &str) -> Result<Option<Session>> {
    let session: Option<Session> = tables::find(tables, SESSIONS, &secret::stored(cookie)).await?;
    Ok(session.filter(|session| session.expires_us > clock.wall()))
}

/// The CSRF value of a cookie. It is derived, not stored: who reads the state must not be able to forge a request.
pub(crate) fn csrf(cookie: &str) -> String {
    secret::derived(cookie, CSRF_HEADER)
}

/// Ends a session.
pub(crate) async fn close(tables: &dyn Tables, cookie: &str) -> Result<()> {
    tables.commit(vec![delete(secret::stored(cookie))]).await
}

/// The header value that sets the cookie.
pub(crate) fn set_cookie(value: &str) -> String {
    format!("{COOKIE}={value}; Path=/; Max-Age={LASTS_S}; Secure; HttpOnly; SameSite=Strict")
}

/// The header value that clears the cookie.
pub(crate) fn clear_cookie() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

/// The cookie's value in a `Cookie` header.
pub(crate) fn in_header(header: &str) -> Option<&str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value).filter(|value| !value.is_empty())
}
