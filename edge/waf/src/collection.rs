//! Collections that outlive a request: IP, GLOBAL, SESSION, USER, RESOURCE.

use rapidhash::v3::rapidhash_v3;
use seclang::Collection;
use std::collections::HashMap;
use std::sync::Mutex;

/// A store of named values by collection and key (`ip` of `192.0.2.7`). Names are ASCII case-insensitive. Times are
/// microseconds of the clock that the caller passes to [`crate::Engine::begin`].
pub trait Collections: Send + Sync {
    /// A value that has not expired.
    fn get(&self, collection: Collection, key: &[u8], name: &[u8], now: u64) -> Option<Vec<u8>>;
    /// All values of a key that have not expired.
    fn all(&self, collection: Collection, key: &[u8], now: u64) -> Vec<(Vec<u8>, Vec<u8>)>;
    /// Sets a value.
    fn set(&self, collection: Collection, key: &[u8], name: &[u8], value: &[u8], now: u64);
    /// Adds to a value (text that is no number counts as 0) in one step, and returns the sum.
    fn add(&self, collection: Collection, key: &[u8], name: &[u8], delta: i64, now: u64) -> i64;
    /// Removes a value.
    fn unset(&self, collection: Collection, key: &[u8], name: &[u8]);
    /// Lets a value expire at a time.
    fn expire(&self, collection: Collection, key: &[u8], name: &[u8], at: u64);
}

const SHARDS: usize = 16;
/// Values of one key.
const NAMES: usize = 64;

/// Collections in memory, bounded: beyond the bound, the keys that were longest not written to are forgotten.
pub struct Memory {
    shards: Vec<Mutex<Shard>>,
    keys: usize,
    timeout: u64,
}

#[derive(Default)]
struct Shard(HashMap<(Collection, Vec<u8>), Record>);

#[derive(Default)]
struct Record {
    values: Vec<Value>,
    written: u64,
}

struct Value {
    name: Vec<u8>,
    value: Vec<u8>,
    expires: u64,
}

impl Memory {
    /// At most `keys` keys, each forgotten `timeout` seconds after it was last written (`SecCollectionTimeout`).
    pub fn new(keys: usize, timeout: u64) -> Memory {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Memory { shards, keys: keys.div_ceil(SHARDS).max(1), timeout: timeout.saturating_mul(1_000_000) }
    }

    /// Keys held now.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).0.len()).sum()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &[u8]) -> std::sync::MutexGuard<'_, Shard> {
        lock(&self.shards[rapidhash_v3(key) as usize % SHARDS])
    }

    /// Runs on the record of a key, which is made if needed.
    fn write<R>(&self, collection: Collection, key: &[u8], now: u64, run: impl FnOnce(&mut Record) -> R) -> R {
        let mut shard = self.shard(key);
        let named = (collection, key.to_vec());
        if shard.0.len() >= self.keys && !shard.0.contains_key(&named) {
            shard.make_room(self.keys, now, self.timeout);
        }
        let record = shard.0.entry(named).or_default();
        if record.written.saturating_add(self.timeout) < now {
            record.values.clear();
        }
        record.written = now;
        run(record)
    }

    fn read<R>(&self, collection: Collection, key: &[u8], now: u64, run: impl FnOnce(&Record) -> R) -> Option<R> {
        let shard = self.shard(key);
        let record = shard.0.get(&(collection, key.to_vec()))?;
        (record.written.saturating_add(self.timeout) >= now).then(|| run(record))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Shard {
    /// Forgets what timed out, or else the older half: one sweep makes room for many keys.
    fn make_room(&mut self, keys: usize, now: u64, timeout: u64) {
        self.0.retain(|_, record| record.written.saturating_add(timeout) >= now);
        if self.0.len() >= keys {
            let mut written: Vec<u64> = self.0.values().map(|record| record.written).collect();
            let middle = written.len() / 2;
            let (_, median, _) = written.select_nth_unstable(middle);
            let (median, mut spare) = (*median, keys / 2);
            self.0.retain(|_, record| {
                let keep = record.written > median || (record.written == median && spare > 0);
                spare = spare.saturating_sub(usize::from(keep));
                keep
            });
        }
    }
}

impl Record {
    fn find(&mut self, name: &[u8]) -> Option<&mut Value> {
        self.values.iter_mut().find(|value| value.name.eq_ignore_ascii_case(name))
    }

    fn set(&mut self, name: &[u8], text: Vec<u8>, now: u64) {
        self.values.retain(|value| value.expires > now);
        let room = self.values.len() < NAMES;
        match self.find(name) {
            Some(value) => value.value = text,
            None if room => {
                self.values.push(Value { name: name.to_vec(), value: text, expires: u64::MAX });
            }
            None => {}
        }
    }

    fn live(&self, now: u64) -> impl Iterator<Item = &Value> {
        self.values.iter().filter(move |value| value.expires > now)
    }
}

impl Collections for Memory {
    fn get(&self, collection: Collection, key: &[u8], name: &[u8], now: u64) -> Option<Vec<u8>> {
        let find = |record: &Record| {
            record.live(now).find(|value| value.name.eq_ignore_ascii_case(name)).map(|value| value.value.clone())
        };
        self.read(collection, key, now, find)?
    }

    fn all(&self, collection: Collection, key: &[u8], now: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let all = |record: &Record| record.live(now).map(|value| (value.name.clone(), value.value.clone())).collect();
        self.read(collection, key, now, all).unwrap_or_default()
    }

    fn set(&self, collection: Collection, key: &[u8], name: &[u8], value: &[u8], now: u64) {
        self.write(collection, key, now, |record| record.set(name, value.to_vec(), now));
    }

    fn add(&self, collection: Collection, key: &[u8], name: &[u8], delta: i64, now: u64) -> i64 {
        self.write(collection, key, now, |record| {
            let before = record.find(name).filter(|value| value.expires > now);
            let sum = before.map_or(0, |value| atoms::number::integer(&value.value)).saturating_add(delta);
            record.set(name, sum.to_string().into_bytes(), now);
            sum
        })
    }

    fn unset(&self, collection: Collection, key: &[u8], name: &[u8]) {
        if let Some(record) = self.shard(key).0.get_mut(&(collection, key.to_vec())) {
            record.values.retain(|value| !value.name.eq_ignore_ascii_case(name));
        }
    }

    fn expire(&self, collection: Collection, key: &[u8], name: &[u8], at: u64) {
        if let Some(value) = self.shard(key).0.get_mut(&(collection, key.to_vec())).and_then(|record| record.find(name))
        {
            value.expires = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn values_are_kept_by_key_and_expire() {
        let memory = Memory::new(100, 60);
        memory.set(Collection::Ip, b"a", b"Count", b"2", 0);
        assert_eq!(memory.add(Collection::Ip, b"a", b"COUNT", 3, 0), 5);
        assert_eq!(memory.get(Collection::Ip, b"b", b"count", 0), None);
        assert_eq!(memory.get(Collection::Global, b"a", b"count", 0), None);
        memory.expire(Collection::Ip, b"a", b"count", 10 * SECOND);
        assert_eq!(memory.get(Collection::Ip, b"a", b"count", 9 * SECOND), Some(b"5".to_vec()));
        assert_eq!(memory.get(Collection::Ip, b"a", b"count", 10 * SECOND), None);
        assert_eq!(memory.add(Collection::Ip, b"a", b"count", 1, 11 * SECOND), 1);
        assert!(memory.all(Collection::Ip, b"a", 72 * SECOND).is_empty(), "timed out as a whole");
    }

    #[test]
    fn a_flood_of_keys_does_not_grow_the_store() {
        let memory = Memory::new(1000, 3600);
        for number in 0..50_000_u64 {
            memory.set(Collection::Ip, &number.to_be_bytes(), b"n", b"1", number / 7);
        }
        assert!(memory.len() <= 1000 + SHARDS, "{}", memory.len());
        assert!(memory.get(Collection::Ip, &49_999_u64.to_be_bytes(), b"n", 7143).is_some(), "the newest stands");
    }

    #[test]
    fn one_key_holds_a_bounded_number_of_values() {
        let memory = Memory::new(10, 60);
        for number in 0..1000_u32 {
            memory.set(Collection::User, b"u", &number.to_be_bytes(), b"1", 0);
        }
        assert_eq!(memory.all(Collection::User, b"u", 0).len(), NAMES);
    }
}
