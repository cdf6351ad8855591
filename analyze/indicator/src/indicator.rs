//! What sources say of a value.

use crate::{Key, Tlp, canonical, fault, guess, limits};
use base::{Fault, Result};

/// What sort of thing a value is. The numbers are hashed into every [`Key`] and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Kind {
    /// One address, IPv4 or IPv6.
    Ip = 1,
    /// An address range.
    Cidr = 2,
    /// A domain; stands for the names below it too.
    Domain = 3,
    /// A URL.
    Url = 4,
    /// MD5 of a file.
    Md5 = 5,
    /// SHA-1 of a file.
    Sha1 = 6,
    /// SHA-256 of a file.
    Sha256 = 7,
    /// JA3 fingerprint of a TLS client.
    Ja3 = 8,
    /// JA4 fingerprint of a TLS client.
    Ja4 = 9,
    /// An e-mail address.
    Email = 10,
    /// A file path, or a bare file name.
    Path = 11,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] = &[
        Kind::Ip,
        Kind::Cidr,
        Kind::Domain,
        Kind::Url,
        Kind::Md5,
        Kind::Sha1,
        Kind::Sha256,
        Kind::Ja3,
        Kind::Ja4,
        Kind::Email,
        Kind::Path,
    ];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Ip => "ip",
            Kind::Cidr => "cidr",
            Kind::Domain => "domain",
            Kind::Url => "url",
            Kind::Md5 => "md5",
            Kind::Sha1 => "sha1",
            Kind::Sha256 => "sha256",
            Kind::Ja3 => "ja3",
            Kind::Ja4 => "ja4",
            Kind::Email => "email",
            Kind::Path => "path",
        }
    }

    /// The kind of a word.
    pub fn from_word(word: &str) -> Result<Kind> {
        let found = Kind::ALL.iter().copied().find(|kind| kind.word() == word);
        found.ok_or_else(|| Fault::new(&fault::WORD).object("kind of indicator").found(word))
    }

    /// The kind of its number.
    pub fn from_number(number: u8) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| *kind as u8 == number)
    }
}

/// What one source says.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Claim {
    /// Id of the source (feed, partner, `own`).
    pub source: String,
    /// Id of the statement at its source (`indicator--…`, an attribute's UUID), empty when it has none.
    pub id: String,
    /// How sure the source is, 0–100.
    pub confidence: u8,
    /// Who may see it.
    pub tlp: Tlp,
    /// First seen, µs since the Unix epoch, 0 unknown.
    pub first_us: i64,
    /// Last seen or published, µs since the Unix epoch, 0 unknown.
    pub last_us: i64,
    /// Not valid from this time on, µs since the Unix epoch, 0 never ends.
    pub valid_until_us: i64,
    /// Labels, machine tags, kill-chain phases (`attack:T1071`).
    pub tags: Vec<String>,
    /// Names of actors and campaigns.
    pub actors: Vec<String>,
    /// Names of malware and tools.
    pub malware: Vec<String>,
    /// For people.
    pub description: String,
}

/// How often our own detections met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Sightings {
    /// How often.
    pub count: u64,
    /// Last time, µs since the Unix epoch, 0 never.
    pub last_us: i64,
}

/// A value and all that is said of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Indicator {
    /// Sort of value.
    pub kind: Kind,
    /// The value in its canonical form.
    pub value: String,
    /// What the sources say, at most [`limits::CLAIMS`].
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// What our own detections met.
    #[serde(default)]
    pub sightings: Sightings,
}

impl Indicator {
    /// A value without claims. Fails when the text is no value of the kind.
    pub fn new(kind: Kind, text: &str) -> Result<Indicator> {
        let value = canonical(kind, text)?;
        Ok(Indicator { kind, value, claims: Vec::new(), sightings: Sightings::default() })
    }

    /// A value whose kind shows in its form. Fails when it has none.
    pub fn guess(text: &str) -> Result<Indicator> {
        let (kind, value) = guess(text)?;
        Ok(Indicator { kind, value, claims: Vec::new(), sightings: Sightings::default() })
    }

    /// The same with a claim.
    pub fn with(mut self, claim: Claim) -> Indicator {
        self.take(claim);
        self
    }

    /// Its name.
    pub fn key(&self) -> Key {
        Key::of(self.kind, &self.value)
    }

    /// Takes a claim: it replaces the one with the same source and id, keeping the earliest first time. Over the limit
    /// the claim with the least confidence goes. Says whether anything changed, so that an unchanged line of a feed
    /// causes no traffic.
    pub fn take(&mut self, claim: Claim) -> bool {
        let mut claim = claim.bounded();
        let same = self.claims.iter().position(|held| held.source == claim.source && held.id == claim.id);
        if let Some(held) = same.and_then(|at| self.claims.get_mut(at)) {
            if held.first_us != 0 && (claim.first_us == 0 || held.first_us < claim.first_us) {
                claim.first_us = held.first_us;
            }
            let changed = *held != claim;
            *held = claim;
            return changed;
        }
        if self.claims.len() >= limits::CLAIMS {
            let least = self.claims.iter().enumerate().min_by_key(|(_, held)| held.confidence);
            match least.map(|(at, held)| (at, held.confidence)) {
                Some((at, confidence)) if confidence < claim.confidence => drop(self.claims.swap_remove(at)),
                _ => return false,
            }
        }
        self.claims.push(claim);
        true
    }

    /// Withdraws what a source said: all of it, or the statement with this id. Says whether anything was there.
    pub fn withdraw(&mut self, source: &str, id: Option<&str>) -> bool {
        let before = self.claims.len();
        self.claims.retain(|claim| claim.source != source || id.is_some_and(|id| claim.id != id));
        self.claims.len() != before
    }

    /// Notes that our own detections met it.
    pub fn sighted(&mut self, time_us: i64) {
        self.sightings.count = self.sightings.count.saturating_add(1);
        self.sightings.last_us = self.sightings.last_us.max(time_us);
    }
}

impl Claim {
    /// The same within the limits: texts cut at a character, lists cut, confidence at most 100.
    pub fn bounded(mut self) -> Claim {
        self.confidence = self.confidence.min(100);
        for names in [&mut self.tags, &mut self.actors, &mut self.malware] {
            names.retain(|name| !name.is_empty());
            names.truncate(limits::CLAIM_NAMES);
            names.iter_mut().for_each(|name| cut(name, limits::NAME_BYTES));
        }
        cut(&mut self.source, limits::NAME_BYTES);
        cut(&mut self.id, limits::NAME_BYTES);
        cut(&mut self.description, limits::DESCRIPTION_BYTES);
        self
    }
}

/// Cuts a text at the last character that ends within so many bytes.
fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(source: &str, confidence: u8) -> Claim {
        Claim { source: source.into(), confidence, ..Claim::default() }
    }

    #[test]
    fn a_claim_told_again_changes_nothing() {
        let mut indicator = Indicator::guess("Evil.Example.").unwrap();
        assert!(indicator.take(Claim { first_us: 5, ..claim("feed", 50) }));
        assert!(!indicator.take(claim("feed", 50)), "the earliest first time stays");
        assert!(indicator.take(claim("feed", 60)) && indicator.take(claim("other", 10)));
        assert_eq!(indicator.claims.len(), 2);
        assert!(indicator.withdraw("feed", None) && !indicator.withdraw("feed", None));
        assert!(!indicator.withdraw("other", Some("x")) && indicator.withdraw("other", Some("")));
    }

    #[test]
    fn claims_are_bounded_and_the_least_sure_goes() {
        let mut indicator = Indicator::guess("evil.example").unwrap();
        for number in 0..limits::CLAIMS {
            indicator.take(claim(&number.to_string(), 10 + number as u8));
        }
        assert!(!indicator.take(claim("weak", 1)) && indicator.take(claim("strong", 99)));
        assert_eq!(indicator.claims.len(), limits::CLAIMS);
        assert!(indicator.claims.iter().all(|claim| claim.source != "0"));
        let long = Claim { tags: vec!["漢".repeat(300); 99], confidence: 255, ..Claim::default() }.bounded();
        assert_eq!((long.tags.len(), long.tags[0].len(), long.confidence), (32, 255, 100));
    }

    #[test]
    fn it_reads_back_from_json_and_old_records_lack_fields() {
        let indicator = Indicator::guess("192.0.2.1").unwrap().with(Claim { tlp: Tlp::AmberStrict, ..claim("a", 1) });
        let text = serde_json::to_string(&indicator).unwrap();
        assert!(text.contains(r#""kind":"ip""#) && text.contains(r#""tlp":"amber+strict""#));
        assert_eq!(serde_json::from_str::<Indicator>(&text).unwrap(), indicator);
        assert!(serde_json::from_str::<Indicator>(r#"{"kind":"ip","value":"192.0.2.1"}"#).is_ok());
    }

    #[test]
    fn words_and_numbers_of_kinds_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.word()).unwrap(), *kind);
            assert_eq!(Kind::from_number(*kind as u8), Some(*kind));
        }
        assert!(Kind::from_word("mutex").unwrap_err().is(&fault::WORD));
    }
}
