//! The 64-bit name of a value.

use crate::Kind;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Secrets of the hash, one for each kind. The key is part of the contract between server, agents and stored files: the
/// seeds and the function (rapidhash V3, equal on every platform) never change; new ones would need a new version of
/// every format.
const SECRETS: [RapidSecrets; 12] = {
    let mut secrets = [RapidSecrets::seed(SEED); 12];
    let mut kind = 1;
    while kind < secrets.len() {
        secrets[kind] = RapidSecrets::seed(SEED + kind as u64);
        kind += 1;
    }
    secrets
};
const SEED: u64 = 0x6761_7272_6973_6f6e;

/// Name of (kind, canonical value). Two of five million values share a key with a probability of about 10⁻⁶; a key is
/// for finding, and whoever acts compares the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Key(pub u64);

impl Key {
    /// Of a value in its canonical form ([`crate::canonical`]). `http://` and `https://` in front of a URL do not
    /// count: what is observed seldom says which it was.
    #[inline]
    pub fn of(kind: Kind, canonical: &str) -> Key {
        let text = match kind {
            Kind::Url => canonical.strip_prefix("http://").or_else(|| canonical.strip_prefix("https://")),
            _ => None,
        };
        Key::of_bytes(kind, text.unwrap_or(canonical).as_bytes())
    }

    /// Of the bytes as hashed: for a URL without its scheme.
    #[inline]
    pub(crate) fn of_bytes(kind: Kind, text: &[u8]) -> Key {
        Key(rapidhash_v3_seeded(text, &SECRETS[kind as usize]))
    }
}

/// Hashes keys for maps: they are hashes already, and a multiplication with a number of this process keeps whoever
/// writes feeds from choosing values that share a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixed {
    seed: u64,
}

impl Default for Mixed {
    fn default() -> Mixed {
        Mixed { seed: RandomState::new().hash_one(0) }
    }
}

impl BuildHasher for Mixed {
    type Hasher = Mixer;

    #[inline]
    fn build_hasher(&self) -> Mixer {
        Mixer(self.seed)
    }
}

/// The state of [`Mixed`] while it hashes.
#[derive(Debug)]
pub(crate) struct Mixer(u64);

impl Hasher for Mixer {
    #[inline]
    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_for_ever() {
        let long = "a".repeat(300);
        let keys = [
            Key::of(Kind::Ip, "192.0.2.1"),
            Key::of(Kind::Domain, "example.org"),
            Key::of(Kind::Url, "http://example.org/a"),
            Key::of(Kind::Path, &long),
        ];
        assert_eq!(
            keys.map(|key| format!("{:016x}", key.0)),
            ["22ec0bbce03907a4", "d8e3d96ade4223ce", "d94393842e45ccf0", "b8853dade17f2488"]
        );
    }

    #[test]
    fn the_kind_counts_and_the_scheme_does_not() {
        assert_ne!(Key::of(Kind::Md5, "00"), Key::of(Kind::Ja3, "00"));
        assert_eq!(Key::of(Kind::Url, "https://example.org/"), Key::of(Kind::Url, "http://example.org/"));
        assert_ne!(Key::of(Kind::Url, "ftp://example.org/"), Key::of(Kind::Url, "http://example.org/"));
    }
}
