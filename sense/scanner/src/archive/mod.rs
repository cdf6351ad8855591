//! Archives: their members, within limits on bytes, members and depth that all archives inside one another share.
//!
//! A reader of a format hands each member to a visitor as bytes. What is encrypted, damaged, of an unknown method or over
//! a limit is left out and counted. An archive that is made to explode is told ([`Bomb`]) and unpacked no further.

mod ar;
mod stream;
mod tar;
mod zip;

use crate::kind::Kind;
use std::io::Read;

/// Deepest archive in an archive.
pub const DEPTH: u32 = 6;
/// Most members of a file, all archives together: the largest packages of Java have some thirty thousand.
const MEMBERS: u32 = 100_000;
/// Largest member, bytes: what is behind is not looked at.
const MEMBER_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes that come out of one file at most.
const TOTAL_BYTES: u64 = 256 * 1024 * 1024;
/// An archive is a bomb when so many times its size comes out of it, and more than [`BOMB_BYTES`]. Logs and tables reach
/// 50; deflate cannot pass 1,032.
const BOMB_RATIO: u64 = 400;
/// See [`BOMB_RATIO`].
const BOMB_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes unpacked at once.
const STEP: usize = 64 * 1024;

/// How an archive is made to explode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bomb {
    /// Far more comes out than went in.
    Ratio,
    /// Archives in archives without end.
    Nested,
    /// Members that share their bytes.
    Overlap,
    /// Members without end.
    Members,
}

impl Bomb {
    /// Its name in findings.
    pub const fn word(self) -> &'static str {
        match self {
            Bomb::Ratio => "bomb-ratio",
            Bomb::Nested => "bomb-nested",
            Bomb::Overlap => "bomb-overlap",
            Bomb::Members => "bomb-members",
        }
    }

    /// How sure: a disk image of zeros has the ratio of a bomb, nothing ordinary has members that overlap.
    pub const fn score(self) -> u32 {
        match self {
            Bomb::Ratio => 60,
            Bomb::Members => 50,
            Bomb::Nested => 80,
            Bomb::Overlap => 90,
        }
    }
}

/// What may still come out of a file.
#[derive(Debug)]
pub struct Allowance {
    members: u32,
    bytes: u64,
    /// Members left out so far.
    pub left_out: u32,
    /// What was found to explode.
    pub bomb: Option<Bomb>,
}

impl Default for Allowance {
    fn default() -> Self {
        Allowance { members: MEMBERS, bytes: TOTAL_BYTES, left_out: 0, bomb: None }
    }
}

impl Allowance {
    /// Bytes that came out so far.
    pub fn unpacked(&self) -> u64 {
        TOTAL_BYTES - self.bytes
    }

    /// Whether another member may be unpacked.
    fn member(&mut self) -> bool {
        if self.bomb.is_some() || self.bytes == 0 {
            self.left_out = self.left_out.saturating_add(1);
            return false;
        }
        if self.members == 0 {
            self.bomb = Some(Bomb::Members);
            return false;
        }
        self.members -= 1;
        true
    }

    fn leave_out(&mut self) {
        self.left_out = self.left_out.saturating_add(1);
    }

    /// A member that lies there as it is.
    fn stored<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let take = (bytes.len() as u64).min(MEMBER_BYTES).min(self.bytes);
        self.bytes -= take;
        &bytes[..take as usize]
    }

    /// Unpacks a member of so many packed bytes. None when nothing of it reads.
    fn unpack(&mut self, mut from: impl Read, packed: u64) -> Option<Vec<u8>> {
        let most = MEMBER_BYTES.min(self.bytes);
        let (mut bytes, mut damaged) = (Vec::new(), false);
        while (bytes.len() as u64) < most {
            let begun = bytes.len();
            bytes.resize(begun + STEP.min(most as usize - begun), 0);
            // A damaged member is looked at as far as it reads: the rest of it runs nowhere either.
            let read = from.read(&mut bytes[begun..]).unwrap_or_else(|_| {
                damaged = true;
                0
            });
            bytes.truncate(begun + read);
            if read == 0 {
                break;
            }
            if bytes.len() as u64 > BOMB_BYTES && bytes.len() as u64 / BOMB_RATIO > packed {
                self.bomb = Some(Bomb::Ratio);
                break;
            }
        }
        self.bytes -= bytes.len() as u64;
        if damaged || bytes.len() as u64 == MEMBER_BYTES {
            self.leave_out();
        }
        (!damaged || !bytes.is_empty()).then_some(bytes)
    }
}

/// Visits the members of an archive: their path within, and their bytes.
pub fn members(
    kind: Kind,
    bytes: &[u8],
    depth: u32,
    allowance: &mut Allowance,
    visit: &mut dyn FnMut(&str, &[u8], &mut Allowance),
) {
    if matches!(kind, Kind::Elf | Kind::Other) {
        return;
    }
    if depth >= DEPTH {
        allowance.bomb.get_or_insert(Bomb::Nested);
        return;
    }
    match kind {
        Kind::Zip => zip::members(bytes, allowance, visit),
        Kind::Tar => tar::members(bytes, allowance, visit),
        Kind::Ar => ar::members(bytes, allowance, visit),
        Kind::Gzip | Kind::Xz | Kind::Zstd => stream::member(kind, bytes, allowance, visit),
        Kind::Closed => allowance.leave_out(),
        Kind::Elf | Kind::Other => {}
    }
}

/// Something for tests to read.
#[cfg(test)]
pub(crate) fn listed(kind: Kind, bytes: &[u8]) -> (Vec<(String, Vec<u8>)>, Allowance) {
    let (mut all, mut allowance) = (Vec::new(), Allowance::default());
    members(kind, bytes, 0, &mut allowance, &mut |name, bytes, _| all.push((name.to_owned(), bytes.to_vec())));
    (all, allowance)
}

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::stream::tests::gzip;
    pub(crate) use super::tar::tests::tar;
    pub(crate) use super::zip::tests::zip;
    use super::*;
    use proptest::prelude::*;

    const KINDS: &[Kind] = &[Kind::Zip, Kind::Tar, Kind::Ar, Kind::Gzip, Kind::Xz, Kind::Zstd, Kind::Closed];

    #[test]
    fn an_archive_too_deep_is_a_bomb_and_is_not_read() {
        let mut allowance = Allowance::default();
        members(Kind::Gzip, b"\x1f\x8b", DEPTH, &mut allowance, &mut |_, _, _| panic!("read"));
        assert_eq!(allowance.bomb, Some(Bomb::Nested));
    }

    #[test]
    fn what_one_file_gives_is_bounded_over_all_its_members() {
        let mut allowance = Allowance { bytes: 100, ..Allowance::default() };
        assert!(allowance.member());
        assert_eq!(allowance.stored(&[1; 70]).len(), 70);
        assert_eq!(allowance.unpack(&[2; 70][..], 70).map(|bytes| bytes.len()), Some(30));
        assert!(!allowance.member());
        assert_eq!((allowance.left_out, allowance.bomb), (1, None), "large is no bomb");
        let mut allowance = Allowance { members: 1, ..Allowance::default() };
        assert!(allowance.member() && !allowance.member());
        assert_eq!(allowance.bomb, Some(Bomb::Members));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(
            mark in 0usize..6, bytes in proptest::collection::vec(any::<u8>(), 0..1500), flip in any::<(usize, u8)>(),
        ) {
            for kind in KINDS {
                let _ = listed(*kind, &bytes);
            }
            // And what nearly is an archive.
            let good = crate::archive::tests::samples();
            let (kind, mut sample) = good[mark % good.len()].clone();
            let at = flip.0 % sample.len();
            sample[at] ^= flip.1;
            let _ = listed(kind, &sample);
            let _ = listed(kind, &sample[..at]);
        }
    }

    /// One small archive of each kind.
    pub(crate) fn samples() -> Vec<(Kind, Vec<u8>)> {
        let content = b"content of a member, content of a member";
        vec![
            (Kind::Zip, zip(&[("a/b.txt", content, true), ("c", content, false)])),
            (Kind::Tar, tar(&[("a/b.txt", content)])),
            (Kind::Ar, ar::tests::ar(&[("a/", content)])),
            (Kind::Gzip, gzip(content)),
            (Kind::Xz, stream::tests::xz()),
            (Kind::Zstd, stream::tests::zstd(content)),
        ]
    }

    #[test]
    fn every_kind_gives_its_members() {
        for (kind, bytes) in samples() {
            assert_eq!(crate::kind::of(&bytes), kind);
            let (all, allowance) = listed(kind, &bytes);
            assert!(all.iter().all(|(_, bytes)| bytes.starts_with(b"content of")) && !all.is_empty(), "{kind:?}");
            assert_eq!((allowance.left_out, allowance.bomb), (0, None), "{kind:?}");
        }
    }
}
