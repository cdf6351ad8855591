//! The desk: one pool in memory that follows the tables, and the answers of the API.

use crate::compact;
use crate::store::{self, Facts, LOG, Logged, document, log_key, put_facts};
use api::addresses::{Part, PoolAddress, PoolAllocated, PoolAllocation, PoolChange, PoolHolder, PoolSummary};
use async_trait::async_trait;
use base::{Clock, Fault, Result};
use pool::{Change, Held, Kind, Limits, Pool, Range};
use port::{Tables, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, RwLock, RwLockReadGuard, Weak};
use tokio::sync::{Mutex, watch};

/// Most single addresses that one call allocates.
const ALLOCATED: u32 = 65_536;
/// Most ranges that one call allocates: more is a pool too much in pieces for one transaction.
const RANGES: usize = 1000;
/// How often the pool is read anew because it was rewritten meanwhile.
const TRIES: usize = 8;

/// The pool of this installation.
pub struct Desk {
    tables: Arc<dyn Tables>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    pool: RwLock<Pool>,
    /// How far the pool is. Held while it is brought forward, changed or written as rows: one at a time.
    pub(crate) turn: Mutex<Facts>,
    /// Number of the last change in the pool while it is written as rows: it is not changed here then, and can be asked.
    writing: watch::Sender<Option<u64>>,
    /// Itself, to write rows beside what it answers.
    me: Weak<Desk>,
}

impl Desk {
    /// Opens what is stored; an empty pool when nothing is.
    pub async fn open(tables: Arc<dyn Tables>, clock: Arc<dyn Clock>, limits: Limits) -> Result<Arc<Desk>> {
        let desk = Arc::new_cyclic(|me| Desk {
            tables,
            clock,
            limits,
            pool: RwLock::new(Pool::new(limits)),
            turn: Mutex::default(),
            writing: watch::Sender::default(),
            me: me.clone(),
        });
        desk.follow(&mut *desk.turn.lock().await).await?;
        Ok(desk)
    }

    fn pool(&self) -> RwLockReadGuard<'_, Pool> {
        self.pool.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn with<R>(&self, act: impl FnOnce(&mut Pool) -> R) -> R {
        act(&mut self.pool.write().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Brings the pool to what other workers have stored; gives the version of the facts. Workers change and rewrite it
    /// while it is read: what does not belong to the facts that were read is left, and read again.
    async fn follow(&self, at: &mut Facts) -> Result<u64> {
        for _ in 0..TRIES {
            let (facts, version) = store::facts(&*self.tables).await?;
            if self.reach(at, &facts).await? {
                *at = facts;
                return Ok(version);
            }
        }
        let lost = Fault::new(&api::fault::CORRUPT).object("address pool");
        Err(lost.expected(format!("change {}", at.last + 1)).found("none, nor rows that hold it"))
    }

    /// Brings the pool to these facts; false when they are not those of the tables any more.
    async fn reach(&self, at: &mut Facts, facts: &Facts) -> Result<bool> {
        // Changes that are only in the rows of a newer generation cannot be read one by one any more.
        if at.last < facts.rows_at || facts.last < at.last {
            let read = store::rows(&*self.tables, facts, self.limits).await;
            // Rows are deleted once there are newer ones; what was read then may be a part of them.
            if store::facts(&*self.tables).await?.0.generation != facts.generation {
                return Ok(false);
            }
            let pool = read?;
            self.with(|present| *present = pool);
            at.last = facts.rows_at;
        }
        while at.last < facts.last {
            let changes = store::changes(&*self.tables, at.last, facts.last).await?;
            if changes.is_empty() {
                return Ok(false);
            }
            for logged in &changes {
                self.with(|pool| pool.apply(&logged.change))?;
                at.last += 1;
            }
        }
        Ok(true)
    }

    /// Brings the pool to what is stored now; gives the number of its last change. While it is written as rows, which takes
    /// a minute for millions of them, nobody waits unless another worker has changed it.
    async fn now(&self) -> Result<u64> {
        let mut writing = self.writing.subscribe();
        loop {
            let mark = *writing.borrow_and_update();
            if let Some(last) = mark
                && store::facts(&*self.tables).await?.0.last == last
            {
                return Ok(last);
            }
            tokio::select! {
                mut at = self.turn.lock() => {
                    self.follow(&mut at).await?;
                    return Ok(at.last);
                }
                // Who had its turn before us begins to write: we need not wait for that.
                Ok(()) = writing.changed() => {}
            }
        }
    }

    /// Stores and makes the changes that `plan` finds in the pool as it is then: all of them, or none.
    async fn commit(
        &self,
        who: &str,
        reason: &str,
        plan: impl Fn(&Pool) -> Result<Vec<Change>>,
    ) -> Result<Vec<Change>> {
        let mut at = self.turn.lock().await;
        let version = self.follow(&mut at).await?;
        let changes = {
            let pool = self.pool();
            let changes = plan(&pool)?;
            changes.iter().try_for_each(|change| pool.check(change))?;
            // Each may cut a run in three; what is checked one by one must hold for all.
            if changes.len() > 1 && pool.summary().runs + 2 * changes.len() > self.limits.runs {
                return Err(Fault::new(&pool::fault::FULL)
                    .object("pool")
                    .expected(format!("at most {} runs", self.limits.runs)));
            }
            changes
        };
        let facts = Facts { last: at.last + changes.len() as u64, ..at.clone() };
        let time_us = self.clock.wall();
        let logged = |(number, change): (u64, &Change)| {
            let logged = Logged { change: change.clone(), who: who.into(), reason: reason.into(), time_us };
            Write::Put { table: LOG, key: log_key(number), value: document(&logged) }
        };
        let mut writes: Vec<Write> = (at.last + 1..).zip(&changes).map(logged).collect();
        writes.push(put_facts(&facts, version));
        self.tables.commit(writes).await?;
        *at = facts;
        self.with(|pool| changes.iter().try_for_each(|change| pool.apply(change)))?;
        if let Some(desk) = self.me.upgrade().filter(|desk| desk.is_due(&at)) {
            tokio::spawn(async move { desk.compact().await });
        }
        Ok(changes)
    }

    fn is_due(&self, at: &Facts) -> bool {
        compact::due(at, self.pool().summary().runs)
    }

    /// Writes the pool as rows, when that is due still: who waited behind another who wrote them has nothing to do.
    async fn compact(&self) {
        let mut at = self.turn.lock().await;
        if self.is_due(&at) {
            self.write_rows(&mut at).await;
        }
    }

    /// Writes the pool as rows. The change before is stored and made whatever becomes of this: it is tried again with the next.
    pub(crate) async fn write_rows(&self, at: &mut Facts) {
        self.writing.send_replace(Some(at.last));
        let written = match store::facts(&*self.tables).await {
            Ok((facts, version)) if facts == *at => compact::write(&*self.tables, &self.pool, at, version).await,
            Ok(_) => Ok(at.clone()),
            Err(fault) => Err(fault),
        };
        self.writing.send_replace(None);
        match written {
            Ok(facts) => *at = facts,
            Err(fault) => tracing::warn!(fault = %fault.inside(), "address pool: not written as rows"),
        }
    }
}

fn invalid(object: &str, expected: &str) -> Fault {
    Fault::new(&api::fault::INVALID).object(object).expected(expected)
}

/// The change that a request asks for.
fn asked(wish: &PoolChange) -> Result<Change> {
    let mut value = serde_json::to_value(wish).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("reason");
    }
    serde_json::from_value(value)
        .map_err(|cause| invalid("change", "a change with the fields of its kind").found(cause))
}

fn address(text: &str) -> Result<IpAddr> {
    text.parse()
        .map_err(|_| invalid("address", "an IPv4 or IPv6 address").found(text.chars().take(60).collect::<String>()))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Customer => "customer",
        Kind::Site => "site",
    }
}

#[async_trait]
impl api::Addresses for Desk {
    async fn summary(&self) -> Result<PoolSummary> {
        let changes = self.now().await?;
        let summary = self.pool().summary();
        Ok(PoolSummary {
            ipv4_held: summary.ipv4_held.to_string(),
            ipv4_free: summary.ipv4_free.to_string(),
            ipv6_held: summary.ipv6_held.to_string(),
            ipv6_free: summary.ipv6_free.to_string(),
            holders: summary.holders,
            runs: summary.runs,
            changes,
        })
    }

    async fn address(&self, text: &str) -> Result<PoolAddress> {
        let address = address(text)?;
        self.now().await?;
        let pool = self.pool();
        let (state, holder) = match pool.look(address) {
            Held::Absent => ("absent", None),
            Held::Free => ("free", None),
            Held::By(name) => ("held", Some(name.to_string())),
        };
        Ok(PoolAddress { address: address.to_string(), state: state.into(), holder })
    }

    async fn holders(&self, place: &str, limit: usize) -> Result<Part<PoolHolder>> {
        self.now().await?;
        let pool = self.pool();
        let found: Vec<_> = pool.holders_after(place).take(limit + 1).collect();
        let next = found.get(limit).and_then(|_| found.get(limit.checked_sub(1)?)).map(|last| last.name.clone());
        let shown = found.into_iter().take(limit).map(|holder| PoolHolder {
            name: holder.name,
            kind: kind(holder.kind).into(),
            ipv4: holder.ipv4.to_string(),
            ipv6: holder.ipv6.to_string(),
        });
        Ok((shown.collect(), next))
    }

    async fn ranges(&self, holder: Option<&str>, place: &str, limit: usize) -> Result<Part<String>> {
        let start = if place.is_empty() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { address(place)? };
        self.now().await?;
        let pool = self.pool();
        let found: Vec<Range> = pool.held(holder, start)?.take(limit + 1).collect();
        let next = found.get(limit).map(|next| next.first().to_string());
        Ok((found.iter().take(limit).map(ToString::to_string).collect(), next))
    }

    async fn check(&self, wish: &PoolChange) -> Result<()> {
        let change = asked(wish)?;
        self.now().await?;
        self.pool().check(&change)
    }

    async fn change(&self, wish: &PoolChange, who: &str) -> Result<()> {
        let change = asked(wish)?;
        self.commit(who, &wish.reason, |_| Ok(vec![change.clone()])).await.map(drop)
    }

    async fn allocate(&self, wish: &PoolAllocation, who: &str) -> Result<PoolAllocated> {
        let find = |pool: &Pool| match (wish.count, wish.bits) {
            (Some(count), None) if (1..=ALLOCATED).contains(&count) => pool.free(wish.ipv6, u128::from(count)),
            (None, Some(bits)) => Ok(vec![pool.free_prefix(wish.ipv6, bits)?]),
            _ => Err(invalid("count or bits", "a count of 1 to 65536, or the bits of one prefix")),
        };
        let plan = |pool: &Pool| {
            let ranges = find(pool)?;
            if ranges.len() > RANGES {
                let expected = format!("at most {RANGES} ranges in one call");
                return Err(Fault::new(&pool::fault::FULL).object("allocation").expected(expected).found(ranges.len()));
            }
            Ok(ranges.into_iter().map(|range| Change::Assign { range, to: wish.holder.clone() }).collect())
        };
        let made = self.commit(who, &wish.reason, plan).await?;
        let range = |change: &Change| match change {
            Change::Assign { range, .. } => Some(range.to_string()),
            _ => None,
        };
        Ok(PoolAllocated { ranges: made.iter().filter_map(range).collect() })
    }
}
