//! The pool: who holds which addresses.

use crate::change::{Change, Row};
use crate::fault;
use crate::holder::{Holder, Holders, Kind, check_name};
use crate::range::{Ends, Range};
use crate::runs::{Building, FREE, Number, Other, Runs, Slot};
use base::{Fault, Result};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Limits of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most runs: with every address on its own, most addresses. Stops a pool from taking the memory of its server.
    pub runs: usize,
    /// Most holders.
    pub holders: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { runs: 12_000_000, holders: 1_000_000 }
    }
}

/// Counts of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// IPv4 addresses held.
    pub ipv4_held: u128,
    /// IPv4 addresses free.
    pub ipv4_free: u128,
    /// IPv6 addresses held.
    pub ipv6_held: u128,
    /// IPv6 addresses free.
    pub ipv6_free: u128,
    /// Runs, which is what the pool costs.
    pub runs: usize,
    /// Holders.
    pub holders: usize,
}

/// Who holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held<'p> {
    /// It is not in the pool.
    Absent,
    /// Nobody.
    Free,
    /// This holder.
    By(&'p str),
}

/// The pool.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    limits: Limits,
    ipv4: Runs<u32>,
    ipv6: Runs<u128>,
    holders: Holders,
    /// Addresses of both families in the pool.
    total: [u128; 2],
}

/// What a change does, once it was checked.
enum Deed {
    Set { range: Range, from: Option<Slot>, to: Option<Slot> },
    MoveAll { from: Slot, to: Slot },
    AddHolder(Kind),
    RemoveHolder,
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: Limits) -> Pool {
        Pool { limits, ..Pool::default() }
    }

    /// Who holds an address.
    pub fn look(&self, address: IpAddr) -> Held<'_> {
        let slot = match address {
            IpAddr::V4(address) => self.ipv4.slot(address.to_bits()),
            IpAddr::V6(address) => self.ipv6.slot(address.to_bits()),
        };
        match slot {
            None => Held::Absent,
            Some(slot) => self.holders.name(slot).map_or(Held::Free, Held::By),
        }
    }

    /// Counts.
    pub fn summary(&self) -> Summary {
        let [ipv4_free, ipv6_free] = self.holders.counts(FREE);
        let [ipv4, ipv6] = self.total;
        Summary {
            ipv4_held: ipv4.saturating_sub(ipv4_free),
            ipv4_free,
            ipv6_held: ipv6.saturating_sub(ipv6_free),
            ipv6_free,
            runs: self.ipv4.len() + self.ipv6.len(),
            holders: self.holders.len(),
        }
    }

    /// One holder; [`fault::HOLDER`] when there is none of this name.
    pub fn holder(&self, name: &str) -> Result<Holder> {
        self.holders.get(name)
    }

    /// Holders behind a name, in order of names; all from the empty name.
    pub fn holders_after(&self, name: &str) -> impl Iterator<Item = Holder> {
        self.holders.after(name)
    }

    /// Ranges of a holder (of nobody: what is free) from an address on, IPv4 first; the first may begin before it.
    pub fn held(&self, name: Option<&str>, from: IpAddr) -> Result<impl Iterator<Item = Range>> {
        let slot = self.holders.slot_or_free(name)?;
        let (v4, v6) = match from {
            IpAddr::V4(from) => (Some(from.to_bits()), u128::LEAST),
            IpAddr::V6(from) => (None, from.to_bits()),
        };
        let ipv4 = v4.into_iter().flat_map(move |from| self.ipv4.of(slot, from));
        let ipv4 = ipv4.map(|(first, last)| Range(Ends::V4(first, last)));
        let ipv6 = self.ipv6.of(slot, v6).map(|(first, last)| Range(Ends::V6(first, last)));
        Ok(ipv4.chain(ipv6))
    }

    /// Free addresses of a family, the lowest first, as few ranges as there are: so many of them, none of which is assigned
    /// by this. [`fault::EXHAUSTED`] when there are less.
    pub fn free(&self, ipv6: bool, count: u128) -> Result<Vec<Range>> {
        let mut wanted = count;
        let mut found = Vec::new();
        let start = if ipv6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        for range in self.held(None, start)?.take_while(|range| range.is_ipv6() == ipv6) {
            if wanted == 0 {
                break;
            }
            let taken = shortened(range, wanted);
            wanted -= taken.count();
            found.push(taken);
        }
        match wanted {
            0 => Ok(found),
            short => Err(Fault::new(&fault::EXHAUSTED).object("pool").expected(count).found(count - short)),
        }
    }

    /// A free range that is a prefix of this length, the lowest one.
    pub fn free_prefix(&self, ipv6: bool, bits: u8) -> Result<Range> {
        let start = if ipv6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        Range::prefix(start, bits)?;
        let mut ranges = self.held(None, start)?.take_while(|range| range.is_ipv6() == ipv6);
        let none = || Fault::new(&fault::EXHAUSTED).object("pool").expected(format!("a free prefix of {bits} bits"));
        ranges.find_map(|range| aligned(range, bits)).ok_or_else(none)
    }

    /// Whether a change can be made now, without making it.
    pub fn check(&self, change: &Change) -> Result<()> {
        self.plan(change).map(drop)
    }

    /// Makes a change: all of it, or nothing and a fault.
    pub fn apply(&mut self, change: &Change) -> Result<()> {
        let deed = self.plan(change)?;
        match (deed, change) {
            (Deed::Set { range, from, to }, _) => self.set(range, from, to),
            (Deed::MoveAll { from, to }, _) => {
                for (first, last) in self.ipv4.of(from, u32::LEAST).collect::<Vec<_>>() {
                    self.set(Range(Ends::V4(first, last)), Some(from), Some(to));
                }
                for (first, last) in self.ipv6.of(from, u128::LEAST).collect::<Vec<_>>() {
                    self.set(Range(Ends::V6(first, last)), Some(from), Some(to));
                }
            }
            (Deed::AddHolder(kind), Change::AddHolder { name, .. }) => self.holders.add(name, kind),
            (Deed::RemoveHolder, Change::RemoveHolder { name }) => self.holders.remove(name),
            _ => {}
        }
        Ok(())
    }

    fn plan(&self, change: &Change) -> Result<Deed> {
        let slot = |name: &str| self.holders.slot(name);
        Ok(match change {
            Change::Add { range } => {
                self.check_absent(*range)?;
                if self.total[usize::from(range.is_ipv6())].checked_add(range.count()).is_none() {
                    return Err(Fault::new(&fault::FULL).object("pool").expected("less than the whole of IPv6"));
                }
                self.planned(*range, None, Some(FREE))?
            }
            Change::Remove { range } => self.planned(*range, Some(FREE), None)?,
            Change::Assign { range, to } => self.planned(*range, Some(FREE), Some(slot(to)?))?,
            Change::Move { range, from, to } => self.planned(*range, Some(slot(from)?), Some(slot(to)?))?,
            Change::Release { range, from } => self.planned(*range, Some(slot(from)?), Some(FREE))?,
            Change::MoveAll { from, to } => Deed::MoveAll { from: slot(from)?, to: slot(to)? },
            Change::AddHolder { name, kind } => {
                check_name(name)?;
                if slot(name).is_ok() {
                    return Err(Fault::new(&fault::HOLDER_STANDS).object(name));
                }
                if self.holders.len() >= self.limits.holders {
                    let most = format!("at most {} holders", self.limits.holders);
                    return Err(Fault::new(&fault::FULL).object("pool").expected(most));
                }
                Deed::AddHolder(*kind)
            }
            Change::RemoveHolder { name } => {
                let [ipv4, ipv6] = self.holders.counts(slot(name)?);
                if ipv4 + ipv6 > 0 {
                    let found = format!("{ipv4} IPv4 and {ipv6} IPv6 addresses");
                    return Err(Fault::new(&fault::HOLDER_STANDS).object(name).expected("none held").found(found));
                }
                Deed::RemoveHolder
            }
        })
    }

    fn planned(&self, range: Range, from: Option<Slot>, to: Option<Slot>) -> Result<Deed> {
        if let Some(slot) = from {
            match range.0 {
                Ends::V4(first, last) => self.ipv4.check(first, last, slot).map_err(|other| self.other(slot, other)),
                Ends::V6(first, last) => self.ipv6.check(first, last, slot).map_err(|other| self.other(slot, other)),
            }?;
        }
        // A range cuts one run into three at most. What makes a pool no bigger is possible at its limit, and beyond one that
        // was lowered: else nothing could be given back.
        let runs = self.ipv4.len() + self.ipv6.len();
        if runs + 2 > self.limits.runs {
            let growth = match range.0 {
                Ends::V4(first, last) => self.ipv4.growth(first, last, to),
                Ends::V6(first, last) => self.ipv6.growth(first, last, to),
            };
            if growth > 0 && runs.saturating_add_signed(growth) > self.limits.runs {
                let most = format!("at most {} runs", self.limits.runs);
                return Err(Fault::new(&fault::FULL).object("pool").expected(most));
            }
        }
        Ok(Deed::Set { range, from, to })
    }

    fn check_absent(&self, range: Range) -> Result<()> {
        let found = match range.0 {
            Ends::V4(first, last) => self.ipv4.check_absent(first, last).map_err(|other| address(other.at)),
            Ends::V6(first, last) => self.ipv6.check_absent(first, last).map_err(|other| address(other.at)),
        };
        found.map_err(|at| Fault::new(&fault::PRESENT).object(range).found(at))
    }

    fn other<K: Number>(&self, expected: Slot, other: Other<K>) -> Fault
    where
        Address: From<K>,
    {
        let name = |slot| self.holders.name(slot).unwrap_or("nobody").to_string();
        match other.slot {
            None => Fault::new(&fault::ABSENT).object(address(other.at)),
            Some(slot) => Fault::new(&fault::HELD).object(address(other.at)).expected(name(expected)).found(name(slot)),
        }
    }

    fn set(&mut self, range: Range, from: Option<Slot>, to: Option<Slot>) {
        let (count, ipv6) = (range.count(), range.is_ipv6());
        match range.0 {
            Ends::V4(first, last) => self.ipv4.set(first, last, to),
            Ends::V6(first, last) => self.ipv6.set(first, last, to),
        }
        let total = &mut self.total[usize::from(ipv6)];
        match from {
            Some(slot) => self.holders.count(slot, ipv6, 0, count),
            None => *total += count,
        }
        match to {
            Some(slot) => self.holders.count(slot, ipv6, count, 0),
            None => *total = total.saturating_sub(count),
        }
    }

    /// Every run in order, IPv4 first.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.rows_from(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// Runs that begin at an address or behind it, in the same order.
    pub fn rows_from(&self, from: IpAddr) -> impl Iterator<Item = Row> {
        let (v4, v6) = match from {
            IpAddr::V4(from) => (Some(from.to_bits()), u128::LEAST),
            IpAddr::V6(from) => (None, from.to_bits()),
        };
        let row = |range, slot| Row { range, holder: self.holders.name(slot).map(String::from) };
        let ipv4 = v4.into_iter().flat_map(|from| self.ipv4.from(from));
        let ipv4 = ipv4.map(move |(first, last, slot)| row(Range(Ends::V4(first, last)), slot));
        ipv4.chain(self.ipv6.from(v6).map(move |(first, last, slot)| row(Range(Ends::V6(first, last)), slot)))
    }

    /// From holders and rows in the order of [`Pool::rows`]; [`fault::ROWS`] naming the first that does not fit.
    pub fn restore(
        limits: Limits,
        holders: impl IntoIterator<Item = (String, Kind)>,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<Pool> {
        let mut parts = Restore::new(limits);
        for (name, kind) in holders {
            parts.holder(name, kind)?;
        }
        for row in rows {
            parts.row(&row)?;
        }
        Ok(parts.pool())
    }
}

/// A pool made again part by part, so that its rows need not all be at hand: holders first, then rows in the order of
/// [`Pool::rows`].
#[derive(Debug, Default)]
pub struct Restore {
    pool: Pool,
    ipv4: Building<u32>,
    ipv6: Building<u128>,
    rows: usize,
}

impl Restore {
    /// Nothing yet.
    pub fn new(limits: Limits) -> Restore {
        Restore { pool: Pool::new(limits), ..Restore::default() }
    }

    /// A holder; refused as [`Change::AddHolder`] is.
    pub fn holder(&mut self, name: String, kind: Kind) -> Result<()> {
        self.pool.apply(&Change::AddHolder { name, kind })
    }

    /// A row; [`fault::ROWS`] naming its place when it does not stand behind those before it, [`fault::HOLDER`] when its
    /// holder is unknown, [`fault::FULL`] beyond the limit.
    pub fn row(&mut self, row: &Row) -> Result<()> {
        let Restore { pool, ipv4, ipv6, rows } = self;
        if *rows >= pool.limits.runs {
            let most = format!("at most {} runs", pool.limits.runs);
            return Err(Fault::new(&fault::FULL).object("pool").expected(most));
        }
        let slot = pool.holders.slot_or_free(row.holder.as_deref())?;
        let fits = match row.range.0 {
            Ends::V4(first, last) => ipv4.push(first, last, slot),
            Ends::V6(first, last) => ipv6.push(first, last, slot),
        };
        if !fits {
            return Err(Fault::new(&fault::ROWS).object(format!("row {rows}")).found(row.range));
        }
        let total = &mut pool.total[usize::from(row.range.is_ipv6())];
        *total = total.checked_add(row.range.count()).ok_or_else(|| {
            Fault::new(&fault::FULL).object("pool").expected("less than the whole of IPv6").found(row.range)
        })?;
        pool.holders.count(slot, row.range.is_ipv6(), row.range.count(), 0);
        *rows += 1;
        Ok(())
    }

    /// The pool. Sorts what was given: about a second for five million rows.
    pub fn pool(self) -> Pool {
        Pool { ipv4: self.ipv4.finish(), ipv6: self.ipv6.finish(), ..self.pool }
    }
}

/// An address made of a number of either family.
struct Address(IpAddr);

impl From<u32> for Address {
    fn from(bits: u32) -> Address {
        Address(IpAddr::V4(Ipv4Addr::from_bits(bits)))
    }
}

impl From<u128> for Address {
    fn from(bits: u128) -> Address {
        Address(IpAddr::V6(Ipv6Addr::from_bits(bits)))
    }
}

fn address<K>(number: K) -> IpAddr
where
    Address: From<K>,
{
    Address::from(number).0
}

/// The beginning of a range, of at most so many addresses.
fn shortened(range: Range, count: u128) -> Range {
    if count >= range.count() {
        return range;
    }
    let end = count.saturating_sub(1);
    Range(match range.0 {
        Ends::V4(first, last) => Ends::V4(first, first.plus(end).unwrap_or(last)),
        Ends::V6(first, last) => Ends::V6(first, first.plus(end).unwrap_or(last)),
    })
}

/// The lowest prefix of this length inside a range.
fn aligned(range: Range, bits: u8) -> Option<Range> {
    let here = Range::prefix(range.first(), bits).ok()?;
    let begin = if here.first() >= range.first() {
        here.first()
    } else {
        match here.0 {
            Ends::V4(_, last) => address(last.after()?),
            Ends::V6(_, last) => address(last.after()?),
        }
    };
    Range::prefix(begin, bits).ok().filter(|found| found.last() <= range.last())
}
