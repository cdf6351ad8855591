//! The door of a site for many tasks at once: a request goes in with [`Gate::enter`] and holds a [`Permit`] while it is at the
//! origin, or awaits one. What is dropped on the way is given back, so that a client that goes away leaves nothing behind.

use crate::history::Standing;
use crate::site::{Decision, Outcome, Request, Site, Ticket};
use crate::snapshot::Held;
use base::Clock;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// The door of one site; clones are the same door.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    room: Mutex<Room>,
    clock: Arc<dyn Clock>,
    /// Wall clock minus monotonic clock when the site began: cookies outlive the process, but no jump of the clock moves a level.
    offset: i64,
}

struct Room {
    site: Site,
    waiting: HashMap<u64, Place>,
}

/// What became of a waiter.
enum Place {
    Waits(Option<Waker>),
    Woken(Ticket),
    Displaced,
}

/// What to do with a request.
#[derive(Debug)]
pub enum Entry {
    /// Send it to the origin.
    Go(Permit),
    /// Await a permit, at most for [`Waiting::wait_us`].
    Wait(Waiting),
    /// Answer with the page of [`Site::page`], of this difficulty.
    Challenge {
        /// Leading zero bits.
        difficulty: u8,
        /// Why.
        reason: Held,
    },
    /// Answer with 429, or 503 where too many wait.
    Refuse {
        /// For `retry-after`, seconds.
        retry_after_s: u32,
        /// Why.
        reason: Held,
    },
}

impl Gate {
    /// The door of the site that `make` builds; it is given the time (µs).
    pub fn new(clock: Arc<dyn Clock>, make: impl FnOnce(u64) -> Site) -> Gate {
        let offset = clock.wall() - clock.monotonic();
        let site = make(clock.wall().max(0) as u64);
        let room = Mutex::new(Room { site, waiting: HashMap::new() });
        Gate { inner: Arc::new(Inner { room, clock, offset }) }
    }

    /// The time that the site goes by, µs.
    pub fn now(&self) -> u64 {
        self.inner.now()
    }

    /// A request came.
    pub fn enter(&self, request: &Request) -> Entry {
        let now = self.inner.now();
        let mut room = self.inner.lock();
        match room.site.arrive(request, now) {
            Decision::Admit(ticket) => Entry::Go(self.permit(ticket, now)),
            Decision::Queue { waiter, deadline_us, displaced } => {
                room.waiting.insert(waiter, Place::Waits(None));
                if let Some(other) = displaced {
                    room.place(other, Place::Displaced);
                }
                let inner = self.inner.clone();
                Entry::Wait(Waiting { inner, waiter, wait_us: deadline_us.saturating_sub(now), over: false })
            }
            Decision::Challenge { difficulty, reason } => Entry::Challenge { difficulty, reason },
            Decision::Refuse { retry_after_s, reason } => Entry::Refuse { retry_after_s, reason },
        }
    }

    /// How a waiter is answered that was displaced, or whose time ran out ([`Held::Waited`]).
    pub fn turn_away(&self, request: &Request, reason: Held) -> Entry {
        match self.inner.lock().site.turn_away(request, reason, 0) {
            Decision::Challenge { difficulty, reason } => Entry::Challenge { difficulty, reason },
            Decision::Refuse { retry_after_s, reason } => Entry::Refuse { retry_after_s, reason },
            Decision::Admit(_) | Decision::Queue { .. } => Entry::Refuse { retry_after_s: 5, reason },
        }
    }

    /// Lets a second end; to be called at least once a second, so that levels fall while nobody asks.
    pub fn tick(&self) {
        let now = self.inner.now();
        let mut woken = Vec::new();
        let mut room = self.inner.lock();
        room.site.tick(now, &mut woken);
        room.wake(woken);
    }

    /// Looks at the site, or does with it what needs no waiting: pages, answers, snapshots, keys, settings. The time is in µs.
    pub fn with<T>(&self, look: impl FnOnce(&mut Site, u64) -> T) -> T {
        let now = self.inner.now();
        look(&mut self.inner.lock().site, now)
    }

    fn permit(&self, ticket: Ticket, now: u64) -> Permit {
        Permit { inner: self.inner.clone(), ticket, since_us: now, over: false }
    }
}

impl Inner {
    fn now(&self) -> u64 {
        (self.clock.monotonic() + self.offset).max(0) as u64
    }

    /// A panic elsewhere leaves counts behind that are at worst one off; refusing everyone would be worse.
    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn finish(&self, ticket: Ticket, outcome: Outcome) {
        let now = self.now();
        let mut woken = Vec::new();
        let mut room = self.lock();
        room.site.finish(ticket, outcome, now, &mut woken);
        room.wake(woken);
    }
}

impl Room {
    fn wake(&mut self, woken: Vec<(u64, Ticket)>) {
        for (waiter, ticket) in woken {
            self.place(waiter, Place::Woken(ticket));
        }
    }

    fn place(&mut self, waiter: u64, place: Place) {
        if let Some(before) = self.waiting.insert(waiter, place)
            && let Place::Waits(Some(waker)) = before
        {
            waker.wake();
        }
    }
}

/// A request at the origin. Dropped without [`Permit::finish`] it counts as abandoned by its client.
pub struct Permit {
    inner: Arc<Inner>,
    ticket: Ticket,
    since_us: u64,
    over: bool,
}

impl Permit {
    /// How well the client is known.
    pub fn standing(&self) -> Standing {
        self.ticket.standing
    }

    /// The origin answered with this status; to be called when the head of its answer is there and the body will follow, or was
    /// sent: the place is free from then on. 502 or 504 where it gave none.
    pub fn finish(self, status: u16) {
        self.end(status, false, false);
    }

    /// Our rules refused it with this status; the origin never saw it.
    pub fn blocked(self, status: u16) {
        self.end(status, false, true);
    }

    fn end(mut self, status: u16, abandoned: bool, blocked: bool) {
        self.over = true;
        let latency_us = self.inner.now().saturating_sub(self.since_us);
        self.inner.finish(self.ticket, Outcome { status, latency_us, abandoned, blocked });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.over {
            let latency_us = self.inner.now().saturating_sub(self.since_us);
            self.inner.finish(self.ticket, Outcome { status: 499, latency_us, abandoned: true, blocked: false });
        }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Permit").field(&self.ticket.standing).finish()
    }
}

/// A request that waits. Ends with a permit, or with [`Held::Displaced`]; dropped it leaves the queue.
pub struct Waiting {
    inner: Arc<Inner>,
    waiter: u64,
    wait_us: u64,
    over: bool,
}

impl Waiting {
    /// How long it may wait, µs; then it is dropped, and answered by [`Gate::turn_away`].
    pub fn wait_us(&self) -> u64 {
        self.wait_us
    }
}

impl Future for Waiting {
    type Output = Result<Permit, Held>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = self.inner.clone();
        let mut room = inner.lock();
        let place = room.waiting.remove(&self.waiter);
        if let Some(Place::Waits(_)) = place {
            room.waiting.insert(self.waiter, Place::Waits(Some(context.waker().clone())));
            return Poll::Pending;
        }
        self.over = true;
        let Some(Place::Woken(ticket)) = place else { return Poll::Ready(Err(Held::Displaced)) };
        drop(room);
        let since_us = inner.now();
        Poll::Ready(Ok(Permit { inner, ticket, since_us, over: false }))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut room = self.inner.lock();
        match room.waiting.remove(&self.waiter) {
            Some(Place::Waits(_)) => {
                room.site.leave(self.waiter);
            }
            // It was woken and never looked: its place goes to the next.
            Some(Place::Woken(ticket)) => {
                drop(room);
                self.inner.finish(ticket, Outcome { status: 499, latency_us: 0, abandoned: true, blocked: false });
            }
            Some(Place::Displaced) | None => {}
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Waiting").field(&self.waiter).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Concurrency, Settings};
    use base::ManualClock;

    fn gate(first: u32, queue_length: u32) -> (Gate, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(1_000_000_000));
        let settings =
            Settings { concurrency: Concurrency { first, least: 1, most: first }, queue_length, ..Settings::default() };
        (Gate::new(clock.clone(), |now| Site::new("s", settings, 1, &[1; 32], now)), clock)
    }

    fn request(client: u8) -> Request<'static> {
        let client = [192, 0, 2, client].into();
        Request { client, fingerprint: "f", binding: "b", method: "GET", target: "/", cookie: None, navigates: false }
    }

    fn poll(waiting: &mut Waiting) -> Poll<Result<Permit, Held>> {
        Pin::new(waiting).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn waits(gate: &Gate, client: u8) -> Waiting {
        match gate.enter(&request(client)) {
            Entry::Wait(waiting) => waiting,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_place_goes_from_hand_to_hand() {
        let (gate, clock) = gate(1, 4);
        let Entry::Go(first) = gate.enter(&request(1)) else { panic!("there is room") };
        let (mut second, mut third) = (waits(&gate, 2), waits(&gate, 3));
        assert!(matches!(gate.enter(&request(4)), Entry::Refuse { reason: Held::QueueFull, .. }));
        assert!(poll(&mut second).is_pending() && poll(&mut third).is_pending());
        clock.advance(10_000);
        first.finish(200);
        assert!(poll(&mut third).is_pending());
        let Poll::Ready(Ok(permit)) = poll(&mut second) else { panic!("it was woken") };
        drop(permit);
        drop(third);
        let Entry::Go(_) = gate.enter(&request(5)) else { panic!("woken and dropped gives the place back") };
    }

    #[test]
    fn who_goes_away_leaves_nothing_behind() {
        let (gate, _) = gate(1, 1);
        for round in 0..100 {
            let Entry::Go(permit) = gate.enter(&request(1)) else { panic!("round {round}") };
            let mut waiting = waits(&gate, 2);
            assert!(poll(&mut waiting).is_pending());
            drop(waiting);
            drop(permit);
        }
        assert_eq!(gate.inner.lock().waiting.len(), 0);
        let counters = gate.with(|site, _| site.snapshot().counters);
        assert_eq!((counters.admitted, counters.queued, counters.held[Held::Waited as usize]), (100, 100, 100));
    }

    #[test]
    fn a_jump_of_the_wall_clock_moves_nothing() {
        let (gate, clock) = gate(1, 1);
        let before = gate.now();
        clock.jump_wall(-3_600_000_000);
        clock.advance(1000);
        assert_eq!(gate.now(), before + 1000);
        gate.tick();
    }
}
