//! Names once: rows of the index point to profiles, profiles to texts.
//!
//! A profile is (kind, marking, score, sources, tags, actors, malware). A feed of a million lines has a few hundred.

use super::facts::{Facts, Found, Row};
use crate::{Kind, Tlp, limits};
use std::collections::HashMap;

/// Interns texts and profiles while an index is built or changed.
#[derive(Debug, Default, Clone)]
pub(crate) struct Dictionary {
    texts: Blob,
    text_ids: HashMap<Box<[u8]>, u32>,
    profiles: Blob,
    profile_ids: HashMap<Box<[u8]>, u32>,
    scratch: Vec<u8>,
}

/// Byte strings behind each other, with where each begins.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    /// One more than there are strings.
    pub starts: Vec<u32>,
    pub bytes: Vec<u8>,
}

impl Default for Blob {
    fn default() -> Blob {
        Blob { starts: vec![0], bytes: Vec::new() }
    }
}

impl Blob {
    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn push(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.extend_from_slice(bytes);
        self.starts.push(self.bytes.len() as u32);
        self.len() as u32 - 1
    }

    fn get(&self, id: u32) -> Option<&[u8]> {
        let (start, end) = (*self.starts.get(id as usize)?, *self.starts.get(id as usize + 1)?);
        self.bytes.get(start as usize..end as usize)
    }
}

/// Whether another text or profile has room: ids have three bytes, offsets four.
fn room(blob: &Blob, most: usize) -> bool {
    blob.len() < most && blob.bytes.len() < limits::INDEX_NAME_BYTES
}

impl Dictionary {
    /// Number of the profile of these facts. When the tables are full new tags and names are left out, then the
    /// sources; `None` when not even the bare profile finds room.
    pub fn intern(&mut self, facts: &Facts) -> Option<u32> {
        let lists = [&facts.sources, &facts.tags, &facts.actors, &facts.malware].map(Vec::as_slice);
        self.intern_profile(
            [facts.kind as u8, facts.tlp as u8, facts.score],
            lists.map(|list| list.iter().map(String::as_str)),
        )
    }

    /// The same for a hit of another index.
    pub fn copy(&mut self, found: &Found<'_>) -> Option<u32> {
        let lists = [&found.sources, &found.tags, &found.actors, &found.malware].map(Vec::as_slice);
        self.intern_profile([found.kind as u8, found.tlp as u8, found.score], lists.map(|list| list.iter().copied()))
    }

    fn intern_profile<'n>(&mut self, head: [u8; 3], lists: [impl Iterator<Item = &'n str>; 4]) -> Option<u32> {
        let mut profile = std::mem::take(&mut self.scratch);
        profile.clear();
        profile.extend_from_slice(&head);
        for list in lists {
            let count = profile.len();
            profile.push(0);
            for id in list.filter_map(|name| self.text(name.as_bytes())).take(limits::INDEX_NAMES) {
                profile.extend_from_slice(&id.to_le_bytes()[..3]);
                profile[count] += 1;
            }
        }
        let id = self.profile(&profile).or_else(|| {
            let bare = [head[0], head[1], head[2], 0, 0, 0, 0];
            self.profile(&bare)
        });
        self.scratch = profile;
        id
    }

    fn text(&mut self, text: &[u8]) -> Option<u32> {
        if let Some(id) = self.text_ids.get(text) {
            return Some(*id);
        }
        if text.len() > limits::NAME_BYTES || !room(&self.texts, limits::INDEX_TEXTS) {
            return None;
        }
        let id = self.texts.push(text);
        self.text_ids.insert(text.into(), id);
        Some(id)
    }

    fn profile(&mut self, profile: &[u8]) -> Option<u32> {
        if let Some(id) = self.profile_ids.get(profile) {
            return Some(*id);
        }
        // A few are kept for bare profiles, of which there are at most kinds × markings × scores.
        let bare = profile.len() == 7;
        let most = if bare { limits::INDEX_PROFILES } else { limits::INDEX_PROFILES - 8192 };
        if !(room(&self.profiles, most) || bare && self.profiles.len() < most) {
            return None;
        }
        let id = self.profiles.push(profile);
        self.profile_ids.insert(profile.into(), id);
        Some(id)
    }

    /// The tables as they are written: texts, then profiles.
    pub fn blobs(&self) -> [&Blob; 2] {
        [&self.texts, &self.profiles]
    }

    /// What a row says.
    pub fn found(&self, row: Row) -> Option<Found<'_>> {
        found(row, self.profiles.get(row.profile)?, |id| self.texts.get(id))
    }

    /// Memory, bytes (each text and profile stands twice: in its blob and as the key of its map).
    pub fn bytes(&self) -> usize {
        let blob = |blob: &Blob| blob.bytes.capacity() * 2 + blob.starts.capacity() * 4 + blob.len() * 28;
        blob(&self.texts) + blob(&self.profiles)
    }
}

/// Reads a profile; `None` when its bytes are none.
pub(crate) fn found<'t>(row: Row, mut profile: &[u8], text: impl Fn(u32) -> Option<&'t [u8]>) -> Option<Found<'t>> {
    let head: [u8; 3] = *profile.split_off(..3)?.first_chunk()?;
    let mut list = || -> Option<Vec<&'t str>> {
        let count = usize::from(*profile.split_off_first()?);
        let ids = profile.split_off(..count * 3)?;
        let name = |id: &[u8]| std::str::from_utf8(text(u32::from_le_bytes([id[0], id[1], id[2], 0]))?).ok();
        ids.chunks_exact(3).map(name).collect()
    };
    let (sources, tags, actors, malware) = (list()?, list()?, list()?, list()?);
    Some(Found {
        kind: Kind::from_number(head[0])?,
        tlp: *Tlp::ALL.get(usize::from(head[1]))?,
        score: head[2].min(100),
        last_us: row.last_us(),
        valid_until_us: row.valid_until_us(),
        sources,
        tags,
        actors,
        malware,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts(score: u8, tags: usize) -> Facts {
        Facts {
            kind: Kind::Domain,
            tlp: Tlp::Green,
            score,
            last_us: 0,
            valid_until_us: 0,
            sources: vec!["feed".into()],
            tags: (0..tags).map(|tag| format!("tag {tag}")).collect(),
            actors: Vec::new(),
            malware: vec!["emotet".into()],
        }
    }

    #[test]
    fn equal_facts_share_a_profile_and_read_back() {
        let mut dictionary = Dictionary::default();
        let id = dictionary.intern(&facts(70, 2)).unwrap();
        assert_eq!(dictionary.intern(&facts(70, 2)), Some(id));
        assert_ne!(dictionary.intern(&facts(71, 2)), Some(id));
        let found = dictionary.found(Row::new(id, 0, 0)).unwrap();
        assert_eq!((found.kind, found.tlp, found.score), (Kind::Domain, Tlp::Green, 70));
        assert_eq!((found.sources, found.tags, found.malware), (vec!["feed"], vec!["tag 0", "tag 1"], vec!["emotet"]));
        let many = dictionary.intern(&facts(70, 999)).unwrap();
        assert_eq!(dictionary.found(Row::new(many, 0, 0)).unwrap().tags.len(), limits::INDEX_NAMES);
        assert_eq!(dictionary.found(Row::new(99, 0, 0)), None);
    }

    proptest! {
        #[test]
        fn hostile_profiles_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = found(Row::new(0, 0, 0), &bytes, |id| (id < 9).then_some(b"x"));
        }
    }
}
