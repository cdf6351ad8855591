//! The outline of an ELF file: what is loaded how, what is named, where the file ends by its own account
//! (System V ABI, chapter 4 and 5). 32 and 64 bits, both byte orders.

/// Most segments and sections read; a real file has a few dozen, a file of functions in sections some thousands.
const SEGMENTS: usize = 128;
const SECTIONS: usize = 16_384;

/// `PT_LOAD`.
const LOAD: u32 = 1;
/// `SHT_NOBITS`: takes no place in the file.
const NOBITS: u32 = 8;

/// What the file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `ET_REL`: an object or a kernel module.
    Object,
    /// `ET_EXEC`.
    Program,
    /// `ET_DYN`: a program or a library.
    Shared,
    /// Anything else, a core for one.
    Other,
}

/// A segment that is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Whether it may be executed.
    pub executable: bool,
    /// Whether it may be written to.
    pub writable: bool,
    /// Place and length in the file.
    pub offset: u64,
    /// Length in the file.
    pub file_bytes: u64,
    /// Address in memory.
    pub address: u64,
    /// Length in memory.
    pub memory_bytes: u64,
}

/// The outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// What it is for.
    pub purpose: Purpose,
    /// Where it begins to run, 0 for nowhere.
    pub entry: u64,
    /// Segments that are loaded.
    pub loads: Vec<Segment>,
    /// How many sections it says it has.
    pub sections: usize,
    /// Whether the table of sections lies past the end of the file.
    pub sections_torn: bool,
    /// The first byte behind everything that the headers name.
    pub end: u64,
}

struct Reader<'b> {
    bytes: &'b [u8],
    wide: bool,
    big: bool,
}

impl Reader<'_> {
    fn number(&self, at: u64, length: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let field = self.bytes.get(at..at.checked_add(length)?)?;
        let place = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.big { field.iter().fold(0, place) } else { field.iter().rev().fold(0, place) })
    }

    /// A field at one place in files of 64 bits, at another, half as long, in those of 32.
    fn sized(&self, base: u64, wide: u64, narrow: u64) -> Option<u64> {
        let (offset, length) = if self.wide { (wide, 8) } else { (narrow, 4) };
        self.number(base.checked_add(offset)?, length)
    }

    fn half(&self, base: u64, wide: u64, narrow: u64) -> Option<u64> {
        self.number(base.checked_add(if self.wide { wide } else { narrow })?, 2)
    }

    fn word(&self, base: u64, wide: u64, narrow: u64) -> Option<u64> {
        self.number(base.checked_add(if self.wide { wide } else { narrow })?, 4)
    }
}

/// Reads the outline; none when it is no ELF file or has no whole header. `length` is that of the file, of which `bytes`
/// may be only the beginning.
pub fn read(bytes: &[u8], length: u64) -> Option<Elf> {
    let ident = bytes.get(..16)?;
    let (wide, big) = (ident[4] == 2, ident[5] == 2);
    if !ident.starts_with(b"\x7fELF") || !(1..=2).contains(&ident[4]) || !(1..=2).contains(&ident[5]) {
        return None;
    }
    let reader = Reader { bytes, wide, big };
    let purpose = match reader.number(16, 2)? {
        1 => Purpose::Object,
        2 => Purpose::Program,
        3 => Purpose::Shared,
        _ => Purpose::Other,
    };
    let (segments, sections) = (reader.sized(0, 32, 28)?, reader.sized(0, 40, 32)?);
    let (segment_bytes, segment_count) = (reader.half(0, 54, 42)?, reader.half(0, 56, 44)?);
    let (section_bytes, section_count) = (reader.half(0, 58, 46)?, reader.half(0, 60, 48)?);
    let mut elf = Elf {
        purpose,
        entry: reader.sized(0, 24, 24)?,
        loads: Vec::new(),
        sections: section_count as usize,
        sections_torn: false,
        end: if wide { 64 } else { 52 },
    };
    for index in 0..segment_count.min(SEGMENTS as u64) {
        let Some(base) = segments.checked_add(index * segment_bytes) else { break };
        let Some(segment) = segment(&reader, base) else { break };
        elf.end = elf.end.max(base.saturating_add(segment_bytes));
        let (kind, segment) = segment;
        elf.end = elf.end.max(segment.offset.saturating_add(segment.file_bytes));
        if kind == LOAD {
            elf.loads.push(segment);
        }
    }
    if section_count > 0 {
        let behind = sections.saturating_add(section_count * section_bytes);
        elf.sections_torn = behind > length;
        elf.end = elf.end.max(behind);
        for index in 0..section_count.min(SECTIONS as u64) {
            let Some(base) = sections.checked_add(index * section_bytes) else { break };
            let Some((kind, offset, size)) = section(&reader, base) else { break };
            if kind != NOBITS {
                elf.end = elf.end.max(offset.saturating_add(size));
            }
        }
    }
    Some(elf)
}

fn segment(reader: &Reader<'_>, base: u64) -> Option<(u32, Segment)> {
    let flags = reader.word(base, 4, 24)?;
    let segment = Segment {
        executable: flags & 1 != 0,
        writable: flags & 2 != 0,
        offset: reader.sized(base, 8, 4)?,
        address: reader.sized(base, 16, 8)?,
        file_bytes: reader.sized(base, 32, 16)?,
        memory_bytes: reader.sized(base, 40, 20)?,
    };
    Some((reader.number(base, 4)? as u32, segment))
}

fn section(reader: &Reader<'_>, base: u64) -> Option<(u32, u64, u64)> {
    Some((reader.word(base, 4, 4)? as u32, reader.sized(base, 24, 16)?, reader.sized(base, 32, 20)?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A program of 64 bits: one loaded segment with this content and these flags (1 execute, 2 write, 4 read), no
    /// sections, running from the first byte of the content.
    pub(crate) fn program(content: &[u8], flags: u32) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        let mut put = |number: u64, length: usize| bytes.extend_from_slice(&number.to_le_bytes()[..length]);
        let begun = 0x400_000;
        for (number, length) in [(2, 2), (62, 2), (1, 4), (begun + 120, 8), (64, 8), (0, 8), (0, 4), (64, 2), (56, 2)] {
            put(number, length);
        }
        for (number, length) in [(1, 2), (64, 2), (0, 2), (0, 2), (1, 4), (u64::from(flags), 4)] {
            put(number, length);
        }
        let whole = 120 + content.len() as u64;
        for number in [0, begun, begun, whole, whole, 0x1000] {
            put(number, 8);
        }
        bytes.extend_from_slice(content);
        bytes
    }

    #[test]
    fn the_outline_of_a_program_is_read() {
        let bytes = program(b"code", 5);
        let elf = read(&bytes, bytes.len() as u64).unwrap();
        assert_eq!((elf.purpose, elf.sections, elf.end), (Purpose::Program, 0, bytes.len() as u64));
        assert_eq!((elf.entry, elf.loads.len()), (0x400_078, 1));
        assert!(elf.loads[0].executable && !elf.loads[0].writable);
    }

    #[test]
    fn our_own_program_ends_where_it_says() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let elf = read(&bytes, bytes.len() as u64).unwrap();
        assert_eq!(elf.end, bytes.len() as u64);
        assert!(elf.sections > 10 && !elf.sections_torn && elf.loads.len() > 1);
    }

    #[test]
    fn a_big_endian_file_of_32_bits_is_read() {
        let mut bytes = b"\x7fELF\x01\x02\x01".to_vec();
        bytes.resize(16, 0);
        bytes.extend([0, 2, 0, 8, 0, 0, 0, 1, 0x10, 0, 0, 0x34, 0, 0, 0, 52]);
        bytes.resize(40, 0);
        bytes.extend([0, 52, 0, 32, 0, 1, 0, 40, 0, 0, 0, 0]);
        for word in [1u32, 0, 0x1000_0000, 0x1000_0000, 84, 84, 7, 0x1000] {
            bytes.extend(word.to_be_bytes());
        }
        let elf = read(&bytes, 84).unwrap();
        assert_eq!((elf.entry, elf.end, elf.loads.len()), (0x1000_0034, 84, 1));
        assert!(elf.loads[0].writable && elf.loads[0].executable);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..300), class in 0u8..3, order in 0u8..3) {
            let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order];
            bytes.extend(tail);
            let _ = read(&bytes, bytes.len() as u64);
        }
    }
}
