//! What is known of sources: allowed and denied prefixes, bans, confirmed clients.

use crate::address::{Key, Net};
use crate::filter::nanoseconds;
use crate::layout::{Bans4, Bans6, holds};
use crate::marks::{MARK_BITS, set_mark, write_marks};
use crate::{Filter, bans, system};
use base::Result;
use ddos::Prefix;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What the operator says of a prefix of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Drop all of it, at every level.
    Deny,
    /// Let all of it through, at every level.
    Allow,
}

/// A ban that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// How long it goes on.
    pub left: Duration,
    /// The number that whoever banned gave as reason.
    pub reason: u32,
}

impl Filter {
    /// Lists a prefix of sources. Of several that hold an address the longest counts.
    ///
    /// # Errors
    /// [`crate::fault::FULL`], [`crate::fault::MAP`].
    pub fn list(&mut self, prefix: Prefix, verdict: Verdict) -> Result<()> {
        let value = u32::from(verdict == Verdict::Allow);
        match Net::of(prefix) {
            Net::V4(net) => {
                self.maps.sources4.put(&net, &value)?;
                self.set_prefix(net, Some(verdict))?;
            }
            Net::V6(net) => self.maps.sources6.put(&net, &value)?,
        }
        self.holds(holds::LISTS, true)
    }

    /// Takes a prefix off the list; says whether it was there.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn unlist(&mut self, prefix: Prefix) -> Result<bool> {
        match Net::of(prefix) {
            Net::V4(net) => {
                // The table first: what it leaves to the trie must be there as long as it does.
                self.set_prefix(net, None)?;
                self.maps.sources4.remove(&net)
            }
            Net::V6(net) => self.maps.sources6.remove(&net),
        }
    }

    /// Lists these prefixes of sources and no others.
    ///
    /// # Errors
    /// [`crate::fault::FULL`], [`crate::fault::MAP`]; some are listed then, and some of before.
    pub fn list_only(&mut self, wanted: &BTreeMap<Prefix, Verdict>) -> Result<()> {
        // First what is wanted: allowed sources are never without their entry.
        for (prefix, verdict) in wanted {
            self.list(*prefix, *verdict)?;
        }
        for (prefix, _) in self.listed()? {
            if !wanted.contains_key(&prefix) {
                self.unlist(prefix)?;
            }
        }
        self.holds(holds::LISTS, !wanted.is_empty())
    }

    /// What is listed, read back from the kernel.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn listed(&self) -> Result<Vec<(Prefix, Verdict)>> {
        let four = self.maps.sources4.entries()?.into_iter();
        let four = four.filter_map(|(net, value)| Some((Net::prefix4(net)?, verdict(value))));
        let six = self.maps.sources6.entries()?.into_iter();
        Ok(four.chain(six.filter_map(|(net, value)| Some((Net::prefix6(net)?, verdict(value))))).collect())
    }

    /// Drops all of a source for a time. When there is no room for it, the ban that ends first of those in its places gives
    /// way.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn ban(&mut self, source: IpAddr, time: Duration, reason: u32) -> Result<()> {
        let now = system::now();
        let (until, mask) = (now.saturating_add(nanoseconds(time)), self.settings.ban_mask);
        let hash = Key::of(source).hash(self.settings.key);
        set_mark(&self.maps.ban_marks, hash, MARK_BITS)?;
        match Key::of(source) {
            Key::V4(key) => bans::put::<Bans4>(&self.maps.bans4, hash, mask, (key, until, reason), now)?,
            Key::V6(key) => bans::put::<Bans6>(&self.maps.bans6, hash, mask, (key, until, reason), now)?,
        }
        self.holds(holds::BANS, true)
    }

    /// Ends a ban; says whether there was one.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn unban(&mut self, source: IpAddr) -> Result<bool> {
        let running = self.banned(source)?.is_some();
        let (mask, now) = (self.settings.ban_mask, system::now());
        let hash = Key::of(source).hash(self.settings.key);
        match Key::of(source) {
            Key::V4(key) => bans::remove::<Bans4>(&self.maps.bans4, hash, mask, key, now)?,
            Key::V6(key) => bans::remove::<Bans6>(&self.maps.bans6, hash, mask, key, now)?,
        }
        Ok(running)
    }

    /// The ban of a source, read back from the kernel.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn banned(&self, source: IpAddr) -> Result<Option<Ban>> {
        let (mask, now) = (self.settings.ban_mask, system::now());
        let hash = Key::of(source).hash(self.settings.key);
        match Key::of(source) {
            Key::V4(key) => bans::get::<Bans4>(&self.maps.bans4, hash, mask, key, now),
            Key::V6(key) => bans::get::<Bans6>(&self.maps.bans6, hash, mask, key, now),
        }
    }

    /// All bans that have not ended.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn bans(&self) -> Result<Vec<(IpAddr, Ban)>> {
        let now = system::now();
        let four = bans::all::<Bans4>(&self.maps.bans4, now)?.into_iter();
        let six = bans::all::<Bans6>(&self.maps.bans6, now)?.into_iter();
        let four = four.map(|(key, ban)| (Key::address4(key), ban));
        Ok(four.chain(six.map(|(key, ban)| (Key::address6(key), ban))).collect())
    }

    /// Says that a source has shown elsewhere that it lives where it says: it is spared cookies and let through at
    /// [`ddos::Level::Verified`], for a time. Rates, rules and bans hold for it all the same.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn confirm(&mut self, source: IpAddr, time: Duration) -> Result<()> {
        let until = system::now().saturating_add(nanoseconds(time));
        set_mark(&self.maps.confirmed_marks, Key::of(source).hash(self.settings.key), MARK_BITS)?;
        match Key::of(source) {
            Key::V4(key) => self.maps.confirmed4.put(&key, &until),
            Key::V6(key) => self.maps.confirmed6.put(&key, &until),
        }
    }

    /// How long a source still counts as confirmed, by a cookie or by [`Filter::confirm`].
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn confirmed(&self, source: IpAddr) -> Result<Option<Duration>> {
        let until = match Key::of(source) {
            Key::V4(key) => self.maps.confirmed4.get::<u64>(&key)?,
            Key::V6(key) => self.maps.confirmed6.get::<u64>(&key)?,
        };
        let left = until.map(|until| until.saturating_sub(system::now())).filter(|left| *left > 0);
        Ok(left.map(Duration::from_nanos))
    }

    /// Forgets the marks of sources that are no longer banned or confirmed. Marks only spare lookups; those that nobody
    /// needs cost time, not truth: once an hour is enough.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn refresh(&mut self) -> Result<()> {
        let key = self.settings.key;
        let bans = self.bans()?;
        write_marks(&self.maps.ban_marks, bans.iter().map(|(source, _)| Key::of(*source).hash(key)), MARK_BITS)?;
        let now = system::now();
        let four = self.maps.confirmed4.entries::<u32, u64>()?.into_iter();
        let four = four.filter(|(_, until)| *until > now).map(|(source, _)| Key::V4(source).hash(key));
        let six = self.maps.confirmed6.entries::<[u32; 4], u64>()?.into_iter();
        let six = six.filter(|(_, until)| *until > now).map(|(source, _)| Key::V6(source).hash(key));
        write_marks(&self.maps.confirmed_marks, four.chain(six), MARK_BITS)
    }
}

pub(crate) fn verdict(value: u32) -> Verdict {
    if value == 0 { Verdict::Deny } else { Verdict::Allow }
}
