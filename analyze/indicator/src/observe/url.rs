//! URLs of requests, in canonical form without their scheme.

use super::{Observer, Seen};
use crate::{Key, Kind, canonical};

/// What a record of a web server or proxy says of a request.
#[derive(Debug, Default)]
pub(super) struct Request<'l> {
    pub host: Option<(&'l str, &'l str)>,
    pub uri: Option<(&'l str, &'l str)>,
    pub query: Option<&'l str>,
}

impl Observer {
    /// A whole URL, and the host it names.
    pub(super) fn url(&mut self, text: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        let Some((scheme, rest)) = text.split_once("://") else { return };
        // The URL standard reads any number of slashes, and backslashes, as the two.
        let rest = rest.trim_start_matches(['/', '\\']);
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
            self.location(authority, path, "", field, take);
        } else if let Ok(value) = canonical(Kind::Url, text) {
            let key = Key::of(Kind::Url, &value);
            take(&Seen { kind: Kind::Url, value: &value, key, address: None, field });
        }
        self.host(authority.rsplit('@').next().unwrap_or_default(), field, take);
    }

    /// The URL that a record puts together from its host, path and query.
    pub(super) fn request(&mut self, request: &Request<'_>, take: &mut impl FnMut(&Seen<'_>)) {
        let Some((field, uri)) = request.uri else { return };
        if uri.contains("://") && !uri.starts_with('/') {
            return self.url(uri, field, take);
        }
        if let Some((_, host)) = request.host {
            let query = request.query.filter(|query| !query.is_empty() && *query != "-").unwrap_or_default();
            self.location(host, uri, query, field, take);
        }
    }

    /// Authority, path and query: as they are where every byte of them is plain, else through the URL standard's
    /// parser.
    fn location(&mut self, authority: &str, path: &str, query: &str, field: &str, take: &mut impl FnMut(&Seen<'_>)) {
        if authority.is_empty() || authority.len() + path.len() + query.len() > crate::limits::VALUE_BYTES {
            return;
        }
        let path = path.split_once('#').map_or(path, |(path, _)| path);
        self.buffer.clear();
        if plain_authority(authority) && plain_path(path) && plain_path(query) {
            let host = authority.strip_suffix(":80").or_else(|| authority.strip_suffix(":443")).unwrap_or(authority);
            self.buffer.push_str(host);
            self.buffer.make_ascii_lowercase();
            if !path.starts_with('/') {
                self.buffer.push('/');
            }
            self.buffer.push_str(path);
            if !query.is_empty() {
                self.buffer.push('?');
                self.buffer.push_str(query);
            }
        } else {
            let mark = if query.is_empty() { "" } else { "?" };
            let begin = if authority.ends_with(":443") { "https" } else { "http" };
            match canonical(Kind::Url, &format!("{begin}://{authority}{path}{mark}{query}")) {
                Ok(url) => self.buffer.push_str(url.split_once("://").map_or(url.as_str(), |(_, rest)| rest)),
                Err(_) => return,
            }
        }
        let key = Key::of_bytes(Kind::Url, self.buffer.as_bytes());
        take(&Seen { kind: Kind::Url, value: &self.buffer, key, address: None, field });
    }
}

/// Whether the URL standard writes an authority as it is, but for case and default port: a name with or without a port.
fn plain_authority(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "1"));
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    let port =
        matches!(port.as_bytes(), [b'1'..=b'9', rest @ ..] if rest.len() < 5 && rest.iter().all(u8::is_ascii_digit));
    // A last label that begins with a digit may be a number, which the standard reads as an address in four forms; a
    // name in Punycode is checked there.
    let last = host.rsplit('.').next().unwrap_or_default();
    let words = last.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let coded = host.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"xn--"));
    plain && port && !coded && (words && host.contains('.') || dotted(host))
}

/// Whether it is an IPv4 address in its usual form.
fn dotted(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// Whether the URL standard writes a path and query as they are.
fn plain_path(path: &str) -> bool {
    let plain = |byte: u8| matches!(byte, 0x21..=0x7e) && !b"\"#<>\\^`{}'|".contains(&byte);
    let dots = path.as_bytes().windows(2).any(|two| two == b"/.");
    let coded = path.as_bytes().windows(3).any(|three| three.eq_ignore_ascii_case(b"%2e"));
    path.bytes().all(plain) && !dots && !coded
}
