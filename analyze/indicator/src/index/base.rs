//! The immutable part of the index: one image in bytes, shared by all who look.
//!
//! ```text
//! head      8   "GIDX" and the version, 1
//! rows     15×n  six low bytes of the key, profile, begin of the decay, end (three bytes each), in the order of keys
//! buckets   4×(2^bits+1)  for each value of the key's top bits the first row; the last number is n
//! texts     4×(t+1) begins, bytes        profiles  4×(p+1) begins, bytes        ranges  two counted lists
//! foot     72   bits, epoch, n, t, bytes of texts, p, bytes of profiles, bytes of ranges, CRC-32C of all before it
//! ```
//! All numbers are little-endian. The two top bytes of a key are its bucket's: `bits` is at least 16.

use super::dictionary::{Blob, Dictionary, found};
use super::facts::{Found, Row};
use crate::frame::{corrupt, take_u64};
use crate::ranges::{Range, Ranges, read_ranges, write_ranges};
use crate::{Key, Kind, fault, limits};
use base::{Fault, Result};
use std::io::Write;
use std::net::IpAddr;

const HEAD: &[u8; 8] = b"GIDX\x01\0\0\0";
const WHAT: &str = "indicator index";
const FOOT: usize = 72;
/// Bytes of a key that a row keeps.
const SUFFIX: usize = 6;
const SUFFIX_MASK: u64 = 0xffff_ffff_ffff;
const ROW: usize = SUFFIX + Row::BYTES;
/// Rows compared at once. Longer buckets are searched by halves: one in twenty by chance, and a feed may hold keys that
/// were made to share a bucket.
const WINDOW: usize = 8;
/// Fewest and most bits of a bucket number.
const BITS: std::ops::RangeInclusive<u32> = 16..=26;

/// Where a section lies.
type Section = std::ops::Range<usize>;

/// An open image. `B` is what holds the bytes: a vector, an `Arc<[u8]>`, a mapped file.
#[derive(Debug)]
pub struct Base<B = Vec<u8>> {
    bytes: B,
    bits: u32,
    epoch: u64,
    rows: usize,
    buckets: Section,
    texts: [Section; 2],
    profiles: [Section; 2],
    ranges: Ranges,
}

impl<B: AsRef<[u8]>> Base<B> {
    /// Opens an image: checks its checksum, every offset and the order of its rows. Fails on anything that a builder
    /// of this version would not have written.
    pub fn open(bytes: B) -> Result<Base<B>> {
        let whole = bytes.as_ref();
        let body = whole.len().checked_sub(FOOT).filter(|body| *body >= HEAD.len());
        let body = body.ok_or_else(|| corrupt(WHAT, "it is too short"))?;
        if !whole.starts_with(HEAD) {
            let fault = Fault::new(&fault::VERSION).object(WHAT).expected(HEAD.escape_ascii());
            return Err(fault.found(whole[..HEAD.len()].escape_ascii()));
        }
        let (covered, mut checksum) = whole.split_at(whole.len() - 8);
        if u64::from(crc32c::crc32c(covered)) != take_u64(&mut checksum, WHAT)? {
            return Err(corrupt(WHAT, "the checksum differs"));
        }
        let mut foot = &whole[body..];
        let bits = take_u64(&mut foot, WHAT)?;
        let epoch = take_u64(&mut foot, WHAT)?;
        let mut sizes = [0usize; 6];
        for size in &mut sizes {
            *size = usize::try_from(take_u64(&mut foot, WHAT)?).map_err(|_| corrupt(WHAT, "a size is too big"))?;
        }
        let [rows, texts, text_bytes, profiles, profile_bytes, range_bytes] = sizes;
        let bits =
            u32::try_from(bits).ok().filter(|bits| BITS.contains(bits)).ok_or_else(|| corrupt(WHAT, "bucket bits"))?;
        let mut at = HEAD.len();
        let mut section = |count: usize, width: usize, more: usize| -> Result<Section> {
            let length = count.checked_add(more).and_then(|count| count.checked_mul(width));
            let end = length.and_then(|length| at.checked_add(length)).filter(|end| *end <= body);
            let end = end.ok_or_else(|| corrupt(WHAT, "a section is outside the image"))?;
            Ok(std::mem::replace(&mut at, end)..end)
        };
        section(rows, ROW, 0)?;
        let buckets = section(1 << bits, 4, 1)?;
        let texts = [section(texts, 4, 1)?, section(text_bytes, 1, 0)?];
        let profiles = [section(profiles, 4, 1)?, section(profile_bytes, 1, 0)?];
        let mut listed = &whole[section(range_bytes, 1, 0)?];
        let list = read_ranges(&mut listed).ok_or_else(|| corrupt(WHAT, "its ranges"))?;
        if at != body || !listed.is_empty() || list.len() > limits::INDEX_RANGES {
            return Err(corrupt(WHAT, "its sections do not fill it"));
        }
        let base = Base { bits, epoch, rows, buckets, texts, profiles, ranges: Ranges::new(list), bytes };
        base.check()?;
        Ok(base)
    }

    /// Looks at every offset and row once, so that look-ups need not.
    fn check(&self) -> Result<()> {
        for [starts, bytes] in [&self.texts, &self.profiles] {
            let starts = self.numbers(starts);
            let ascending = starts.clone().zip(starts.clone().skip(1)).all(|(one, next)| one <= next);
            if !ascending || starts.last() != Some(bytes.len()) {
                return Err(corrupt(WHAT, "the begins of its names"));
            }
        }
        let profiles = (self.profiles[0].len() / 4).saturating_sub(1);
        let mut low = 0;
        let mut buckets = self.numbers(&self.buckets);
        let first = buckets.next();
        for (bucket, high) in (0u64..).zip(buckets) {
            let rows = self.between(low, high).filter(|_| low <= high).ok_or_else(|| corrupt(WHAT, "its buckets"))?;
            let mut before = None;
            for row in rows.chunks_exact(ROW) {
                let suffix = suffix(row);
                let own = suffix >> (64 - self.bits) == bucket & ((1 << (self.bits - 16)) - 1);
                if !own || before >= Some(suffix) || row_of(row).profile as usize >= profiles {
                    return Err(corrupt(WHAT, "the order of its rows"));
                }
                before = Some(suffix);
            }
            low = high;
        }
        if first != Some(0) || low != self.rows {
            return Err(corrupt(WHAT, "its buckets"));
        }
        Ok(())
    }

    fn numbers(&self, section: &Section) -> impl Iterator<Item = usize> + Clone + '_ {
        let bytes = self.bytes.as_ref().get(section.clone()).unwrap_or(&[]);
        bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number) as usize)
    }

    fn number(&self, section: &Section, index: usize) -> Option<usize> {
        let bytes = self.bytes.as_ref().get(section.clone())?;
        bytes.get(index * 4..)?.first_chunk::<4>().map(|number| u32::from_le_bytes(*number) as usize)
    }

    fn between(&self, low: usize, high: usize) -> Option<&[u8]> {
        self.bytes.as_ref().get(HEAD.len() + low * ROW..HEAD.len() + high * ROW)
    }

    fn piece(&self, [starts, bytes]: &[Section; 2], id: u32) -> Option<&[u8]> {
        let (start, end) = (self.number(starts, id as usize)?, self.number(starts, id as usize + 1)?);
        self.bytes.as_ref().get(bytes.clone())?.get(start..end)
    }

    /// The row of a key.
    #[inline]
    pub(crate) fn row(&self, key: Key) -> Option<Row> {
        row(self.bytes.as_ref(), self.buckets.start, self.bits, key)
    }

    /// Which of many keys are there, as their places; several times as fast as one after the other.
    pub(crate) fn which(&self, keys: &[Key], listed: &mut Vec<usize>) {
        which(self.bytes.as_ref(), self.buckets.start, self.bits, keys, listed);
    }

    /// Whether a key is there.
    pub fn has(&self, key: Key) -> bool {
        self.row(key).is_some()
    }

    /// What is kept of a key.
    pub fn find(&self, key: Key) -> Option<Found<'_>> {
        self.found(self.row(key)?)
    }

    pub(crate) fn found(&self, row: Row) -> Option<Found<'_>> {
        found(row, self.piece(&self.profiles, row.profile)?, |id| self.piece(&self.texts, id))
    }

    /// The sort of value of a row, without its names.
    pub(crate) fn kind(&self, row: Row) -> Option<Kind> {
        self.piece(&self.profiles, row.profile)?.first().and_then(|kind| Kind::from_number(*kind))
    }

    /// All rows in the order of keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, Row)> + '_ {
        let ends = self.numbers(&self.buckets).skip(1);
        let top = move |bucket: u64| bucket >> (self.bits - 16) << 48;
        (0u64..).zip(ends).scan(0, |low, (bucket, high)| Some((bucket, std::mem::replace(low, high)..high))).flat_map(
            move |(bucket, rows)| {
                let rows = self.between(rows.start, rows.end).unwrap_or(&[]);
                rows.chunks_exact(ROW).map(move |row| (Key(top(bucket) | suffix(row)), row_of(row)))
            },
        )
    }

    /// The ranges around an address, the narrowest first.
    pub(crate) fn around(&self, address: IpAddr) -> impl Iterator<Item = Key> + '_ {
        self.ranges.around(address)
    }

    /// Its ranges.
    pub fn ranges(&self) -> &Ranges {
        &self.ranges
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The number of the change it was built after.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Memory, bytes: the image and the flattened ranges.
    pub fn bytes(&self) -> usize {
        self.bytes.as_ref().len() + self.ranges.bytes()
    }
}

/// First and last row of a key's bucket.
#[inline]
fn span(bytes: &[u8], buckets: usize, bits: u32, key: Key) -> (usize, usize) {
    let at = buckets + (key.0 >> (64 - bits)) as usize * 4;
    let pair = bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |pair| u64::from_le_bytes(*pair));
    (pair as u32 as usize, (pair >> 32) as usize)
}

/// The row of a key within its bucket. All rows of a window are compared, without a branch between them: a branch on
/// what memory has not yet delivered would hold up the look-ups behind it.
#[inline]
fn within(bytes: &[u8], (low, high): (usize, usize), key: Key) -> Option<Row> {
    let wanted = key.0 & SUFFIX_MASK;
    let rows = bytes.get(HEAD.len() + low * ROW..)?;
    if high - low > WINDOW {
        let whole = rows.get(..(high - low) * ROW)?.as_chunks::<ROW>().0;
        let found = whole.binary_search_by_key(&wanted, |row| suffix(row)).ok()?;
        return whole.get(found).map(|row| row_of(row));
    }
    // Behind the last rows lie the buckets, so that a whole window is always there.
    let (window, _) = rows.first_chunk::<{ WINDOW * ROW }>()?.as_chunks::<ROW>();
    let mut equal = 0u32;
    for (place, row) in window.iter().enumerate() {
        let [a, b, c, d, e, f, ..] = *row;
        let held = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
        equal |= u32::from(held == wanted) << place;
    }
    equal &= (1 << (high - low)) - 1;
    if equal == 0 { None } else { window.get(equal.trailing_zeros() as usize).map(|row| row_of(row)) }
}

/// The row of a key: one look at the buckets, one at a few rows that lie together.
fn row(bytes: &[u8], buckets: usize, bits: u32, key: Key) -> Option<Row> {
    within(bytes, span(bytes, buckets, bits, key), key)
}

/// Keys whose look-ups go hand in hand: a bit of a word each.
const TOGETHER: usize = 32;

/// Places of the keys that have a row: the buckets of some keys at once, then their rows, so that memory delivers for all
/// of them while one waits.
fn which(bytes: &[u8], buckets: usize, bits: u32, keys: &[Key], listed: &mut Vec<usize>) {
    for (first, keys) in (0..).step_by(TOGETHER).zip(keys.chunks(TOGETHER)) {
        let mut spans = [(0, 0); TOGETHER];
        for (span_of, key) in spans.iter_mut().zip(keys) {
            *span_of = span(bytes, buckets, bits, *key);
        }
        let mut found = 0u32;
        for (place, (span, key)) in spans.iter().zip(keys).enumerate() {
            found |= u32::from(within(bytes, *span, *key).is_some()) << place;
        }
        while found != 0 {
            listed.push(first + found.trailing_zeros() as usize);
            found &= found - 1;
        }
    }
}

#[inline]
fn suffix(row: &[u8]) -> u64 {
    row.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes) & SUFFIX_MASK)
}

#[inline]
fn row_of(row: &[u8]) -> Row {
    Row::read(row.last_chunk().copied().unwrap_or_default())
}

/// Writes an image in one pass; rows come in the order of their keys.
pub(crate) struct Writer<'w, W: Write> {
    out: &'w mut W,
    /// Not yet written.
    waiting: Vec<u8>,
    checksum: u32,
    bits: u32,
    buckets: Vec<u32>,
    rows: usize,
}

/// Bytes written at once.
const CHUNK: usize = 256 * 1024;

impl<'w, W: Write> Writer<'w, W> {
    /// Begins an image of about so many rows: buckets get two to five rows each.
    pub fn new(out: &'w mut W, expected: usize) -> Writer<'w, W> {
        let bits = (expected / 5).max(1).next_power_of_two().ilog2().clamp(*BITS.start(), *BITS.end());
        let buckets = Vec::with_capacity((1 << bits) + 1);
        Writer { out, waiting: HEAD.to_vec(), checksum: 0, bits, buckets, rows: 0 }
    }

    /// The next row; its key is greater than the one before.
    pub fn push(&mut self, key: Key, row: Row) -> Result<()> {
        let bucket = (key.0 >> (64 - self.bits)) as usize;
        while self.buckets.len() <= bucket {
            self.buckets.push(self.rows as u32);
        }
        self.waiting.extend_from_slice(&key.0.to_le_bytes()[..SUFFIX]);
        self.waiting.extend_from_slice(&row.write());
        self.rows += 1;
        if self.rows > limits::INDEX_ROWS {
            return Err(Fault::new(&fault::FULL).object(WHAT).expected(format!("at most {} rows", limits::INDEX_ROWS)));
        }
        if self.waiting.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.checksum = crc32c::crc32c_append(self.checksum, &self.waiting);
        let written = self.out.write_all(&self.waiting);
        self.waiting.clear();
        written.map_err(|cause| Fault::new(&fault::OUTPUT).object(WHAT).because(cause))
    }

    fn numbers(&mut self, numbers: &[u32]) -> Result<()> {
        for part in numbers.chunks(CHUNK / 4) {
            self.waiting.extend(part.iter().flat_map(|number| number.to_le_bytes()));
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the rest. Says how many rows there are.
    pub fn finish(mut self, epoch: u64, dictionary: &Dictionary, mut ranges: Vec<Range>) -> Result<usize> {
        while self.buckets.len() <= 1 << self.bits {
            self.buckets.push(self.rows as u32);
        }
        let buckets = std::mem::take(&mut self.buckets);
        self.numbers(&buckets)?;
        let blobs: [&Blob; 2] = dictionary.blobs();
        for blob in blobs {
            self.numbers(&blob.starts)?;
            self.waiting.extend_from_slice(&blob.bytes);
            self.flush()?;
        }
        ranges.sort_unstable();
        ranges.dedup();
        let mut listed = Vec::new();
        write_ranges(&ranges, &mut listed);
        self.waiting.extend_from_slice(&listed);
        let [texts, profiles] = blobs.map(|blob| (blob.starts.len() as u64 - 1, blob.bytes.len() as u64));
        let sizes = [u64::from(self.bits), epoch, self.rows as u64, texts.0, texts.1, profiles.0, profiles.1];
        self.waiting.extend(sizes.iter().chain([&(listed.len() as u64)]).flat_map(|size| size.to_le_bytes()));
        self.flush()?;
        let checksum = u64::from(self.checksum);
        self.waiting.extend_from_slice(&checksum.to_le_bytes());
        self.flush()?;
        Ok(self.rows)
    }
}

/// Makes the checksum fit again after a test changed a byte.
#[cfg(test)]
pub(crate) fn reseal(image: &mut [u8]) {
    let end = image.len() - 8;
    let checksum = u64::from(crc32c::crc32c(&image[..end]));
    image[end..].copy_from_slice(&checksum.to_le_bytes());
}
