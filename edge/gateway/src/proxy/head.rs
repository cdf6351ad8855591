//! Heads of messages: what belongs to one connection stays there, and the origin learns who asked.

use bytes::{BufMut, BytesMut};
use hyper::HeaderMap;
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, EXPECT, Entry, FORWARDED, HOST, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
    UPGRADE,
};
use std::net::IpAddr;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHORIZATION: HeaderName = HeaderName::from_static("proxy-authorization");
const PROXY_AUTHENTICATE: HeaderName = HeaderName::from_static("proxy-authenticate");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
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

/// Removes fields that imitate one that frames, routes or names the client: to programs behind CGI-like interfaces, `_` and `-`
/// are one, so that `X_Forwarded_For` would be believed beside ours.
fn strip_imitations(headers: &mut HeaderMap) {
    let imitates = |name: &&HeaderName| {
        let text = name.as_str();
        text.contains('_') && {
            let spelt = text.replace('_', "-");
            END_TO_END.contains(&spelt.as_str()) || matches!(spelt.as_str(), "transfer-encoding" | "x-forwarded-port")
        }
    };
    let named: Vec<HeaderName> = headers.keys().filter(imitates).cloned().collect();
    for name in named {
        headers.remove(name);
    }
}

/// Removes what belongs to the connection (RFC 9110 §7.6.1). `TE: trailers` stays: gRPC needs it.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .filter(|name| *name != TE && !END_TO_END.contains(&name.as_str()))
            .collect();
        headers.remove(CONNECTION);
        for name in named {
            headers.remove(name);
        }
    }
    for name in [
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

/// Sets `Host`, `X-Forwarded-*`, `X-Real-IP` and `Forwarded` (RFC 7239). What an untrusted client says of them is dropped.
pub(crate) fn tell_origin(headers: &mut HeaderMap, asked: &Asked<'_>) {
    strip_imitations(headers);
    headers.insert(HOST, asked.host.clone());
    let client = if asked.client == asked.peer { asked.peer_text.clone() } else { text(&asked.client.to_string()) };
    headers.insert(X_REAL_IP, client);
    let scheme = if asked.tls { "https" } else { "http" };
    let element = forwarded(asked, scheme);
    if asked.trusted {
        append(headers, X_FORWARDED_FOR, asked.peer_text.clone());
        append(headers, FORWARDED, element);
        if let Entry::Vacant(proto) = headers.entry(X_FORWARDED_PROTO) {
            proto.insert(HeaderValue::from_static(scheme));
        }
        if let Entry::Vacant(host) = headers.entry(X_FORWARDED_HOST) {
            host.insert(asked.host.clone());
        }
    } else {
        headers.insert(X_FORWARDED_FOR, asked.peer_text.clone());
        headers.insert(FORWARDED, element);
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
        headers.insert(X_FORWARDED_HOST, asked.host.clone());
        headers.remove(X_FORWARDED_PORT);
    }
    if asked.plain {
        headers.remove(ACCEPT_ENCODING);
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

/// Adds to a list field, in one line.
fn append(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let mut list = BytesMut::new();
    for before in headers.get_all(&name) {
        list.put_slice(before.as_bytes());
        list.put_slice(b", ");
    }
    if list.is_empty() {
        headers.insert(name, value);
        return;
    }
    list.put_slice(value.as_bytes());
    headers.insert(name, HeaderValue::from_maybe_shared(list.freeze()).unwrap_or(value));
}

fn forwarded(asked: &Asked<'_>, scheme: &str) -> HeaderValue {
    let mut element = BytesMut::with_capacity(96);
    match asked.peer {
        IpAddr::V4(_) => {
            element.put_slice(b"for=");
            element.put_slice(asked.peer_text.as_bytes());
        }
        IpAddr::V6(_) => {
            element.put_slice(b"for=\"[");
            element.put_slice(asked.peer_text.as_bytes());
            element.put_slice(b"]\"");
        }
    }
    element.put_slice(b";proto=");
    element.put_slice(scheme.as_bytes());
    // A host with a quote in it would end the text early.
    if !asked.host.as_bytes().iter().any(|byte| matches!(byte, b'"' | b'\\')) {
        element.put_slice(b";host=\"");
        element.put_slice(asked.host.as_bytes());
        element.put_u8(b'"');
    }
    HeaderValue::from_maybe_shared(element.freeze()).unwrap_or(HeaderValue::from_static(""))
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
        let mut found = headers(&lie);
        tell_origin(&mut found, &asked);
        assert_eq!(found["x-forwarded-for"], "192.0.2.7");
        assert_eq!(found["forwarded"], "for=192.0.2.7;proto=https;host=\"shop.example:8443\"");
        assert_eq!(found["x-real-ip"], "192.0.2.7");
        assert_eq!(found["x-forwarded-proto"], "https");
        assert!(found.keys().all(|name| !name.as_str().contains('_') || name == "x_other"), "{found:?}");
        asked.trusted = true;
        asked.client = "1.1.1.1".parse().unwrap();
        let mut found = headers(&lie);
        tell_origin(&mut found, &asked);
        assert_eq!(found["x-forwarded-for"], "1.1.1.1, 192.0.2.7");
        assert_eq!(found["forwarded"], "for=1.1.1.1, for=192.0.2.7;proto=https;host=\"shop.example:8443\"");
        assert_eq!(found["x-real-ip"], "1.1.1.1");
    }
}
