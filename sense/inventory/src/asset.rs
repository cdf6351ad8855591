//! One asset: how its record is built, with every text bounded.

use crate::limits::{KEY_BYTES, TEXT_BYTES};
use record::{Asset, Pair};
use ring::digest::{SHA256, digest};

/// An asset of a kind; its key is cut to [`KEY_BYTES`] with a hash, so that two keys stay two.
pub fn asset(kind: &str, key: &str, name: &str) -> Built {
    Built(Asset { kind: kind.into(), key: short_key(key), name: text(name), ..Asset::default() })
}

/// An asset being built.
pub struct Built(Asset);

impl Built {
    /// With a version.
    pub fn version(mut self, version: &str) -> Built {
        self.0.version = text(version);
        self
    }

    /// With a detail; an empty one is left out.
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Built {
        let value = text(value.as_ref());
        if !value.is_empty() {
            self.0.details.push(Pair::new(name, value));
        }
        self
    }

    /// With a detail that is there or not.
    pub fn flag(self, name: &str, holds: bool) -> Built {
        if holds { self.with(name, "true") } else { self }
    }

    /// The record, its details in the order of their names.
    pub fn done(mut self) -> Asset {
        self.0.details.sort_by(|a, b| a.name.cmp(&b.name));
        self.0
    }
}

/// The first value of a detail, empty when there is none.
pub fn detail<'a>(asset: &'a Asset, name: &str) -> &'a str {
    asset.details.iter().find(|pair| pair.name == name).map_or("", |pair| pair.value.as_str())
}

/// The beginning of a text, without control characters, at most [`TEXT_BYTES`].
pub fn text(text: &str) -> String {
    let text = text.trim();
    let mut end = text.len().min(TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A key of at most [`KEY_BYTES`].
pub fn short_key(key: &str) -> String {
    let clean: String = key.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if clean.len() <= KEY_BYTES {
        return clean;
    }
    let mut end = KEY_BYTES - 18;
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{}", &clean[..end], fingerprint(key.as_bytes()))
}

/// The first 16 hexadecimal digits of a SHA-256.
pub fn fingerprint(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_and_texts_are_bounded_and_distinct(a in "\\PC{0,300}", b in "\\PC{0,300}") {
            prop_assert!(short_key(&a).len() <= KEY_BYTES && text(&a).len() <= TEXT_BYTES);
            prop_assert_eq!(a == b, short_key(&a) == short_key(&b));
        }
    }
}
