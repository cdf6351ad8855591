//! Paths of control groups by the key that the kernel programs give with each exec.
//!
//! The programs tell a path once and then only the key, so what is kept here must outlive what they remember: a key
//! that is not known any more is [missed](GroupPaths::take_missed), and the programs are asked to tell it again.

use crate::container;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Most groups remembered: twice as many as the kernel programs do.
const GROUPS_MAX: usize = 8 * 1024;
/// Most misses kept between two looks.
const MISSED_MAX: usize = 64;

/// A control group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Its path.
    pub path: String,
    /// Container it belongs to, empty on the host.
    pub container: String,
}

impl Group {
    /// From a path.
    pub fn of(path: String) -> Group {
        Group { container: container::container_id(&path).unwrap_or_default(), path }
    }
}

/// The cache.
#[derive(Debug, Default)]
pub struct GroupPaths {
    known: HashMap<u64, Arc<Group>>,
    order: VecDeque<u64>,
    missed: Vec<u64>,
}

impl GroupPaths {
    /// The programs told the path of a key.
    pub fn learn(&mut self, key: u64, path: &[u8]) -> Arc<Group> {
        let group = Arc::new(Group::of(String::from_utf8_lossy(path).into_owned()));
        if self.known.insert(key, group.clone()).is_none() {
            self.order.push_back(key);
        }
        while self.known.len() > GROUPS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.known.remove(&oldest);
        }
        group
    }

    /// The group of a key; a miss is noted.
    pub fn find(&mut self, key: u64) -> Option<Arc<Group>> {
        let known = self.known.get(&key).cloned();
        if known.is_none() && self.missed.len() < MISSED_MAX && !self.missed.contains(&key) {
            self.missed.push(key);
        }
        known
    }

    /// Keys that were missed since the last call.
    pub fn take_missed(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_its_key_and_a_miss_is_told_once() {
        let mut groups = GroupPaths::default();
        assert!(groups.find(7).is_none() && groups.find(7).is_none());
        assert_eq!((groups.take_missed(), groups.take_missed()), (vec![7], vec![]));
        groups.learn(7, b"/lxc.payload.web/init.scope");
        let found = groups.find(7).unwrap();
        assert_eq!((found.path.as_str(), found.container.as_str()), ("/lxc.payload.web/init.scope", "web"));
        for key in 0..GROUPS_MAX as u64 * 2 {
            groups.learn(key, b"/");
        }
        assert!(groups.known.len() == GROUPS_MAX && groups.order.len() == GROUPS_MAX && groups.missed.is_empty());
    }
}
