//! API tokens of machines: `grt_<id>_<secret>`, stored as a hash, bound to an account and to scopes.

use crate::access::Scope;
use crate::tables::{self, TOKENS};
use crate::{fault, secret};
use base::{Clock, Fault, Random, Result};
use port::{Tables, Write};

/// Start of every token, so that scanners for leaked secrets can find it.
pub const PREFIX: &str = "grt_";
/// Longest life, seconds (366 days).
pub const LIFE_S_MAX: u64 = 366 * 24 * 3600;

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Token {
    /// 16 hexadecimal digits, part of the token itself.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The account whose roles bound it.
    pub owner: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the secret part.
    pub hash: String,
    /// When it was made, µs since the Unix epoch.
    pub created_us: i64,
    /// When it ends, µs since the Unix epoch.
    pub expires_us: i64,
}

/// What a new token is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// What its owner calls it.
    pub name: String,
    /// The account whose roles bound it.
    pub owner: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// How long it lives, seconds, at most [`LIFE_S_MAX`].
    pub life_s: u64,
}

/// Makes a token: its stored form and the text to hand over, which cannot be had again.
/// Does not seal: the caller does.
pub async fn issue(tables: &dyn Tables, random: &dyn Random, clock: &dyn Clock, wish: Wish) -> Result<(Token, String)> {
    let (token, text) = prepare(random, clock, wish)?;
    store(tables, &token).await?;
    Ok((token, text))
}

/// The token before it is stored, so that it can be sealed first, or in the same commit.
pub fn prepare(random: &dyn Random, clock: &dyn Clock, wish: Wish) -> Result<(Token, String)> {
    let wrong = |object: &str| Fault::new(&fault::INVALID).object(object);
    if wish.name.is_empty() || wish.name.chars().count() > 100 {
        return Err(wrong("name").expected("1 to 100 characters"));
    }
    if wish.scopes.is_empty() {
        return Err(wrong("scopes").expected("at least one of read, act, audit, admin"));
    }
    if wish.life_s == 0 || wish.life_s > LIFE_S_MAX {
        return Err(wrong("life_s").expected(format!("1 to {LIFE_S_MAX}")).found(wish.life_s));
    }
    let mut id = [0; 8];
    random.fill(&mut id);
    let (id, secret) = (hex::encode(id), secret::make(random));
    let created_us = clock.wall();
    let token = Token {
        name: wish.name,
        owner: wish.owner,
        scopes: wish.scopes,
        hash: secret::stored(&secret),
        created_us,
        expires_us: created_us.saturating_add((wish.life_s * 1_000_000) as i64),
        id,
    };
    let text = format!("{PREFIX}{}_{secret}", token.id);
    Ok((token, text))
}

/// Stores a new token.
pub(crate) async fn store(tables: &dyn Tables, token: &Token) -> Result<()> {
    tables.commit(vec![put_new(token)]).await
}

/// The write that stores a new token.
pub fn put_new(token: &Token) -> Write {
    Write::PutIf { table: TOKENS, key: token.id.clone(), value: tables::json(token), version: 0 }
}

/// The token behind a text, `None` when it is unknown, wrong or ended.
pub async fn find(tables: &dyn Tables, clock: &dyn Clock, text: &str) -> Result<Option<Token>> {
    let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
    let Some((id, secret)) = parts else { return Ok(None) };
    let token: Option<Token> = tables::find(tables, TOKENS, id).await?;
    let good = |token: &Token| secret::equal(&token.hash, &secret::stored(secret)) && token.expires_us > clock.wall();
    Ok(token.filter(good))
}
