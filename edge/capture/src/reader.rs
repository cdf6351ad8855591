//! The IP packets of a recording, one after the other.

use crate::bytes::{Filled, Source};
use crate::pcap::Pcap;
use crate::pcapng::{self, Pcapng};
use crate::{fault, link};
use base::{Fault, Result};
use std::io::Read;

/// Bytes that are kept from the IP header on: as many as the packet filter samples.
pub const HEADER_BYTES: usize = 96;
/// Bytes of a frame that are kept until its IP header is found.
pub(crate) const KEPT: usize = HEADER_BYTES + 64;

/// One frame as it was recorded.
#[derive(Debug)]
pub(crate) struct Frame {
    /// When, ns since 1970.
    pub(crate) at_ns: u64,
    /// Link type.
    pub(crate) kind: u32,
    /// Its first bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its length on the wire.
    pub(crate) length: u32,
}

/// What the next record is.
#[derive(Debug)]
pub(crate) enum Step {
    Frame(Frame),
    /// No packet, or none of a known interface.
    Other,
    End,
    Torn,
}

/// One IP packet of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// When, ns since 1970.
    pub at_ns: u64,
    /// Its first bytes from the IP header on, at most [`HEADER_BYTES`].
    pub header: Vec<u8>,
    /// Length of the IP packet, bytes: what its header says, or that on the wire where the header says 0 or more than came.
    pub length: u16,
}

/// What came of a recording so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// IP packets.
    pub packets: u64,
    /// Frames that carry no IP, or too little of it to tell.
    pub other: u64,
    /// Whether the file ended within a record, or contradicts itself: what follows the tear is not read.
    pub torn: bool,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// Reads a recording.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    format: Format,
    counts: Counts,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the head of a recording. What is read in small pieces: give something with a buffer.
    ///
    /// # Errors
    /// [`fault::FORMAT`] when it is none, [`fault::LINK`] when none of its packets could be read, [`fault::READ`].
    pub fn new(input: R) -> Result<Reader<R>> {
        let mut source = Source(input);
        let mut first = [0; 4];
        let whole = source.fill(&mut first)? == Filled::Whole;
        let format = match (whole, first == pcapng::SECTION) {
            (false, _) => None,
            (true, true) => Pcapng::open(&mut source)?.map(Format::Pcapng),
            (true, false) => Pcap::open(first, &mut source)?.map(Format::Pcap),
        };
        let Some(format) = format else {
            let found = first.map(|byte| format!("{byte:02x}")).join(" ");
            let expected = "the head of pcap or pcapng";
            return Err(Fault::new(&fault::FORMAT).object("recording").expected(expected).found(found));
        };
        match &format {
            Format::Pcap(head) if !link::is_known(head.kind) => {
                Err(Fault::new(&fault::LINK).object("recording").expected("Ethernet, raw IP, SLL").found(head.kind))
            }
            _ => Ok(Reader { source, format, counts: Counts::default(), ended: false }),
        }
    }

    /// The next IP packet; `None` at the end.
    ///
    /// # Errors
    /// [`fault::READ`].
    pub fn packet(&mut self) -> Result<Option<Recorded>> {
        while !self.ended {
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.next(&mut self.source)?,
                Format::Pcapng(pcapng) => pcapng.next(&mut self.source)?,
            };
            match step {
                Step::Frame(frame) => match packet(&frame) {
                    Some(packet) => {
                        self.counts.packets += 1;
                        return Ok(Some(packet));
                    }
                    None => self.counts.other += 1,
                },
                Step::Other => {}
                Step::End => self.ended = true,
                Step::Torn => (self.ended, self.counts.torn) = (true, true),
            }
        }
        Ok(None)
    }

    /// What was read so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

fn packet(frame: &Frame) -> Option<Recorded> {
    let before = link::before_ip(frame.kind, &frame.bytes)?;
    let bytes = frame.bytes.get(before..)?;
    let header = bytes[..bytes.len().min(HEADER_BYTES)].to_vec();
    let word = |at: usize| Some(u32::from(u16::from_be_bytes(header.get(at..at + 2)?.try_into().ok()?)));
    let (whole, says) = if header[0] >> 4 == 4 { (20, word(2)?) } else { (40, word(4)? + 40) };
    let came = frame.length.saturating_sub(before as u32);
    // A link pads short packets; an offloading interface leaves 0 in a length it does not know.
    let length = if says >= whole && says <= came { says } else { came };
    (header.len() >= whole as usize).then(|| Recorded {
        at_ns: frame.at_ns,
        length: length.min(u32::from(u16::MAX)) as u16,
        header,
    })
}
