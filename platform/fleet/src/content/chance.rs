//! Chance looks for a way to leave an agent behind, or to give it a change of something else: shelf, courier and agent
//! without a network, with links that break, agents and servers that start again, and content that is refused.

use super::wire::{Content, Took};
use super::*;
use base::{ManualClock, Random, SeededRandom};
use bus::MemoryDisk;
use record::AgentId;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

const NAME: Name = Name::IntelFilter;

/// Follows versions as a filter would; panics on a change of something else. Every ninth version is bad for it.
#[derive(Default)]
struct Strict(Mutex<u64>);

impl Taker for Strict {
    fn take(&self, taken: Taken) -> Result<()> {
        let mut version = self.0.lock().unwrap();
        assert!(taken.from == 0 || taken.from == *version, "{} → {} at {version}", taken.from, taken.version);
        assert_eq!(taken.content, text(taken.from, taken.version));
        if taken.version % 9 == 4 {
            return Err(Fault::new(&fault::CONTENT_MALFORMED).object("bad"));
        }
        *version = taken.version;
        Ok(())
    }
}

/// Content of a step; some are longer than one part.
fn text(from: u64, to: u64) -> Vec<u8> {
    let mut noise = vec![0; if to.is_multiple_of(5) { 150_000 } else { 40 }];
    SeededRandom::new(from * 1_000_003 + to).fill(&mut noise);
    noise
}

struct World {
    disk: Arc<MemoryDisk>,
    shelf: Shelf,
    contents: Contents,
    link: Option<Courier>,
    down: VecDeque<Content>,
    up: VecDeque<(u64, Option<Took>)>,
    version: u64,
    random: SeededRandom,
}

impl World {
    fn new(seed: u64) -> World {
        let disk = Arc::new(MemoryDisk::new());
        World {
            contents: open(&disk),
            disk,
            shelf: shelf(),
            link: None,
            down: VecDeque::new(),
            up: VecDeque::new(),
            version: 0,
            random: SeededRandom::new(seed),
        }
    }

    fn publish(&mut self) {
        let (from, whole) = (self.version, self.version == 0 || self.random.below(4) == 0);
        self.version += 1 + self.random.below(3);
        let to = self.version;
        let done = match whole {
            true => self.shelf.publish(NAME, to, &text(0, to)),
            false => self.shelf.publish_delta(NAME, from, to, &text(from, to)),
        };
        assert_eq!(done.unwrap().version, to);
        // Sometimes the whole of a version that changes have reached already.
        if !whole && self.random.below(3) == 0 {
            self.shelf.publish(NAME, to, &text(0, to)).unwrap();
        }
        self.link.iter_mut().for_each(Courier::plan);
    }

    /// One message goes one way.
    fn talk(&mut self) -> bool {
        let Some(link) = &mut self.link else {
            let held = self.contents.held();
            self.link = Some(Courier::new(self.shelf.clone(), AgentId::default(), String::new(), &held));
            return true;
        };
        if let Some(part) = link.next() {
            self.down.push_back(part);
            return true;
        }
        if let Some(part) = self.down.pop_front() {
            self.up.push_back(match self.contents.part(part) {
                Step::Room(bytes) => (bytes, None),
                Step::Whole(whole) => (0, Some(self.contents.settle(whole))),
                Step::Took(took) => (0, Some(took)),
            });
            return true;
        }
        match self.up.pop_front() {
            Some((_, Some(took))) => link.took(&took),
            Some((bytes, None)) => link.room(bytes),
            None => return false,
        }
        true
    }

    fn breaks(&mut self) {
        self.link = None;
        self.down.clear();
        self.up.clear();
    }

    fn step(&mut self) {
        match self.random.below(40) {
            0..4 => self.publish(),
            4 => self.breaks(),
            5 => {
                self.breaks();
                self.contents = open(&self.disk);
            }
            6 => {
                // A server that lost what it had: it publishes the same versions of a whole again, or others.
                self.breaks();
                self.shelf = shelf();
                self.version += self.random.below(2);
                let version = self.version.max(1);
                self.version = version;
                self.shelf.publish(NAME, version, &text(0, version)).unwrap();
            }
            _ => drop(self.talk()),
        }
    }
}

fn shelf() -> Shelf {
    Shelf::new(Arc::new(ManualClock::default()))
}

fn open(disk: &Arc<MemoryDisk>) -> Contents {
    let (contents, faults) =
        Contents::open(disk.clone(), Path::new("/content"), &[NAME], Arc::new(Strict::default())).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    contents
}

#[test]
fn every_agent_comes_to_what_is_published() {
    for seed in 0..24 {
        let mut world = World::new(seed);
        (0..600).for_each(|_| world.step());
        // At the end something that is not refused, and time enough.
        world.version += 9 - world.version % 9;
        world.shelf.publish(NAME, world.version, &text(0, world.version)).unwrap();
        world.link.iter_mut().for_each(Courier::plan);
        while world.talk() {}
        assert_eq!(world.contents.version(NAME), world.version, "seed {seed}");
        assert_eq!(world.shelf.tally(NAME, world.version).hold, 1, "seed {seed}");
        assert_eq!(open(&world.disk).version(NAME), world.version, "seed {seed}: at the next start");
    }
}
