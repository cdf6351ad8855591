//! Where the IP header begins, by link type.
//!
//! Numbers and forms: <https://www.tcpdump.org/linktypes.html>; tags: IEEE 802.1Q, 802.1ad; PPPoE: RFC 2516.

/// Most VLAN tags that are walked.
const TAGS: usize = 4;

/// Whether packets of a link type can be read.
pub(crate) fn is_known(kind: u32) -> bool {
    matches!(kind, 0 | 1 | 12 | 14 | 101 | 108 | 113 | 228 | 229 | 276)
}

/// Bytes before the IP header; `None` when the frame carries no IP, or is too short to tell.
pub(crate) fn before_ip(kind: u32, frame: &[u8]) -> Option<usize> {
    let before = match kind {
        1 => ethernet(frame, 12)?,
        // A cooked capture of Linux: the protocol stands at its end; of version 2 at its begin.
        113 => cooked(frame, 14)?,
        276 => (is_ip(word(frame, 0)?)).then_some(20)?,
        0 | 108 => 4,
        12 | 14 | 101 | 228 | 229 => 0,
        _ => return None,
    };
    matches!(frame.get(before)? >> 4, 4 | 6).then_some(before)
}

fn cooked(frame: &[u8], at: usize) -> Option<usize> {
    is_ip(word(frame, at)?).then_some(16).or_else(|| ethernet(frame, at))
}

/// From the protocol number of a frame on, past tags.
fn ethernet(frame: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..=TAGS {
        match word(frame, at)? {
            0x8100 | 0x88a8 | 0x9100 => at += 4,
            // Version and code, session, length, then PPP's protocol: IPv4 or IPv6.
            0x8864 => return matches!(word(frame, at + 8)?, 0x0021 | 0x0057).then_some(at + 10),
            kind => return is_ip(kind).then_some(at + 2),
        }
    }
    None
}

fn is_ip(kind: u16) -> bool {
    matches!(kind, 0x0800 | 0x86dd)
}

fn word(frame: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?))
}
