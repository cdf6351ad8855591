//! Labelled windows: what the filter itself counted and sampled of users, and of users among whom a flood began. One JSON
//! object a line and second, for those who train or judge a detector.

use crate::frame::Path;
use crate::generate::{Generator, Recipe, Sources};
use crate::kinds::{Kind, Style, users};
use crate::scene::{Bpffs, Namespace, cable};
use base::SystemRandom;
use ddos::{Counters, Level, Prefix, Sample};
use scrub::{Filter, Plan};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

const HOST: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);
const PORT: u16 = 443;
/// A window; a little more than the filter's own second, so that no source is new twice in one.
const WINDOW: Duration = Duration::from_millis(1100);
/// Seconds of users before a flood.
const BEFORE: u32 = 2;
/// Parts of a window, so that users and flood are mixed; each recipe of each part costs the kernel a grace period.
const PARTS: u32 = 3;
/// Packets of users a window.
const USERS: u32 = 1500;
const SAMPLE_ONE_IN: u32 = 8;

fn wrong(cause: impl std::fmt::Display) -> io::Error {
    io::Error::other(cause.to_string())
}

/// What is played: users of a style, and a flood in a style among them.
#[derive(Debug, Clone, Copy)]
struct Session {
    users: Style,
    flood: Option<(Kind, Style)>,
    /// Packets of the flood a window.
    rate: u32,
}

/// Every kind in every style, each among users of another style, and users alone.
fn sessions() -> Vec<Session> {
    let mut list: Vec<Session> =
        Style::ALL.iter().map(|users| Session { users: *users, flood: None, rate: 0 }).collect();
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        for (turn, style) in Style::ALL.into_iter().enumerate() {
            let users = Style::ALL[(number + turn) % Style::ALL.len()];
            let rate = [2_000, 6_000, 20_000][(number + 2 * turn) % 3];
            list.push(Session { users, flood: Some((kind, style)), rate });
        }
    }
    list
}

/// The place where sessions are played.
struct Place {
    _host: Namespace,
    attacker: Namespace,
    _bpffs: Bpffs,
    filter: Filter,
    generator: Generator,
    path: Path,
    /// Everything up to the last window.
    before: Counters,
}

impl Place {
    fn make() -> io::Result<Place> {
        let (host, attacker) = (Namespace::make("host")?, Namespace::make("attacker")?);
        cable(&host, &attacker, "v0")?;
        host.ip(&["address", "add", &format!("{HOST}/24"), "dev", "v0"])?;
        let bpffs = Bpffs::mount()?;
        let lease = Duration::from_secs(3600);
        let plan = Plan { lease, sample_one_in: SAMPLE_ONE_IN, ..Plan::new(host.interface("v0")?, bpffs.pins()) };
        let mut filter = host.inside(|| Filter::attach(&plan, &SystemRandom::new()))?.map_err(wrong)?;
        // The whole /24, so that floods over all of its addresses are seen as one.
        let prefix = Prefix::new(HOST.into(), 24).ok_or_else(|| wrong("prefix"))?;
        filter.protect(&[(prefix, Level::Observe)]).map_err(wrong)?;
        let mut path = Path::new(Ipv4Addr::new(10, 66, 0, 2).into(), HOST.into());
        (path.from, path.to) = (attacker.mac("v0")?, host.mac("v0")?);
        let index = attacker.interface("v0")?;
        let generator = attacker.inside(|| Generator::new(index))??;
        let before = Counters::default();
        Ok(Place { _host: host, attacker, _bpffs: bpffs, filter, generator, path, before })
    }

    /// Sends a part of a window.
    fn part(&self, users: &[(Recipe, u32)], flood: Option<&Recipe>, rate: u32) -> io::Result<()> {
        let shares: u32 = users.iter().map(|(_, share)| share).sum();
        let generator = &self.generator;
        self.attacker.inside(|| {
            for (recipe, share) in users {
                let packets = (USERS * share / shares.max(1)).div_ceil(PARTS);
                generator.send(recipe, packets.max(1))?;
            }
            flood.map_or(Ok(()), |flood| generator.send(flood, rate / PARTS).map(|_| ()))
        })?
    }

    fn window(&mut self) -> io::Result<(Counters, Vec<Sample>)> {
        let all = self.filter.counters().map_err(wrong)?;
        let now = all.first().map(|(_, counters)| *counters).unwrap_or_default();
        let delta = now - self.before;
        self.before = now;
        let samples = self.filter.samples(0).map_err(wrong)?;
        Ok((delta, samples.into_iter().map(|(_, sample)| sample).collect()))
    }
}

fn line(session: Session, second: u32, attack: u32, counters: &Counters, samples: &[Sample]) -> Value {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let samples: Vec<Value> = samples
        .iter()
        .map(|sample| json!({"at_ns": sample.at_ns, "length": sample.length, "reason": sample.reason, "header": hex(&sample.header)}))
        .collect();
    json!({"session": name(session), "users": session.users.word(), "kind": session.flood.map(|(kind, _)| kind.word()),
        "class": session.flood.map(|(kind, _)| kind.class()),
        "style": session.flood.map(|(_, style)| style.word()), "second": second, "attack": attack,
        "counters": counters, "samples": samples})
}

fn name(session: Session) -> String {
    match session.flood {
        Some((kind, style)) => format!("{}-{}-among-{}", kind.word(), style.word(), session.users.word()),
        None => format!("users-{}", session.users.word()),
    }
}

/// Plays every session for so many seconds and writes its windows. Takes as long as it plays.
///
/// # Errors
/// What the kernel or the writer says.
pub fn run(seconds: u32, out: &mut dyn Write) -> io::Result<u32> {
    let mut place = Place::make()?;
    let mut written = 0;
    for session in sessions() {
        let crowd = users(place.path, session.users, PORT);
        let flood = session.flood.map(|(kind, style)| kind.recipe(place.path, style, PORT));
        // Reflectors and clients of one session are not those of the next.
        let crowd: Vec<(Recipe, u32)> =
            crowd.into_iter().map(|(recipe, share)| (moved(recipe, written), share)).collect();
        place.window()?;
        for second in 0..seconds {
            let begin = Instant::now();
            let flood = flood.as_ref().filter(|_| second >= BEFORE);
            for part in 1..=PARTS {
                place.part(&crowd, flood, session.rate)?;
                std::thread::sleep((WINDOW * part / PARTS).saturating_sub(begin.elapsed()));
            }
            let (counters, samples) = place.window()?;
            let attack = if flood.is_some() { session.rate / PARTS * PARTS } else { 0 };
            writeln!(out, "{}", line(session, second, attack, &counters, &samples))?;
            written += 1;
        }
    }
    place.filter.detach().map_err(wrong)?;
    Ok(written)
}

fn moved(recipe: Recipe, by: u32) -> Recipe {
    let Sources::Listed(list) = &recipe.sources else { return recipe };
    // The few servers that answer us stay.
    if list.len() < 10 {
        return recipe;
    }
    let list = list.iter().map(|source| Ipv4Addr::from(u32::from(*source).wrapping_add(by << 12))).collect();
    recipe.from(Sources::Listed(list))
}
