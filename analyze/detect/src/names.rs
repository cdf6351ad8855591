//! Named fields of records (`cs-uri-query`, `requestParameters.userName`): numbered when rules are compiled, found in one
//! pass over a record's pairs, without a map for each event.
//!
//! A rule's name also means what stands below it: `requestParameters` is every `requestParameters.…` of a flattened
//! object. Some sources call one thing by several names; those in a line of [`ALIASES`] are one.

use record::{Activity, Event, Pair};
use std::collections::HashMap;

/// Names for one thing: those of a proxy's log and of a web server's, those of a cloud's own record and of how it is
/// commonly shipped.
pub(crate) const ALIASES: &[&[&str]] = &[
    &["cs-user-agent", "c-useragent"],
    &["cs-uri", "c-uri"],
    &["cs-uri-query", "c-uri-query"],
    &["cs-uri-stem", "c-uri-stem"],
    &["cs-uri-extension", "c-uri-extension"],
    &["cs-host", "r-dns"],
    &["c-ip", "src_ip"],
    &["r-ip", "dst_ip"],
    &["gcp.audit.method_name", "protoPayload.methodName", "data.protoPayload.methodName"],
    &["protoPayload.serviceName", "data.protoPayload.serviceName", "protoPayload.Servicename", "eventService"],
    &["protoPayload.resource.type", "data.protoPayload.resource.type", "resource.type"],
    &["logName", "data.protoPayload.logName"],
    &["protoPayload.authorizationInfo.permission", "data.protoPayload.authorizationInfo.permission"],
    &["protoPayload.authorizationInfo.granted", "data.protoPayload.authorizationInfo.granted"],
];

/// Which list of pairs a name stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    /// Fields of a log, details of a finding or of a part of the inventory.
    Fields,
    /// What a part of the inventory was before.
    Before,
}

/// The names that the rules of a bucket test, each with its number.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: HashMap<(Group, String), u32>,
    count: u32,
    /// Open addressing: hash, and the number plus one; 0 is free.
    table: Vec<(u64, u32)>,
    /// Per key its group, name and number, in the order of the table's entries.
    keys: Vec<(Group, Box<str>, u32)>,
    /// First bytes of all names, one bit each: most names of a record are passed over by it.
    first: [u64; 4],
}

impl Names {
    /// The number of a name.
    pub(crate) fn number(&mut self, group: Group, name: &str) -> u32 {
        if let Some(number) = self.known.get(&(group, name.to_owned())) {
            return *number;
        }
        let number = self.count;
        self.count += 1;
        let single = [name];
        let class = ALIASES.iter().find(|class| class.contains(&name)).copied().unwrap_or(&single);
        for one in class {
            self.known.insert((group, (*one).to_owned()), number);
        }
        number
    }

    /// Makes the table, after the last name.
    pub(crate) fn finish(&mut self) {
        self.keys = self.known.drain().map(|((group, name), number)| (group, name.into_boxed_str(), number)).collect();
        self.table = vec![(0, 0); (self.keys.len() * 2).next_power_of_two()];
        for (index, (group, name, _)) in self.keys.iter().enumerate() {
            let hash = name.bytes().fold(seed(*group), step);
            let mut at = place(hash, self.table.len());
            while self.table[at].1 != 0 {
                at = (at + 1) % self.table.len();
            }
            self.table[at] = (hash, index as u32 + 1);
            if let Some(byte) = name.bytes().next() {
                self.first[usize::from(byte) / 64] |= 1 << (byte % 64);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn get(&self, hash: u64, group: Group, name: &str) -> Option<u32> {
        let mut at = place(hash, self.table.len());
        // The table is at most half full, so a free place ends every search.
        loop {
            let (known, index) = self.table[at];
            let (of, text, number) = self.keys.get((index as usize).checked_sub(1)?)?;
            if known == hash && *of == group && **text == *name {
                return Some(*number);
            }
            at = (at + 1) % self.table.len();
        }
    }

    /// The numbers of a name and of the objects it stands in.
    fn each(&self, group: Group, name: &str, mut found: impl FnMut(u32)) {
        let Some(first) = name.bytes().next() else { return };
        if self.table.is_empty() || self.first[usize::from(first) / 64] >> (first % 64) & 1 == 0 {
            return;
        }
        let mut hash = seed(group);
        for (at, byte) in name.bytes().enumerate() {
            if byte == b'.'
                && let Some(number) = self.get(hash, group, &name[..at])
            {
                found(number);
            }
            hash = step(hash, byte);
        }
        if let Some(number) = self.get(hash, group, name) {
            found(number);
        }
    }
}

/// FNV-1a. The table is ours and fixed: a hostile name can only miss it.
const fn seed(group: Group) -> u64 {
    0xcbf2_9ce4_8422_2325 ^ group as u64
}

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
}

fn place(hash: u64, size: usize) -> usize {
    ((hash >> 32) ^ hash) as usize & (size - 1)
}

fn lists(event: &Event) -> [&[Pair]; 2] {
    match &event.activity {
        Activity::Log(log) => [&log.fields, &[]],
        Activity::Scan(scan) => [&scan.details, &[]],
        Activity::Asset(asset) => [&asset.details, &asset.before],
        _ => [&[], &[]],
    }
}

/// Where the values of numbered names stand in one record. Reused from event to event.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Per number the place of its first entry plus one; 0 is none.
    first: Vec<u32>,
    touched: Vec<u32>,
    /// Place of the pair, and of the next entry plus one.
    entries: Vec<(u32, u32)>,
}

impl Found {
    /// Looks through a record once. Allocates only to grow to the longest record so far.
    pub(crate) fn fill(&mut self, event: &Event, names: &Names) {
        for number in self.touched.drain(..) {
            self.first[number as usize] = 0;
        }
        self.entries.clear();
        if names.is_empty() {
            return;
        }
        if self.first.len() < names.count as usize {
            self.first.resize(names.count as usize, 0);
        }
        let [fields, before] = lists(event);
        // Backwards, so that each chain runs forwards.
        for (group, pairs, base) in [(Group::Before, before, fields.len()), (Group::Fields, fields, 0)] {
            for (index, pair) in pairs.iter().enumerate().rev() {
                names.each(group, &pair.name, |number| {
                    let first = &mut self.first[number as usize];
                    if *first == 0 {
                        self.touched.push(number);
                    }
                    self.entries.push(((base + index) as u32, *first));
                    *first = self.entries.len() as u32;
                });
            }
        }
    }

    /// The numbers that the record has values for.
    pub(crate) fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// The values of a number, in the order of the record.
    pub(crate) fn values<'e>(&self, event: &'e Event, number: u32) -> impl Iterator<Item = &'e str> {
        let [fields, before] = lists(event);
        let mut next = self.first.get(number as usize).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let (index, after) = *self.entries.get((next as usize).checked_sub(1)?)?;
            next = after;
            let pair = fields.get(index as usize).or_else(|| before.get((index as usize).checked_sub(fields.len())?));
            pair.map(|pair| pair.value.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Asset, Log};

    fn event(activity: Activity) -> Event {
        Event { seq: 0, time_us: 0, process: None, activity }
    }

    fn log(pairs: &[(&str, &str)]) -> Event {
        let fields = pairs.iter().map(|(name, value)| Pair::new(*name, *value)).collect();
        event(Activity::Log(Log { fields, ..Log::default() }))
    }

    #[test]
    fn a_name_finds_its_values_its_children_and_its_aliases() {
        let mut names = Names::default();
        let [user, object, agent] = ["a.user", "a", "c-useragent"].map(|name| names.number(Group::Fields, name));
        assert_eq!(names.number(Group::Fields, "cs-user-agent"), agent);
        names.finish();
        let mut found = Found::default();
        let record = log(&[("a.user", "1"), ("b", "2"), ("a.user", "3"), ("a.list.x", "4"), ("cs-user-agent", "5")]);
        for _ in 0..2 {
            found.fill(&record, &names);
            let values = |number| found.values(&record, number).collect::<Vec<_>>();
            assert_eq!((values(user), values(object), values(agent)), (vec!["1", "3"], vec!["1", "3", "4"], vec!["5"]));
        }
        let other = log(&[("abc", "1"), ("", "2"), ("a.", "3"), ("...", "4")]);
        found.fill(&other, &names);
        assert_eq!((found.values(&other, object).count(), found.values(&other, user).count()), (1, 0));
    }

    #[test]
    fn what_was_before_is_apart_from_what_is() {
        let mut names = Names::default();
        let (now, before) = (names.number(Group::Fields, "shell"), names.number(Group::Before, "shell"));
        names.finish();
        let asset = Asset {
            details: vec![Pair::new("shell", "/bin/sh")],
            before: vec![Pair::new("shell", "/bin/false")],
            ..Asset::default()
        };
        let (mut found, event) = (Found::default(), event(Activity::Asset(asset)));
        found.fill(&event, &names);
        assert_eq!(found.values(&event, now).collect::<Vec<_>>(), ["/bin/sh"]);
        assert_eq!(found.values(&event, before).collect::<Vec<_>>(), ["/bin/false"]);
    }

    #[test]
    fn no_class_shares_a_name() {
        let mut all: Vec<&str> = ALIASES.iter().flat_map(|class| class.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
