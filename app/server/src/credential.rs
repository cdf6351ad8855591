//! Who may use a fresh installation: the first administrator, and the command line of this very machine.

use super::places::Places;
use super::{Server, fault};
use api::access::{Role, Scope};
use api::account::{self, Account, Credentials};
use api::tables::{ACCOUNTS, TOKENS};
use api::token::{self, Token, Wish};
use base::{Fault, Result};
use port::{Tables, Write};
use serde_json::json;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The account of the command line on this machine. No person can bear the name, and it has no password.
const LOCAL: &str = "system:local";
/// Life of its token.
const LIFE_S: u64 = token::LIFE_S_MAX;
/// A token that ends sooner than this is replaced at a start, µs (90 days).
const RENEW_US: i64 = 90 * 24 * 3600 * 1_000_000;
/// Rows of one page when all tokens are read.
const PAGE: usize = 500;

/// Makes the first administrator when there is no account yet: stored and sealed in one commit.
pub async fn first(server: &Server) -> Result<Option<Credentials>> {
    let (tables, random, clock) = (&*server.tables, &*server.random, &*server.clock);
    let Some((first, writes)) = account::prepare_first(tables, random, clock).await? else { return Ok(None) };
    server.book.seal("system", "account.create", &first.user, json!({"first": true}), writes).await?;
    Ok(Some(first))
}

/// Writes what the command line needs: address, token and authority, 0600. The token of before stays while it is good;
/// otherwise it and every other one of this account give way to the new one in the same commit.
pub async fn client_file(places: &Places, server: &Server) -> Result<()> {
    let path = places.client();
    let text = match kept(&path, server).await? {
        Some(text) => text,
        None => issue(server).await?,
    };
    let content = json!({"url": server.api_url, "token": text, "ca": server.authority.trust_pem()});
    write_private(&path, content.to_string().as_bytes())
}

/// The token in the file, if it is still good for a while.
async fn kept(path: &Path, server: &Server) -> Result<Option<String>> {
    let Ok(content) = std::fs::read(path) else { return Ok(None) };
    let content: serde_json::Value = serde_json::from_slice(&content).unwrap_or_default();
    let Some(text) = content["token"].as_str() else { return Ok(None) };
    let found = token::find(&*server.tables, &*server.clock, text).await?;
    let soon = server.clock.wall().saturating_add(RENEW_US);
    let account = server.tables.get(ACCOUNTS, LOCAL).await?;
    let good = found.is_some_and(|token| token.owner == LOCAL && token.expires_us > soon) && account.is_some();
    Ok(good.then(|| text.to_string()))
}

async fn issue(server: &Server) -> Result<String> {
    let wish =
        Wish { name: "local command line".into(), owner: LOCAL.into(), scopes: Scope::ALL.to_vec(), life_s: LIFE_S };
    let (token, text) = token::prepare(&*server.random, &*server.clock, wish)?;
    let old = owned(&*server.tables).await?;
    let mut writes: Vec<Write> = old.iter().map(|id| Write::Delete { table: TOKENS, key: id.clone() }).collect();
    if server.tables.get(ACCOUNTS, LOCAL).await?.is_none() {
        writes.push(account::put_new(&Account {
            name: LOCAL.into(),
            hash: String::new(),
            roles: Role::APART.to_vec(),
            must_change: false,
            epoch: 1,
            created_us: server.clock.wall(),
        }));
    }
    writes.push(token::put_new(&token));
    let details = json!({"for": "local command line", "replaces": old});
    server.book.seal("system", "token.create", &token.id, details, writes).await?;
    Ok(text)
}

/// Ids of the tokens of this machine's command line.
async fn owned(tables: &dyn Tables) -> Result<Vec<String>> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let items = tables.scan(TOKENS, "", &after, PAGE).await?;
        let Some(last) = items.last() else { return Ok(ids) };
        after = last.key.clone();
        let tokens = items.iter().filter_map(|item| serde_json::from_slice::<Token>(&item.value).ok());
        ids.extend(tokens.filter(|token| token.owner == LOCAL).map(|token| token.id));
    }
}

fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |cause: std::io::Error| Fault::new(&fault::DATA_DIRECTORY).object(path.display()).because(cause);
    let fresh = path.with_extension("new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keep, Listen};

    async fn start(places: &Places) -> Server {
        let any = || "127.0.0.1:0".to_string();
        let keep = Keep { days: 0, finding_days: 0, bytes: 0 };
        Server::start(places, &Listen { link: any(), api: any(), advertise: None }, keep).await.unwrap()
    }

    fn text(places: &Places) -> String {
        let content: serde_json::Value = serde_json::from_slice(&std::fs::read(places.client()).unwrap()).unwrap();
        content["token"].as_str().unwrap().to_string()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_start_keeps_the_token_that_is_good_and_replaces_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(Some(&folder.path().join("data")));
        let server = start(&places).await;
        assert!(first(&server).await.unwrap().is_some());
        assert!(first(&server).await.unwrap().is_none());
        client_file(&places, &server).await.unwrap();
        let before = text(&places);
        client_file(&places, &server).await.unwrap();
        assert_eq!(text(&places), before);
        std::fs::remove_file(places.client()).unwrap();
        client_file(&places, &server).await.unwrap();
        assert_ne!(text(&places), before);
        assert!(token::find(&*server.tables, &*server.clock, &before).await.unwrap().is_none(), "the old one is void");
        assert_eq!(owned(&*server.tables).await.unwrap().len(), 1);
        assert_eq!(server.book.verify().await.unwrap().broken, None);
        server.stop().await;
    }
}
