//! Tests of the opening of HTTP/2: the fingerprints of known clients, pieces, hostile bytes.

use super::*;
use proptest::prelude::*;

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let content: Vec<u8> =
        pairs.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
    frame(SETTINGS, 0, 0, &content)
}

/// GET, authority spelled out (with incremental indexing), https, `/`: as Chromium sends it, with a padded frame.
fn chromium() -> Vec<u8> {
    let block = [&[0x82, 0x41, 9][..], b"a.example", &[0x87, 0x84, 0x40, 5], b"x-foo", &[1], b"1"].concat();
    let padded = [&[2, 0x80, 0, 0, 0, 255][..], &block, &[0, 0]].concat();
    [
        &PREFACE[..],
        &settings(&[(1, 65536), (2, 0), (4, 6_291_456), (6, 262_144)]),
        &frame(WINDOW_UPDATE, 0, 0, &15_663_105_u32.to_be_bytes()),
        &frame(HEADERS, END_HEADERS | PADDED | WITH_PRIORITY | 1, 1, &padded),
    ]
    .concat()
}

fn read(bytes: &[u8]) -> Result<Option<Opening>> {
    Watcher::new().feed(bytes)
}

#[test]
fn known_clients_have_their_published_fingerprints() {
    let opening = read(&chromium()).unwrap().unwrap();
    assert_eq!(opening.fingerprint(), "1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p");
    // Firefox before version 119 settles a tree of priorities, and sends its block in two frames.
    let priority = |stream: u32, parent: u32, weight: u8| {
        frame(PRIORITY, 0, stream, &[&parent.to_be_bytes()[..], &[weight]].concat())
    };
    let firefox = [
        &PREFACE[..],
        &settings(&[(1, 65536), (4, 131_072), (5, 16384)]),
        &frame(WINDOW_UPDATE, 0, 0, &12_517_377_u32.to_be_bytes()),
        &priority(3, 0, 200),
        &priority(5, 0, 100),
        &priority(9, 0x8000_0007, 0),
        &frame(HEADERS, 1, 15, &[0x82, 0x84]),
        &frame(CONTINUATION, END_HEADERS, 15, &[0x41, 1, b'a', 0x87]),
    ]
    .concat();
    let fingerprint = read(&firefox).unwrap().unwrap().fingerprint();
    assert_eq!(fingerprint, "1:65536;4:131072;5:16384|12517377|3:0:0:201,5:0:0:101,9:1:7:1|m,p,a,s");
    let bare =
        [&PREFACE[..], &settings(&[]), &frame(HEADERS, END_HEADERS, 1, &[0x20, 0x04, 2, b'/', b'a', 0x83])].concat();
    assert_eq!(read(&bare).unwrap().unwrap().fingerprint(), "|00|0|p,m");
}

#[test]
fn pieces_give_the_same_once() {
    let whole = chromium();
    let mut watcher = Watcher::new();
    let found: Vec<Opening> = whole.iter().filter_map(|byte| watcher.feed(&[*byte]).unwrap()).collect();
    assert_eq!(found, [read(&whole).unwrap().unwrap()]);
    assert_eq!(watcher.feed(&whole).unwrap(), None, "later bytes are not looked at");
}

#[test]
fn what_is_no_opening_is_a_named_fault() {
    let with = |frames: &[u8]| [&PREFACE[..], frames].concat();
    let cases = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        with(&frame(HEADERS, END_HEADERS, 1, &[0x82])),
        with(&[settings(&[]), frame(HEADERS, 0, 1, &[]), settings(&[])].concat()),
        with(&[settings(&[]), frame(CONTINUATION, 0, 1, &[])].concat()),
        with(&[settings(&[]), frame(HEADERS, PADDED, 1, &[9, 0])].concat()),
        with(&settings(&[]).repeat(65)),
        with(&frame(SETTINGS, 0, 0, &[0; 17_000])),
    ];
    for bytes in cases {
        assert!(read(&bytes).unwrap_err().is(&crate::fault::PREFACE), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_frames_never_panic_and_no_split_changes_the_answer(
        frames in proptest::collection::vec((0_u8..11, any::<u8>(), 0_u32..4, proptest::collection::vec(any::<u8>(), 0..30)), 0..12),
        junk in proptest::collection::vec(any::<u8>(), 0..30),
        size in 1_usize..50,
    ) {
        let frames: Vec<u8> = frames.iter().flat_map(|(kind, flags, stream, content)| frame(*kind, *flags, *stream, content)).collect();
        let bytes = [&PREFACE[..], &settings(&[(1, 2)]), &frames, &junk].concat();
        let text = |answer: Result<Option<Opening>>| answer.map(|opening| opening.map(|opening| opening.fingerprint())).map_err(|fault| fault.to_string());
        let whole = text(read(&bytes));
        let mut watcher = Watcher::new();
        let parts = bytes.chunks(size).map(|piece| text(watcher.feed(piece))).find(|answer| !matches!(answer, Ok(None)));
        prop_assert_eq!(parts.unwrap_or(Ok(None)), whole);
    }
}
