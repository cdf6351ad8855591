//! Process images: the full record of every process that an event points at, once a file and not once a row.
//!
//! A row holds the number of an image; the image holds the process, the number of its parent's image and its host. Rows of
//! a file lie in `N.parquet`, their images in `N.images` (zstd over protobuf). Two events of one unchanged process share one image.

use base::Result;
use bytes::Bytes;
use prost::Message;
use record::{Host, Proc, Process};
use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

/// Bits of a place that number the image within its file or chunk.
const INDEX_BITS: u32 = 24;
/// Set in places that lie in memory and not in a file.
const IN_MEMORY: u64 = 1 << 63;
/// Most images of one file.
pub(crate) const IMAGES_MAX: usize = 1 << INDEX_BITS;
/// Largest decompressed image file that is read: a damaged length must not take all memory.
const IMAGE_BYTES_MAX: u64 = 4 << 30;
/// zstd level, the one that batches use.
const ZSTD_LEVEL: i32 = 3;

/// Where an image lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Home {
    pub(crate) in_memory: bool,
    pub(crate) number: u64,
}

impl Home {
    pub(crate) fn place(self, index: u32) -> u64 {
        let memory = if self.in_memory { IN_MEMORY } else { 0 };
        memory | self.number << INDEX_BITS | u64::from(index)
    }
}

/// Home and index of a place.
pub(crate) fn split(place: u64) -> (Home, usize) {
    let home = Home { in_memory: place & IN_MEMORY != 0, number: (place & !IN_MEMORY) >> INDEX_BITS };
    (home, (place & (IMAGES_MAX as u64 - 1)) as usize)
}

#[derive(Clone, PartialEq, Message)]
struct Image {
    /// Absent for an event of the agent itself.
    #[prost(message, optional, tag = "1")]
    info: Option<Process>,
    /// 1 + index of the parent's image, always smaller than its own; 0 for none.
    #[prost(uint32, tag = "2")]
    parent: u32,
    /// Index into the hosts.
    #[prost(uint32, tag = "3")]
    host: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Images {
    #[prost(message, repeated, tag = "1")]
    hosts: Vec<Host>,
    /// Encoded [`Image`] messages.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    images: Vec<Bytes>,
}

/// Images being gathered for a file.
#[derive(Debug, Default)]
pub(crate) struct ImageSet {
    hosts: HashMap<Host, u32>,
    by_content: HashMap<Bytes, u32>,
    by_pointer: HashMap<(usize, u32), u32>,
    images: Images,
}

impl ImageSet {
    /// Index of this host and process; `proc` must live as long as the set gathers.
    pub(crate) fn place(&mut self, host: &Host, proc: Option<&Arc<Proc>>) -> u32 {
        let host = match self.hosts.get(host) {
            Some(index) => *index,
            None => {
                let index = self.images.hosts.len() as u32;
                self.images.hosts.push(host.clone());
                self.hosts.insert(host.clone(), index);
                index
            }
        };
        match proc {
            Some(proc) => self.process(host, proc),
            None => self.insert(Image { info: None, parent: 0, host }),
        }
    }

    fn process(&mut self, host: u32, proc: &Arc<Proc>) -> u32 {
        let pointer = (Arc::as_ptr(proc) as usize, host);
        if let Some(index) = self.by_pointer.get(&pointer) {
            return *index;
        }
        let parent = proc.parent.as_ref().map_or(0, |parent| 1 + self.process(host, parent));
        let index = self.insert(Image { info: Some(proc.info.clone()), parent, host });
        self.by_pointer.insert(pointer, index);
        index
    }

    fn insert(&mut self, image: Image) -> u32 {
        let bytes = Bytes::from(image.encode_to_vec());
        let next = self.images.images.len() as u32;
        let index = *self.by_content.entry(bytes.clone()).or_insert(next);
        if index == next {
            self.images.images.push(bytes);
        }
        index
    }

    /// How many images it holds.
    pub(crate) fn len(&self) -> usize {
        self.images.images.len()
    }

    /// The content of the file.
    pub(crate) fn encode(&self) -> std::io::Result<Vec<u8>> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
        encoder.include_checksum(true)?;
        std::io::Write::write_all(&mut encoder, &self.images.encode_to_vec())?;
        encoder.finish()
    }
}

/// Images of a file or chunk, ready to look up.
#[derive(Debug, Default)]
pub(crate) struct ImageTable {
    images: Vec<(Arc<Host>, Option<Arc<Proc>>)>,
}

impl ImageTable {
    /// Images of what arrived in one frame: they share its host.
    pub(crate) fn of_chunk(host: &Host, procs: Vec<Option<Arc<Proc>>>) -> ImageTable {
        let host = Arc::new(host.clone());
        ImageTable { images: procs.into_iter().map(|proc| (host.clone(), proc)).collect() }
    }

    /// Reads what [`ImageSet::encode`] gave. Damage is an error that says what is wrong.
    pub(crate) fn decode(content: &[u8]) -> std::io::Result<ImageTable> {
        let wrong = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_string());
        let mut plain = Vec::new();
        zstd::stream::Decoder::new(content)?.take(IMAGE_BYTES_MAX).read_to_end(&mut plain)?;
        let images = Images::decode(&plain[..]).map_err(|error| wrong(&error.to_string()))?;
        let hosts: Vec<Arc<Host>> = images.hosts.into_iter().map(Arc::new).collect();
        let mut table = ImageTable { images: Vec::with_capacity(images.images.len()) };
        for bytes in images.images {
            let image = Image::decode(bytes).map_err(|error| wrong(&error.to_string()))?;
            let host = hosts.get(image.host as usize).ok_or_else(|| wrong("an image of no host"))?.clone();
            let parent = match image.parent {
                0 => None,
                place => match table.images.get(place as usize - 1) {
                    Some((_, Some(parent))) => Some(parent.clone()),
                    _ => return Err(wrong("an image before its parent")),
                },
            };
            table.images.push((host, image.info.map(|info| Proc::new(info, parent))));
        }
        Ok(table)
    }

    /// How many images it holds.
    pub(crate) fn len(&self) -> usize {
        self.images.len()
    }

    /// Host and process of an image.
    pub(crate) fn get(&self, index: usize) -> Option<&(Arc<Host>, Option<Arc<Proc>>)> {
        self.images.get(index)
    }
}

/// Reads an image file whole. Damage is `lake.corrupt`; a disk that refuses is not.
pub(crate) fn read_file(path: &std::path::Path) -> Result<ImageTable> {
    let content = std::fs::read(path).map_err(|error| crate::fault::of_reading(path.display(), &error))?;
    ImageTable::decode(&content)
        .map_err(|error| base::Fault::new(&crate::fault::CORRUPT).object(path.display()).because(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proc(key: u64, parent: Option<Arc<Proc>>) -> Arc<Proc> {
        Proc::new(Process { key, comm: format!("p{key}"), ..Process::default() }, parent)
    }

    #[test]
    fn equal_processes_share_an_image_and_read_back() {
        let hosts = [Host { name: "a".into(), ..Host::default() }, Host { name: "b".into(), ..Host::default() }];
        let init = proc(1, None);
        let shell = proc(2, Some(init.clone()));
        let same_shell = proc(2, Some(proc(1, None)));
        let mut set = ImageSet::default();
        let places = [
            set.place(&hosts[0], Some(&shell)),
            set.place(&hosts[0], Some(&same_shell)),
            set.place(&hosts[1], Some(&shell)),
            set.place(&hosts[0], None),
        ];
        assert_eq!(places[0], places[1]);
        assert_eq!(set.len(), 5, "two processes on each host and one event without");
        let table = ImageTable::decode(&set.encode().unwrap()).unwrap();
        assert_eq!(table.get(places[0] as usize).unwrap(), &(Arc::new(hosts[0].clone()), Some(shell.clone())));
        assert_eq!(table.get(places[2] as usize).unwrap().0.name, "b");
        assert_eq!(table.get(places[3] as usize).unwrap().1, None);
        assert!(table.get(5).is_none());
        let home = Home { in_memory: true, number: 9 };
        assert_eq!(split(home.place(7)), (home, 7));
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(at in 0usize..4096, bit in 0u8..8, noise in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut set = ImageSet::default();
            let mut parent = None;
            for key in 1..20 {
                let next = proc(key, parent);
                set.place(&Host::default(), Some(&next));
                parent = Some(next);
            }
            let mut bytes = set.encode().unwrap();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let _ = ImageTable::decode(&bytes);
            let _ = ImageTable::decode(&bytes[..at]);
            let _ = ImageTable::decode(&noise);
        }
    }
}
