//! What is known of sources: allowed and denied prefixes, bans, confirmed clients, servers that may answer us.

use crate::address::{Key, Net};
use crate::filter::nanoseconds;
use crate::layout::{BanEntry, Service, holds};
use crate::object::Map;
use crate::{Filter, system};
use base::Result;
use ddos::Prefix;
use libbpf_rs::MapCore;
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
            Net::V4(net) => self.maps.sources4.put(&net, &value)?,
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
            Net::V4(net) => self.maps.sources4.remove(&net),
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
        let verdict = |value: u32| if value == 0 { Verdict::Deny } else { Verdict::Allow };
        let four = self.maps.sources4.entries()?.into_iter();
        let four = four.filter_map(|(net, value)| Some((Net::prefix4(net)?, verdict(value))));
        let six = self.maps.sources6.entries()?.into_iter();
        Ok(four.chain(six.filter_map(|(net, value)| Some((Net::prefix6(net)?, verdict(value))))).collect())
    }

    /// Drops all of a source for a time. When the table is full, the ban that was least of use gives way.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn ban(&mut self, source: IpAddr, time: Duration, reason: u32) -> Result<()> {
        let ban = BanEntry { until: system::now().saturating_add(nanoseconds(time)), reason, reserved: 0 };
        set_mark(&self.maps.ban_marks, Key::of(source).hash(self.settings.key))?;
        match Key::of(source) {
            Key::V4(key) => self.maps.bans4.put(&key, &ban)?,
            Key::V6(key) => self.maps.bans6.put(&key, &ban)?,
        }
        self.holds(holds::BANS, true)
    }

    /// Ends a ban; says whether there was one.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn unban(&mut self, source: IpAddr) -> Result<bool> {
        let running = self.banned(source)?.is_some();
        match Key::of(source) {
            Key::V4(key) => self.maps.bans4.remove(&key)?,
            Key::V6(key) => self.maps.bans6.remove(&key)?,
        };
        Ok(running)
    }

    /// The ban of a source, read back from the kernel.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn banned(&self, source: IpAddr) -> Result<Option<Ban>> {
        let entry = match Key::of(source) {
            Key::V4(key) => self.maps.bans4.get(&key)?,
            Key::V6(key) => self.maps.bans6.get(&key)?,
        };
        Ok(entry.and_then(running))
    }

    /// All bans that have not ended.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn bans(&self) -> Result<Vec<(IpAddr, Ban)>> {
        let four = self.maps.bans4.entries()?.into_iter();
        let four = four.filter_map(|(key, entry)| Some((Key::address4(key), running(entry)?)));
        let six = self.maps.bans6.entries()?.into_iter();
        Ok(four.chain(six.filter_map(|(key, entry)| Some((Key::address6(key), running(entry)?)))).collect())
    }

    /// Says that a source has shown elsewhere that it lives where it says: it is spared cookies and let through at
    /// [`ddos::Level::Verified`], for a time. Rates, rules and bans hold for it all the same.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn confirm(&mut self, source: IpAddr, time: Duration) -> Result<()> {
        let until = system::now().saturating_add(nanoseconds(time));
        set_mark(&self.maps.confirmed_marks, Key::of(source).hash(self.settings.key))?;
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
        write_marks(&self.maps.ban_marks, bans.iter().map(|(source, _)| Key::of(*source).hash(key)))?;
        let now = system::now();
        let four = self.maps.confirmed4.entries::<u32, u64>()?.into_iter();
        let four = four.filter(|(_, until)| *until > now).map(|(source, _)| Key::V4(source).hash(key));
        let six = self.maps.confirmed6.entries::<[u32; 4], u64>()?.into_iter();
        let six = six.filter(|(_, until)| *until > now).map(|(source, _)| Key::V6(source).hash(key));
        write_marks(&self.maps.confirmed_marks, four.chain(six))
    }

    /// Trusts the UDP answers of a server: of a resolver (port 53) or time server (123), and then of no other on these
    /// ports.
    ///
    /// # Errors
    /// [`crate::fault::FULL`], [`crate::fault::MAP`].
    pub fn trust(&mut self, server: IpAddr, port: u16) -> Result<()> {
        self.maps.services.put(&service(server, port), &1_u32)?;
        let ours = match port {
            53 => holds::RESOLVERS,
            123 => holds::CLOCKS,
            _ => 0,
        };
        self.holds(holds::SERVICES | ours, true)
    }

    /// Trusts a server no more; says whether it was trusted.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn distrust(&mut self, server: IpAddr, port: u16) -> Result<bool> {
        self.maps.services.remove(&service(server, port))
    }

    /// Trusts these servers and no others. Without a resolver or time server among them the answers of all pass that are no
    /// reflection by their size.
    ///
    /// # Errors
    /// [`crate::fault::FULL`], [`crate::fault::MAP`]; some are trusted then, and some of before.
    pub fn trust_only(&mut self, wanted: &[(IpAddr, u16)]) -> Result<()> {
        for (server, port) in wanted {
            self.trust(*server, *port)?;
        }
        let keys: Vec<Service> = wanted.iter().map(|(server, port)| service(*server, *port)).collect();
        for (known, _) in self.maps.services.entries::<Service, u32>()? {
            if !keys.contains(&known) {
                self.maps.services.remove(&known)?;
            }
        }
        let any = |port| wanted.iter().any(|(_, other)| port == *other);
        self.holds(holds::RESOLVERS, any(53))?;
        self.holds(holds::CLOCKS, any(123))?;
        self.holds(holds::SERVICES, !wanted.is_empty())
    }

    /// How many servers are trusted, read back from the kernel.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn trusted(&self) -> Result<usize> {
        Ok(self.maps.services.entries::<Service, u32>()?.len())
    }
}

/// Word and bit of a source in the marks, as `bpf/hash.h` has them.
fn mark(hash: u64) -> (u32, u64) {
    ((hash >> 50) as u32, 1 << (hash >> 44 & 63))
}

fn set_mark(marks: &Map, hash: u64) -> Result<()> {
    let (word, bit) = mark(hash);
    let before = marks.get::<u64>(&word)?.unwrap_or(0);
    if before & bit != 0 { Ok(()) } else { marks.put(&word, &(before | bit)) }
}

fn write_marks(marks: &Map, hashes: impl Iterator<Item = u64>) -> Result<()> {
    let mut words = vec![0_u64; marks.handle.max_entries() as usize];
    for (word, bit) in hashes.map(mark) {
        if let Some(word) = words.get_mut(word as usize) {
            *word |= bit;
        }
    }
    for (index, word) in words.iter().enumerate() {
        // Most are as they were.
        if marks.get::<u64>(&(index as u32))? != Some(*word) {
            marks.put(&(index as u32), word)?;
        }
    }
    Ok(())
}

fn running(entry: BanEntry) -> Option<Ban> {
    let left = entry.until.saturating_sub(system::now());
    (left > 0).then(|| Ban { left: Duration::from_nanos(left), reason: entry.reason })
}

fn service(server: IpAddr, port: u16) -> Service {
    let mut address = [0; 16];
    match server.to_canonical() {
        IpAddr::V4(server) => address[..4].copy_from_slice(&server.octets()),
        IpAddr::V6(server) => address = server.octets(),
    }
    Service { address, port: u32::from(port) }
}
