//! A value that is replaced while others read it: rules and filters. Reading costs one load; nobody waits.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The value as it is now.
pub struct Live<T> {
    epoch: AtomicU64,
    now: Mutex<Arc<T>>,
}

impl<T> Live<T> {
    /// The first value.
    pub fn new(value: T) -> Arc<Live<T>> {
        Arc::new(Live { epoch: AtomicU64::new(0), now: Mutex::new(Arc::new(value)) })
    }

    /// Puts the next value in place; readers take it when they renew.
    pub fn set(&self, value: T) {
        *self.lock() = Arc::new(value);
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// The value.
    pub fn get(&self) -> Arc<T> {
        self.lock().clone()
    }

    /// A reader that holds the value of now until it renews.
    pub fn reader(self: &Arc<Self>) -> Reader<T> {
        // The epoch first: a value that comes in between is then taken at the next renewal, once more than needed.
        let epoch = self.epoch.load(Ordering::Acquire);
        Reader { live: self.clone(), epoch, now: self.get() }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<T>> {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// One thread's hold of a value.
pub struct Reader<T> {
    live: Arc<Live<T>>,
    epoch: u64,
    now: Arc<T>,
}

impl<T> Reader<T> {
    /// Takes the next value when there is one. Says whether there was.
    pub fn renew(&mut self) -> bool {
        let epoch = self.live.epoch.load(Ordering::Acquire);
        if epoch == self.epoch {
            return false;
        }
        (self.epoch, self.now) = (epoch, self.live.get());
        true
    }
}

impl<T> Deref for Reader<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_keeps_its_value_until_it_renews() {
        let live = Live::new(1);
        let mut reader = live.reader();
        live.set(2);
        assert_eq!((*reader, *live.get()), (1, 2));
        assert!(reader.renew() && !reader.renew());
        assert_eq!(*reader, 2);
    }
}
