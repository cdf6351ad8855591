//! Where an answer of 3xx leads.

use base::{Fault, Result};
use port::fault::ANSWER;
use port::{FetchHead, FetchRequest};
use url::Url;

/// Most redirects of one request.
pub const REDIRECTS: usize = 5;

/// The next request, `None` when the answer is no redirect to follow.
///
/// # Errors
/// `port.answer` for a redirect that is broken or leads from HTTPS to HTTP.
pub fn next(request: &FetchRequest, head: &FetchHead) -> Result<Option<FetchRequest>> {
    let followed = matches!(head.status, 301 | 302 | 303 | 307 | 308);
    if !followed || !matches!(request.method.as_str(), "" | "GET") {
        return Ok(None);
    }
    let wrong = |found: &str| Fault::new(&ANSWER).object(&request.url).expected("a redirect to HTTPS").found(found);
    let location = head.header("location").ok_or_else(|| wrong("no location"))?;
    let from = Url::parse(&request.url).map_err(|cause| wrong("no base").because(cause))?;
    let to = from.join(location).map_err(|cause| wrong("a broken location").because(cause))?;
    if to.scheme() != "https" && to.scheme() != from.scheme() {
        return Err(wrong(to.scheme()));
    }
    let mut next = FetchRequest { url: to.to_string(), ..request.clone() };
    if to.origin() != from.origin() {
        next.headers.retain(|(name, _)| !["authorization", "cookie"].contains(&name.to_ascii_lowercase().as_str()));
    }
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, status: u16, location: &str) -> Result<Option<FetchRequest>> {
        let request = FetchRequest::get(from, 1).header("Authorization", "secret").header("Accept", "x");
        next(&request, &FetchHead { status, headers: vec![("location".into(), location.into())] })
    }

    #[test]
    fn a_secret_does_not_leave_its_origin_and_https_stays_https() {
        let same = follow("https://a.test/x/y", 302, "../z").unwrap().unwrap();
        assert_eq!((same.url.as_str(), same.headers.len()), ("https://a.test/z", 2));
        let other = follow("https://a.test/", 308, "https://b.test/").unwrap().unwrap();
        assert_eq!(other.headers, [("Accept".to_owned(), "x".to_owned())]);
        assert!(follow("https://a.test/", 302, "http://a.test/").is_err());
        assert!(follow("http://a.test/", 302, "https://a.test/").unwrap().is_some());
        assert!(follow("http://a.test/", 302, "file:///etc/passwd").is_err());
        assert!(follow("https://a.test/", 200, "https://b.test/").unwrap().is_none());
        let post = FetchRequest { method: "POST".into(), ..FetchRequest::get("https://a.test/", 1) };
        let head = FetchHead { status: 302, headers: vec![("location".into(), "/b".into())] };
        assert!(next(&post, &head).unwrap().is_none());
    }
}
