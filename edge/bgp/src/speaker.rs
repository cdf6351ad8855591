//! The speaker: one task that keeps a session with one neighbour, and the handle of who announces.

use crate::announcement::{Announcement, Approval};
use crate::guard::Guard;
use crate::machine::{Machine, Phase, State};
use crate::neighbour::Neighbour;
use crate::table::Id;
use crate::{fault, socket};
use base::{Clock, Fault, Micros, Random, Result};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long [`Speaker::stop`] waits for the neighbour to take the last words.
const STOP_WAIT: Duration = Duration::from_secs(3);
/// How long a closed connection is read, so that a reset does not overtake the last words.
const LINGER: Duration = Duration::from_millis(500);
/// Bytes read or written at once.
const CHUNK: usize = 16 * 1024;

struct Shared {
    machine: Mutex<Machine>,
    guard: RwLock<Arc<Guard>>,
    clock: Arc<dyn Clock>,
    wake: Notify,
}

impl Shared {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn guard(&self) -> Arc<Guard> {
        self.guard.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn now(&self) -> Micros {
        self.clock.monotonic()
    }

    /// Sleeps until a time of the clock.
    async fn until(&self, time: Micros) {
        let left = time.saturating_sub(self.now()).clamp(0, 3_600_000_000);
        tokio::time::sleep(Duration::from_micros(left.unsigned_abs())).await;
    }
}

/// A session with one neighbour. Dropped without [`Speaker::stop`], the connection closes and the neighbour forgets what it
/// was told, without a reason.
pub struct Speaker {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Begins: connects, and connects again whenever the session ends. [`fault::NEIGHBOUR`] for settings out of bounds.
    pub fn start(
        runtime: &Handle,
        neighbour: Neighbour,
        guard: Guard,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Random>,
    ) -> Result<Speaker> {
        neighbour.check()?;
        let machine = Mutex::new(Machine::new(neighbour, chance));
        let guard = RwLock::new(Arc::new(guard));
        let shared = Arc::new(Shared { machine, guard, clock, wake: Notify::new() });
        let task = runtime.spawn(run(Arc::clone(&shared)));
        Ok(Speaker { shared, task: Some(task) })
    }

    /// Other limits from now on; what is announced already stays for its lease.
    pub fn guard(&self, guard: Guard) {
        *self.shared.guard.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(guard);
    }

    /// Announces for a time; told at once while a session stands, and to every session that comes until the lease ends.
    ///
    /// [`fault::GUARDED`] when it may not be announced, [`fault::STANDS`] when it is announced already, [`fault::TOO_MANY`]
    /// at the limit, [`fault::STOPPED`] after a stop.
    pub fn announce(&self, announcement: Announcement, lease: Duration, approval: Approval) -> Result<Id> {
        let guard = self.shared.guard();
        guard.check(&announcement, lease, &approval)?;
        let now = self.shared.now();
        let mut machine = self.shared.machine();
        if machine.is_stopping() {
            return Err(Fault::new(&fault::STOPPED).object(machine.neighbour().address));
        }
        let family = announcement.family();
        if !machine.neighbour().families.contains(&family) {
            return Err(Fault::new(&fault::GUARDED)
                .object(announcement)
                .expected("a family of the neighbour")
                .found(family.name()));
        }
        let hop = announcement.next_hop().is_some() || machine.neighbour().has_next_hop(family.is_ipv6());
        if !family.is_flow() && !hop {
            return Err(Fault::new(&fault::GUARDED)
                .object(announcement)
                .expected("a next hop of its family")
                .found("none"));
        }
        machine.table.expire(now);
        let most = guard.limits().max_announcements;
        if machine.table.len() >= most || machine.table.owed() >= most {
            return Err(Fault::new(&fault::TOO_MANY)
                .object(machine.neighbour().address)
                .expected(format!("at most {most}")));
        }
        let id = machine.table.announce(announcement, approval, end(now, lease))?;
        drop(machine);
        self.shared.wake.notify_one();
        Ok(id)
    }

    /// Lets a lease end this long from now instead. [`fault::MISSING`] when it has ended.
    pub fn renew(&self, id: Id, lease: Duration) -> Result<()> {
        self.shared.guard().check_lease(lease)?;
        let now = self.shared.now();
        let mut machine = self.shared.machine();
        machine.table.expire(now);
        let renewed = machine.table.renew(id, end(now, lease));
        drop(machine);
        self.shared.wake.notify_one();
        renewed
    }

    /// Takes one back now. [`fault::MISSING`] when it is gone already.
    pub fn withdraw(&self, id: Id) -> Result<()> {
        let mut machine = self.shared.machine();
        let withdrawn = machine.table.withdraw(id);
        drop(machine);
        self.shared.wake.notify_one();
        withdrawn
    }

    /// The session and its announcements now.
    pub fn state(&self) -> State {
        self.shared.machine().state(self.shared.now())
    }

    /// Withdraws everything, tells the neighbour's operator why (RFC 9003; cut to 255 bytes), and ends. Takes at most a few
    /// seconds, also when the neighbour does not listen.
    pub async fn stop(mut self, reason: &str) {
        self.shared.machine().stop(self.shared.now(), reason);
        self.shared.wake.notify_one();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_WAIT, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Speaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speaker").field("state", &self.state()).finish()
    }
}

fn end(now: Micros, lease: Duration) -> Micros {
    now.saturating_add(Micros::try_from(lease.as_micros()).unwrap_or(Micros::MAX))
}

/// Connects, keeps the session, and again; until the machine is told to stop.
async fn run(shared: Arc<Shared>) {
    loop {
        let (retry_at, stopping, neighbour) = {
            let machine = shared.machine();
            (machine.retry_at(), machine.is_stopping(), machine.neighbour().clone())
        };
        if stopping {
            return;
        }
        if retry_at > shared.now() {
            tokio::select! {
                () = shared.until(retry_at) => {}
                () = shared.wake.notified() => {}
            }
            continue;
        }
        let connected = tokio::select! {
            connected = socket::connect(&neighbour) => connected,
            () = stopped(&shared) => return,
        };
        match connected {
            Ok(stream) => session(&shared, stream).await,
            Err(fault) => {
                tracing::debug!(neighbour = %neighbour.address, fault = %fault.inside(), "BGP: not connected");
                shared.machine().lost(shared.now(), fault);
            }
        }
    }
}

/// Waits for a stop; other wake-ups change nothing while there is no session.
async fn stopped(shared: &Shared) {
    while !shared.machine().is_stopping() {
        shared.wake.notified().await;
    }
}

/// One session, from the connection to its end.
async fn session(shared: &Shared, mut stream: TcpStream) {
    let lost = |cause: &dyn std::fmt::Display| {
        let machine = shared.machine();
        Fault::new(&fault::ENDED).object(machine.neighbour().address).found(cause)
    };
    let cause = match stream.local_addr() {
        Ok(own) => {
            shared.machine().connected(shared.now(), own.ip());
            talk(shared, &mut stream).await
        }
        Err(cause) => Some(cause.to_string()),
    };
    let closing = cause.is_none();
    let fault = lost(&cause.unwrap_or_default());
    if closing {
        // The last words are written; the neighbour closes when it has read them.
        let _ = stream.shutdown().await;
        let mut rest = vec![0; CHUNK];
        let drain = async { while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {} };
        let _ = tokio::time::timeout(LINGER, drain).await;
    }
    let mut machine = shared.machine();
    machine.lost(shared.now(), fault);
    let (neighbour, why) = (machine.neighbour().address, machine.state(shared.now()).error);
    tracing::info!(%neighbour, why = why.map(|fault| fault.inside()), "BGP: session over");
}

/// Reads, writes and waits until the machine closes (gives none) or the connection fails (gives why).
async fn talk(shared: &Shared, stream: &mut TcpStream) -> Option<String> {
    let (mut reader, mut writer) = stream.split();
    let mut buffer = vec![0; CHUNK];
    let mut before = Phase::OpenSent;
    loop {
        let (chunk, phase, deadline) = {
            let mut machine = shared.machine();
            machine.tick(shared.now());
            let output = machine.output();
            (output[..output.len().min(CHUNK)].to_vec(), machine.phase(), machine.deadline())
        };
        if phase == Phase::Established && before != phase {
            tracing::info!(neighbour = %shared.machine().neighbour().address, "BGP: session established");
        }
        before = phase;
        let closing = phase == Phase::Closing;
        if closing && chunk.is_empty() {
            return None;
        }
        tokio::select! {
            read = reader.read(&mut buffer), if !closing => match read {
                Ok(0) => return Some("the connection was closed".into()),
                Ok(count) => shared.machine().received(shared.now(), &buffer[..count]),
                Err(cause) => return Some(cause.to_string()),
            },
            wrote = writer.write(&chunk), if !chunk.is_empty() => match wrote {
                Ok(count) => shared.machine().wrote(shared.now(), count),
                Err(cause) => return Some(cause.to_string()),
            },
            () = shared.until(deadline) => {}
            () = shared.wake.notified() => {}
        }
    }
}
