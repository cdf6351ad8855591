//! Carries out orders: journal the intent, apply, journal the undo record, read back, answer.

use crate::action::Action;
use crate::host::{ExecutorConfig, HostView};
use crate::journal::{Began, Entry, Journal, Stage};
use crate::{Gate, Hand, fault, fuse};
use base::limits::LEASE_SECONDS_MAX;
use base::{Clock, Fault, Lang, Micros, Result};
use record::{ActionKind, Order, OrderMode, Receipt, ReceiptState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Time between two attempts to take an order back, µs.
pub(crate) const RETRY: Micros = 15_000_000;
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
    /// Monotonic time of the next look at what somebody else may remove.
    pub(crate) next_check: Micros,
    /// How often taking an order back has failed, by order id.
    pub(crate) failures: BTreeMap<String, u64>,
    /// When this executor began.
    started: Began,
}

impl Executor {
    /// Opens the journal, takes back what was interrupted and takes over what is in force. The receipts of that
    /// come with the first [`Executor::tick`].
    pub fn new(config: ExecutorConfig, gate: Arc<dyn Gate>, clock: Arc<dyn Clock>) -> Result<Executor> {
        let journal_path = config.state_dir.join("actions.journal");
        let host = HostView::new(config, gate, clock)?;
        let journal = Journal::open(journal_path)?;
        let started = now(&host);
        let (ends, failures) = (BTreeMap::new(), BTreeMap::new());
        let mut executor = Executor { host, journal, ends, waiting: Vec::new(), next_check: 0, failures, started };
        executor.recover();
        Ok(executor)
    }

    /// Carries out one order. An order whose id was carried out or refused before gives the receipts of then. Undoing
    /// gives two receipts: of the undo order and of the order it took back. Never fails: a fault is a receipt.
    pub fn execute(&mut self, order: &Order) -> Vec<Receipt> {
        let start = self.host.clock.monotonic();
        if let Err(fault) = check_id(&order.id).and_then(|()| self.check_agent(order)) {
            return vec![self.receipt(order, ReceiptState::Refused, start).with_fault(&fault)];
        }
        if let Some(known) = self.journal.get(&order.id).cloned() {
            return self.repeat(known, start);
        }
        let mode = OrderMode::try_from(order.mode);
        let done = match mode {
            Ok(OrderMode::DryRun) => self.dry_run(order, start).map(|receipt| vec![receipt]),
            Ok(OrderMode::Apply) => {
                self.check_age(order).and_then(|()| self.apply(order, start)).map(|receipt| vec![receipt])
            }
            Ok(OrderMode::Undo) => self.undo(order, start),
            Err(_) => Err(Fault::new(&fault::BAD_ORDER).object("mode").expected("a known mode").found(order.mode)),
        };
        done.unwrap_or_else(|fault| {
            let receipt = self.receipt(order, ReceiptState::Refused, start).with_fault(&fault);
            // A dry run may be asked again; a refusal stands, for the server sends an order until it is answered.
            if mode != Ok(OrderMode::DryRun) {
                self.close(order, receipt.clone());
            }
            vec![receipt]
        })
    }

    /// Receipts that have not reached the server's outbox for sure, oldest first. Tell them again, and say so with
    /// [`Executor::told`].
    pub fn untold(&self) -> Vec<Receipt> {
        let untold = self.journal.select(|entry| !entry.told);
        untold.iter().filter_map(|entry| entry.last().cloned()).collect()
    }

    /// The receipt is safe with the server's outbox; it need not be told again.
    pub fn told(&mut self, receipt: &Receipt) {
        self.journal.told(receipt);
    }

    /// The answer to an order that is known.
    fn repeat(&self, known: Entry, start: Micros) -> Vec<Receipt> {
        if !known.receipts.is_empty() {
            return known.receipts;
        }
        let interrupted = Fault::new(&fault::INTERRUPTED).object(format!("order {}", known.order.id));
        vec![self.receipt(&known.order, ReceiptState::Failed, start).with_fault(&interrupted)]
    }

    /// Remembers an order as over, so that it is never carried out when it comes again.
    fn close(&mut self, order: &Order, receipt: Receipt) {
        let mut entry = self.entry(order, Value::Null);
        (entry.stage, entry.receipts) = (Stage::Finished, vec![receipt]);
        self.put_or_remember(entry);
    }

    /// An order for another host must not be carried out here, however it came.
    fn check_agent(&self, order: &Order) -> Result<()> {
        let own = &self.host.config.agent;
        if own.bytes().all(|digit| digit == b'0') || order.agent.eq_ignore_ascii_case(own) {
            return Ok(());
        }
        let fault = Fault::new(&fault::WRONG_AGENT).object(format!("order {}", order.id));
        Err(fault.expected(format!("agent {own}")).found(format!("agent `{}`", order.agent)))
    }

    /// An order that was on its way for too long may be about a state of things that is over. It counts as old only
    /// when the wall clock says so and the time since our start agrees, so that a clock that is set forward does not
    /// refuse fresh orders. Orders of our own rules have not been on any way.
    fn check_age(&self, order: &Order) -> Result<()> {
        let limit = (self.host.config.order_age_s as Micros).saturating_mul(1_000_000);
        if limit == 0 || order.issued_us <= 0 || order.origin == record::Origin::Rule as i32 {
            return Ok(());
        }
        let ran = self.host.boot().uptime.saturating_sub(self.started.uptime);
        let now = self.host.clock.wall().min(self.started.wall.saturating_add(ran));
        let age = now.saturating_sub(order.issued_us);
        if age <= limit {
            return Ok(());
        }
        let fault = Fault::new(&fault::STALE_ORDER).object(format!("order {}", order.id));
        Err(fault
            .expected(format!("issued at most {} s ago", self.host.config.order_age_s))
            .found(format!("issued {} s ago by this host's clock", age / 1_000_000)))
    }

    /// Orders that are in force with the wall time at which their lease ends, µs; 0 when they have none.
    pub fn in_force(&self) -> Vec<(Order, Micros)> {
        let live = self.journal.select(|entry| matches!(entry.stage, Stage::Live | Stage::Owed));
        live.into_iter().map(|entry| (entry.order.clone(), self.lease_ends(&entry.order.id))).collect()
    }

    /// Ids of all orders that are remembered, in force or over.
    pub fn known(&self) -> Vec<String> {
        self.journal.select(|_| true).into_iter().map(|entry| entry.order.id.clone()).collect()
    }

    /// Journal lines that did not check at the start; people should look at `actions.damaged`.
    pub fn damaged_lines(&self) -> usize {
        self.journal.damaged()
    }

    /// What carries an order out.
    pub(crate) fn hand(&self, order: &Order) -> Result<Hand> {
        self.host.config.hands.hand(kind(order))
    }

    fn dry_run(&mut self, order: &Order, start: Micros) -> Result<Receipt> {
        let hand = self.hand(order)?;
        let action = &*hand;
        check_lease(order, action)?;
        let plan = action.plan(order, &self.host)?;
        let mut receipt = self.receipt(order, ReceiptState::Planned, start);
        receipt.touched = plan.touched;
        Ok(receipt)
    }

    fn apply(&mut self, order: &Order, start: Micros) -> Result<Receipt> {
        let hand = self.hand(order)?;
        let action = &*hand;
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
            journal.put(newest.clone(), action.undoable())
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
        entry.told = false;
        let (undoable, record) = (action.undoable(), entry.clone());
        if let Err(fault) = self.journal.put(entry, undoable) {
            tracing::warn!(order = receipt.order, fault = fault.inside(), "the journal could not take the result");
            if undoable {
                return self.take_back(action, record, &fault, start);
            }
            self.journal.remember(record);
        }
        receipt
    }

    /// After a failure: takes back what was done and answers `Failed`.
    pub(crate) fn take_back(&mut self, action: &dyn Action, mut entry: Entry, why: &Fault, start: Micros) -> Receipt {
        let mut receipt = self.receipt(&entry.order, ReceiptState::Failed, start).with_fault(why);
        receipt.lease_ends_us = 0;
        receipt.touched = entry.touched.clone();
        let undone = action.undo(&self.host, &entry.record);
        fuse::burn("after taking back");
        match undone {
            Ok(lines) => {
                receipt.observed = lines;
                self.ends.remove(&entry.order.id);
                entry.stage = Stage::Finished;
            }
            Err(fault) => {
                let order = &entry.order.id;
                tracing::error!(order, fault = fault.inside(), "a failed order could not be taken back");
                receipt.observed = vec![format!("NOT taken back: {fault}")];
                // The next ticks try again; killing and exporting have nothing to take back.
                entry.stage = if action.undoable() { Stage::Owed } else { Stage::Finished };
                if action.undoable() {
                    self.ends.insert(entry.order.id.clone(), self.host.clock.monotonic().saturating_add(RETRY));
                }
            }
        }
        (entry.receipts, entry.told) = (vec![receipt.clone()], false);
        self.put_or_remember(entry);
        receipt
    }

    fn undo(&mut self, order: &Order, start: Micros) -> Result<Vec<Receipt>> {
        let unknown =
            |found: &str| Fault::new(&fault::UNKNOWN_ORDER).object(format!("order {}", order.undoes)).found(found);
        let Some(entry) = self.journal.get(&order.undoes).cloned() else {
            self.bar(order, start);
            return Err(unknown("never carried out here; should it still come it is not carried out"));
        };
        if kind(&entry.order) == ActionKind::Unknown {
            return Err(unknown("never carried out here"));
        }
        let hand = self.hand(&entry.order)?;
        let action = &*hand;
        if !action.undoable() {
            return Err(Fault::new(&fault::NOT_UNDOABLE)
                .object(format!("order {}", order.undoes))
                .found(action.kind().word()));
        }
        if !matches!(entry.stage, Stage::Live | Stage::Owed) {
            return self.undone_before(order, &entry, start).ok_or_else(|| unknown("not in force"));
        }
        let ended = self.end(action, entry, ReceiptState::Undone)?;
        let mut receipt = self.receipt(order, ReceiptState::Undone, start);
        (receipt.touched, receipt.observed) = (ended.touched.clone(), ended.observed.clone());
        receipt.lease_ends_us = 0;
        let mut own = self.entry(order, Value::Null);
        own.stage = Stage::Finished;
        own.receipts = vec![receipt.clone(), ended.clone()];
        self.put_or_remember(own);
        Ok(vec![receipt, ended])
    }

    /// An undo overtook its order: the order is marked as over, so that it finds the door closed.
    fn bar(&mut self, undo: &Order, start: Micros) {
        if check_id(&undo.undoes).is_err() {
            return;
        }
        let order = Order { id: undo.undoes.clone(), agent: undo.agent.clone(), ..Order::default() };
        let overtaken = Fault::new(&fault::OVERTAKEN).object(format!("order {}", order.id));
        let overtaken = overtaken.found(format!("undo order {}", undo.id));
        let receipt = self.receipt(&order, ReceiptState::Refused, start).with_fault(&overtaken);
        let mut entry = self.entry(&order, Value::Null);
        // Nobody waits for this receipt: the order may never come.
        (entry.stage, entry.receipts, entry.told) = (Stage::Finished, vec![receipt], true);
        self.put_or_remember(entry);
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
        receipt.lease_ends_us = 0;
        let mut own = self.entry(order, Value::Null);
        (own.stage, own.receipts) = (Stage::Finished, vec![receipt.clone(), ended.clone()]);
        self.put_or_remember(own);
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
        if state == ReceiptState::Failed {
            // Taken back late: it is still the failure of then.
            let failed = entry.last().map(|last| (last.fault.clone(), last.message.clone()));
            (receipt.fault, receipt.message) = failed.unwrap_or_default();
        }
        if let Some(failures) = self.failures.remove(&entry.order.id) {
            receipt.observed.push(format!("taking it back had failed {failures} times before"));
        }
        entry.stage = Stage::Finished;
        (entry.receipts, entry.told) = (vec![receipt.clone()], false);
        self.put_or_remember(entry.clone());
        receipt
    }

    /// Writes an order's state, or keeps it in memory where the disk takes nothing.
    pub(crate) fn put_or_remember(&mut self, entry: Entry) {
        if let Err(fault) = self.journal.put(entry.clone(), true) {
            let id = &entry.order.id;
            tracing::warn!(order = id, fault = fault.inside(), "the journal could not take the result");
            self.journal.remember(entry);
        }
    }

    fn entry(&mut self, order: &Order, record: Value) -> Entry {
        let (began, number, order) = (now(&self.host), self.journal.next_number(), order.clone());
        let (touched, receipts) = (Vec::new(), Vec::new());
        Entry { number, order, stage: Stage::Intent, record, touched, began, receipts, told: false }
    }

    /// Wall time at which the lease ends as far as can be told now, 0 without one.
    fn lease_ends(&self, id: &str) -> Micros {
        let left = self.ends.get(id).map(|ends| ends.saturating_sub(self.host.clock.monotonic()));
        left.map_or(0, |left| self.host.clock.wall().saturating_add(left))
    }

    pub(crate) fn receipt(&self, order: &Order, state: ReceiptState, start: Micros) -> Receipt {
        Receipt {
            order: order.id.clone(),
            agent: if self.host.config.agent.is_empty() { &order.agent } else { &self.host.config.agent }.clone(),
            state: state as i32,
            time_us: self.host.clock.wall(),
            took_us: self.host.clock.monotonic().saturating_sub(start).unsigned_abs(),
            lease_ends_us: self.lease_ends(&order.id),
            local_order: (order.origin == record::Origin::Rule as i32).then(|| order.clone()),
            ..Receipt::default()
        }
    }
}

/// This moment in the two times that outlive the agent.
fn now(host: &HostView) -> Began {
    let boot = host.boot();
    Began { wall: host.clock.wall(), uptime: boot.uptime, boot: boot.id }
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
