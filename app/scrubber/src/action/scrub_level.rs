//! `scrub-level`: a protected destination is defended at a level, while the order is in force.

use super::{not_in_force, parameter};
use crate::claims::Claims;
use crate::fault;
use crate::port::SharedPackets;
use action::{Action, Adopted, Applied, HostView, Plan, Progress, pack, unpack};
use base::{Fault, Lang, Result};
use ddos::{Level, Prefix};
use record::{ActionKind, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// See the module.
pub struct ScrubLevel {
    packets: SharedPackets,
    /// Level of each protected destination when no order wants more.
    lowest: RwLock<BTreeMap<Prefix, Level>>,
    claims: Mutex<Claims<Prefix, Level>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    order: String,
    destination: Prefix,
    level: Level,
}

impl ScrubLevel {
    /// Over a filter; `lowest` has every protected destination.
    pub fn new(packets: SharedPackets, lowest: BTreeMap<Prefix, Level>) -> ScrubLevel {
        ScrubLevel { packets, lowest: RwLock::new(lowest), claims: Mutex::default() }
    }

    /// Protects these from now on; what was ordered for others is over.
    pub fn protect(&self, lowest: BTreeMap<Prefix, Level>) {
        *self.lowest.write().unwrap_or_else(PoisonError::into_inner) = lowest;
    }

    /// The level below which a destination never falls; none when it is not protected.
    fn lowest(&self, destination: Prefix) -> Option<Level> {
        self.lowest.read().unwrap_or_else(PoisonError::into_inner).get(&destination).copied()
    }

    fn claims(&self) -> MutexGuard<'_, Claims<Prefix, Level>> {
        self.claims.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The level that a destination must have now.
    fn due(&self, destination: Prefix, lowest: Level) -> Level {
        self.claims().most(&destination).unwrap_or(lowest).max(lowest)
    }

    /// Brings every destination to the level that the orders in force want: what an adopted filter holds beyond them, nobody
    /// would ever take back.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn settle(&self) -> Result<()> {
        let protected: Vec<Prefix> =
            self.lowest.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        protected.into_iter().try_for_each(|destination| self.put(destination).map(drop))
    }

    fn put(&self, destination: Prefix) -> Result<Vec<String>> {
        let Some(lowest) = self.lowest(destination) else {
            return Ok(vec![format!("{destination} is not protected any more")]);
        };
        let due = self.due(destination, lowest);
        let mut packets = self.packets.lock();
        packets.set_level(destination, due)?;
        Ok(vec![format!("{destination}: level {}", packets.level(destination)?.word())])
    }
}

impl Action for ScrubLevel {
    fn kind(&self) -> ActionKind {
        ActionKind::ScrubLevel
    }

    fn plan(&self, order: &Order, _host: &HostView) -> Result<Plan> {
        let destination: Prefix = parameter(order, "destination", "an address or range, as 203.0.113.10")?;
        let word: String = parameter(order, "level", "a level")?;
        let words: Vec<&str> = Level::ALL.iter().map(|level| level.word()).collect();
        let wrong =
            || Fault::new(&fault::PARAMETER).object("parameter `level`").expected(words.join(", ")).found(&word);
        let level = Level::from_word(&word).ok_or_else(wrong)?;
        if self.lowest(destination).is_none() {
            return Err(Fault::new(&fault::NOT_PROTECTED).object(destination));
        }
        let now = self.packets.lock().level(destination)?;
        let touched = vec![
            format!("{destination}: level {} → {}", now.word(), level.max(now).word()),
            level.text(Lang::En).to_string(),
        ];
        Ok(Plan { touched, record: pack(&Record { order: order.id.clone(), destination, level })? })
    }

    fn apply(&self, _order: &Order, plan: &Plan, _host: &HostView, _progress: &mut Progress<'_>) -> Result<Applied> {
        let record: Record = unpack(&plan.record)?;
        self.claims().add(&record.destination, &record.order, record.level);
        Ok(Applied { touched: self.put(record.destination)?, record: plan.record.clone() })
    }

    fn verify(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        let level = self.packets.lock().level(record.destination)?;
        if level < record.level {
            return Err(not_in_force(format!("{} at {}", record.destination, record.level.word()), level.word()));
        }
        Ok(vec![format!("{}: level {}", record.destination, level.word())])
    }

    fn undo(&self, _host: &HostView, record: &Value) -> Result<Vec<String>> {
        let record: Record = unpack(record)?;
        self.claims().remove(&record.destination, &record.order);
        self.put(record.destination)
    }

    fn adopt(&self, _host: &HostView, record: &Value, _left_s: u64, _same_boot: bool) -> Result<Adopted> {
        let record: Record = unpack(record)?;
        if self.lowest(record.destination).is_none() {
            return Ok(Adopted::Over(format!("{} is not protected any more", record.destination)));
        }
        self.claims().add(&record.destination, &record.order, record.level);
        self.put(record.destination)?;
        Ok(Adopted::Kept)
    }
}
