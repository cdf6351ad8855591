//! What goes over the wire before HTTP is HTTP, and what a router says.

use bgp::message::Frame;
use wire::framing::{Guard, Limits};
use wire::{h2, hello, proxy};

/// Feeds the bytes of an HTTP/1 connection whole and cut where the first of them says: the verdict is the same, and what stands before a
/// refused message is sound.
pub(crate) fn framing(bytes: &[u8]) {
    let limits =
        Limits { line_bytes: 200, head_bytes: 600, extension_bytes: 32, heads: 8, fields: 12, ..Limits::default() };
    let size = bytes.first().map_or(1, |byte| usize::from(*byte) % 61 + 1);
    let (mut whole, mut parts) = (Guard::new(limits), Guard::new(limits));
    let verdict = whole.feed(bytes);
    let cut = bytes.chunks(size).map(|piece| parts.feed(piece)).last();
    assert_eq!(cut.unwrap_or_else(|| parts.feed(b"")), verdict, "a split changes the verdict");
    while let Some(head) = whole.take_head() {
        assert_eq!(parts.take_head().as_ref(), Some(&head));
        assert!(head.range.end <= bytes.len() as u64 && !head.order().is_empty());
    }
    if let Err(refusal) = verdict {
        assert!(refusal.message <= refusal.at && refusal.at <= bytes.len() as u64);
        assert!(Guard::new(limits).feed(&bytes[..refusal.message as usize]).is_ok());
    }
}

/// Reads a TLS hello and gives it its fingerprints.
pub(crate) fn hello(bytes: &[u8]) {
    if let Ok(Some(hello)) = hello::Reader::new().feed(bytes) {
        assert_eq!(hello.ja4().len(), 36);
        assert_eq!(hello.ja3_hash().len(), 32);
        assert!(hello.ja4_raw().starts_with(&hello.ja4()[..10]));
    }
}

/// Watches an HTTP/2 connection begin.
pub(crate) fn opening(bytes: &[u8]) {
    let mut watcher = h2::Watcher::new();
    if let Ok(Some(opening)) = watcher.feed(bytes) {
        assert_eq!(opening.fingerprint().matches('|').count(), 3);
        assert!(opening.pseudo.len() <= 4);
    }
}

/// Reads a PROXY header.
pub(crate) fn proxy(bytes: &[u8]) {
    if let Ok(Some(header)) = proxy::read(bytes) {
        assert!(header.length <= bytes.len());
    }
}

/// Reads what a router says, with AS numbers of two and of four bytes; what was read can be said and read again.
pub(crate) fn bgp(bytes: &[u8]) {
    for wide in [false, true] {
        let mut rest = bytes;
        while let Ok(Some(frame)) = Frame::first(rest) {
            rest = &rest[frame.length()..];
            let Ok(message) = frame.decode(wide) else { continue };
            let mut again = Vec::new();
            if message.write(wide, &mut again) {
                let frame = Frame::first(&again);
                assert!(frame.is_ok_and(|frame| frame.is_some()), "{message:?}");
            }
        }
    }
}

/// Reads a recording and replays it: as many packets as were read are judged or go elsewhere.
pub(crate) fn capture(bytes: &[u8]) {
    let manner =
        ddos::replay::Manner { protect: Vec::new(), window_s: 1.0, settings: ddos::Settings::default(), model: None };
    if let Ok(replayed) = ddos::replay::recording(|| Ok(bytes), manner) {
        assert!(replayed.packets + replayed.others <= bytes.len() as u64 / 12);
        assert!(!replayed.text(base::Lang::Zh).is_empty());
    }
}
