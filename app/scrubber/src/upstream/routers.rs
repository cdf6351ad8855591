//! Routers upstream: one BGP speaker a neighbour, and which order announced what.

use crate::config::Config;
use crate::fault;
use crate::status;
use base::{Clock, Fault, Random, Result};
use bgp::{Announcement, Approval, Guard, Id, Limits, Phase, Speaker};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::Handle;

/// Announcements at once.
const ANNOUNCEMENTS: usize = 1000;

/// All neighbours.
pub struct Routers {
    speakers: Vec<(String, Speaker)>,
    /// By order, the place of the speaker and its announcement.
    told: Mutex<BTreeMap<String, Vec<(usize, Id)>>>,
}

impl Routers {
    /// Connects to every neighbour of a configuration.
    ///
    /// # Errors
    /// [`fault::SECRET`], and what `bgp` says of the settings.
    pub fn start(
        config: &Config,
        runtime: &Handle,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
    ) -> Result<Routers> {
        let mut speakers = Vec::new();
        for neighbour in &config.neighbours {
            let mut session = neighbour.session.clone();
            if let Some(path) = neighbour.password_file.clone() {
                // Read before each connection, and here so that a wrong file is told at the start.
                let password = move || bgp::Password::new(&secret(&path)?);
                password()?;
                session.password = Some(bgp::Secret::new(password));
            }
            let guard = Guard::new(limits(config));
            let speaker = Speaker::start(runtime, session, guard, clock.clone(), random.clone())?;
            speakers.push((neighbour.name.clone(), speaker));
        }
        Ok(Routers { speakers, told: Mutex::default() })
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<String, Vec<(usize, Id)>>> {
        self.told.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What may be told from now on.
    pub fn guard(&self, config: &Config) {
        for (_, speaker) in &self.speakers {
            speaker.guard(Guard::new(limits(config)));
        }
    }

    /// How many neighbours there are.
    pub fn count(&self) -> usize {
        self.speakers.len()
    }

    /// Whether the session with a neighbour stands.
    pub fn ready(&self) -> bool {
        self.speakers.iter().any(|(_, speaker)| speaker.state().phase == Phase::Established)
    }

    /// Tells all neighbours for an order: all or none.
    ///
    /// # Errors
    /// [`fault::GUARDED`] without a neighbour, and what the speaker says against it.
    pub fn announce(&self, order: &str, what: &Announcement, lease: Duration, by: Approval) -> Result<()> {
        if self.count() == 0 {
            return Err(Fault::new(&fault::GUARDED).object(what).expected("a neighbour upstream").found("none"));
        }
        let mut ids = Vec::new();
        for (place, (_, speaker)) in self.speakers.iter().enumerate() {
            match speaker.announce(what.clone(), lease, by.clone()) {
                Ok(id) => ids.push((place, id)),
                Err(fault) => {
                    self.take_back(&ids);
                    return Err(fault);
                }
            }
        }
        self.told().insert(order.to_string(), ids);
        Ok(())
    }

    /// Takes back what an order announced; once more is no fault.
    pub fn withdraw(&self, order: &str) {
        let ids = self.told().remove(order).unwrap_or_default();
        self.take_back(&ids);
    }

    fn take_back(&self, ids: &[(usize, Id)]) {
        for (place, id) in ids {
            // It may have ended with its lease a moment ago.
            let _ = self.speakers[*place].1.withdraw(*id);
        }
    }

    /// The neighbours that were told of an order's announcement over a session that stands.
    ///
    /// # Errors
    /// [`fault::NOT_IN_FORCE`] when it is nowhere.
    pub fn holds(&self, order: &str) -> Result<Vec<String>> {
        let ids = self.told().get(order).cloned().unwrap_or_default();
        let mut lines = Vec::new();
        for (place, id) in ids {
            let (name, speaker) = &self.speakers[place];
            let state = speaker.state();
            if state.phase == Phase::Established && state.announced.iter().any(|row| row.id == id && row.told) {
                lines.push(format!("{name} was told"));
            }
        }
        if lines.is_empty() {
            let fault = Fault::new(&fault::NOT_IN_FORCE).object(format!("the announcement of {order}"));
            return Err(fault.expected("a neighbour that was told").found("none"));
        }
        Ok(lines)
    }

    /// How each is, for people.
    pub fn shown(&self) -> Vec<status::Neighbour> {
        let shown = |(name, speaker): &(String, Speaker)| {
            let state = speaker.state();
            let announced = state.announced.iter();
            status::Neighbour {
                name: name.clone(),
                state: state.phase.name().into(),
                error: state.error.as_ref().map(ToString::to_string).unwrap_or_default(),
                announced: announced.map(|row| format!("{} ({:.0} s)", row.announcement, row.lease_left_s)).collect(),
            }
        };
        self.speakers.iter().map(shown).collect()
    }

    /// Withdraws everything and ends the sessions.
    pub async fn stop(self, reason: &str) {
        for (_, speaker) in self.speakers {
            speaker.stop(reason).await;
        }
    }
}

/// What may be told: protected addresses only, blackholes only where policy has them.
fn limits(config: &Config) -> Limits {
    Limits {
        protected: config.protected().map(|(prefix, _)| prefix).collect(),
        max_announcements: ANNOUNCEMENTS,
        // Who approved stands in the order: without one the action does not come here.
        blackhole_needs_approval: true,
        flow_needs_approval: true,
        ..Limits::default()
    }
}

/// A secret's file: one line, readable by its owner only.
fn secret(path: &Path) -> Result<String> {
    let wrong = || Fault::new(&fault::SECRET).object(path.display());
    let mode = std::fs::metadata(path).map_err(|cause| wrong().because(cause))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong().expected("mode 0600").found(format!("mode {:04o}", mode & 0o7777)));
    }
    let text = std::fs::read_to_string(path).map_err(|cause| wrong().because(cause))?;
    let line = text.trim_end_matches(['\n', '\r']);
    let one = !line.is_empty() && !line.contains('\n');
    if one { Ok(line.to_string()) } else { Err(wrong().expected("one line")) }
}
