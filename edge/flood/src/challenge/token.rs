//! Tokens and cookies: signed, bound, and with an end.

use crate::key;
use base::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde::Serialize;
use std::net::IpAddr;

/// Bytes before the tag: purpose, kind, difficulty, issued, expires, nonce.
const PAYLOAD: usize = 3 + 4 + 4 + 8;
const TAG: usize = 32;
const CHALLENGE: u8 = 1;
const PASS: u8 = 2;

/// Whom a token is for.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'b> {
    /// The site.
    pub site: &'b str,
    /// The client; its /24 or /56 counts, so that a phone may change its address within its network.
    pub client: IpAddr,
    /// What of its program stays the same.
    pub fingerprint: &'b str,
}

/// How a client proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A proof of work.
    Work,
    /// It waited: worth less, and given out slowly.
    Wait,
}

/// Why an answer or a cookie is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Denied {
    /// It is no token.
    Malformed,
    /// Not signed by us, or for someone else.
    Forged,
    /// Its time is over.
    Expired,
    /// It did not wait long enough.
    Early,
    /// The number is not a solution.
    Unsolved,
    /// It was taken before.
    Used,
    /// Too many from this network now.
    Busy,
}

impl Denied {
    /// The name in events.
    pub fn name(self) -> &'static str {
        ["malformed", "forged", "expired", "early", "unsolved", "used", "busy"][self as usize]
    }
}

/// What a valid token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// How it was earned.
    pub kind: Kind,
    /// When it was given, seconds.
    pub issued_s: u32,
    /// When it ends, seconds.
    pub expires_s: u32,
    /// Its number: the key of its rate.
    pub id: u64,
    difficulty: u8,
}

/// Keys that cookies are signed with; every gateway of a site needs the same ones.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Signs, and checks.
    pub current: [u8; 32],
    /// Only checks: the one before.
    pub previous: Option<[u8; 32]>,
}

impl Keys {
    /// A key by chance.
    pub fn random(random: &dyn Random) -> Keys {
        let mut current = [0; 32];
        random.fill(&mut current);
        Keys { current, previous: None }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// Signs and checks. Two keys: the one before stays valid for checking, so that a change of keys sends nobody back to the challenge.
pub struct Signer {
    current: hmac::Key,
    previous: Option<hmac::Key>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// With one key.
    pub fn new(key: &[u8; 32]) -> Signer {
        Signer { current: hmac::Key::new(hmac::HMAC_SHA256, key), previous: None }
    }

    /// With a key that signs and one before that is still taken.
    pub fn with(keys: &Keys) -> Signer {
        let previous = keys.previous.as_ref().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key));
        Signer { previous, ..Signer::new(&keys.current) }
    }

    /// Signs with another key from now on.
    pub fn rotate(&mut self, key: &[u8; 32]) {
        let next = hmac::Key::new(hmac::HMAC_SHA256, key);
        self.previous = Some(std::mem::replace(&mut self.current, next));
    }

    /// A challenge of so many leading zero bits.
    pub fn challenge(&self, who: &Binding, kind: Kind, difficulty: u8, now_s: u32, random: &dyn Random) -> String {
        let mut nonce = [0; 8];
        random.fill(&mut nonce);
        self.sign(CHALLENGE, who, kind, difficulty, [now_s, now_s + super::OPEN_S], nonce)
    }

    /// The value of a cookie.
    pub fn pass(&self, who: &Binding, kind: Kind, now_s: u32, lasts_s: u32, id: u64) -> String {
        self.sign(PASS, who, kind, 0, [now_s, now_s.saturating_add(lasts_s)], id.to_be_bytes())
    }

    /// Checks the value of a cookie.
    pub fn check(&self, who: &Binding, cookie: &str, now_s: u32) -> Result<Pass, Denied> {
        self.open(PASS, who, cookie, now_s)
    }

    /// Checks an answer to a challenge; who waited sends no number.
    pub fn solved(&self, who: &Binding, token: &str, number: &str, wait_s: u32, now_s: u32) -> Result<Pass, Denied> {
        let challenge = self.open(CHALLENGE, who, token, now_s)?;
        match challenge.kind {
            Kind::Work if !work(token, number, challenge.difficulty) => Err(Denied::Unsolved),
            Kind::Wait if now_s < challenge.issued_s + wait_s => Err(Denied::Early),
            _ => Ok(challenge),
        }
    }

    fn sign(&self, purpose: u8, who: &Binding, kind: Kind, bits: u8, times: [u32; 2], nonce: [u8; 8]) -> String {
        let mut bytes = vec![purpose, kind as u8, bits];
        times.iter().for_each(|time| bytes.extend_from_slice(&time.to_be_bytes()));
        bytes.extend_from_slice(&nonce);
        let tag = hmac::sign(&self.current, &message(&bytes, who));
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn open(&self, purpose: u8, who: &Binding, token: &str, now_s: u32) -> Result<Pass, Denied> {
        if token.len() != (PAYLOAD + TAG) * 4 / 3 {
            return Err(Denied::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Denied::Malformed)?;
        let (payload, tag) = bytes.split_at_checked(PAYLOAD).ok_or(Denied::Malformed)?;
        let message = message(payload, who);
        // Comparison in constant time is ring's.
        let signed = |key: &hmac::Key| hmac::verify(key, &message, tag).is_ok();
        if payload[0] != purpose || !(signed(&self.current) || self.previous.as_ref().is_some_and(signed)) {
            return Err(Denied::Forged);
        }
        let number = |at: usize| payload[at..at + 4].iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        let pass = Pass {
            kind: if payload[1] == Kind::Work as u8 { Kind::Work } else { Kind::Wait },
            difficulty: payload[2],
            issued_s: number(3),
            expires_s: number(7),
            id: payload[11..].iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
        };
        // A clock that was set back is no reason to trust a token longer.
        if now_s >= pass.expires_s || pass.issued_s > now_s + 60 { Err(Denied::Expired) } else { Ok(pass) }
    }
}

/// What is signed: lengths before each part keep parts apart.
fn message(payload: &[u8], who: &Binding) -> Vec<u8> {
    let prefix = key::prefix(who.client, 24, 56);
    let mut message = Vec::with_capacity(128);
    for part in [payload, who.site.as_bytes(), &prefix, who.fingerprint.as_bytes()] {
        message.extend_from_slice(&(part.len() as u32).to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

/// Whether SHA-256 of `token:number` begins with so many zero bits.
fn work(token: &str, number: &str, bits: u8) -> bool {
    if number.is_empty() || number.len() > 16 || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return false;
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(token.as_bytes());
    context.update(b":");
    context.update(number.as_bytes());
    let hash = context.finish();
    let first = hash.as_ref().iter().take(8).fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    first.leading_zeros() >= u32::from(bits)
}

/// Finds the number: what the page's script does, for tests and programs that answer challenges.
pub fn solve(token: &str, bits: u8) -> u64 {
    (0..u64::MAX).find(|number| work(token, &number.to_string(), bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;
    use proptest::prelude::*;

    fn who(client: &str) -> Binding<'static> {
        Binding { site: "shop", client: client.parse().unwrap(), fingerprint: "t13d" }
    }

    #[test]
    fn work_earns_a_cookie_for_who_did_it() {
        let (mut signer, random) = (Signer::new(&[1; 32]), SeededRandom::new(1));
        let me = who("192.0.2.1");
        let token = signer.challenge(&me, Kind::Work, 10, 1000, &random);
        let number = solve(&token, 10).to_string();
        let solved =
            |who: &Binding, number: &str, now_s| signer.solved(who, &token, number, 8, now_s).map(|pass| pass.kind);
        assert_eq!(solved(&me, &number, 1001), Ok(Kind::Work));
        assert_eq!(solved(&who("192.0.2.77"), &number, 1001), Ok(Kind::Work), "the same network");
        assert_eq!(solved(&who("192.0.3.1"), &number, 1001), Err(Denied::Forged));
        assert_eq!(solved(&Binding { site: "other", ..me }, &number, 1001), Err(Denied::Forged));
        assert_eq!(solved(&Binding { fingerprint: "t12d", ..me }, &number, 1001), Err(Denied::Forged));
        assert_eq!(solved(&me, &number, 1000 + super::super::OPEN_S), Err(Denied::Expired));
        for bad in ["", "x", "-1", "99999999999999999"] {
            assert_eq!(solved(&me, bad, 1001), Err(Denied::Unsolved));
        }
        let cookie = signer.pass(&me, Kind::Work, 1000, 3600, 77);
        assert_eq!(signer.check(&me, &cookie, 1001).map(|pass| pass.id), Ok(77));
        assert_eq!(signer.check(&me, &cookie, 4600), Err(Denied::Expired));
        assert_eq!(signer.check(&me, &token, 1001), Err(Denied::Forged), "a challenge is no cookie");
        signer.rotate(&[2; 32]);
        assert!(signer.check(&me, &cookie, 1001).is_ok(), "the key before");
        signer.rotate(&[3; 32]);
        assert_eq!(signer.check(&me, &cookie, 1001), Err(Denied::Forged));
    }

    #[test]
    fn waiting_takes_its_time() {
        let (signer, me) = (Signer::new(&[1; 32]), who("2001:db8::1"));
        let token = signer.challenge(&me, Kind::Wait, 0, 1000, &SeededRandom::new(1));
        assert_eq!(signer.solved(&me, &token, "", 8, 1007), Err(Denied::Early));
        assert_eq!(signer.solved(&me, &token, "", 8, 1008).map(|pass| pass.kind), Ok(Kind::Wait));
    }

    proptest! {
        #[test]
        fn no_changed_byte_is_taken(at in 0_usize..68, letter in "[A-Za-z0-9_=-]", junk in ".{0,80}") {
            let (signer, me) = (Signer::new(&[1; 32]), who("192.0.2.1"));
            let cookie = signer.pass(&me, Kind::Work, 1000, 3600, 77);
            let mut changed = cookie.clone();
            changed.replace_range(at..=at, &letter);
            prop_assert_eq!(signer.check(&me, &changed, 1001).is_ok(), changed == cookie);
            prop_assert!(signer.check(&me, &junk, 1001).is_err());
        }
    }
}
