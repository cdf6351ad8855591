//! Fingerprints of the client program: JA4 (FoxIO, BSD-3-Clause, technical_details/JA4.md) and JA3 (Salesforce, BSD-3-Clause).
//! The other methods of the JA4+ family have a licence that forbids commercial use and are not here.

use super::Hello;
use md5::{Digest, Md5};
use std::fmt::Write;

/// What JA4 writes in place of the hash of an empty list.
const NOTHING: &str = "000000000000";

/// Values that clients strew in so that servers stay tolerant (RFC 8701): 0x0a0a, 0x1a1a, … 0xfafa.
fn grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

fn real(list: &[u16]) -> impl Iterator<Item = u16> {
    list.iter().copied().filter(|number| !grease(*number))
}

fn join(numbers: impl Iterator<Item = u16>) -> String {
    let mut text = String::new();
    for number in numbers {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{number:04x}");
    }
    text
}

fn hash12(text: &str) -> String {
    let mut digest = hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
    digest.truncate(12);
    digest
}

impl Hello {
    /// JA4 of a client over TCP, such as `t13d1516h2_8daaf6152771_e5627efa2ab1`.
    pub fn ja4(&self) -> String {
        let (ciphers, extensions) = (self.sorted_ciphers(), self.sorted_extensions());
        let b = if ciphers.is_empty() { NOTHING.to_owned() } else { hash12(&ciphers) };
        let c = if extensions.is_empty() { NOTHING.to_owned() } else { hash12(&extensions) };
        format!("{}_{b}_{c}", self.ja4_a())
    }

    /// JA4 with the sorted lists in place of their hashes (`JA4_r`).
    pub fn ja4_raw(&self) -> String {
        format!("{}_{}_{}", self.ja4_a(), self.sorted_ciphers(), self.sorted_extensions())
    }

    fn ja4_a(&self) -> String {
        let version = match real(&self.versions).max().unwrap_or(self.version) {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            _ => "00",
        };
        let destination = if self.extensions.contains(&0) { 'd' } else { 'i' };
        let count = |list: &[u16]| real(list).count().min(99);
        let (ciphers, extensions) = (count(&self.ciphers), count(&self.extensions));
        format!("t{version}{destination}{ciphers:02}{extensions:02}{}", self.protocol())
    }

    /// First and last character of the first protocol, or of its hexadecimal form when either is no letter or digit.
    fn protocol(&self) -> String {
        let Some((first, last)) = self.protocols.first().and_then(|first| Some((*first.first()?, *first.last()?)))
        else {
            return "00".to_owned();
        };
        if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
            return [first as char, last as char].iter().collect();
        }
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        [digit(first >> 4), digit(last & 15)].iter().collect()
    }

    fn sorted_ciphers(&self) -> String {
        let mut ciphers: Vec<u16> = real(&self.ciphers).collect();
        ciphers.sort_unstable();
        join(ciphers.into_iter())
    }

    /// Extensions sorted, without the name and the protocols, then the signature algorithms as sent.
    fn sorted_extensions(&self) -> String {
        let mut extensions: Vec<u16> = real(&self.extensions).filter(|kind| !matches!(kind, 0x0000 | 0x0010)).collect();
        extensions.sort_unstable();
        let mut text = join(extensions.into_iter());
        let signatures = join(real(&self.signatures));
        if !signatures.is_empty() {
            text.push('_');
            text.push_str(&signatures);
        }
        text
    }

    /// The text of JA3: version, ciphers, extensions, groups and point formats in decimal.
    pub fn ja3(&self) -> String {
        let join = |list: &[u16]| real(list).map(|number| number.to_string()).collect::<Vec<_>>().join("-");
        let formats: Vec<u16> = self.point_formats.iter().map(|format| u16::from(*format)).collect();
        let (ciphers, extensions, groups) = (join(&self.ciphers), join(&self.extensions), join(&self.groups));
        let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
        format!("{},{ciphers},{extensions},{groups},{}", self.version, formats.join("-"))
    }

    /// JA3: the MD5 of its text.
    pub fn ja3_hash(&self) -> String {
        hex::encode(Md5::digest(self.ja3().as_bytes()))
    }
}
