//! Lengths of time and sizes as people write them: `10s`, `500ms`, `64KiB`.

use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::time::Duration;

/// `500ms`, `10s`, `5m`, `1h`.
///
/// # Errors
/// Of the deserializer, when it is no such text.
pub fn duration<'de, D: Deserializer<'de>>(source: D) -> Result<Duration, D::Error> {
    let milliseconds = source
        .deserialize_any(Unit { units: &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)], like: "10s" })?;
    Ok(Duration::from_millis(milliseconds))
}

/// `512`, `512B`, `64KiB`, `10MiB`, `1GiB`; bytes.
///
/// # Errors
/// Of the deserializer, when it is no such text.
pub fn size<'de, D: Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    let units = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1)];
    source.deserialize_any(Unit { units, like: "64KiB" })
}

struct Unit {
    units: &'static [(&'static str, u64)],
    like: &'static str,
}

impl Unit {
    fn read<E: Error>(&self, text: &str) -> Result<u64, E> {
        let wrong = || E::custom(format!("expected a value like {}, found {text}", self.like));
        let digits = text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (_, factor) = self.units.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?;
        number.checked_mul(*factor).ok_or_else(wrong)
    }
}

impl Visitor<'_> for Unit {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value like {}", self.like)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        self.read(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        self.read(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        self.read(text)
    }
}
