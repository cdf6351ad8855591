//! The loop that joins probes, votes and hands: names in, moves out. Who carries a move out, and who is told, is passed in.

use crate::fault;
use crate::guard::{Guard, Place};
use crate::name::{Found, Protected};
use crate::prober::Sighting;
use crate::provider::Swap;
use crate::switching::{Move, Phase, Reason, Step};
use crate::vote::{BALLOT_BYTES, Urn, Vote};
use async_trait::async_trait;
use base::{Clock, Fault, Micros, Result};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// How often a name is read, so that what others do to it is seen, seconds.
const READ_S: usize = 10;

/// Something that people or the server may want to know.
#[derive(Debug, Clone)]
pub enum Note {
    /// A name stands otherwise than before.
    Stands(Phase),
    /// A person is to be asked for a move.
    Asked(Move),
    /// A move was made, or tried.
    Moved(Move, Result<Swap>),
    /// A name could not be read.
    Unread(Fault),
}

/// Carries moves out and takes notes.
#[async_trait]
pub trait Hands: Send + Sync {
    /// Changes a name from one place to another.
    async fn swap(&self, name: &Protected, from: &Place, to: &Place, reason: Reason) -> Result<Swap>;

    /// What a name is now.
    async fn read(&self, name: &Protected) -> Result<Found>;

    /// Takes a note of the name with this number.
    fn note(&self, number: usize, name: &Protected, note: &Note);
}

/// What came back from a task.
enum Back {
    Moved(usize, Move, Result<Swap>),
    Read(usize, u64, Result<Found>),
}

/// Names that are watched over. Shared: the loop runs beside whoever votes, asks and approves.
#[derive(Clone)]
pub struct Keeper {
    guards: Arc<Mutex<Vec<Guard>>>,
    hands: Arc<dyn Hands>,
    clock: Arc<dyn Clock>,
}

impl Keeper {
    /// For these names; the number of a name is its place in the list.
    pub fn new(guards: Vec<Guard>, hands: Arc<dyn Hands>, clock: Arc<dyn Clock>) -> Keeper {
        Keeper { guards: Arc::new(Mutex::new(guards)), hands, clock }
    }

    /// The names, to be looked at, voted on, asked of and approved for: between two turns of the loop.
    pub fn guards(&self) -> MutexGuard<'_, Vec<Guard>> {
        self.guards.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// A vote of a prober elsewhere.
    pub fn vote(&self, prober: &str, sighting: &Sighting) {
        let now = self.now();
        if let Some(guard) = self.guards().get_mut(sighting.name) {
            guard.vote(sighting.place, prober, sighting.condition, now);
        }
    }

    /// Takes signed votes from a socket until it fails for good; what is refused is counted in the urn and left out.
    ///
    /// # Errors
    /// `divert.unreachable` when the socket cannot be read any more.
    pub async fn listen(&self, socket: &UdpSocket, urn: &mut Urn) -> Result<()> {
        let mut buffer = [0; BALLOT_BYTES + 1];
        loop {
            let length = socket.recv(&mut buffer).await.map_err(|cause| {
                Fault::new(&fault::UNREACHABLE).object("votes of probers").found(cause.kind()).because(cause)
            })?;
            match urn.open(&buffer[..length], self.clock.wall(), self.now()) {
                Ok((prober, votes)) => self.take(&prober, &votes),
                Err(fault) => tracing::debug!(fault = %fault.inside(), refused = urn.refused(), "a vote was refused"),
            }
        }
    }

    fn take(&self, prober: &str, votes: &[Vote]) {
        let now = self.now();
        let mut guards = self.guards();
        for vote in votes {
            let named = |guard: &&mut Guard| guard.name().name() == vote.name;
            if let Some(guard) = guards.iter_mut().find(named) {
                guard.vote_on(&vote.place, prober, vote.condition, now);
            }
        }
    }

    fn now(&self) -> Micros {
        self.clock.monotonic()
    }

    /// Runs until `sightings`, which are those of the prober called `prober`, end. Moves under way are waited for.
    pub async fn run(&self, prober: &str, mut sightings: Receiver<Sighting>) {
        let mut tasks: JoinSet<Back> = JoinSet::new();
        let mut phases: Vec<Option<Phase>> = self.guards().iter().map(|_| None).collect();
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turn = 0;
        loop {
            tokio::select! {
                sighting = sightings.recv() => {
                    let Some(sighting) = sighting else { break };
                    self.vote(prober, &sighting);
                    // Not at the next second: a second is much of what a switch has.
                    self.second(sighting.name, &mut tasks);
                }
                _ = seconds.tick() => {
                    turn += 1;
                    for number in 0..phases.len() {
                        self.second(number, &mut tasks);
                        // At the beginning too: it may have been left away from home.
                        if turn == 1 || (turn + number) % READ_S == 0 {
                            self.read(number, &mut tasks);
                        }
                    }
                }
                Some(back) = tasks.join_next() => self.back(back.ok()),
            }
            self.tell(&mut phases);
        }
        while let Some(back) = tasks.join_next().await {
            self.back(back.ok());
        }
        self.tell(&mut phases);
    }

    /// One name's second.
    fn second(&self, number: usize, tasks: &mut JoinSet<Back>) {
        let now = self.now();
        let mut guards = self.guards();
        let Some(guard) = guards.get_mut(number) else { return };
        match guard.second(now) {
            Some(Step::Swap(step)) => {
                let (name, hands) = (guard.name().clone(), self.hands.clone());
                let place = |at: usize| guard.places().get(at).cloned();
                if let (Some(from), Some(to)) = (place(step.from), place(step.to)) {
                    tasks.spawn(
                        async move { Back::Moved(number, step, hands.swap(&name, &from, &to, step.reason).await) },
                    );
                }
            }
            Some(Step::Ask(step)) => {
                let name = guard.name().clone();
                drop(guards);
                self.hands.note(number, &name, &Note::Asked(step));
            }
            None => {}
        }
    }

    fn read(&self, number: usize, tasks: &mut JoinSet<Back>) {
        let about = self.guards().get(number).map(|guard| (guard.name().clone(), guard.switching.epoch()));
        if let Some((name, epoch)) = about {
            let hands = self.hands.clone();
            tasks.spawn(async move { Back::Read(number, epoch, hands.read(&name).await) });
        }
    }

    /// Takes what a task brought; one that was lost brings nothing, and the state machine's own time ends its move.
    fn back(&self, back: Option<Back>) {
        let now = self.now();
        let (number, note) = match back {
            Some(Back::Moved(number, step, swap)) => {
                if let Some(guard) = self.guards().get_mut(number) {
                    guard.done(now, &swap);
                }
                (number, Note::Moved(step, swap))
            }
            Some(Back::Read(number, epoch, Ok(found))) => {
                if let Some(guard) = self.guards().get_mut(number) {
                    guard.observed(now, epoch, &found.addresses);
                }
                return;
            }
            Some(Back::Read(number, _, Err(fault))) => (number, Note::Unread(fault)),
            None => return,
        };
        let name = self.guards().get(number).map(|guard| guard.name().clone());
        if let Some(name) = name {
            self.hands.note(number, &name, &note);
        }
    }

    /// Tells of each name that stands otherwise than before.
    fn tell(&self, phases: &mut [Option<Phase>]) {
        let now: Vec<(Protected, Phase)> =
            self.guards().iter().map(|guard| (guard.name().clone(), guard.switching.phase())).collect();
        for (number, ((name, phase), before)) in now.into_iter().zip(phases).enumerate() {
            if *before != Some(phase) {
                *before = Some(phase);
                self.hands.note(number, &name, &Note::Stands(phase));
            }
        }
    }
}

impl Note {
    /// The fault in it, when there is one: also a name that somebody else holds.
    pub fn fault(&self, name: &Protected) -> Option<Fault> {
        match self {
            Note::Moved(_, Err(fault)) | Note::Unread(fault) => Some(fault.clone()),
            Note::Moved(step, Ok(Swap::Changed(found))) => {
                let fault = Fault::new(&fault::CHANGED).object(name.name());
                Some(fault.expected(format!("place {}", step.from)).found(&found.addresses))
            }
            _ => None,
        }
    }
}
