//! Leases and the first minutes after a start: what ends, what goes on, what is put back.
//!
//! While the agent runs a lease is kept by the monotonic clock. Across a restart of the agent alone it is kept by
//! the time since boot, which nobody can set. Across a restart of the host only the wall clock is left: set
//! forward, it ends a lease early (which frees); set back, the lease gets at most its full length again.

use crate::action::{Action, Adopted};
use crate::executor::{Executor, RETRY, WithFault, kind};
use crate::journal::{Entry, Stage};
use crate::{Hand, fault, kill_tree};
use base::{Fault, Micros, Result};
use record::{ActionKind, Receipt, ReceiptState};
use std::collections::{BTreeMap, BTreeSet};

/// Time between two looks at what somebody else may remove, such as the packet filter's table, µs.
const CHECK: Micros = 15_000_000;
/// Receipts kept for the next tick.
const WAITING: usize = 4096;

impl Executor {
    /// Ends leases, puts back what somebody removed, and hands out the receipts of recovery. Call it every second.
    pub fn tick(&mut self) -> Vec<Receipt> {
        let now = self.host.clock.monotonic();
        let due: Vec<String> = self.ends.iter().filter(|(_, ends)| **ends <= now).map(|(id, _)| id.clone()).collect();
        for id in due {
            let Some(entry) = self.journal.get(&id).cloned() else {
                self.ends.remove(&id);
                continue;
            };
            let state = if entry.stage == Stage::Owed { ReceiptState::Failed } else { ReceiptState::Expired };
            let ended = self.hand(&entry.order).and_then(|action| self.end(&*action, entry.clone(), state));
            match ended {
                Ok(receipt) => self.keep(receipt),
                Err(fault) => self.retry_later(entry, &fault, now),
            }
        }
        if now >= self.next_check {
            self.next_check = now + CHECK;
            self.check_watched();
        }
        std::mem::take(&mut self.waiting)
    }

    fn keep(&mut self, receipt: Receipt) {
        if self.waiting.len() < WAITING {
            self.waiting.push(receipt);
        }
    }

    /// An order that could not be taken back stays in force and is tried again. It is said once, then counted: a
    /// receipt every few seconds for ever would bury the others.
    fn retry_later(&mut self, mut entry: Entry, fault: &Fault, now: Micros) {
        let id = entry.order.id.clone();
        tracing::error!(order = id, fault = fault.inside(), "an order that is over could not be taken back");
        self.ends.insert(id.clone(), now.saturating_add(RETRY));
        let failures = self.failures.entry(id).or_default();
        *failures += 1;
        let said = entry.last().is_some_and(|last| last.state() == ReceiptState::Failed);
        if *failures > 1 || said {
            return;
        }
        let mut receipt = self.receipt(&entry.order, ReceiptState::Failed, now).with_fault(fault);
        receipt.touched = entry.touched.clone();
        (entry.receipts, entry.told) = (vec![receipt.clone()], false);
        self.put_or_remember(entry);
        self.keep(receipt);
    }

    /// What is left of an order's lease, µs: 0 when it has ended, at most its full length.
    pub(crate) fn lease_left(&self, entry: &Entry) -> Micros {
        let full = (entry.order.lease_s as Micros).saturating_mul(1_000_000);
        let boot = self.host.boot();
        let passed = match boot.id == entry.began.boot {
            true => boot.uptime.saturating_sub(entry.began.uptime),
            false => self.host.clock.wall().saturating_sub(entry.began.wall),
        };
        full.saturating_sub(passed.max(0)).clamp(0, full)
    }

    /// Brings the host back to what the journal says. Order matters: first everything in force is known again,
    /// so that taking back one block does not lift another.
    pub(crate) fn recover(&mut self) {
        let left = self.journal.select(|entry| entry.stage != Stage::Finished);
        let (owed, left): (Vec<Entry>, Vec<Entry>) = left.into_iter().partition(|entry| entry.stage == Stage::Owed);
        // The first tick takes them back.
        self.ends.extend(owed.into_iter().map(|entry| (entry.order.id, 0)));
        // Also for orders that are over by now: what they left in the kernel has to go.
        let kinds: BTreeSet<ActionKind> = left.iter().map(|entry| kind(&entry.order)).collect();
        let (live, open): (Vec<Entry>, Vec<Entry>) = left.into_iter().partition(|entry| entry.stage == Stage::Live);
        let mut kept = Vec::new();
        for entry in live {
            kept.extend(self.take_over(entry));
        }
        for kind in kinds {
            let enforced = self.host.config.hands.hand(kind).and_then(|action| action.enforce(&self.host));
            if let Err(fault) = enforced {
                tracing::error!(action = kind.word(), fault = fault.inside(), "orders in force could not be put back");
            }
        }
        for entry in kept {
            let verified = self.hand(&entry.order).and_then(|action| action.verify(&self.host, &entry.record));
            if let Err(fault) = verified {
                tracing::error!(
                    order = entry.order.id,
                    fault = fault.inside(),
                    "an order in force could not be read back"
                );
                let receipt = self.receipt(&entry.order, ReceiptState::Failed, 0).with_fault(&fault);
                self.keep(receipt);
            }
        }
        for entry in open {
            self.settle(entry);
        }
    }

    /// Takes over one order in force; `None` when it is over.
    fn take_over(&mut self, mut entry: Entry) -> Option<Entry> {
        let now = self.host.clock.monotonic();
        let left = self.lease_left(&entry);
        self.ends.insert(entry.order.id.clone(), now.saturating_add(left));
        if left == 0 {
            // The first tick takes it back; for that it need not be put in force again.
            return None;
        }
        let same_boot = self.host.boot().id == entry.began.boot;
        let seconds = (left as u64).div_ceil(1_000_000);
        let adopted =
            self.hand(&entry.order).and_then(|hand| hand.adopt(&self.host, &entry.record, seconds, same_boot));
        match adopted {
            Ok(Adopted::Kept) => Some(entry),
            Ok(Adopted::Over(why)) => {
                let receipt = self.finish(&mut entry, ReceiptState::Expired, vec![why], now);
                self.keep(receipt);
                None
            }
            Err(fault) => {
                tracing::error!(
                    order = entry.order.id,
                    fault = fault.inside(),
                    "an order in force could not be put back"
                );
                let receipt = self.receipt(&entry.order, ReceiptState::Failed, now).with_fault(&fault);
                self.keep(receipt);
                None
            }
        }
    }

    /// An order that was cut off. Applied: read back, and in force when it is. Earlier: taken back, but for killing,
    /// which is carried out to its end.
    fn settle(&mut self, entry: Entry) {
        let now = self.host.clock.monotonic();
        let interrupted = Fault::new(&fault::INTERRUPTED).object(format!("order {}", entry.order.id));
        let settled = self.hand(&entry.order).map(|action| match entry.stage {
            Stage::Applied => {
                let same_boot = self.host.boot().id == entry.began.boot;
                let seconds = (self.lease_left(&entry) as u64).div_ceil(1_000_000).max(1);
                match self.put_back(&*action, &entry, seconds, same_boot) {
                    Ok(()) => self.read_back(&*action, entry.clone(), now),
                    Err(fault) => self.take_back(&*action, entry.clone(), &fault, now),
                }
            }
            _ if action.kind() == ActionKind::KillTree && self.host.boot().id == entry.began.boot => {
                self.kill_on(&*action, entry.clone(), now)
            }
            _ => self.take_back(&*action, entry.clone(), &interrupted, now),
        });
        match settled {
            Ok(receipt) => self.keep(receipt),
            Err(fault) => {
                tracing::error!(order = entry.order.id, fault = fault.inside(), "unknown order in the journal")
            }
        }
    }

    /// Kills what an interrupted kill has left.
    fn kill_on(&mut self, action: &dyn Action, mut entry: Entry, now: Micros) -> Receipt {
        let killed = kill_tree::rest(&entry.order, &self.host, &entry.record).and_then(|rest| {
            let Some(order) = rest else { return Ok(None) };
            let plan = action.plan(&order, &self.host)?;
            action.apply(&order, &plan, &self.host, &mut |_| Ok(())).map(Some)
        });
        match killed {
            Ok(applied) => {
                if let Some(applied) = applied {
                    (entry.record, entry.touched) = (applied.record, applied.touched);
                }
                entry.touched.insert(0, "the agent was interrupted; finished at its next start".to_string());
                self.read_back(action, entry, now)
            }
            Err(fault) => self.take_back(action, entry, &fault, now),
        }
    }

    fn put_back(&self, action: &dyn Action, entry: &Entry, seconds: u64, same_boot: bool) -> Result<()> {
        if let Adopted::Over(why) = action.adopt(&self.host, &entry.record, seconds, same_boot)? {
            return Err(Fault::new(&fault::INTERRUPTED).object(format!("order {}", entry.order.id)).found(why));
        }
        action.enforce(&self.host)
    }

    /// Somebody may have removed what is in force, flushed the packet filter: look, and put it back.
    fn check_watched(&mut self) {
        let now = self.host.clock.monotonic();
        let lasts = |entry: &Entry| self.ends.get(&entry.order.id).is_some_and(|ends| *ends > now);
        let live = self.journal.select(|entry| entry.stage == Stage::Live && lasts(entry));
        // One look a kind is enough to see a flush; blocks are elements of few sets.
        let mut firsts: BTreeMap<ActionKind, Entry> = BTreeMap::new();
        for entry in live {
            firsts.entry(kind(&entry.order)).or_insert(entry);
        }
        let hands = firsts.into_values().filter_map(|entry| Some((self.hand(&entry.order).ok()?, entry)));
        let lost =
            |(action, entry): &(Hand, Entry)| action.watched() && action.verify(&self.host, &entry.record).is_err();
        // All are looked at before one is put back: that may bring others back along.
        let missing: Vec<(Hand, Entry)> = hands.filter(lost).collect();
        for (action, entry) in missing {
            let verified = action.enforce(&self.host).and_then(|()| action.verify(&self.host, &entry.record));
            let receipt = match verified {
                Ok(mut lines) => {
                    lines.insert(0, "had been removed by somebody; put back".to_string());
                    Receipt { observed: lines, ..self.receipt(&entry.order, ReceiptState::Verified, now) }
                }
                Err(fault) => self.receipt(&entry.order, ReceiptState::Failed, now).with_fault(&fault),
            };
            self.keep(receipt);
        }
    }
}
