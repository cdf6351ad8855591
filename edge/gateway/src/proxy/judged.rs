//! What of a request's body is judged: how rules read it, how much is held back for them, and its content coding.

use crate::page;
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use std::io::Read;

/// How rules read a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Arguments are taken out of it: a form, JSON, XML.
    Fields,
    /// The same, with files in between: judged whole, since fields may stand behind a file.
    Files,
    /// A stream of gRPC messages.
    Grpc,
    /// Nothing is taken out of it: an upload.
    Other,
}

impl Kind {
    /// By the content type; gRPC is only believed where the origin speaks it.
    pub(super) fn of(headers: &HeaderMap, grpc: bool) -> Kind {
        if grpc && page::is_grpc(headers) {
            return Kind::Grpc;
        }
        let value = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        // Where readers stop differs: PHP does at a comma or a blank, too.
        let value = value.trim_ascii();
        let end = value.iter().position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t'));
        let kind = value[..end.unwrap_or(value.len())].to_ascii_lowercase();
        let is = |end: &str| kind.ends_with(end.as_bytes());
        match () {
            () if kind.starts_with(b"multipart/") => Kind::Files,
            () if is("/x-www-form-urlencoded") || is("json") || is("xml") || is("/graphql") => Kind::Fields,
            () => Kind::Other,
        }
    }
}

/// A body as rules are to see it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// These bytes; false when more follow.
    Text(Bytes, bool),
    /// Its coding is not one that is read here, or it is not what it says.
    Unreadable,
}

/// Takes a body out of its content coding (RFC 9110 §8.4): an origin may do so, and rules would see noise. At most `most` bytes
/// are made of it.
pub(super) fn plain(headers: &HeaderMap, body: Bytes, whole: bool, most: u64) -> Plain {
    let values =
        headers.get_all(CONTENT_ENCODING).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let codings = values.map(|coding| coding.trim_ascii().to_ascii_lowercase());
    let codings: Vec<Vec<u8>> = codings.filter(|coding| !coding.is_empty() && coding != b"identity").collect();
    let read = match codings.as_slice() {
        [] => return cut(body, whole, most),
        [coding] => match coding.as_slice() {
            b"gzip" | b"x-gzip" => decoded(MultiGzDecoder::new(&body[..]), whole, most),
            // RFC 9110 means zlib; some senders leave its frame out.
            b"deflate" if is_zlib(&body) => decoded(ZlibDecoder::new(&body[..]), whole, most),
            b"deflate" => decoded(DeflateDecoder::new(&body[..]), whole, most),
            _ => None,
        },
        _ => None,
    };
    read.map_or(Plain::Unreadable, |(text, whole)| cut(text.into(), whole, most))
}

fn cut(body: Bytes, whole: bool, most: u64) -> Plain {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if body.len() > most { Plain::Text(body.slice(..most), false) } else { Plain::Text(body, whole) }
}

fn decoded(decoder: impl Read, whole: bool, most: u64) -> Option<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    match decoder.take(most.saturating_add(1)).read_to_end(&mut text) {
        Ok(_) => Some((text, whole)),
        // What is cut ends too early; what stood before is there.
        Err(_) if !whole => Some((text, false)),
        Err(_) => None,
    }
}

/// Whether a text begins with the two bytes of a zlib stream (RFC 1950 §2.2).
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn headers(list: &[(hyper::header::HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_content_type_says_how_a_body_is_read() {
        for (kind, grpc, expected) in [
            ("application/x-www-form-urlencoded; charset=utf-8", false, Kind::Fields),
            ("Application/JSON", false, Kind::Fields),
            (" application/x-www-form-urlencoded, text/plain", false, Kind::Fields),
            ("application/problem+json", false, Kind::Fields),
            ("text/xml", false, Kind::Fields),
            ("multipart/form-data; boundary=x", false, Kind::Files),
            ("application/grpc+proto", true, Kind::Grpc),
            ("application/grpc", false, Kind::Other),
            ("image/png", true, Kind::Other),
        ] {
            assert_eq!(Kind::of(&headers(&[(CONTENT_TYPE, kind)]), grpc), expected, "{kind}");
        }
        assert_eq!(Kind::of(&HeaderMap::new(), true), Kind::Other);
    }

    #[test]
    fn codings_are_taken_off_within_bounds() {
        let text = b"id=1 union select ".repeat(1000);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&text).unwrap();
        zlib.write_all(&text).unwrap();
        raw.write_all(&text).unwrap();
        let gzip = Bytes::from(gzip.finish().unwrap());
        let coded = [
            ("gzip", gzip.clone()),
            ("deflate", zlib.finish().unwrap().into()),
            ("Deflate", raw.finish().unwrap().into()),
        ];
        for (coding, body) in coded {
            let headers = headers(&[(CONTENT_ENCODING, coding)]);
            assert_eq!(
                plain(&headers, body.clone(), true, 1 << 20),
                Plain::Text(text.clone().into(), true),
                "{coding}"
            );
            assert_eq!(plain(&headers, body, true, 100), Plain::Text(text[..100].to_vec().into(), false), "{coding}");
        }
        let coding = |coding| headers(&[(CONTENT_ENCODING, coding)]);
        let half = gzip.slice(..gzip.len() / 2);
        assert_eq!(plain(&coding("gzip"), half.clone(), true, 1 << 20), Plain::Unreadable);
        assert!(
            matches!(plain(&coding("gzip"), half, false, 1 << 20), Plain::Text(text, false) if text.starts_with(b"id=1 "))
        );
        for odd in ["br", "gzip, gzip", "gzip, deflate"] {
            assert_eq!(plain(&coding(odd), gzip.clone(), true, 1 << 20), Plain::Unreadable, "{odd}");
        }
        assert_eq!(plain(&coding("identity"), "ab".into(), true, 9), Plain::Text("ab".into(), true));
        assert_eq!(plain(&HeaderMap::new(), "abc".into(), true, 2), Plain::Text("ab".into(), false));
    }

    proptest::proptest! {
        #[test]
        fn hostile_bodies_never_panic(body: Vec<u8>, gzip: bool, whole: bool) {
            let headers = headers(&[(CONTENT_ENCODING, if gzip { "gzip" } else { "deflate" })]);
            if let Plain::Text(text, _) = plain(&headers, body.into(), whole, 1000) {
                proptest::prop_assert!(text.len() <= 1000);
            }
        }
    }
}
