//! The challenge: a page whose script finds a number, or whose reader waits, and a signed cookie for those who did.
//!
//! Nothing is kept of an open challenge: its token is signed and bound to site, network and fingerprint of the client, so that
//! a solution serves whoever was asked and nobody else. Checking costs one HMAC and one SHA-256. A token is taken once.

mod page;
mod token;

pub use page::{PATH, Page, page};
pub use token::{Binding, Denied, Keys, Kind, Pass, Signer, solve};

use serde::Serialize;

/// The cookie's name.
pub const COOKIE: &str = "garrison_pass";
/// Longest body of an answer that is read, bytes.
pub const ANSWER_BYTES: usize = 4096;
/// How long a challenge may take, seconds.
pub const OPEN_S: u32 = 600;
const WAYS: usize = 8;

/// What a client sends back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The token of the page.
    pub token: String,
    /// The number found; empty where the client waited.
    pub number: String,
    /// Where it wanted to go: a path on this site.
    pub back: String,
}

impl Answer {
    /// Reads the body of the form (`application/x-www-form-urlencoded`).
    pub fn read(body: &[u8]) -> Option<Answer> {
        if body.len() > ANSWER_BYTES {
            return None;
        }
        let text = std::str::from_utf8(body).ok()?;
        let field = |name: &str| text.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        Some(Answer {
            token: field("token")?.to_owned(),
            number: field("number").unwrap_or_default().to_owned(),
            back: back(&unescape(field("back").unwrap_or_default())?),
        })
    }
}

/// The value of our cookie in a `cookie` field.
pub fn cookie(field: &str) -> Option<&str> {
    field.split(';').find_map(|pair| pair.trim_start().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A path of this site and no other: `//host` and `/\host` would leave it.
fn back(path: &str) -> String {
    let local = path.starts_with('/') && !path[1..].starts_with(['/', '\\']);
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local && plain && path.len() <= 2048 { path.to_owned() } else { "/".to_owned() }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
                (digit(rest.next())? * 16 + digit(rest.next())?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Tokens that were taken, in fixed memory, until they run out. When a set is full of them the one that runs out first goes:
/// each cost its owner a proof of work, and a second use of it gives the same client the same cookie again.
#[derive(Debug)]
pub(crate) struct Used {
    slots: Vec<(u64, u32)>,
}

impl Used {
    pub(crate) fn new() -> Used {
        Used { slots: vec![(0, 0); 16 * 1024] }
    }

    /// Takes a token until `until_s`; whether it was not taken before.
    pub(crate) fn take(&mut self, key: u64, until_s: u32, now_s: u32) -> bool {
        let set = (key as usize & (self.slots.len() / WAYS - 1)) * WAYS;
        let ways = &mut self.slots[set..set + WAYS];
        if ways.iter().any(|(taken, until)| *taken == key && *until > now_s) {
            return false;
        }
        if let Some(slot) = ways.iter_mut().min_by_key(|(_, until)| *until) {
            *slot = (key, until_s);
        }
        true
    }
}

/// Figures of challenges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Pages given.
    pub given: u64,
    /// Answers taken: work done.
    pub solved: u64,
    /// Answers taken: waited.
    pub waited: u64,
    /// Answers not taken.
    pub denied: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_lead_nowhere_else() {
        let answer = Answer::read(b"token=abc&number=42&back=%2Fa%3Fb%3D1").unwrap();
        assert_eq!((answer.token.as_str(), answer.number.as_str(), answer.back.as_str()), ("abc", "42", "/a?b=1"));
        for (hostile, expected) in [
            ("%2F%2Fevil.example", "/"),
            ("%2F%5Cevil.example", "/"),
            ("https%3A%2F%2Fevil.example", "/"),
            ("%2Fa%0D%0ASet-Cookie%3A+x", "/"),
            ("", "/"),
            ("/ok", "/ok"),
        ] {
            let answer = Answer::read(format!("token=a&back={hostile}").as_bytes()).unwrap();
            assert_eq!(answer.back, expected, "{hostile}");
        }
        assert_eq!(Answer::read(b"number=1"), None);
        assert_eq!(Answer::read(b"token=a&back=%zz"), None);
        assert_eq!(Answer::read(&[b'a'; 5000]), None);
    }

    #[test]
    fn our_cookie_is_found_among_others() {
        assert_eq!(cookie("a=b; garrison_pass=abc-_; c=d"), Some("abc-_"));
        assert_eq!(cookie("garrison_pass=abc"), Some("abc"));
        assert_eq!(cookie("xgarrison_pass=abc; garrison_passport=1"), None);
    }

    #[test]
    fn a_token_is_taken_once() {
        let mut used = Used::new();
        assert!(used.take(9, 100, 10) && !used.take(9, 100, 11) && used.take(9, 300, 200));
    }
}
