//! The other end of the local socket: answers questions, one a connection.

use crate::ask::{Answer, PATIENCE, QUESTION_BYTES, Question, SAMPLES};
use crate::board::Board;
use crate::config::Config;
use crate::fault;
use crate::hands::Hands;
use crate::names::Names;
use crate::orders::{Orders, Reason};
use base::{Clock, Fault, Result};
use ddos::Prefix;
use rustix::net::sockopt::socket_peercred;
use serde_json::{Value, json};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Questions at once; more wait.
const AT_ONCE: usize = 16;
/// Longest ban by the socket, seconds.
const BAN_S: u64 = 86_400;

/// What answers are made of.
pub struct Desk {
    /// The configuration.
    pub config: Arc<Config>,
    /// What is shown.
    pub board: Arc<Board>,
    /// Where orders go.
    pub hands: Hands,
    /// Makes orders.
    pub orders: Orders,
    /// Names that may move.
    pub names: Arc<Names>,
    /// Orders of bans that were given here, to take them back.
    pub bans: std::sync::Mutex<std::collections::BTreeMap<std::net::IpAddr, String>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Opens the socket (mode 0600; its folder is made with 0700) and answers until the future is dropped.
///
/// # Errors
/// [`fault::SOCKET`] when it cannot be opened.
pub async fn listen(path: &Path, desk: Arc<Desk>) -> Result<()> {
    let failed = |cause: std::io::Error| Fault::new(&fault::SOCKET).object(path.display()).because(cause);
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    // One that is left of an earlier run; the seat's lock has shown that nobody else runs.
    if path.exists() {
        std::fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        // The semaphore is never closed; an accept that fails (too many files) is tried again after a breath.
        let Ok(permit) = room.clone().acquire_owned().await else { return Ok(()) };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    let _permit = permit;
                    let _ = tokio::time::timeout(PATIENCE * 3, serve(stream, desk)).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve(mut stream: UnixStream, desk: Arc<Desk>) -> std::io::Result<()> {
    let peer = socket_peercred(&stream)?;
    let own = rustix::process::geteuid();
    if !peer.uid.is_root() && peer.uid != own {
        return Ok(());
    }
    let who = format!("uid {}", peer.uid.as_raw());
    let (read, mut write) = stream.split();
    let mut line = Vec::new();
    BufReader::new(read.take(QUESTION_BYTES as u64)).read_until(b'\n', &mut line).await?;
    let answer = match serde_json::from_slice::<Question>(&line) {
        // Orders wait for the hands' disk and the kernel.
        Ok(question) => tokio::task::spawn_blocking(move || desk.answer(question, &who)).await.unwrap_or_default(),
        Err(cause) => Answer::of(Err(Fault::new(&fault::QUESTION).object("socket").found(cause))),
    };
    let mut text = serde_json::to_vec(&answer).unwrap_or_default();
    text.push(b'\n');
    write.write_all(&text).await
}

impl Desk {
    fn answer(&self, question: Question, who: &str) -> Answer {
        Answer::of(match question {
            Question::Status => Ok(json!(self.board.status())),
            Question::Attacks => Ok(json!(self.board.attacks())),
            Question::Explain { destination } => self.explain(&destination),
            Question::Capture { destination, count } => {
                self.find(&destination).map(|prefix| json!(self.board.samples(prefix, count.min(SAMPLES))))
            }
            Question::Ban { address, seconds, reason } => self.ban(address, seconds, &reason, who),
            Question::Unban { address } => self.unban(address, who),
            Question::Approve { name } => self.names.approve(&name, who).map(|step| json!(step)),
            Question::Http { destination, load } => {
                self.board.loaded(destination, load, self.clock.wall());
                Ok(Value::Null)
            }
        })
    }

    /// A destination by its name or prefix.
    fn find(&self, text: &str) -> Result<Prefix> {
        let read = text.parse::<Prefix>().ok();
        let found = self.config.protected().find(|(prefix, entry)| entry.name == text || Some(*prefix) == read);
        let known = || self.config.protect.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ");
        let missing = || Fault::new(&fault::NOT_PROTECTED).object(text).expected(known());
        found.map(|(prefix, _)| prefix).ok_or_else(missing)
    }

    fn explain(&self, destination: &str) -> Result<Value> {
        let prefix = self.find(destination)?.to_string();
        let status = self.board.status();
        let shown = status.destinations.into_iter().find(|shown| shown.prefix == prefix).unwrap_or_default();
        let attacks: Vec<Value> =
            self.board.attacks().into_iter().filter(|attack| attack["destination"] == prefix.as_str()).collect();
        Ok(json!({ "destination": shown, "attacks": attacks }))
    }

    fn ban(&self, address: std::net::IpAddr, seconds: u64, reason: &str, who: &str) -> Result<Value> {
        let reason = Reason { by: who.into(), text: reason.chars().take(1000).collect(), alert: String::new() };
        let order = self.orders.block(address, Duration::from_secs(seconds.clamp(1, BAN_S)), &reason);
        let id = order.id.clone();
        let receipts = self.hands.carry(order)?;
        let mut bans = self.bans.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // What is over by its lease is harmless here; the oldest make room.
        if bans.len() >= 65_536 {
            bans.pop_first();
        }
        bans.insert(address.to_canonical(), id);
        Ok(json!(receipts))
    }

    fn unban(&self, address: std::net::IpAddr, who: &str) -> Result<Value> {
        let known = self.bans.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&address.to_canonical());
        let missing = || Fault::new(&fault::PARAMETER).object(address).expected("a source that was banned here");
        let reason = Reason { by: who.into(), text: "unban".into(), alert: String::new() };
        Ok(json!(self.hands.carry(self.orders.undo(&known.ok_or_else(missing)?, &reason))?))
    }
}
