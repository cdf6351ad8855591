//! Tests of hello and fingerprints: published values, hellos of real programs, hostile bytes.

use super::*;
use proptest::prelude::*;
use std::path::Path;

/// The bytes of a hello with these lists, as one record.
fn bytes(hello: &Hello) -> Vec<u8> {
    let list = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let long = |body: &[u8]| [&(body.len() as u16).to_be_bytes()[..], body].concat();
    let short = |body: &[u8]| [&[body.len() as u8][..], body].concat();
    let mut extensions = Vec::new();
    for kind in &hello.extensions {
        let data = match kind {
            0 => match &hello.name {
                Some(name) => long(&[&[0][..], &long(name.as_bytes())].concat()),
                None => Vec::new(),
            },
            10 => long(&list(&hello.groups)),
            11 => short(&hello.point_formats),
            13 => long(&list(&hello.signatures)),
            16 => long(&hello.protocols.iter().flat_map(|name| short(name)).collect::<Vec<u8>>()),
            43 => short(&list(&hello.versions)),
            _ => b"?".to_vec(),
        };
        extensions.extend_from_slice(&kind.to_be_bytes());
        extensions.extend(long(&data));
    }
    let mut body = hello.version.to_be_bytes().to_vec();
    body.extend_from_slice(&[7; 32]);
    body.extend(short(&[1; 32]));
    body.extend(long(&list(&hello.ciphers)));
    body.extend(short(&[0]));
    if !hello.extensions.is_empty() {
        body.extend(long(&extensions));
    }
    let message = [&[CLIENT_HELLO, 0][..], &long(&body)].concat();
    [&[HANDSHAKE, 3, 1][..], &long(&message)].concat()
}

fn read(bytes: &[u8]) -> Result<Option<Hello>> {
    Reader::new().feed(bytes)
}

/// Reads `a,b,c` of hexadecimal numbers.
fn list(text: &str) -> Vec<u16> {
    text.split(',').filter(|number| !number.is_empty()).map(|number| u16::from_str_radix(number, 16).unwrap()).collect()
}

/// A case: `key: value` lines; `record` holds the bytes in hexadecimal, or the lists stand alone; `ja4`, `ja3`, `name` are expected.
fn case(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let field = |key: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        found.map(str::trim)
    };
    let record = match field("record") {
        Some(record) => hex::decode(record).unwrap(),
        None => bytes(&Hello {
            version: 0x0303,
            ciphers: list(field("ciphers").unwrap()),
            extensions: list(field("extensions").unwrap_or("")),
            versions: list(field("versions").unwrap_or("")),
            signatures: list(field("signatures").unwrap_or("")),
            protocols: field("protocols")
                .unwrap_or("")
                .split(',')
                .filter(|name| !name.is_empty())
                .map(|name| hex::decode(name).unwrap())
                .collect(),
            name: field("name").map(str::to_owned),
            ..Hello::default()
        }),
    };
    let hello = read(&record).unwrap().expect("a whole hello");
    for (key, found) in
        [("ja4", hello.ja4()), ("ja4_r", hello.ja4_raw()), ("ja3", hello.ja3_hash()), ("ja3_text", hello.ja3())]
    {
        if let Some(expected) = field(key) {
            assert_eq!(found, expected, "{key} of {}", path.display());
        }
    }
    assert_eq!(hello.name.as_deref(), field("name"), "{}", path.display());
}

#[test]
fn every_golden_case_gives_its_fingerprints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/hello");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        case(&entry.unwrap().path());
        count += 1;
    }
    assert!(count >= 4, "{count} cases");
}

#[test]
fn published_values_of_ja3() {
    // The two examples of the README of salesforce/ja3.
    let hello = Hello {
        version: 769,
        ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
        extensions: vec![0, 10, 11],
        groups: vec![23, 24, 25],
        point_formats: vec![0],
        ..Hello::default()
    };
    let hello = read(&bytes(&hello)).unwrap().unwrap();
    assert_eq!(hello.ja3(), "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
    assert_eq!(hello.ja3_hash(), "ada70206e40642a3e4461f35503241d5");
    let plain = Hello { version: 769, ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], ..Hello::default() };
    assert_eq!(read(&bytes(&plain)).unwrap().unwrap().ja3_hash(), "de350869b8c85de67a350c8d186f11e6");
}

#[test]
fn the_protocol_is_shown_as_the_specification_says() {
    let cases: &[(&[u8], &str)] = &[
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (b"", "00"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
    ];
    for (protocol, expected) in cases {
        let hello = Hello { protocols: vec![protocol.to_vec()], ..Hello::default() };
        assert_eq!(hello.ja4(), format!("t00i0000{expected}_000000000000_000000000000"));
    }
}

#[test]
fn a_hello_in_many_records_and_pieces_is_the_same() {
    let hello = Hello {
        version: 0x0303,
        ciphers: vec![0x1a1a, 0x1301],
        extensions: vec![0, 16, 43],
        versions: vec![0x0304],
        protocols: vec![b"h2".to_vec()],
        name: Some("a.example".to_owned()),
        ..Hello::default()
    };
    let whole = bytes(&hello);
    assert_eq!(read(&whole).unwrap(), Some(hello.clone()));
    assert_eq!(read(&whole[..whole.len() - 1]).unwrap(), None);
    let mut cut = Vec::new();
    for piece in whole[5..].chunks(3) {
        cut.extend_from_slice(&[HANDSHAKE, 3, 1, 0, piece.len() as u8]);
        cut.extend_from_slice(piece);
    }
    let mut reader = Reader::new();
    let mut found = None;
    for byte in cut {
        assert_eq!(found, None);
        found = reader.feed(&[byte]).unwrap();
    }
    assert_eq!(found, Some(hello));
    let bomb: Vec<u8> = whole[5..].iter().chain(&[0; 200]).flat_map(|byte| [HANDSHAKE, 3, 1, 0, 1, *byte]).collect();
    assert!(read(&bomb).unwrap_err().is(&crate::fault::HELLO), "too many records");
}

#[test]
fn what_is_no_hello_is_a_named_fault() {
    let cases: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\n", &[22, 3, 1, 0, 0], &[22, 3, 1, 0, 4, 2, 0, 0, 0], &[22, 3, 1, 0, 4, 1, 9, 9, 9]];
    for bytes in cases {
        assert!(read(bytes).unwrap_err().is(&crate::fault::HELLO), "{bytes:?}");
    }
    assert!(Reader::may_be_tls(&[22, 3, 1]) && Reader::may_be_tls(&[22]) && !Reader::may_be_tls(b"GET"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300), split in 0_usize..300) {
        let message = [&[CLIENT_HELLO, 0, (body.len() >> 8) as u8, body.len() as u8][..], &body].concat();
        let record = [&[HANDSHAKE, 3, 1, (message.len() >> 8) as u8, message.len() as u8][..], &message].concat();
        for bytes in [&body, &record] {
            let whole = read(bytes).map_err(|fault| fault.to_string());
            let (first, second) = bytes.split_at(split.min(bytes.len()));
            let mut reader = Reader::new();
            let parts = match reader.feed(first) {
                Ok(None) => reader.feed(second),
                other => other,
            };
            prop_assert_eq!(whole, parts.map_err(|fault| fault.to_string()));
        }
        let _ = super::parse::hello(&body).map(|hello| (hello.ja4(), hello.ja3_hash()));
    }
}
