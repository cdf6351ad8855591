//! One protected destination: its watch, and which orders stand for what the watch wants.
//!
//! What is wanted and what stands are compared every second: what was refused, failed or ended with its lease is ordered
//! again while it is still wanted, and nothing is ordered twice.

use crate::carpet;
use crate::config::{Config, Decide, Protected};
use crate::orders::{CONTROLLER, Orders, Reason};
use base::Micros;
use ddos::{Baseline, Level, Prefix, Settings, Signature, Watch};
use record::{Order, Receipt, ReceiptState};
use std::collections::BTreeMap;
use std::time::Duration;

/// Lease of a level; a longer attack renews it.
const LEVEL: Duration = Duration::from_secs(3600);
/// An order is renewed when its lease has less left than this, µs.
const RENEW_US: Micros = 60_000_000;
/// What was refused is not ordered again before, µs.
const AGAIN_US: Micros = 10_000_000;
/// What a person took back is not ordered again before, µs.
const UNDONE_US: Micros = 300_000_000;

/// An order that stands.
#[derive(Debug, Clone)]
struct Standing {
    order: String,
    ends_us: Micros,
}

/// See the module.
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its address or range.
    pub prefix: Prefix,
    /// The level below which it never falls.
    pub lowest: Level,
    /// What judges it.
    pub watch: Watch,
    /// The level that an attack spread over its neighbours asks for.
    pub carpet: Level,
    highest: Level,
    /// The protected addresses that it stands for, when it is only a range around them.
    pub members: Vec<Prefix>,
    /// Alert of the attack under way, empty when there is none.
    pub alert: String,
    /// When its attack was last reported, 0 before the first time.
    pub reported_us: Micros,
    /// Whether an alert with its report was raised.
    pub told: bool,
    /// What the watch wants, whether or not it is carried out.
    pub wanted: BTreeMap<u64, Signature>,
    level: Option<(Level, Standing)>,
    signatures: BTreeMap<u64, Standing>,
    /// Do not order a level, or signatures, before.
    held_us: [Micros; 2],
    /// Signatures that a person took back, and when they may be ordered again.
    undone: BTreeMap<u64, Micros>,
}

/// Places in [`Place::held_us`].
const LEVEL_HELD: usize = 0;
const SIGNATURES_HELD: usize = 1;

impl Place {
    /// A destination as it is configured.
    pub fn new(prefix: Prefix, entry: &Protected, watch: Watch) -> Place {
        Place {
            name: entry.name.clone(),
            prefix,
            lowest: entry.lowest,
            watch,
            carpet: Level::Observe,
            highest: entry.highest,
            members: Vec::new(),
            alert: String::new(),
            reported_us: 0,
            told: false,
            wanted: BTreeMap::new(),
            level: None,
            signatures: BTreeMap::new(),
            held_us: [0; 2],
            undone: BTreeMap::new(),
        }
    }

    /// Every protected destination of a configuration and the ranges around them, with what is usual for each.
    pub fn all(config: &Config, baselines: &BTreeMap<Prefix, Baseline>, now: Micros) -> Vec<Place> {
        let usual = |prefix: &Prefix| baselines.get(prefix).cloned().unwrap_or_default();
        let range = |(prefix, members): (Prefix, Vec<Prefix>)| {
            let highest = config.detect.highest.min(Level::Verified);
            let settings = Settings { highest, ..config.detect.clone() };
            Place::range(prefix, members, Watch::with(prefix, settings, usual(&prefix)))
        };
        let single = |(prefix, entry): (Prefix, &Protected)| {
            let settings = Settings { highest: entry.highest, ..config.detect.clone() };
            let mut watch = Watch::with(prefix, settings, usual(&prefix));
            watch.order(now, entry.lowest);
            Place::new(prefix, entry, watch)
        };
        // Ranges first: what they ask for holds for their members in the same second.
        let ranges = carpet::ranges(config.protected().map(|(prefix, _)| prefix));
        ranges.into_iter().map(range).chain(config.protected().map(single)).collect()
    }

    /// As another configuration has it, with all that was learned and ordered.
    pub fn retuned(mut self, like: Place, now: Micros) -> Place {
        self.watch.retune(now, &like.watch);
        (self.name, self.members) = (like.name, like.members);
        (self.lowest, self.highest) = (like.lowest, like.highest);
        if self.carpet > self.highest {
            self.carpet = self.highest;
        }
        self
    }

    /// The orders that take back all that stands.
    pub fn let_go(self, orders: &Orders) -> Vec<Order> {
        let text = format!("{} is not protected any more", self.name);
        let reason = Reason { by: CONTROLLER.into(), text, alert: self.alert };
        let standing = self.level.into_iter().map(|(_, standing)| standing).chain(self.signatures.into_values());
        standing.map(|standing| orders.undo(&standing.order, &reason)).collect()
    }

    /// A range around protected addresses: it has signatures, and asks its members for levels.
    pub fn range(prefix: Prefix, members: Vec<Prefix>, watch: Watch) -> Place {
        // Nothing is above it: no level is ordered for what the filter does not know.
        let entry = Protected {
            name: prefix.to_string(),
            prefix: prefix.to_string(),
            lowest: Level::Upstream,
            highest: Level::Upstream,
        };
        Place { members, ..Place::new(prefix, &entry, watch) }
    }

    /// Whether it may be turned away upstream: it is attacked, and routers may be told without a person.
    pub fn may_be_turned_away(&self) -> bool {
        self.members.is_empty() && self.highest == Level::Upstream && self.watch.alarm()
    }

    /// The level that is wanted.
    pub fn level(&self) -> Level {
        self.watch.level().max(self.carpet.min(self.highest))
    }

    /// The orders that bring what stands to what is wanted; at most `room` signatures more than stand.
    pub fn reconcile(
        &mut self,
        now: Micros,
        decide: Decide,
        why: &str,
        orders: &Orders,
        room: &mut usize,
    ) -> Vec<Order> {
        if decide != Decide::Auto {
            return Vec::new();
        }
        let reason = Reason { by: CONTROLLER.into(), text: format!("{}: {why}", self.name), alert: self.alert.clone() };
        let mut given = Vec::new();
        if now >= self.held_us[LEVEL_HELD] {
            self.reconcile_level(now, &reason, orders, &mut given);
        }
        if now >= self.held_us[SIGNATURES_HELD] {
            self.reconcile_signatures(now, &reason, orders, room, &mut given);
        }
        given
    }

    fn reconcile_level(&mut self, now: Micros, reason: &Reason, orders: &Orders, given: &mut Vec<Order>) {
        let wanted = Some(self.level()).filter(|level| *level > self.lowest);
        let fits = |(level, standing): &(Level, Standing)| Some(*level) == wanted && standing.ends_us - now > RENEW_US;
        if self.level.as_ref().is_some_and(fits) || (wanted.is_none() && self.level.is_none()) {
            return;
        }
        // The new order first: between the two the destination is never without defence.
        let old = self.level.take();
        if let Some(level) = wanted {
            let order = orders.level(self.prefix, level, LEVEL, reason);
            self.level = Some((level, standing(&order, now)));
            given.push(order);
        }
        given.extend(old.map(|(_, standing)| orders.undo(&standing.order, reason)));
    }

    fn reconcile_signatures(
        &mut self,
        now: Micros,
        reason: &Reason,
        orders: &Orders,
        room: &mut usize,
        given: &mut Vec<Order>,
    ) {
        let gone: Vec<u64> = self.signatures.keys().filter(|id| !self.wanted.contains_key(id)).copied().collect();
        for standing in gone.iter().filter_map(|id| self.signatures.remove(id)) {
            given.push(orders.undo(&standing.order, reason));
        }
        self.undone.retain(|_, until| *until > now);
        for (id, signature) in &self.wanted {
            let left = self.signatures.get(id).map_or(0, |standing| standing.ends_us - now);
            let life = signature.expires_us - now;
            // Renewed when it lives much longer than its order; each hit prolongs its life.
            if left > 0 && left >= (life / 2).min(RENEW_US) {
                continue;
            }
            let new = !self.signatures.contains_key(id);
            if new && (*room == 0 || self.undone.contains_key(id)) {
                continue;
            }
            *room -= usize::from(new);
            let lease = Duration::from_micros(u64::try_from(life).unwrap_or(0)).max(Duration::from_secs(2));
            let order = orders.filter(signature, lease, reason);
            let old = self.signatures.insert(*id, standing(&order, now));
            given.push(order);
            // Else it would outlive the signature's end by its own lease.
            given.extend(old.map(|old| orders.undo(&old.order, reason)));
        }
    }

    /// A receipt of one of its orders, if it is one: what is over does not stand.
    pub fn heard(&mut self, receipt: &Receipt, now: Micros) {
        use ReceiptState::{Expired, Failed, Refused, Undone};
        let state = ReceiptState::try_from(receipt.state).unwrap_or(ReceiptState::Planned);
        if !matches!(state, Refused | Failed | Expired | Undone) {
            return;
        }
        let pause_us = match state {
            Refused | Failed => AGAIN_US,
            // What is taken back here does not stand any more when it is heard of: this is somebody else's will.
            Undone => UNDONE_US,
            _ => 0,
        };
        let ours = |standing: &Standing| standing.order == receipt.order;
        if self.level.take_if(|(_, standing)| ours(standing)).is_some() {
            self.held_us[LEVEL_HELD] = now + pause_us;
        }
        // One signature too many must not keep the level from rising, nor one that a person took back the others.
        let Some(id) = self.signatures.iter().find(|(_, standing)| ours(standing)).map(|(id, _)| *id) else { return };
        self.signatures.remove(&id);
        match state {
            Undone => drop(self.undone.insert(id, now + pause_us)),
            _ => self.held_us[SIGNATURES_HELD] = now + pause_us,
        }
    }

    /// How many signatures stand.
    pub fn signatures(&self) -> usize {
        self.signatures.len()
    }

    /// How many orders stand.
    pub fn standing(&self) -> usize {
        usize::from(self.level.is_some()) + self.signatures.len()
    }
}

fn standing(order: &Order, now: Micros) -> Standing {
    let lease = i64::try_from(order.lease_s.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    Standing { order: order.id.clone(), ends_us: now.saturating_add(lease) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{ManualClock, SystemRandom};
    use ddos::Field;
    use std::sync::Arc;

    const START: Micros = 1_800_000_000_000_000;

    fn place() -> (Place, Orders) {
        let yaml = "interfaces: [eth0]\nprotect: [{name: shop, prefix: 203.0.113.10}]\n";
        let config = crate::config::Config::parse(yaml, "test.yaml").unwrap();
        let (prefix, entry) = config.protected().next().unwrap();
        let place = Place::new(prefix, entry, Watch::new(prefix, Settings::default()));
        let clock = Arc::new(ManualClock::at(START));
        (place, Orders::new(String::new(), clock, Arc::new(SystemRandom::new())))
    }

    fn signature(life_s: i64) -> Signature {
        let terms = vec![(Field::Protocol, 17), (Field::SourcePort, 53)];
        Signature::new("203.0.113.10".parse().unwrap(), terms, START + life_s * 1_000_000)
    }

    #[test]
    fn what_a_person_takes_back_is_not_ordered_again_at_once() {
        let (mut place, orders) = place();
        let found = signature(600);
        let terms = vec![(Field::Protocol, 17), (Field::SourcePort, 123)];
        let other = Signature::new(found.destination, terms, START + 700_000_000);
        place.wanted = [(found.id, found)].into();
        place.carpet = Level::Limit;
        let given = place.reconcile(START, Decide::Auto, "", &orders, &mut 32);
        assert_eq!(given.len(), 2);
        for order in &given {
            let undone = Receipt { order: order.id.clone(), state: ReceiptState::Undone as i32, ..Receipt::default() };
            place.heard(&undone, START);
        }
        place.wanted.insert(other.id, other);
        let later = place.reconcile(START + 20_000_000, Decide::Auto, "", &orders, &mut 32);
        assert_eq!(later.len(), 1, "another signature alone: {later:?}");
        let later = place.reconcile(START + UNDONE_US, Decide::Auto, "", &orders, &mut 32);
        assert_eq!(later.len(), 2, "level and signature: {later:?}");
    }

    #[test]
    fn a_signature_that_hits_is_renewed_now_and_then_and_its_old_order_ends() {
        let (mut place, orders) = place();
        let (mut applied, mut undone) = (0, 0);
        for second in 0..100 {
            // Each second a hit makes it live 20 s from then on.
            let found = signature(second + 20);
            place.wanted = [(found.id, found)].into();
            let now = START + second * 1_000_000;
            for order in place.reconcile(now, Decide::Auto, "", &orders, &mut 32) {
                if order.undoes.is_empty() { applied += 1 } else { undone += 1 }
            }
        }
        assert!((8..=11).contains(&applied) && undone == applied - 1, "{applied} {undone}");
        place.wanted.clear();
        assert_eq!(place.reconcile(START, Decide::Auto, "", &orders, &mut 32).len(), 1);
    }

    #[test]
    fn without_room_no_signature_is_ordered_and_the_level_still_rises() {
        let (mut place, orders) = place();
        let found = signature(600);
        place.wanted = [(found.id, found)].into();
        assert!(place.reconcile(START, Decide::Auto, "", &orders, &mut 0).is_empty());
        let given = place.reconcile(START, Decide::Auto, "", &orders, &mut 1);
        let refused = Receipt { order: given[0].id.clone(), state: ReceiptState::Refused as i32, ..Receipt::default() };
        place.heard(&refused, START);
        place.carpet = Level::Limit;
        let given = place.reconcile(START, Decide::Auto, "", &orders, &mut 1);
        assert_eq!(given.len(), 1, "only the level: {given:?}");
        assert_eq!(given[0].parameters["level"], Level::Limit.word());
    }
}
