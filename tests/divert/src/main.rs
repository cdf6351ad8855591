//! Protected names kept by `edge/divert` alone, without a packet filter and without a server: what the story `dns` measures.
//!
//! `divert-lab keep PLAN` is the controller: it probes, takes the votes of others, moves names, and prints what it does, one
//! JSON object a line. `divert-lab probe PLAN` is a prober at another place: it sends its votes.

use async_trait::async_trait;
use base::{Clock, Fault, Random, Result, SystemClock, SystemRandom};
use divert::{
    Condition, Found, Guard, Hands, HealthRules, Keeper, Key, Note, Place, ProbeSettings, Prober, Protected,
    QuorumRules, Reason, Records, Settings, Sighting, Swap, SwitchingRules, Target, Urn, Vote, Voter, Watch,
};
use serde::Deserialize;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// What is kept.
#[derive(Deserialize)]
struct Plan {
    names: Vec<Name>,
    /// Where votes of the other prober go, and its key.
    votes: SocketAddr,
    vote_key: PathBuf,
    #[serde(default)]
    health: HealthRules,
    #[serde(default)]
    quorum: QuorumRules,
    #[serde(default)]
    switching: SwitchingRules,
}

#[derive(Deserialize)]
struct Name {
    zone: String,
    name: String,
    ttl_s: u32,
    ask: String,
    places: Vec<Place>,
    settings: Settings,
}

/// Swaps at the name servers themselves and prints.
struct Printer {
    records: Vec<(String, Box<dyn Records>)>,
    clock: Arc<dyn Clock>,
}

impl Printer {
    fn records(&self, name: &Protected) -> Result<&dyn Records> {
        let known = self.records.iter().find(|(known, _)| *known == name.name());
        known.map(|(_, records)| &**records).ok_or_else(|| Fault::new(&divert::fault::NAME).object(name.name()))
    }

    fn print(&self, name: &str, what: &str, detail: String) {
        let line = serde_json::json!({"at_us": self.clock.wall(), "name": name, "what": what, "detail": detail});
        println!("{line}");
        // A reader that is gone ends the story, not this.
        let _ = std::io::stdout().flush();
    }
}

#[async_trait]
impl Hands for Printer {
    async fn swap(&self, name: &Protected, from: &Place, to: &Place, reason: Reason) -> Result<Swap> {
        self.print(&name.name(), "moves", format!("{} to {} because {reason:?}", from.label, to.label));
        self.records(name)?.compare_and_swap(name, &from.addresses, &to.addresses).await
    }

    async fn read(&self, name: &Protected) -> Result<Found> {
        self.records(name)?.read(name).await
    }

    fn note(&self, _: usize, name: &Protected, note: &Note) {
        let what = match note {
            Note::Stands(_) => "stands",
            Note::Asked(_) => "asked",
            Note::Moved(..) => "moved",
            Note::Unread(_) => "unread",
        };
        self.print(&name.name(), what, format!("{note:?}"));
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["keep", plan] => keep(plan).await,
        ["probe", plan] => probe(plan).await,
        _ => {
            eprintln!("divert-lab keep PLAN | divert-lab probe PLAN");
            return ExitCode::from(64);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{}", fault.inside());
            ExitCode::from(fault.exit_code())
        }
    }
}

fn read(path: &str) -> Result<Plan> {
    base::config::read(std::path::Path::new(path))
}

/// Begins to probe every place of the plan.
fn watch(plan: &Plan, clock: &Arc<dyn Clock>) -> Result<(Prober, mpsc::Receiver<Sighting>)> {
    let mut watches = Vec::new();
    for (name, entry) in plan.names.iter().enumerate() {
        let ask: ProbeSettings = entry.ask.parse()?;
        for (place, there) in entry.places.iter().enumerate() {
            let target = Target::new(ask.clone(), there.addresses.clone())?;
            watches.push(Watch { name, place, target, rules: plan.health });
        }
    }
    let (sink, sightings) = mpsc::channel(1024);
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    Ok((Prober::start(watches, clock, &random, &sink), sightings))
}

async fn keep(path: &str) -> Result<()> {
    let plan = read(path)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (mut guards, mut records) = (Vec::new(), Vec::new());
    for entry in &plan.names {
        let name = Protected::new(&entry.zone, &entry.name, entry.ttl_s)?;
        let random = Arc::new(SystemRandom::new());
        records.push((name.name(), divert::open(&entry.settings, clock.clone(), random)?));
        guards.push(Guard::new(name, entry.places.clone(), plan.quorum, plan.switching, clock.monotonic())?);
    }
    let hands = Arc::new(Printer { records, clock: clock.clone() });
    let keeper = Keeper::new(guards, hands.clone(), clock.clone());
    let (_prober, sightings) = watch(&plan, &clock)?;
    let turning = keeper.clone();
    let running = tokio::spawn(async move { turning.run("here", sightings).await });
    let failed = |cause: std::io::Error| Fault::new(&divert::fault::UNREACHABLE).object(plan.votes).because(cause);
    let socket = UdpSocket::bind(plan.votes).await.map_err(failed)?;
    let mut urn = Urn::new(vec![Key::read(&plan.vote_key)?], clock.monotonic())?;
    let voted = keeper.clone();
    let voting = tokio::spawn(async move { voted.listen(&socket, &mut urn).await });
    while keeper.guards().iter().any(|guard| guard.verdicts(clock.monotonic()).iter().any(|one| *one != Condition::Up))
    {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    hands.print("", "ready", String::new());
    // Neither ends before the story does.
    let _ = running.await;
    voting.await.unwrap_or(Ok(()))
}

async fn probe(path: &str) -> Result<()> {
    let plan = read(path)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let failed = |cause: std::io::Error| Fault::new(&divert::fault::UNREACHABLE).object(plan.votes).because(cause);
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let mut voter = Voter::new(Key::read(&plan.vote_key)?);
    let (_prober, mut sightings) = watch(&plan, &clock)?;
    while let Some(Sighting { name, place, condition, .. }) = sightings.recv().await {
        let entry = &plan.names[name];
        let name = Protected::new(&entry.zone, &entry.name, entry.ttl_s)?.name();
        let vote = Vote { name, place: entry.places[place].addresses.clone(), condition };
        for datagram in voter.seal(&[vote], clock.wall()) {
            // The controller may not listen yet.
            let _ = socket.send_to(&datagram, plan.votes).await;
        }
    }
    Ok(())
}
