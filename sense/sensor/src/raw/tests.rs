//! Tests of the ring records' reader.

use super::*;
use proptest::prelude::*;

#[test]
fn heads_have_no_padding() {
    for layout in LAYOUTS {
        let mut at = 0;
        for (field, offset, size) in layout.fields {
            assert_eq!(*offset, at, "{}.{field}", layout.name);
            at += size;
        }
        assert_eq!(at, layout.size, "{}", layout.name);
        assert_eq!(layout.size % 8, 0, "{}", layout.name);
    }
}

#[test]
fn names_join_below_their_directory() {
    let place = Place { directory: b"/srv/data", name: b"../x/./y", ..Place::default() };
    assert_eq!(place.path(), "/srv/x/y");
    assert_eq!(Place { name: b"/etc//passwd", ..place }.path(), "/etc/passwd");
    assert_eq!(Place { name: b"../../../..", ..place }.path(), "/");
    assert_eq!(Place { name: b"", ..place }.path(), "/srv/data");
}

#[test]
fn calls_have_words() {
    assert_eq!(Call(2).word(), "openat");
    assert_eq!(Call::from_word("send"), Some(Call(65)));
    assert_eq!(Call(60_000).word(), "");
}

proptest! {
    #[test]
    fn any_bytes_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..1200), kind in 0u16..20, fits in any::<bool>()) {
        if bytes.len() >= 40 {
            bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
            if fits {
                let size = bytes.len() as u32;
                bytes[..4].copy_from_slice(&size.to_ne_bytes());
            }
        }
        if let Ok(event) = RawEvent::parse(&bytes) {
            if let Body::Exec(exec) = &event.body {
                let _ = (exec.exe.path(), exec.arguments().count());
            }
            if let Body::File(file) = &event.body {
                let _ = (file.file.path(), file.target.path());
            }
        }
    }

    #[test]
    fn short_lengths_parse_whole(tail in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut bytes = vec![0u8; 64];
        bytes[4..6].copy_from_slice(&kind::MEMORY.to_ne_bytes());
        bytes[60..62].copy_from_slice(&(tail.len() as u16).to_ne_bytes());
        bytes.extend_from_slice(&tail);
        let size = bytes.len() as u32;
        bytes[..4].copy_from_slice(&size.to_ne_bytes());
        let event = RawEvent::parse(&bytes).unwrap();
        prop_assert_eq!(event.body, Body::Memory(MemoryRecord { head: MemoryHead::read(&mut &bytes[..]).unwrap(), name: &tail }));
        prop_assert!(RawEvent::parse(&bytes[..bytes.len() - 1]).is_err());
    }
}
