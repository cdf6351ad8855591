//! The other end of the local socket: answers questions, one a connection.

use crate::ask::{Answer, PATIENCE, QUESTION_BYTES, Question, SAMPLES};
use crate::board::Board;
use crate::fault;
use crate::hands::Hands;
use crate::names::Names;
use crate::orders::{Orders, Reason};
use crate::reload::Current;
use crate::upstream::Asked;
use base::{Clock, Fault, Micros, Result};
use ddos::Prefix;
use rustix::net::sockopt::socket_peercred;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Questions at once; more wait.
const AT_ONCE: usize = 16;
/// Longest ban by the socket, seconds.
const BAN_S: u64 = 86_400;
/// Sources whose ban orders are remembered.
const BANS: usize = 65_536;

/// What answers are made of.
pub struct Desk {
    /// The configuration.
    pub config: Arc<Current>,
    /// What is shown.
    pub board: Arc<Board>,
    /// Where orders go.
    pub hands: Hands,
    /// Makes orders.
    pub orders: Orders,
    /// Names that may move.
    pub names: Arc<Names>,
    /// What a person is asked about routers.
    pub asked: Arc<Asked>,
    /// Orders of bans that were given here, to take them back.
    pub bans: Mutex<Given>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The newest ban orders of each source.
#[derive(Debug, Default)]
pub struct Given {
    /// By source, orders with the monotonic time at which they end, µs.
    orders: BTreeMap<IpAddr, Vec<(String, Micros)>>,
}

impl Given {
    /// Remembers an order; what is over makes room for it.
    pub fn note(&mut self, source: IpAddr, order: String, ends: Micros, now: Micros) {
        if self.orders.len() >= BANS && !self.orders.contains_key(&source) {
            self.orders.retain(|_, orders| orders.iter().any(|(_, ends)| *ends > now));
        }
        // Without room it still ends with its lease.
        if self.orders.len() < BANS || self.orders.contains_key(&source) {
            let orders = self.orders.entry(source).or_default();
            orders.retain(|(_, ends)| *ends > now);
            orders.push((order, ends));
        }
    }

    /// The orders that ban a source, which are forgotten.
    pub fn take(&mut self, source: IpAddr, now: Micros) -> Vec<String> {
        let orders = self.orders.remove(&source).unwrap_or_default();
        orders.into_iter().filter(|(_, ends)| *ends > now).map(|(order, _)| order).collect()
    }
}

/// Opens the socket: mode 0600; its folder is made with 0700. Before the filter is attached, so that a second scrubber on this
/// socket ends before it takes the filter from the first.
///
/// # Errors
/// [`fault::SOCKET`] when it cannot be opened, or somebody answers on it.
pub fn open(path: &Path) -> Result<UnixListener> {
    let failed = |cause: std::io::Error| Fault::new(&fault::SOCKET).object(path.display()).because(cause);
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        let taken = Fault::new(&fault::SOCKET).object(path.display());
        return Err(taken.expected("no other scrubber").found("one that answers"));
    }
    // One that is left of an earlier run.
    if path.exists() {
        std::fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Answers until the future is dropped.
pub async fn listen(listener: UnixListener, desk: Arc<Desk>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        // The semaphore is never closed; an accept that fails (too many files) is tried again after a breath.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
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
            Question::Approve { what } => self.approve(&what, who),
            Question::Http { destination, load } => {
                self.board.loaded(destination, load, self.clock.monotonic());
                Ok(Value::Null)
            }
        })
    }

    fn bans(&self) -> MutexGuard<'_, Given> {
        self.bans.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A destination by its name or prefix.
    fn find(&self, text: &str) -> Result<Prefix> {
        let read = text.parse::<Prefix>().ok();
        let config = self.config.get();
        let found = config.protected().find(|(prefix, entry)| entry.name == text || Some(*prefix) == read);
        let known = || config.protect.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ");
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

    /// Something that routers would be told, or the move of a name.
    fn approve(&self, what: &str, who: &str) -> Result<Value> {
        if let Ok(agreed) = self.asked.approve(what, who) {
            return Ok(json!(format!("{}: {}", agreed.name, agreed.what)));
        }
        let (from, to) = self.names.approve(what, who)?;
        Ok(json!(format!("{what}: {from} → {to}")))
    }

    fn ban(&self, address: IpAddr, seconds: u64, reason: &str, who: &str) -> Result<Value> {
        let reason = Reason { by: who.into(), text: reason.chars().take(1000).collect(), alert: String::new() };
        let order = self.orders.block(address, Duration::from_secs(seconds.clamp(1, BAN_S)), &reason);
        let now = self.clock.monotonic();
        let ends = now.saturating_add(Micros::try_from(order.lease_s).unwrap_or(0).saturating_mul(1_000_000));
        // Before it is known what becomes of it: the hands may be slow and do it all the same.
        self.bans().note(address.to_canonical(), order.id.clone(), ends, now);
        Ok(json!(self.hands.carry(order)?))
    }

    fn unban(&self, address: IpAddr, who: &str) -> Result<Value> {
        let known = self.bans().take(address.to_canonical(), self.clock.monotonic());
        let missing = || Fault::new(&fault::PARAMETER).object(address).expected("a source that was banned here");
        let reason = Reason { by: who.into(), text: "unban".into(), alert: String::new() };
        if known.is_empty() {
            return Err(missing());
        }
        // All of them: a source that was banned twice would else stay banned by the other.
        let mut receipts = Vec::new();
        for order in known {
            receipts.extend(self.hands.carry(self.orders.undo(&order, &reason))?);
        }
        Ok(json!(receipts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ban_of_a_source_is_remembered_until_it_is_over() {
        let (mut given, source) = (Given::default(), IpAddr::from([192, 0, 2, 7]));
        given.note(source, "ord-1".into(), 100, 0);
        given.note(source, "ord-2".into(), 50, 10);
        given.note(source, "ord-3".into(), 200, 60);
        assert_eq!(given.take(source, 70), ["ord-1", "ord-3"]);
        assert!(given.take(source, 70).is_empty());
    }

    #[test]
    fn the_room_for_bans_is_bounded_and_what_is_over_makes_room() {
        let mut given = Given::default();
        for number in 0..BANS as u32 + 10 {
            given.note(IpAddr::from(number.to_be_bytes()), "ord".into(), i64::from(number % 2) * 100, 0);
        }
        assert!(given.orders.len() <= BANS);
        given.note(IpAddr::from([255, 0, 0, 1]), "ord".into(), 300, 200);
        assert_eq!(given.take(IpAddr::from([255, 0, 0, 1]), 200).len(), 1);
    }

    #[tokio::test]
    async fn a_socket_that_answers_is_not_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run").join("socket");
        let first = open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(open(&path).unwrap_err().code().id, fault::SOCKET.id);
        drop(first);
        open(&path).unwrap();
    }
}
