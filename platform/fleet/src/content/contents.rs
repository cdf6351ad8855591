//! What an agent holds: parts that arrive, pieces that are put to use, and both across connections and restarts.

use super::chain::{CHAIN_BYTES, Files, Head, Stored};
use super::wire::{Content, Held, Took};
use super::{CONTENT_BYTES, Holding, Mark, Name};
use crate::fault;
use base::{Fault, Lang, Result};
use bus::Disk;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Room that is taken for a piece before its bytes are there.
const FIRST_ROOM: usize = 1024 * 1024;

/// Content to put to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The name.
    pub name: Name,
    /// The version that it leads to.
    pub version: u64,
    /// The version that it changes; 0 when it is whole.
    pub from: u64,
    /// The content.
    pub content: Vec<u8>,
}

/// Who puts content to use.
pub trait Taker: Send + Sync {
    /// Puts content to use, or refuses it and goes on with what was there. Called on a thread that may block, for one
    /// piece at a time; a change comes only when the version that it changes was taken.
    fn take(&self, taken: Taken) -> Result<()>;
}

/// A piece whose last part has arrived.
pub(crate) struct Whole {
    name: Name,
    stored: Stored,
    /// Bytes to grant again once it is settled.
    room: u64,
}

/// What follows from a part.
pub(crate) enum Step {
    /// So many bytes may be sent again.
    Room(u64),
    /// The piece is complete and is to be settled.
    Whole(Whole),
    /// It will not be.
    Took(Took),
}

/// The beginning of a piece.
struct Part {
    packed_sha256: Vec<u8>,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Slot {
    holding: Holding,
    part: Option<Part>,
    refused: Option<Mark>,
}

struct Inner {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    taker: Arc<dyn Taker>,
    slots: Mutex<BTreeMap<Name, Slot>>,
    /// One piece at a time.
    settling: Mutex<()>,
}

/// What an agent holds; clones are the same.
#[derive(Clone)]
pub struct Contents(Arc<Inner>);

impl Contents {
    /// Reads what is stored in `dir` and hands it to the taker, the whole first and its changes after it. What is
    /// damaged or no longer taken is dropped with a fault: the server sends it again.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        names: &[Name],
        taker: Arc<dyn Taker>,
    ) -> Result<(Contents, Vec<Fault>)> {
        let failed = |cause| Fault::new(&fault::CONTENT_DAMAGED).object(dir.display()).because(cause);
        disk.make_dir(dir).map_err(failed)?;
        let slots = names.iter().map(|name| (*name, Slot::default())).collect();
        let inner = Inner { disk, dir: dir.to_path_buf(), taker, slots: Mutex::new(slots), settling: Mutex::default() };
        let (contents, mut faults) = (Contents(Arc::new(inner)), Vec::new());
        for name in names {
            let (stored, wrong) = contents.files(*name).load();
            faults.extend(wrong);
            faults.extend(contents.restore(*name, &stored).err());
        }
        Ok((contents, faults))
    }

    /// Puts what was stored to use, as far as it is taken.
    fn restore(&self, name: Name, stored: &[Stored]) -> Result<()> {
        for (at, one) in stored.iter().enumerate() {
            let taken = self.take(name, one);
            if taken.is_err() {
                match &stored[..at] {
                    [] => self.files(name).clear(),
                    [whole, changes @ ..] => self.files(name).put(whole, changes)?,
                }
                return taken;
            }
            self.hold(name, one);
        }
        Ok(())
    }

    /// Version in use under a name; 0 when none.
    pub fn version(&self, name: Name) -> u64 {
        self.slots().get(&name).map_or(0, |slot| slot.holding.mark.version)
    }

    /// What the greeting says.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.slots().iter().map(|(name, slot)| slot.held(*name)).collect()
    }

    /// Takes a part.
    pub(crate) fn part(&self, content: Content) -> Step {
        let room = content.bytes.len() as u64;
        let Ok(name) = Name::from_word(&content.name) else { return Step::Room(room) };
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(&name) else { return Step::Room(room) };
        let last = content.offset.saturating_add(room) >= content.total;
        match slot.gather(&content) {
            Ok(()) if !last => Step::Room(room),
            Ok(()) => {
                let packed = slot.part.take().map(|part| part.bytes).unwrap_or_default();
                let Content { version, delta_from: from, sha256, size, .. } = content;
                let head = Head { version, from, sha256, size, packed: packed.len() as u64 };
                Step::Whole(Whole { name, stored: Stored { head, packed: packed.into() }, room })
            }
            Err(fault) => {
                slot.part = None;
                // The server counts on one answer for each piece, and that is to its last part.
                if !last {
                    return Step::Room(room);
                }
                let held = slot.held(name);
                Step::Took(answer(content.version, &content.sha256, Err(fault), held, room))
            }
        }
    }

    /// Checks a piece, puts it to use and stores it. Blocks.
    pub(crate) fn settle(&self, whole: Whole) -> Took {
        let _alone = self.0.settling.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Whole { name, stored, room } = whole;
        let done = self.put_to_use(name, &stored);
        let mut slots = self.slots();
        let slot = slots.entry(name).or_default();
        match &done {
            Ok(()) => slot.refused = None,
            Err(fault) if fault.is(&fault::CONTENT_ORDER) => {}
            Err(fault) => {
                tracing::warn!("content: {}", fault.inside());
                slot.refused = Some(stored.mark());
            }
        }
        answer(stored.head.version, &stored.head.sha256, done, slot.held(name), room)
    }

    fn put_to_use(&self, name: Name, stored: &Stored) -> Result<()> {
        let (head, holding) = (&stored.head, self.holding(name));
        let whole = head.from == 0;
        if holding.mark == stored.mark() && (!whole || holding.base == head.version) {
            return Ok(());
        }
        if !whole && head.from != holding.mark.version {
            let fault = Fault::new(&fault::CONTENT_ORDER).object(name.word());
            return Err(fault.expected(format!("a change from {}", holding.mark.version)).found(head.from));
        }
        if !whole && holding.chain_bytes + head.packed > (CHAIN_BYTES - 64 * 1024) as u64 {
            let fault = Fault::new(&fault::CONTENT_CHAIN).object(name.word());
            return Err(fault.expected(format!("a whole before {CHAIN_BYTES} bytes of changes")));
        }
        // A whole below what is held makes the chain shorter: the changes that go on from it stay.
        let further = if whole && head.version < holding.mark.version { self.beyond(name, stored) } else { Vec::new() };
        self.take(name, stored)?;
        let files = self.files(name);
        let kept = if whole { files.put(stored, &further) } else { files.add(stored) };
        if let Err(fault) = kept {
            // It is in use; after a restart it is the version before, and the server sends it again.
            tracing::warn!("content: {}", fault.inside());
        }
        self.hold(name, stored);
        for change in &further {
            self.take(name, change)?;
            self.hold(name, change);
        }
        Ok(())
    }

    /// The stored changes that go on from a whole.
    fn beyond(&self, name: Name, whole: &Stored) -> Vec<Stored> {
        let (found, _) = self.files(name).load();
        found.into_iter().skip_while(|one| one.head.from != whole.head.version).collect()
    }

    fn take(&self, name: Name, stored: &Stored) -> Result<()> {
        let content = stored.content(name)?;
        self.0.taker.take(Taken { name, version: stored.head.version, from: stored.head.from, content })
    }

    fn hold(&self, name: Name, stored: &Stored) {
        let mut slots = self.slots();
        let holding = &mut slots.entry(name).or_default().holding;
        holding.mark = stored.mark();
        if stored.head.from == 0 {
            (holding.base, holding.chain_bytes) = (stored.head.version, 0);
        } else {
            holding.chain_bytes += stored.head.packed;
        }
    }

    fn holding(&self, name: Name) -> Holding {
        self.slots().get(&name).map(|slot| slot.holding).unwrap_or_default()
    }

    fn files(&self, name: Name) -> Files<'_> {
        Files { disk: &*self.0.disk, dir: &self.0.dir, name }
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<Name, Slot>> {
        self.0.slots.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Slot {
    fn held(&self, name: Name) -> Held {
        let part = self.part.as_ref();
        Held {
            name: name.word().into(),
            version: self.holding.mark.version,
            sha256: self.holding.mark.sha256.to_vec(),
            base: self.holding.base,
            chain_bytes: self.holding.chain_bytes,
            part: part.map(|part| part.packed_sha256.clone()).unwrap_or_default(),
            part_bytes: part.map_or(0, |part| part.bytes.len() as u64),
            refused: self.refused.map_or(0, |mark| mark.version),
            refused_sha256: self.refused.map(|mark| mark.sha256.to_vec()).unwrap_or_default(),
        }
    }

    /// Adds a part to what is there.
    fn gather(&mut self, content: &Content) -> Result<()> {
        let object = || format!("{} {}", content.name, content.version);
        let end = content.offset.saturating_add(content.bytes.len() as u64);
        if content.total > CONTENT_BYTES as u64 || content.size > CONTENT_BYTES as u64 {
            let fault = Fault::new(&fault::CONTENT_SIZE).object(object());
            return Err(fault
                .expected(format!("at most {CONTENT_BYTES} bytes"))
                .found(content.total.max(content.size)));
        }
        if end > content.total || content.version == 0 || content.sha256.len() != 32 || content.bytes.is_empty() {
            return Err(Fault::new(&fault::CONTENT_MALFORMED).object(object()));
        }
        if content.offset == 0 {
            let bytes = Vec::with_capacity(FIRST_ROOM.min(content.total as usize));
            self.part = Some(Part { packed_sha256: content.packed_sha256.clone(), bytes });
        }
        let fits =
            |part: &&mut Part| part.packed_sha256 == content.packed_sha256 && part.bytes.len() as u64 == content.offset;
        let part = self.part.as_mut().filter(fits);
        let part = part.ok_or_else(|| Fault::new(&fault::CONTENT_ORDER).object(object()).found(content.offset))?;
        part.bytes.extend_from_slice(&content.bytes);
        Ok(())
    }
}

fn answer(version: u64, sha256: &[u8], done: Result<()>, held: Held, room: u64) -> Took {
    let (code, text) = match done {
        Ok(()) => (String::new(), String::new()),
        Err(fault) => (fault.code().id.to_string(), fault.outside(Lang::En)),
    };
    Took { version, sha256: sha256.to_vec(), code, text, held, room }
}

#[cfg(test)]
mod tests {
    use super::super::piece::Piece;
    use super::*;
    use bus::MemoryDisk;

    /// Remembers what it took; refuses content that says so.
    #[derive(Default)]
    struct Memory(Mutex<Vec<(u64, u64)>>);

    impl Taker for Memory {
        fn take(&self, taken: Taken) -> Result<()> {
            if taken.content == b"bad" {
                return Err(Fault::new(&fault::CONTENT_MALFORMED).object("bad"));
            }
            self.0.lock().unwrap().push((taken.from, taken.version));
            Ok(())
        }
    }

    fn open(disk: &Arc<MemoryDisk>) -> (Contents, Arc<Memory>) {
        let taker = Arc::new(Memory::default());
        let (contents, faults) =
            Contents::open(disk.clone(), Path::new("/content"), &[Name::Rules, Name::Yara], taker.clone()).unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        (contents, taker)
    }

    fn deliver(contents: &Contents, from: u64, version: u64, content: &[u8]) -> Took {
        let piece = Piece::pack(Name::Rules, from, version, content).unwrap();
        send(contents, &piece, 0)
    }

    fn send(contents: &Contents, piece: &Piece, mut offset: usize) -> Took {
        loop {
            let part = piece.part(offset);
            offset += part.bytes.len();
            match contents.part(part) {
                Step::Room(_) => {}
                Step::Whole(whole) => return contents.settle(whole),
                Step::Took(took) => return took,
            }
        }
    }

    #[test]
    fn what_was_taken_is_taken_again_at_the_next_start() {
        let disk = Arc::new(MemoryDisk::new());
        let (contents, taker) = open(&disk);
        assert_eq!(deliver(&contents, 0, 5, b"five").code, "");
        assert_eq!(deliver(&contents, 5, 6, b"six").held.version, 6);
        assert_eq!(deliver(&contents, 5, 6, b"six").code, "", "once more is no fault and no use");
        assert_eq!(deliver(&contents, 9, 10, b"ten").code, fault::CONTENT_ORDER.id);
        let refused = deliver(&contents, 6, 7, b"bad");
        assert_eq!(
            (refused.code.as_str(), refused.held.version, refused.held.refused),
            ("fleet.content-malformed", 6, 7)
        );
        assert_eq!(*taker.0.lock().unwrap(), [(0, 5), (5, 6)]);
        let (contents, taker) = open(&disk);
        assert_eq!((contents.version(Name::Rules), contents.version(Name::Yara)), (6, 0));
        assert_eq!(*taker.0.lock().unwrap(), [(0, 5), (5, 6)]);
    }

    #[test]
    fn a_whole_below_what_is_held_shortens_the_chain() {
        let disk = Arc::new(MemoryDisk::new());
        let (contents, _) = open(&disk);
        deliver(&contents, 0, 5, b"five");
        (5..9).for_each(|from| drop(deliver(&contents, from, from + 1, b"change")));
        let took = deliver(&contents, 0, 7, b"seven");
        assert_eq!((took.code.as_str(), took.held.version, took.held.base), ("", 9, 7));
        let (contents, taker) = open(&disk);
        assert_eq!(contents.version(Name::Rules), 9);
        assert_eq!(*taker.0.lock().unwrap(), [(0, 7), (7, 8), (8, 9)]);
    }

    #[test]
    fn parts_go_on_across_links_and_what_does_not_fit_is_answered() {
        let disk = Arc::new(MemoryDisk::new());
        let (contents, _) = open(&disk);
        let mut noise = vec![0; 200_000];
        base::Random::fill(&base::SeededRandom::new(3), &mut noise);
        let piece = Piece::pack(Name::Rules, 0, 1, &noise).unwrap();
        let first = piece.part(0);
        let begun = first.bytes.len();
        assert!(matches!(contents.part(first), Step::Room(_)));
        let held = contents.held().remove(0);
        assert_eq!((held.part, held.part_bytes as usize), (piece.packed_sha256.to_vec(), begun));
        // A part is missing: the last one is answered, and nothing is held against the version.
        let lost = send(&contents, &piece, begun + 10);
        assert_eq!((lost.code.as_str(), lost.held.refused), (fault::CONTENT_ORDER.id, 0));
        assert_eq!(send(&contents, &piece, 0).code, "");
        let wrong = Piece { version: 2, sha256: [1; 32], ..piece };
        let refused = send(&contents, &wrong, 0);
        assert_eq!((refused.code.as_str(), refused.held.version), (fault::CONTENT_HASH.id, 1));
        let huge = Content { total: u64::MAX, ..wrong.part(0) };
        assert!(matches!(contents.part(huge), Step::Room(_)));
        let unknown = Content { name: "other".into(), ..wrong.part(0) };
        assert!(matches!(contents.part(unknown), Step::Room(_)));
    }

    #[test]
    fn stored_content_that_is_no_longer_taken_is_dropped() {
        let disk = Arc::new(MemoryDisk::new());
        let (contents, _) = open(&disk);
        deliver(&contents, 0, 5, b"five");
        let files = contents.files(Name::Rules);
        let piece = Piece::pack(Name::Rules, 5, 6, b"bad").unwrap();
        let (version, from, packed) = (6, 5, piece.packed.len() as u64);
        let head = Head { version, from, sha256: piece.sha256.to_vec(), size: piece.size, packed };
        files.add(&Stored { head, packed: piece.packed }).unwrap();
        let taker = Arc::new(Memory::default());
        let (contents, faults) = Contents::open(disk.clone(), Path::new("/content"), &[Name::Rules], taker).unwrap();
        assert_eq!((contents.version(Name::Rules), faults.len()), (5, 1));
        assert_eq!(open(&disk).0.version(Name::Rules), 5);
    }
}
