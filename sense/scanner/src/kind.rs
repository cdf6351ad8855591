//! What a file is, from its first bytes; its name counts only for scripts, which have none that would do.

/// A kind of content that one of the engines knows more about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Program, library or module of Linux.
    Elf,
    /// zip, and what is one: jar, war, apk, documents.
    Zip,
    /// tar.
    Tar,
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// `ar`: packages of Debian, static libraries.
    Ar,
    /// An archive that is not opened: rar, 7z, bzip2, cpio.
    Closed,
    /// Anything else.
    Other,
}

/// Offset of the mark of a tar header (POSIX ustar and GNU).
const USTAR: usize = 257;

/// The kind of these bytes.
pub fn of(bytes: &[u8]) -> Kind {
    const MARKS: &[(&[u8], Kind)] = &[
        (b"\x7fELF", Kind::Elf),
        (b"PK\x03\x04", Kind::Zip),
        (b"PK\x05\x06", Kind::Zip),
        (b"\x1f\x8b\x08", Kind::Gzip),
        (b"\xfd7zXZ\0", Kind::Xz),
        (b"\x28\xb5\x2f\xfd", Kind::Zstd),
        (b"!<arch>\n", Kind::Ar),
        (b"Rar!\x1a\x07", Kind::Closed),
        (b"7z\xbc\xaf\x27\x1c", Kind::Closed),
        (b"BZh", Kind::Closed),
        (b"070701", Kind::Closed),
        (b"070702", Kind::Closed),
    ];
    if let Some((_, kind)) = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return *kind;
    }
    match bytes.get(USTAR..USTAR + 5) {
        Some(b"ustar") => Kind::Tar,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_marks() {
        let mut tar = vec![0; 512];
        tar[USTAR..USTAR + 5].copy_from_slice(b"ustar");
        assert_eq!(of(&tar), Kind::Tar);
        assert_eq!((of(b"\x7fELF\x02"), of(b"PK\x03\x04"), of(b"")), (Kind::Elf, Kind::Zip, Kind::Other));
        assert_eq!((of(b"\x1f\x8b\x08\0"), of(b"7z\xbc\xaf\x27\x1c")), (Kind::Gzip, Kind::Closed));
    }
}
