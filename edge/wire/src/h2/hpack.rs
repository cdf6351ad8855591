//! As much of HPACK (RFC 7541) as it takes to see which pseudo-header fields a block begins with. Their names stand in the
//! static table, and no client spells them out: names that are spelled out are passed over.

/// The letter of the pseudo-header field that an index of the static table names (RFC 7541 appendix A).
fn letter(index: usize) -> Option<u8> {
    match index {
        1 => Some(b'a'),
        2 | 3 => Some(b'm'),
        4 | 5 => Some(b'p'),
        6 | 7 => Some(b's'),
        _ => None,
    }
}

/// An integer with a prefix of `bits` (RFC 7541 section 5.1), and what stands behind it.
fn integer(bytes: &[u8], bits: u32) -> Option<(usize, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mask = (1_usize << bits) - 1;
    let mut value = usize::from(*first) & mask;
    if value < mask {
        return Some((value, rest));
    }
    for shift in [0, 7, 14, 21] {
        let (byte, later) = rest.split_first()?;
        value += usize::from(byte & 0x7f) << shift;
        rest = later;
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// Passes over a string.
fn string(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = integer(bytes, 7)?;
    rest.get(length..)
}

/// Letters of the pseudo-header fields, in the order of the block; what cannot be read ends it.
pub(super) fn pseudo(block: &[u8]) -> Vec<u8> {
    let mut letters = Vec::new();
    let mut rest = block;
    while let Some((index, later)) = field(rest) {
        letters.extend(letter(index).filter(|letter| !letters.contains(letter)));
        rest = later;
    }
    letters
}

/// The index of a field's name (0: spelled out or a change of the table's size), and what stands behind the field.
fn field(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let first = *bytes.first()?;
    // Indexed: name and value are in the table.
    if first & 0x80 != 0 {
        return integer(bytes, 7);
    }
    // A change of the size of the dynamic table.
    if first & 0xe0 == 0x20 {
        return integer(bytes, 5).map(|(_, rest)| (0, rest));
    }
    let (index, rest) = integer(bytes, if first & 0x40 != 0 { 6 } else { 4 })?;
    let rest = if index == 0 { string(rest)? } else { rest };
    Some((index, string(rest)?))
}
