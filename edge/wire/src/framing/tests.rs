//! Tests of the framing guard: what must pass, what must not, and that no split of the bytes changes the verdict.

use super::*;
use proptest::prelude::*;

fn judge(bytes: &[u8]) -> Result<Progress, Refusal> {
    Guard::new(Limits::default()).feed(bytes)
}

fn kind(bytes: &[u8]) -> Option<Kind> {
    judge(bytes).err().map(|refusal| refusal.kind)
}

#[test]
fn ordinary_requests_pass_across_keep_alive_and_pipelining() {
    let stream = b"GET /a?b=c HTTP/1.1\r\nHost: a.example:8080\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n\
        POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
        POST /chunks HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n\
        \r\nOPTIONS * HTTP/1.1\r\nHost:\r\n\r\n\
        GET http://a/ HTTP/1.1\r\nHost: A\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    let mut guard = Guard::new(Limits::default());
    assert_eq!(guard.feed(stream), Ok(Progress::Idle));
    let heads: Vec<Head> = std::iter::from_fn(|| guard.take_head()).collect();
    assert_eq!(heads.len(), 6);
    assert_eq!(heads[0].names, b"Host,User-Agent,Accept,");
    assert_eq!(heads[0].range, 0..73);
    assert_eq!(heads[1].body, Body::Length(5));
    assert_eq!(heads[2].body, Body::Chunked);
    assert!(heads[5].http10);
    for head in &heads {
        let text = &stream[head.range.start as usize..head.range.end as usize];
        assert!(text.ends_with(b"\r\n\r\n"), "{:?}", String::from_utf8_lossy(text));
    }
    assert_eq!(guard.seen(), stream.len() as u64);
}

#[test]
fn progress_says_which_clock_runs() {
    let mut guard = Guard::new(Limits::default());
    assert_eq!(guard.feed(b""), Ok(Progress::Idle));
    assert_eq!(guard.feed(b"G"), Ok(Progress::Head));
    assert_eq!(guard.feed(b"ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"), Ok(Progress::Head));
    assert_eq!(guard.feed(b"\r\nab"), Ok(Progress::Body));
    assert_eq!(guard.feed(b"c"), Ok(Progress::Idle));
    assert_eq!(guard.feed(b"\r\n"), Ok(Progress::Head));
    let upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(guard.feed(upgrade), Ok(Progress::Idle));
    let heads: Vec<Head> = std::iter::from_fn(|| guard.take_head()).collect();
    assert!(heads[1].upgrade && !heads[0].upgrade);
    guard.upgraded();
    assert_eq!(guard.feed(b"\0\x01\n\n"), Ok(Progress::Opaque));
}

/// A request with the given head lines.
fn with(lines: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n").into_bytes()
}

#[test]
fn every_way_to_smuggle_is_refused_by_name() {
    let cases: &[(&str, Kind)] = &[
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", Kind::LengthConflict),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3", Kind::LengthConflict),
        ("Content-Length: 3\r\nContent-Length: 4", Kind::ContentLengthRepeated),
        ("Content-Length: 3\r\nContent-Length: 3", Kind::ContentLengthRepeated),
        ("Content-Length: 3, 3", Kind::ContentLength),
        ("Content-Length: +3", Kind::ContentLength),
        ("Content-Length: 0x3", Kind::ContentLength),
        ("Content-Length:", Kind::ContentLength),
        ("Content-Length: 18446744073709551617", Kind::ContentLength),
        ("Transfer-Encoding: xchunked", Kind::TransferEncoding),
        ("Transfer-Encoding: gzip, chunked", Kind::TransferEncoding),
        ("Transfer-Encoding: chunked, chunked", Kind::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", Kind::TransferEncoding),
        ("Transfer-Encoding: \"chunked\"", Kind::TransferEncoding),
        ("Transfer-Encoding:", Kind::TransferEncoding),
        ("Transfer-Encoding: \x0bchunked", Kind::FieldValue),
        ("Transfer-Encoding : chunked", Kind::SpaceBeforeColon),
        ("Transfer-Encoding\t: chunked", Kind::SpaceBeforeColon),
        ("Transfer_Encoding: chunked", Kind::AliasedName),
        ("CONTENT_LENGTH: 3", Kind::AliasedName),
        ("X: a\r\n Transfer-Encoding: chunked", Kind::Fold),
        ("X: a\r\n\tb", Kind::Fold),
        ("X: a\rTransfer-Encoding: chunked", Kind::BareCr),
        ("X: a\nTransfer-Encoding: chunked", Kind::BareLf),
        ("X: a\0", Kind::FieldValue),
        ("X: \x1b", Kind::FieldValue),
        ("X\0: a", Kind::FieldName),
        (": a", Kind::FieldName),
        ("X", Kind::FieldName),
        ("\"X\": a", Kind::FieldName),
        ("Host: b", Kind::HostRepeated),
        ("Connection: close, Content-Length", Kind::ConnectionOption),
        ("Connection: transfer-encoding", Kind::ConnectionOption),
    ];
    for (lines, expected) in cases {
        assert_eq!(kind(&with(lines)), Some(*expected), "{lines:?}");
    }
}

#[test]
fn request_lines_that_are_none_are_refused() {
    let cases: &[(&[u8], Kind)] = &[
        (b"GET /\r\n\r\n", Kind::RequestLine),
        (b"GET  / HTTP/1.1\r\n\r\n", Kind::RequestLine),
        (b"GET / HTTP/1.1 \r\n\r\n", Kind::RequestLine),
        (b" GET / HTTP/1.1\r\n\r\n", Kind::Fold),
        (b"G(T / HTTP/1.1\r\n\r\n", Kind::Method),
        (b"GET\t/ HTTP/1.1\r\n\r\n", Kind::RequestLine),
        (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"GET http://b@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"CONNECT a:0 HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Target),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", Kind::Version),
        (b"GET / http/1.1\r\nHost: a\r\n\r\n", Kind::Version),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Kind::Version),
        (b"GET / HTTP/1.1\r\n\r\n", Kind::HostMissing),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Kind::Host),
        (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Kind::Host),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 3\r\n\r\n", Kind::ConnectBody),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", Kind::EmptyLines),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Kind::TransferEncoding),
    ];
    for (bytes, expected) in cases {
        assert_eq!(kind(bytes), Some(*expected), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn chunks_that_are_none_are_refused() {
    let cases: &[(&[u8], Kind)] = &[
        (b"\r\n", Kind::ChunkSize),
        (b"0x5\r\n", Kind::ChunkSize),
        (b"-1\r\n", Kind::ChunkSize),
        (b" 5\r\n", Kind::ChunkSize),
        (b"5 \r\n", Kind::ChunkSize),
        (b"g\r\n", Kind::ChunkSize),
        (b"8000000000000000\r\n", Kind::ChunkSize),
        (b"00000000000000005\r\n", Kind::ChunkSize),
        (b"5\n", Kind::BareLf),
        (b"5;a\rb\r\n", Kind::BareCr),
        (b"5;a\nb\r\n", Kind::BareLf),
        (b"5;\0\r\n", Kind::ChunkExtension),
        (b"1\r\nab\r\n", Kind::ChunkEnd),
        (b"1\r\na\n", Kind::ChunkEnd),
        (b"1\r\na\r\r", Kind::ChunkEnd),
        (b"0\r\nContent-Length: 3\r\n\r\n", Kind::Trailer),
        (b"0\r\nhost: b\r\n\r\n", Kind::Trailer),
        (b"0\r\n fold: b\r\n\r\n", Kind::Fold),
    ];
    for (body, expected) in cases {
        let bytes = [&with("Transfer-Encoding: chunked")[..], body].concat();
        assert_eq!(kind(&bytes), Some(*expected), "{:?}", String::from_utf8_lossy(body));
    }
}

#[test]
fn what_grows_has_a_limit() {
    let limits = Limits { heads: 3, fields: 4, ..Limits::default() };
    let mut guard = Guard::new(limits);
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(guard.feed(&get.repeat(3)), Ok(Progress::Idle));
    assert_eq!(guard.take_head().map(|head| head.range), Some(0..27));
    assert_eq!(guard.feed(get), Ok(Progress::Idle));
    let refused = guard.feed(get).unwrap_err();
    assert_eq!((refused.kind, refused.message), (Kind::Pipeline, 4 * 27));
    assert_eq!(guard.feed(get), Err(refused), "a refusal is final");
    guard.upgraded();
    assert_eq!(guard.feed(get), Err(refused));

    let fields = Guard::new(limits).feed(&with("A: 1\r\nB: 1\r\nC: 1\r\nD: 1")).unwrap_err();
    assert_eq!(fields.kind, Kind::TooManyFields);
    assert_eq!(kind(&[b"GET /", &[b'a'; 20_000][..], b" HTTP/1.1\r\n"].concat()), Some(Kind::TargetTooLong));
    assert_eq!(kind(&[b'a'; 33_000]), Some(Kind::LineTooLong));
    let wide = format!("X: {}\r\n", "a".repeat(20_000)).repeat(4);
    assert_eq!(kind(&with(&wide)), Some(Kind::HeadTooLarge));
    let chunked = with("Transfer-Encoding: chunked");
    let bomb = [&chunked[..], &b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nb\r\n".repeat(100)].concat();
    assert_eq!(kind(&bomb), Some(Kind::ChunkExtension));
    let long = [&chunked[..], b"1;", &[b'a'; 5000][..]].concat();
    assert_eq!(kind(&long), Some(Kind::ChunkExtension), "before the line ends");
    let trailers = [&chunked[..], b"0\r\n", &b"A: 1\r\n".repeat(2000)].concat();
    assert_eq!(kind(&trailers), Some(Kind::Trailer));
}

#[test]
fn what_came_before_a_refused_message_is_sound() {
    let good = with("Content-Length: 2");
    let stream = [&good[..], b"hi", b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n"].concat();
    let refusal = judge(&stream).unwrap_err();
    assert_eq!(refusal.message, good.len() as u64 + 2);
    assert_eq!(refusal.at, refusal.message + 16);
    assert_eq!(judge(&stream[..refusal.message as usize]), Ok(Progress::Idle));
}

/// Pieces of requests, good and bad, so that random streams reach every state.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"GET / HTTP/1.1\r\n",
        b"POST /a HTTP/1.1\r\n",
        b"Host: a\r\n",
        b"Content-Length: 4\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"X-A: b\r\n",
        b"\r\n",
        b"4\r\n",
        b"abcd",
        b"abcd\r\n",
        b"0\r\n",
        b"0\r\n\r\n",
        b"4;a=b\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
        b"\r",
        b"\n",
        b" ",
        b":",
    ];
    prop_oneof![
        8 => proptest::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #[test]
    fn any_split_gives_the_same_verdict(
        pieces in proptest::collection::vec(piece(), 0..24),
        cuts in proptest::collection::vec(1_usize..40, 1..60),
    ) {
        let stream = pieces.concat();
        let limits = Limits { line_bytes: 60, head_bytes: 120, extension_bytes: 8, trailer_bytes: 24, heads: 4, fields: 4, ..Limits::default() };
        let (mut whole, mut parts) = (Guard::new(limits), Guard::new(limits));
        let verdict = whole.feed(&stream);
        let mut rest = &stream[..];
        let mut last = parts.feed(b"");
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            last = parts.feed(now);
            rest = later;
        }
        prop_assert_eq!(last, verdict);
        loop {
            let (one, other) = (whole.take_head(), parts.take_head());
            prop_assert_eq!(&one, &other);
            if one.is_none() {
                break;
            }
        }
        if let Err(refusal) = verdict {
            prop_assert!(refusal.message <= refusal.at && refusal.at <= stream.len() as u64);
            let mut before = Guard::new(limits);
            prop_assert!(before.feed(&stream[..refusal.message as usize]).is_ok());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = judge(&bytes);
    }
}
