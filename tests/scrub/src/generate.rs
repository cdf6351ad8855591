//! The generator: frames made in the kernel and sent out of an interface, a bounded number at a time.

use crate::frame::{ETHERNET, sum};
use crate::program::{Programs, Sent};
use std::io;
use std::net::Ipv4Addr;

/// Where sources come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// The one of the frame.
    Fixed,
    /// Random within a range: this address, and random bits below.
    Random(Ipv4Addr, u8),
    /// One of these, at most 65,536.
    Listed(Vec<Ipv4Addr>),
}

/// What is sent: a frame of IPv4 without tags and options, and what differs from one to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The frame; shorter ones are filled up to 60 bytes.
    pub frame: Vec<u8>,
    /// Sources.
    pub sources: Sources,
    /// Random low bits of the destination: carpet bombing.
    pub destination_bits: u8,
    /// Bits of the source port that are random.
    pub source_ports: u16,
    /// Bits of the destination port that are random.
    pub destination_ports: u16,
    /// Bits of the identification that are random.
    pub ids: u16,
    /// Bits that are added to the time to live.
    pub ttls: u8,
    /// Whether sequence numbers are random.
    pub sequences: bool,
}

impl Recipe {
    /// Sends this frame as it is.
    pub fn new(frame: Vec<u8>) -> Recipe {
        let (destination_bits, source_ports, destination_ports, ids, ttls) = (0, 0, 0, 0, 0);
        Recipe {
            frame,
            sources: Sources::Fixed,
            destination_bits,
            source_ports,
            destination_ports,
            ids,
            ttls,
            sequences: false,
        }
    }

    /// From these sources.
    pub fn from(self, sources: Sources) -> Recipe {
        Recipe { sources, ..self }
    }
}

/// The shortest frame of Ethernet without its checksum, which is also what the program writes anew.
const SHORTEST: usize = 60;

/// Twin of `struct shape` in `bpf/generate.bpf.c`.
#[repr(C)]
struct Shape {
    head: [u8; 64],
    interface: u32,
    listed: u32,
    source: u32,
    source_mask: u32,
    destination: u32,
    destination_mask: u32,
    sequence_mask: u32,
    ip_sum: u32,
    transport_sum: u32,
    sum_at: u32,
    source_port: u16,
    source_port_mask: u16,
    destination_port: u16,
    destination_port_mask: u16,
    id_mask: u16,
    ttl: u8,
    ttl_mask: u8,
    ports: u32,
}

/// Size of a shape.
pub(crate) fn shape_bytes() -> usize {
    size_of::<Shape>()
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shr(32 - u32::from(bits.min(32))).unwrap_or(0)
}

/// Folds a sum into words as they lie in memory.
fn in_memory(total: u32) -> u32 {
    let folded = (total & 0xffff) + (total >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    u32::from(u16::try_from(folded).unwrap_or(0).to_be())
}

impl Recipe {
    fn shape(&self, interface: u32) -> io::Result<Shape> {
        let frame = &self.frame;
        if frame.len() < SHORTEST || frame[12..15] != [8, 0, 0x45] {
            return Err(io::Error::other("a frame of IPv4 without tags and options is needed"));
        }
        let word = |at: usize| u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
        let half = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let total = usize::from(half(16)).clamp(20, frame.len() - ETHERNET);
        let later = half(20) & 0x1fff != 0;
        let protocol = if later { 255 } else { frame[23] };
        let ports = protocol == 6 || protocol == 17;
        let sum_at = match protocol {
            6 => 50,
            17 => 40,
            _ => 0,
        };
        let mut blank = frame.clone();
        let mut clear = |from: usize, to: usize| blank[from..to].fill(0);
        clear(18, 20);
        clear(22, 23);
        clear(24, 34);
        if ports {
            clear(34, 38);
            clear(sum_at, sum_at + 2);
        }
        let sequences = self.sequences && protocol == 6;
        if sequences {
            clear(38, 42);
        }
        let segment = &blank[34..ETHERNET + total];
        let pseudo = u32::from(frame[23]) + u32::try_from(segment.len()).unwrap_or(0);
        let (source_mask, source) = match &self.sources {
            Sources::Fixed => (0, word(26)),
            Sources::Random(base, bits) => (mask(*bits), u32::from(*base) & !mask(*bits)),
            Sources::Listed(_) => (0, word(26)),
        };
        let listed = if let Sources::Listed(list) = &self.sources { list.len().min(65_536) } else { 0 };
        let mut head = [0; 64];
        head[..SHORTEST].copy_from_slice(&frame[..SHORTEST]);
        Ok(Shape {
            head,
            interface,
            listed: u32::try_from(listed).unwrap_or(0),
            source,
            source_mask,
            destination: word(30) & !mask(self.destination_bits),
            destination_mask: mask(self.destination_bits),
            sequence_mask: if sequences { u32::MAX } else { 0 },
            ip_sum: in_memory(sum(&blank[14..34])),
            transport_sum: in_memory(sum(segment) + pseudo),
            sum_at: u32::try_from(sum_at).unwrap_or(0),
            source_port: if ports { half(34) } else { 0 },
            source_port_mask: self.source_ports,
            destination_port: if ports { half(36) } else { 0 },
            destination_port_mask: self.destination_ports,
            id_mask: self.ids,
            ttl: frame[22],
            ttl_mask: self.ttls,
            ports: u32::from(ports),
        })
    }
}

/// A generator for one interface of the namespace of the thread that uses it.
pub struct Generator {
    programs: Programs,
    interface: u32,
}

impl Generator {
    /// Loads it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(interface: u32) -> io::Result<Generator> {
        let programs = Programs::load()?;
        if !programs.agrees() {
            return Err(io::Error::other("the shapes of generate.rs and generate.bpf.c differ"));
        }
        Ok(Generator { programs, interface })
    }

    /// Its other programs.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    fn prepare(&self, recipe: &Recipe) -> io::Result<Vec<u8>> {
        let mut recipe = recipe.clone();
        recipe.frame.resize(recipe.frame.len().max(SHORTEST), 0);
        let shape = recipe.shape(self.interface)?;
        // SAFETY: integers without padding (a test asserts it), read as bytes while the value lives.
        let bytes = unsafe { std::slice::from_raw_parts((&raw const shape).cast::<u8>(), size_of::<Shape>()) };
        let listed: Vec<u32> = match &recipe.sources {
            Sources::Listed(list) => list.iter().take(65_536).map(|source| u32::from(*source)).collect(),
            _ => Vec::new(),
        };
        self.programs.set(bytes, &listed)?;
        Ok(recipe.frame)
    }

    /// Sends so many frames, as fast as it can.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn send(&self, recipe: &Recipe, packets: u32) -> io::Result<Sent> {
        let frame = self.prepare(recipe)?;
        self.programs.live("generate", &frame, packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_no_padding() {
        assert_eq!(size_of::<Shape>(), 64 + 10 * 4 + 5 * 2 + 2 + 4);
        assert_eq!((mask(0), mask(8), mask(32)), (0, 255, u32::MAX));
    }
}
