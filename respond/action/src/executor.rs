//! Carries out orders: journal the intent, apply, journal the undo record, read back, answer.

use crate::action::{self, Action};
use crate::host::{ExecutorConfig, HostView};
use crate::journal::{Began, Entry, Journal, Stage};
use crate::{Gate, fault, fuse};
use base::limits::LEASE_SECONDS_MAX;
use base::{Clock, Fault, Lang, Micros, Result};
use record::{ActionKind, Order, OrderMode, Receipt, ReceiptState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest id of an order; it becomes part of file and group names.
const ID_BYTES: usize = 96;

/// Carries out orders, one after another, and keeps their leases.
pub struct Executor {
    pub(crate) host: HostView,
    pub(crate) journal: Journal,
    /// Monotonic time at which each lease in force ends, by order id.
    pub(crate) ends: BTreeMap<String, Micros>,
    /// Receipts that nobody asked for: recovery, expiry.
    pub(crate) waiting: Vec<Receipt>,
    /// Monotonic time of the next look at the packet filter.
    pub(crate) next_check: Micros,
}

impl Executor {
    /// Opens the journal, takes back what was interrupted and takes over what is in force. The receipts of that
    /// come with the first [`Executor::tick`].
    pub fn new(config: ExecutorConfig, gate: Arc<dyn Gate>, clock: Arc<dyn Clock>) -> Result<Executor> {
        let journal_path = config.state_dir.join("actions.journal");
        let host = HostView::new(config, gate, clock)?;
        let journal = Journal::open(journal_path)?;
        let mut executor = Executor { host, journal, ends: BTreeMap::new(), waiting: Vec::new(), next_check: 0 };
        executor.recover();
        Ok(executor)
    }

    /// Carries out one order. An order whose id was carried out before gives the receipts of then. Undoing gives
    /// two receipts: of the undo order and of the order it took back. Never fails: a fault is a receipt.
    pub fn execute(&mut self, order: &Order) -> Vec<Receipt> {
        let start = self.host.clock.monotonic();
        if let Err(fault) = check_id(&order.id) {
            return vec![self.receipt(order, ReceiptState::Refused, start).with_fault(&fault)];
        }
        if let Some(known) = self.journal.get(&order.id) {
            return known.receipts.clone();
        }
        let done = match OrderMode::try_from(order.mode) {
            Ok(OrderMode::DryRun) => self.dry_run(order, start).map(|receipt| vec![receipt]),
            Ok(OrderMode::Apply) => self.apply(order, start).map(|receipt| vec![receipt]),
            Ok(OrderMode::Undo) => self.undo(order, start),
            Err(_) => Err(Fault::new(&fault::BAD_ORDER).object("mode").expected("a known mode").found(order.mode)),
        };
        done.unwrap_or_else(|fault| vec![self.receipt(order, ReceiptState::Refused, start).with_fault(&fault)])
    }

    /// Orders that are in force with the wall time at which their lease ends, µs; 0 when they have none.
    pub fn in_force(&self) -> Vec<(Order, Micros)> {
        let live = self.journal.select(|entry| entry.stage == Stage::Live);
        live.into_iter().map(|entry| (entry.order.clone(), self.lease_ends(&entry.order.id))).collect()
    }

    /// Journal lines that did not check at the start; people should look at `actions.damaged`.
    pub fn damaged_lines(&self) -> usize {
        self.journal.damaged()
    }

    fn dry_run(&mut self, order: &Order, start: Micros) -> Result<Receipt> {
        let action = action::of(kind(order))?;
        check_lease(order, action)?;
        let plan = action.plan(order, &self.host)?;
        let mut receipt = self.receipt(order, ReceiptState::Planned, start);
        receipt.touched = plan.touched;
        Ok(receipt)
    }

    fn apply(&mut self, order: &Order, start: Micros) -> Result<Receipt> {
        let action = action::of(kind(order))?;
        check_lease(order, action)?;
        let plan = action.plan(order, &self.host)?;
        let mut entry = self.entry(order, plan.record.clone());
        fuse::burn("before the intent");
        if let Err(fault) = self.journal.put(entry.clone(), action.undoable()) {
            // Killing leaves nothing to take back, and a full disk must not protect an attacker.
            if action.undoable() {
                return Err(fault);
            }
            tracing::warn!(order = order.id, fault = fault.inside(), "carried out without a journal");
        }
        let host = &self.host;
        let journal = &mut self.journal;
        let mut newest = entry.clone();
        let mut progress = |record: &Value| {
            newest.record = record.clone();
            journal.put(newest.clone(), true)
        };
        let applied = match action.apply(order, &plan, host, &mut progress) {
            Ok(applied) => applied,
            Err(fault) => return Ok(self.take_back(action, newest, &fault, start)),
        };
        fuse::burn("after applying");
        (entry.record, entry.touched, entry.stage) = (applied.record, applied.touched, Stage::Applied);
        if action.undoable()
            && let Err(fault) = self.journal.put(entry.clone(), true)
        {
            return Ok(self.take_back(action, entry, &fault, start));
        }
        Ok(self.read_back(action, entry, start))
    }

    /// Reads the effect of an applied order back and finishes it or puts it in force.
    pub(crate) fn read_back(&mut self, action: &dyn Action, mut entry: Entry, start: Micros) -> Receipt {
        let observed = match action.verify(&self.host, &entry.record) {
            Ok(observed) => observed,
            Err(fault) => return self.take_back(action, entry, &fault, start),
        };
        fuse::burn("after reading back");
        entry.stage = if action.undoable() { Stage::Live } else { Stage::Finished };
        if action.undoable() {
            let left = self.lease_left(&entry);
            self.ends.insert(entry.order.id.clone(), self.host.clock.monotonic().saturating_add(left));
        }
        let mut receipt = self.receipt(&entry.order, ReceiptState::Verified, start);
        (receipt.touched, receipt.observed) = (entry.touched.clone(), observed);
        entry.receipts = vec![receipt.clone()];
        let (undoable, record) = (action.undoable(), entry.clone());
        if let Err(fault) = self.journal.put(entry, undoable) {
            tracing::warn!(order = receipt.order, fault = fault.inside(), "the journal could not take the result");
            if undoable {
                return self.take_back(action, record, &fault, start);
            }
        }
        receipt
    }

    /// After a failure: takes back what was done and answers `Failed`.
    pub(crate) fn take_back(&mut self, action: &dyn Action, mut entry: Entry, why: &Fault, start: Micros) -> Receipt {
        let mut receipt = self.receipt(&entry.order, ReceiptState::Failed, start).with_fault(why);
        receipt.lease_ends_us = 0;
        receipt.touched = entry.touched.clone();
        match action.undo(&self.host, &entry.record) {
            Ok(lines) => receipt.observed = lines,
            Err(fault) => {
                tracing::error!(
                    order = entry.order.id,
                    fault = fault.inside(),
                    "a failed order could not be taken back"
                );
                receipt.observed = vec![format!("NOT taken back: {fault}")];
            }
        }
        fuse::burn("after taking back");
        self.ends.remove(&entry.order.id);
        entry.stage = Stage::Finished;
        entry.receipts = vec![receipt.clone()];
        self.put_or_warn(entry);
        receipt
    }

    fn undo(&mut self, order: &Order, start: Micros) -> Result<Vec<Receipt>> {
        let unknown =
            |found: &str| Fault::new(&fault::UNKNOWN_ORDER).object(format!("order {}", order.undoes)).found(found);
        let entry = self.journal.get(&order.undoes).cloned().ok_or_else(|| unknown("never carried out here"))?;
        let action = action::of(kind(&entry.order))?;
        if !action.undoable() {
            return Err(Fault::new(&fault::NOT_UNDOABLE)
                .object(format!("order {}", order.undoes))
                .found(action.kind().word()));
        }
        if entry.stage != Stage::Live {
            return self.undone_before(order, &entry, start).ok_or_else(|| unknown("not in force"));
        }
        let ended = self.end(action, entry, ReceiptState::Undone)?;
        let mut receipt = self.receipt(order, ReceiptState::Undone, start);
        (receipt.touched, receipt.observed) = (ended.touched.clone(), ended.observed.clone());
        receipt.lease_ends_us = 0;
        let mut own = self.entry(order, Value::Null);
        own.stage = Stage::Finished;
        own.receipts = vec![receipt.clone(), ended.clone()];
        self.put_or_warn(own);
        Ok(vec![receipt, ended])
    }

    /// Undoing what is over already is no fault: the lease may have ended a moment ago, or a crash cut the answer off.
    fn undone_before(&mut self, order: &Order, entry: &Entry, start: Micros) -> Option<Vec<Receipt>> {
        let ended = entry
            .receipts
            .last()
            .filter(|last| matches!(last.state(), ReceiptState::Undone | ReceiptState::Expired))?;
        let mut receipt = self.receipt(order, ReceiptState::Undone, start);
        receipt.touched = ended.touched.clone();
        receipt.observed = vec!["it was taken back before".to_string()];
        receipt.observed.extend(ended.observed.iter().cloned());
        Some(vec![receipt, ended.clone()])
    }

    /// Takes an order in force back and remembers why.
    pub(crate) fn end(&mut self, action: &dyn Action, mut entry: Entry, state: ReceiptState) -> Result<Receipt> {
        let start = self.host.clock.monotonic();
        fuse::burn("before undoing");
        let observed = action.undo(&self.host, &entry.record)?;
        fuse::burn("after undoing");
        Ok(self.finish(&mut entry, state, observed, start))
    }

    /// Marks an order as over.
    pub(crate) fn finish(
        &mut self,
        entry: &mut Entry,
        state: ReceiptState,
        observed: Vec<String>,
        start: Micros,
    ) -> Receipt {
        self.ends.remove(&entry.order.id);
        let mut receipt = self.receipt(&entry.order, state, start);
        (receipt.touched, receipt.observed, receipt.lease_ends_us) = (entry.touched.clone(), observed, 0);
        entry.stage = Stage::Finished;
        entry.receipts = vec![receipt.clone()];
        self.put_or_warn(entry.clone());
        receipt
    }

    fn put_or_warn(&mut self, entry: Entry) {
        let id = entry.order.id.clone();
        if let Err(fault) = self.journal.put(entry, true) {
            tracing::warn!(order = id, fault = fault.inside(), "the journal could not take the result");
        }
    }

    fn entry(&mut self, order: &Order, record: Value) -> Entry {
        let boot = self.host.boot();
        let began = Began { wall: self.host.clock.wall(), uptime: boot.uptime, boot: boot.id };
        let number = self.journal.next_number();
        let order = order.clone();
        Entry { number, order, stage: Stage::Intent, record, touched: Vec::new(), began, receipts: Vec::new() }
    }

    /// Wall time at which the lease ends as far as can be told now, 0 without one.
    fn lease_ends(&self, id: &str) -> Micros {
        let left = self.ends.get(id).map(|ends| ends.saturating_sub(self.host.clock.monotonic()));
        left.map_or(0, |left| self.host.clock.wall().saturating_add(left))
    }

    pub(crate) fn receipt(&self, order: &Order, state: ReceiptState, start: Micros) -> Receipt {
        Receipt {
            order: order.id.clone(),
            agent: order.agent.clone(),
            state: state as i32,
            time_us: self.host.clock.wall(),
            took_us: self.host.clock.monotonic().saturating_sub(start).unsigned_abs(),
            lease_ends_us: self.lease_ends(&order.id),
            local_order: (order.origin == record::Origin::Rule as i32).then(|| order.clone()),
            ..Receipt::default()
        }
    }
}

/// A receipt that names a fault.
pub(crate) trait WithFault {
    fn with_fault(self, fault: &Fault) -> Self;
}

impl WithFault for Receipt {
    fn with_fault(mut self, fault: &Fault) -> Receipt {
        self.fault = fault.code().id.to_string();
        self.message = fault.outside(Lang::En);
        self
    }
}

pub(crate) fn kind(order: &Order) -> ActionKind {
    ActionKind::try_from(order.action).unwrap_or(ActionKind::Unknown)
}

fn check_id(id: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !id.is_empty() && id.len() <= ID_BYTES && id.bytes().all(good) {
        return Ok(());
    }
    let fault = Fault::new(&fault::BAD_ORDER).object("id");
    Err(fault
        .expected(format!("1 to {ID_BYTES} letters, digits, - and _"))
        .found(id.chars().take(ID_BYTES).collect::<String>()))
}

fn check_lease(order: &Order, action: &dyn Action) -> Result<()> {
    let (least, most) = if action.undoable() { (1, LEASE_SECONDS_MAX) } else { (0, LEASE_SECONDS_MAX) };
    if (least..=most).contains(&order.lease_s) {
        return Ok(());
    }
    let fault = Fault::new(&fault::BAD_LEASE).object(format!("{} order {}", action.kind().word(), order.id));
    Err(fault.expected(format!("{least} to {most} seconds")).found(order.lease_s))
}
