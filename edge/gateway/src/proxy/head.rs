//! Heads of messages: what belongs to one connection stays there, and the origin learns who asked.

use hyper::header::{
    CONNECTION, EXPECT, Entry, FORWARDED, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{HeaderMap, Method, Uri};
use std::net::IpAddr;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHORIZATION: HeaderName = HeaderName::from_static("proxy-authorization");
const PROXY_AUTHENTICATE: HeaderName = HeaderName::from_static("proxy-authenticate");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Fields that never belong to one connection, whatever `Connection` says: removing them changes what the request is.
const END_TO_END: &[&str] = &[
    "host",
    "authorization",
    "cookie",
    "content-length",
    "content-type",
    "content-encoding",
    "content-range",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-real-ip",
    "origin",
    "referer",
    "user-agent",
];

/// Whether a field imitates one that frames, routes or names the client: to programs behind CGI-like interfaces, `_` and `-`
/// are one, so that `X_Forwarded_For` would be believed beside ours.
fn imitates(name: &str) -> bool {
    name.contains('_') && {
        let spelt = name.replace('_', "-");
        END_TO_END.contains(&spelt.as_str()) || matches!(spelt.as_str(), "transfer-encoding" | "x-forwarded-port")
    }
}

/// Whether a field belongs to the connection by its name (RFC 9110 §7.6.1); `TE` does so by its value.
pub(crate) fn hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authorization"
            | "proxy-authenticate"
            | "http2-settings"
            | "transfer-encoding"
            | "upgrade"
            | "expect"
    )
}

/// Whether a field may stand in heads only, because what it says is needed before the body or is of one connection.
pub(crate) fn in_heads_only(name: &str) -> bool {
    hop_by_hop(name) || matches!(name, "te" | "trailer") || END_TO_END.contains(&name)
}

/// The fields that a value of `Connection` names, beside those that belong to connections anyway.
pub(crate) fn named(value: &[u8]) -> impl Iterator<Item = HeaderName> + '_ {
    let words = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let words = words.filter(|word| !word.eq_ignore_ascii_case(b"keep-alive") && !word.eq_ignore_ascii_case(b"close"));
    let names = words.filter_map(|word| HeaderName::from_bytes(word).ok());
    names.filter(|name| *name != TE && !END_TO_END.contains(&name.as_str()))
}

/// Removes what belongs to the connection (RFC 9110 §7.6.1). `TE: trailers` stays: gRPC needs it.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers.get_all(CONNECTION).iter().flat_map(|value| named(value.as_bytes())).collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        PROXY_AUTHORIZATION,
        PROXY_AUTHENTICATE,
        HTTP2_SETTINGS,
        TRANSFER_ENCODING,
        UPGRADE,
        EXPECT,
    ] {
        headers.remove(name);
    }
    if let Entry::Occupied(te) = headers.entry(TE)
        && !te.get().as_bytes().eq_ignore_ascii_case(b"trailers")
    {
        te.remove_entry_mult();
    }
}

/// Who asked, and how, for the origin.
pub(crate) struct Asked<'r> {
    /// The client.
    pub(crate) client: IpAddr,
    /// The other end of the connection.
    pub(crate) peer: IpAddr,
    /// The same as the value of a field.
    pub(crate) peer_text: &'r HeaderValue,
    /// What the other end says of earlier hops is believed.
    pub(crate) trusted: bool,
    /// Came over TLS.
    pub(crate) tls: bool,
    /// Host with port as asked for.
    pub(crate) host: &'r HeaderValue,
    /// Answers will be judged, so they must not be compressed.
    pub(crate) plain: bool,
}

/// Gives the fields of a request one after the other as the origin is to get them: without what belongs to the client's
/// connection, and with `Host`, `X-Forwarded-*`, `X-Real-IP` and `Forwarded` (RFC 7239) as they are. What an untrusted client
/// says of these is dropped.
pub(crate) fn onward(headers: &HeaderMap, asked: &Asked<'_>, mut each: impl FnMut(&HeaderName, &[u8])) {
    each(&HOST, asked.host.as_bytes());
    let named: Vec<HeaderName> = headers.get_all(CONNECTION).iter().flat_map(|value| named(value.as_bytes())).collect();
    let (mut proto, mut host, mut trailers) = (false, false, false);
    for (name, value) in headers {
        let passed = match name.as_str() {
            "host" | "x-real-ip" | "x-forwarded-for" | "forwarded" => false,
            "x-forwarded-proto" => {
                proto |= asked.trusted;
                asked.trusted
            }
            "x-forwarded-host" => {
                host |= asked.trusted;
                asked.trusted
            }
            "x-forwarded-port" => asked.trusted,
            "accept-encoding" => !asked.plain,
            // gRPC needs it.
            "te" => !std::mem::replace(&mut trailers, true) && value.as_bytes().eq_ignore_ascii_case(b"trailers"),
            text => !hop_by_hop(text) && !imitates(text),
        };
        if passed && (named.is_empty() || !named.contains(name)) {
            each(name, value.as_bytes());
        }
    }
    tell_origin(headers, asked, (proto, host), each);
}

/// Who asked, and how; `proto` and `host` are told by a proxy of ours already.
fn tell_origin(
    headers: &HeaderMap,
    asked: &Asked<'_>,
    (proto, host): (bool, bool),
    mut each: impl FnMut(&HeaderName, &[u8]),
) {
    if asked.client == asked.peer {
        each(&X_REAL_IP, asked.peer_text.as_bytes());
    } else {
        each(&X_REAL_IP, asked.client.to_string().as_bytes());
    }
    let scheme = if asked.tls { "https" } else { "http" };
    let mut list = Vec::with_capacity(96);
    let earlier = |name: &HeaderName, list: &mut Vec<u8>| {
        list.clear();
        if asked.trusted {
            for before in headers.get_all(name) {
                list.extend_from_slice(before.as_bytes());
                list.extend_from_slice(b", ");
            }
        }
    };
    earlier(&X_FORWARDED_FOR, &mut list);
    list.extend_from_slice(asked.peer_text.as_bytes());
    each(&X_FORWARDED_FOR, &list);
    if !proto {
        each(&X_FORWARDED_PROTO, scheme.as_bytes());
    }
    if !host {
        each(&X_FORWARDED_HOST, asked.host.as_bytes());
    }
    earlier(&FORWARDED, &mut list);
    forwarded(&mut list, asked, scheme);
    each(&FORWARDED, &list);
}

/// One element of `Forwarded`.
fn forwarded(list: &mut Vec<u8>, asked: &Asked<'_>, scheme: &str) {
    let (before, behind): (&[u8], &[u8]) = if asked.peer.is_ipv4() { (b"for=", b"") } else { (b"for=\"[", b"]\"") };
    for part in [before, asked.peer_text.as_bytes(), behind, b";proto=", scheme.as_bytes()] {
        list.extend_from_slice(part);
    }
    // A host with a quote in it would end the text early.
    if !asked.host.as_bytes().iter().any(|byte| matches!(byte, b'"' | b'\\')) {
        for part in [b";host=\"", asked.host.as_bytes(), b"\""] {
            list.extend_from_slice(part);
        }
    }
}

/// Begins a head of HTTP/1.1 with its request line; the target is in origin form (RFC 9112 §3.2.1).
pub(crate) fn first_line(method: &Method, target: &Uri) -> Vec<u8> {
    // What most heads fit in, and small enough for the allocator's fast lists.
    let mut head = Vec::with_capacity(1024);
    let target = target.path_and_query().map_or("/", |target| target.as_str());
    for part in [method.as_str(), " ", if target.is_empty() { "/" } else { target }, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    head
}

/// Writes a field as a line of a head.
pub(crate) fn line(head: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    head.extend_from_slice(name.as_str().as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn onward(headers: &HeaderMap, asked: &Asked<'_>) -> HeaderMap {
        let mut found = HeaderMap::new();
        super::onward(headers, asked, |name, value| {
            found.append(name, HeaderValue::from_bytes(value).unwrap());
        });
        found
    }

    #[test]
    fn what_belongs_to_the_connection_stays_there() {
        let mut found = headers(&[
            ("connection", "close, X-Private"),
            ("connection", "host , cookie"),
            ("x-private", "1"),
            ("host", "a"),
            ("cookie", "c=1"),
            ("te", "gzip, trailers"),
            ("transfer-encoding", "chunked"),
            ("expect", "100-continue"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAA"),
            ("x-kept", "1"),
        ]);
        strip_hop_by_hop(&mut found);
        let mut left: Vec<_> = found.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cookie", "host", "x-kept"]);
        let mut found = headers(&[("te", "trailers"), ("connection", "te")]);
        strip_hop_by_hop(&mut found);
        assert_eq!(found["te"], "trailers");
    }

    #[test]
    fn origins_learn_who_asked_and_clients_cannot_lie_about_it() {
        let lie = [
            ("x-forwarded-for", "1.1.1.1"),
            ("forwarded", "for=1.1.1.1"),
            ("x-real-ip", "1.1.1.1"),
            ("x_forwarded_for", "1.1.1.1"),
            ("x-forwarded_proto", "https"),
            ("x_other", "kept"),
        ];
        let (peer_text, host) = (HeaderValue::from_static("192.0.2.7"), HeaderValue::from_static("shop.example:8443"));
        let mut asked = Asked {
            client: "192.0.2.7".parse().unwrap(),
            peer: "192.0.2.7".parse().unwrap(),
            peer_text: &peer_text,
            trusted: false,
            tls: true,
            host: &host,
            plain: false,
        };
        let found = onward(&headers(&lie), &asked);
        assert_eq!(found["x-forwarded-for"], "192.0.2.7");
        assert_eq!(found["forwarded"], "for=192.0.2.7;proto=https;host=\"shop.example:8443\"");
        assert_eq!(found["x-real-ip"], "192.0.2.7");
        assert_eq!(found["x-forwarded-proto"], "https");
        assert!(found.keys().all(|name| !name.as_str().contains('_') || name == "x_other"), "{found:?}");
        asked.trusted = true;
        asked.client = "1.1.1.1".parse().unwrap();
        let found = onward(&headers(&lie), &asked);
        assert_eq!(found["x-forwarded-for"], "1.1.1.1, 192.0.2.7");
        assert_eq!(found["forwarded"], "for=1.1.1.1, for=192.0.2.7;proto=https;host=\"shop.example:8443\"");
        assert_eq!(found["x-real-ip"], "1.1.1.1");
    }
}
