//! One spelling for each value.
//!
//! What is undone: `hxxp`, `[.]`, `(dot)`, `[at]` and their kin; upper case, IDNA, trailing dots, `*.` in front of a domain;
//! IPv4 in IPv6; ports behind an address or a domain; default ports, dot segments and fragments of URLs; host bits of ranges.

use crate::{Kind, fault, limits};
use base::{Fault, Prefix, Result};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The canonical form of a value of this kind. Fails when the text is none, is too long, or covers too much.
pub fn canonical(kind: Kind, text: &str) -> Result<String> {
    let text = bounded(kind, text)?;
    let found = match kind {
        Kind::Path => path(text),
        Kind::Md5 => hash(text, 32),
        Kind::Sha1 => hash(text, 40),
        Kind::Sha256 => hash(text, 64),
        Kind::Ja3 => hash(text, 32),
        Kind::Ja4 => ja4(text),
        Kind::Ip => address(&refang(text)).map(|ip| ip.to_string()),
        Kind::Cidr => return range(&refang(text)),
        Kind::Domain => return domain(&refang(text)),
        Kind::Url => return url(&refang(text)),
        Kind::Email => email(&refang(text)),
    };
    found.ok_or_else(|| wrong(kind, text))
}

/// The kind that shows in the form of a text, and its canonical form. A hash of 32 digits is an MD5; a range of one
/// address is that address; a text that could be a file name alone is a domain or nothing.
pub fn guess(text: &str) -> Result<(Kind, String)> {
    let bare = bounded(Kind::Url, text)?;
    if let Some(kind) = plain_kind(bare) {
        return Ok((kind, canonical(kind, bare)?));
    }
    let text = refang(bare);
    if text.contains("://") {
        return Ok((Kind::Url, url(&text)?));
    }
    if let Some(ip) = address(&text) {
        return Ok((Kind::Ip, ip.to_string()));
    }
    if let Some((front, back)) = text.split_once('/') {
        if back.bytes().all(|byte| byte.is_ascii_digit()) && front.parse::<IpAddr>().is_ok() && !back.is_empty() {
            return match range(&text)? {
                whole if single(&whole) => Ok((Kind::Ip, whole[..whole.len() - 3].trim_end_matches('/').to_string())),
                whole => Ok((Kind::Cidr, whole)),
            };
        }
        return Ok((Kind::Url, url(&text)?));
    }
    if text.contains('@') {
        return email(&text).map(|value| (Kind::Email, value)).ok_or_else(|| wrong(Kind::Email, bare));
    }
    Ok((Kind::Domain, domain(&text)?))
}

/// Kinds that need no refanging: hashes, JA4 and paths.
fn plain_kind(text: &str) -> Option<Kind> {
    let bytes = text.as_bytes();
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    match (bytes.len(), hex) {
        (32, true) => return Some(Kind::Md5),
        (40, true) => return Some(Kind::Sha1),
        (64, true) => return Some(Kind::Sha256),
        (36, false) if ja4(text).is_some() => return Some(Kind::Ja4),
        _ => {}
    }
    let drive = matches!(bytes, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    let rooted =
        matches!(bytes, [b'/', next, ..] if *next != b'/') || text.starts_with("~/") || text.starts_with("\\\\");
    (drive || rooted).then_some(Kind::Path)
}

/// Whether a canonical range holds one address.
fn single(range: &str) -> bool {
    if range.contains(':') { range.ends_with("/128") } else { range.ends_with("/32") }
}

fn bounded(kind: Kind, text: &str) -> Result<&str> {
    let text = text.trim();
    if text.len() > limits::VALUE_BYTES {
        let fault = Fault::new(&fault::TOO_LONG).object(kind.word());
        return Err(fault
            .expected(format!("at most {} bytes", limits::VALUE_BYTES))
            .found(format!("{} bytes", text.len())));
    }
    Ok(text)
}

fn wrong(kind: Kind, text: &str) -> Fault {
    let shown: String = text.chars().take(80).collect();
    Fault::new(&fault::VALUE).object(kind.word()).found(format!("`{shown}`"))
}

/// Spellings that keep a value from being clicked, and what they stand for.
const DEFANGED: &[(&str, &str)] = &[
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    ("\\.", "."),
    ("[:]", ":"),
    ("[://]", "://"),
    ("[/]", "/"),
    ("[at]", "@"),
    ("(at)", "@"),
    ("{at}", "@"),
    ("[@]", "@"),
    ("(@)", "@"),
];

/// Schemes written so as not to be clicked, and what they stand for.
const SCHEMES: &[(&str, &str)] =
    &[("hxxps", "https"), ("hxxp", "http"), ("h**ps", "https"), ("h**p", "http"), ("fxp", "ftp")];

/// The text with its teeth back; borrowed when it never lost them. What comes out holds no such spelling any more, also
/// when one was hidden in another: after each sign the end of what is written is looked at again.
fn refang(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if text.bytes().any(|byte| matches!(byte, b'[' | b'(' | b'{' | b'\\' | b'\t' | b'\n' | b'\r')) {
        let mut whole = String::with_capacity(text.len());
        // The URL standard leaves these out wherever they stand.
        for sign in text.chars().filter(|sign| !matches!(sign, '\t' | '\n' | '\r')) {
            whole.push(sign);
            while let Some((from, to)) = DEFANGED.iter().find(|(from, _)| ends_with(&whole, from)) {
                whole.truncate(whole.len() - from.len());
                whole.push_str(to);
            }
        }
        text = Cow::Owned(whole);
    }
    for (from, to) in SCHEMES {
        if starts_with(&text, from) && text[from.len()..].starts_with("://") {
            return Cow::Owned(format!("{to}{}", &text[from.len()..]));
        }
    }
    text
}

fn ends_with(text: &str, end: &str) -> bool {
    let from = text.len().checked_sub(end.len());
    from.and_then(|from| text.get(from..)).is_some_and(|back| back.eq_ignore_ascii_case(end))
}

fn starts_with(text: &str, begin: &str) -> bool {
    text.get(..begin.len()).is_some_and(|front| front.eq_ignore_ascii_case(begin))
}

/// An address: IPv4, IPv6, either with a port; IPv4 in IPv6 is IPv4.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = match bare.parse::<IpAddr>() {
        Ok(ip) => ip,
        Err(_) => text.parse::<SocketAddr>().ok()?.ip(),
    };
    Some(ip.to_canonical())
}

fn range(text: &str) -> Result<String> {
    let prefix: Prefix = text.parse().map_err(|_| wrong(Kind::Cidr, text))?;
    let least = if prefix.is_ipv6() { limits::RANGE_BITS_V6 } else { limits::RANGE_BITS_V4 };
    if prefix.length() < least {
        return Err(Fault::new(&fault::TOO_WIDE).object("cidr").expected(format!("at least /{least}")).found(text));
    }
    Ok(prefix.to_string())
}

/// A domain in lower-case ASCII, without `*.` or `.` in front, dot or port behind.
fn domain(text: &str) -> Result<String> {
    let bare = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    let bare = match bare.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => bare,
    };
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    let name = ascii(bare).filter(|name| is_domain(name)).ok_or_else(|| wrong(Kind::Domain, text))?;
    if is_public(&name) {
        return Err(Fault::new(&fault::TOO_WIDE).object("domain").found(name));
    }
    Ok(name)
}

/// Lower-case ASCII of a name (UTS 46 for what is beyond ASCII).
fn ascii(name: &str) -> Option<String> {
    if name.is_ascii() {
        return Some(name.to_ascii_lowercase());
    }
    let made = Uts46::new().to_ascii(name.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Verify);
    made.ok().map(Cow::into_owned)
}

/// Whether lower-case ASCII text is a name of at least two labels whose last one is no number (RFC 1123; underscores
/// stand in real names).
pub(crate) fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        inside && (1..=63).contains(&label.len())
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let words = !last.is_empty() && !last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && name.contains('.') && words && name.split('.').all(label)
}

/// Second labels under which the registries of countries give out names.
const SECOND: &[&str] =
    &["com", "co", "net", "org", "gov", "gob", "gouv", "edu", "ac", "mil", "ltd", "plc", "nom", "nhs", "sch"];
/// The same where the words are short and only these countries use them so.
const SECOND_OF: &[(&str, &[&str])] =
    &[("jp", &["or", "ne", "go", "ad", "ed", "gr", "lg"]), ("kr", &["or", "ne", "go", "re", "pe"]), ("at", &["or"])];

/// Whether names directly below this one belong to different owners: a single label, or a registry's second label
/// (`co.uk`). The long list of private suffixes (`github.io`) is the matter of warning lists.
pub(crate) fn is_public(name: &str) -> bool {
    let Some((second, top)) = name.split_once('.') else { return true };
    if top.contains('.') || top.len() != 2 {
        return false;
    }
    let of_country = SECOND_OF.iter().any(|(country, words)| *country == top && words.contains(&second));
    SECOND.contains(&second) || of_country
}

/// A URL: as the URL standard (WHATWG) writes it, without its fragment. Without a scheme it is read as `http://`.
fn url(text: &str) -> Result<String> {
    let wrong = || wrong(Kind::Url, text);
    let whole = if text.contains("://") { Cow::Borrowed(text) } else { Cow::Owned(format!("http://{text}")) };
    let mut url = url::Url::parse(&whole).map_err(|_| wrong())?;
    let named = match url.host() {
        Some(url::Host::Domain(name)) => is_domain(name.strip_suffix('.').unwrap_or(name)),
        Some(_) => true,
        None => false,
    };
    if !named {
        return Err(wrong());
    }
    let dotted = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_string);
    if let Some(host) = dotted {
        url.set_host(Some(&host)).map_err(|_| wrong())?;
    }
    url.set_fragment(None);
    Ok(url.into())
}

/// An e-mail address in lower case.
fn email(text: &str) -> Option<String> {
    let (local, host) = text.rsplit_once('@')?;
    let fine = |letter: char| !letter.is_whitespace() && !letter.is_control() && !"<>()[],;:\\\"@".contains(letter);
    let host = ascii(host.strip_suffix('.').unwrap_or(host)).filter(|host| is_domain(host))?;
    (!local.is_empty() && local.len() <= 64 && local.chars().all(fine))
        .then(|| format!("{}@{host}", local.to_lowercase()))
}

fn hash(text: &str, digits: usize) -> Option<String> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| text.to_ascii_lowercase())
}

/// JA4: ten signs that say protocol, version, counts and ALPN, and two hashes of twelve digits (FoxIO, JA4 TLS client).
fn ja4(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut parts = lower.split('_');
    let (front, ciphers, extensions) = (parts.next()?.as_bytes(), parts.next()?, parts.next()?);
    let digest = |part: &str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let counts = front.get(4..8)?.iter().all(u8::is_ascii_digit);
    let begin = matches!(front, [b't' | b'q' | b'd', _, _, b'd' | b'i', ..]) && front.len() == 10 && front.is_ascii();
    (begin && counts && parts.next().is_none() && digest(ciphers) && digest(extensions)).then_some(lower.clone())
}

/// A path: as it is, with doubled slashes and `/./` folded; a Windows path in lower case, for its case does not count.
fn path(text: &str) -> Option<String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return None;
    }
    let windows = matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    if windows || text.contains('\\') {
        return Some(text.to_lowercase());
    }
    let mut folded = String::with_capacity(text.len());
    for (number, part) in text.split('/').enumerate() {
        if number > 0 && (part.is_empty() || part == ".") {
            continue;
        }
        if number > 0 {
            folded.push('/');
        }
        folded.push_str(part);
    }
    // Behind the last slash there may be a space, which a second reading would take off.
    (!folded.is_empty() && folded.trim().len() == folded.len()).then_some(folded)
}

/// Addresses that mean this host or a network of its owner: never looked up unless a list of indicators asks.
pub(crate) fn is_internal(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || shared || wide(ip)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || local(ip),
    }
}

fn wide(ip: Ipv4Addr) -> bool {
    ip.is_unspecified() || ip.is_broadcast()
}

fn local(ip: Ipv6Addr) -> bool {
    ip.is_unique_local() || ip.is_unicast_link_local()
}

#[cfg(test)]
mod tests;
