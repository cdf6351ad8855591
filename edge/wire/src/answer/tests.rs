//! Heads and bodies of answers, in whatever pieces they come.

use super::*;
use proptest::prelude::*;

fn read(text: &[u8]) -> Result<(Head, Vec<(String, String)>), Broken> {
    let mut fields = Vec::new();
    let text_of = |range: std::ops::Range<usize>| String::from_utf8_lossy(&text[range]).into_owned();
    let head = Head::read(text, &Limits::default(), |field| fields.push((text_of(field.name), text_of(field.value))))?;
    Ok((head, fields))
}

/// The data, the names of trailers, and what is left, of a body that comes in pieces.
fn whole(mut body: Body, bytes: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<String>, usize), Broken> {
    let (mut data, mut trailers, mut at, mut have) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        match body.step(&bytes[at..have])? {
            Step::End => return Ok((data, trailers, bytes.len() - at)),
            Step::More if have == bytes.len() => return Ok((data, trailers, bytes.len() - at)),
            Step::More => have = (have + piece).min(bytes.len()),
            Step::Skip(used) => at += used,
            Step::Data(used) => {
                data.extend_from_slice(&bytes[at..at + used]);
                at += used;
            }
            Step::Trailer(field, used) => {
                trailers.push(String::from_utf8_lossy(&bytes[at..][field.name]).into_owned());
                at += used;
            }
        }
    }
}

#[test]
fn a_head_is_read_whole() {
    let text = b"HTTP/1.1 200 OK\r\nServer: x\r\nX-Empty: \r\nContent-Length:  12 \r\nSet-Cookie: a=1\r\n\r\n";
    let (head, fields) = read(text).unwrap();
    assert_eq!((head.status, head.close, head.body(false, &Limits::default()).left()), (200, false, Some(12)));
    let names: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(names, [("Server", "x"), ("X-Empty", ""), ("Content-Length", "12"), ("Set-Cookie", "a=1")]);
    assert_eq!(read(b"HTTP/1.1 204\n\n").unwrap().0.status, 204);
}

#[test]
fn what_ends_the_connection_is_known() {
    let close = |text: &str| read(text.as_bytes()).unwrap().0.close;
    assert!(close("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\n"));
    assert!(close("HTTP/1.0 200 OK\r\n\r\n"));
    assert!(!close("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n"));
    let both = read(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap().0;
    assert!(both.close && both.doubtful);
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    for (text, expected) in [
        ("HTTP/2.0 200 OK\r\n\r\n", Broken::StatusLine),
        ("HTTP/1.1 20 OK\r\n\r\n", Broken::StatusLine),
        ("HTTP/1.1 2000\r\n\r\n", Broken::StatusLine),
        ("HTTP/1.1 099 No\r\n\r\n", Broken::StatusLine),
        ("ICY 200 OK\r\n\r\n", Broken::StatusLine),
        ("HTTP/1.1 200 OK\r\nName : x\r\n\r\n", Broken::Field),
        ("HTTP/1.1 200 OK\r\n: x\r\n\r\n", Broken::Field),
        ("HTTP/1.1 200 OK\r\nname\r\n\r\n", Broken::Field),
        ("HTTP/1.1 200 OK\r\nname: a\rb\r\n\r\n", Broken::Field),
        ("HTTP/1.1 200 OK\r\nname: a\r\n b\r\n\r\n", Broken::Fold),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\n", Broken::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", Broken::Length),
        ("HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n", Broken::Length),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Broken::Coding),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", Broken::Coding),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Broken::Coding),
    ] {
        assert_eq!(read(text.as_bytes()).err(), Some(expected), "{text}");
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(257));
    assert_eq!(read(many.as_bytes()).err(), Some(Broken::Fields));
    assert!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n").is_ok(), "the same twice");
}

#[test]
fn bodies_end_where_their_heads_say() {
    let limits = Limits::default();
    let of = |text: &str, headless| read(text.as_bytes()).unwrap().0.body(headless, &limits);
    let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert!(of(sized, true).ended() && of(&sized.replace("200", "304"), false).ended());
    assert_eq!(whole(of(sized, false), b"helloHTTP", 2).unwrap(), (b"hello".to_vec(), vec![], 4));
    assert_eq!(whole(of("HTTP/1.1 200 OK\r\n\r\n", false), b"all", 1).unwrap(), (b"all".to_vec(), vec![], 0));
    let chunks = b"5;x=y\r\nhello\r\n3 \nabc\n0\r\nX-Sum: 1\r\n\r\nnext";
    for piece in 1..chunks.len() {
        let expected = (b"helloabc".to_vec(), vec!["X-Sum".to_string()], 4);
        assert_eq!(whole(Body::chunked(&limits), chunks, piece).unwrap(), expected, "{piece}");
    }
}

#[test]
fn broken_chunks_are_refused() {
    let refused = |text: &[u8]| whole(Body::chunked(&Limits::default()), text, 7).err();
    assert_eq!(refused(b"x\r\n"), Some(Broken::Chunk));
    assert_eq!(refused(b"\r\n"), Some(Broken::Chunk));
    assert_eq!(refused(b"11111111111111111\r\n"), Some(Broken::Chunk));
    assert_eq!(refused(&[b'1'; 5000]), Some(Broken::Chunk));
    assert_eq!(refused(b"1\r\nab"), Some(Broken::ChunkEnd));
    assert_eq!(refused(b"0\r\nname\r\n\r\n"), Some(Broken::Trailer));
    let trailers = format!("0\r\n{}\r\n", "a: b\r\n".repeat(2000));
    assert_eq!(refused(trailers.as_bytes()), Some(Broken::Trailer));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_an_answer_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut searched = 0;
        if let Some(end) = end(&bytes, &mut searched) {
            let _ = read(&bytes[..end]);
        }
        let _ = read(&bytes);
        let _ = whole(Body::chunked(&Limits::default()), &bytes, 5);
    }

    #[test]
    fn the_end_of_a_head_does_not_depend_on_the_pieces(
        text in "[a\r\n]{0,40}", cut in 0..40_usize
    ) {
        let bytes = text.as_bytes();
        let at_once = end(bytes, &mut 0);
        let (cut, mut searched) = (cut.min(bytes.len()), 0);
        let first = end(&bytes[..cut], &mut searched);
        let in_pieces = first.or_else(|| end(bytes, &mut searched));
        prop_assert_eq!(at_once, in_pieces);
    }

    #[test]
    fn chunks_do_not_depend_on_the_pieces(
        list in proptest::collection::vec("[a-z\r\n]{1,9}", 0..6), piece in 1..9_usize
    ) {
        let mut text = String::new();
        for data in &list {
            text.push_str(&format!("{:x}\r\n{data}\r\n", data.len()));
        }
        text.push_str("0\r\n\r\nrest");
        let (data, _, left) = whole(Body::chunked(&Limits::default()), text.as_bytes(), piece).unwrap();
        prop_assert_eq!((data, left), (list.concat().into_bytes(), 4));
    }
}
