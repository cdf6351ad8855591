//! `urlDecodeUni`: as `urlDecode`, and Microsoft's `%uhhhh`.

use super::{Transformation, byte};
use seclang::Settings;
use std::collections::BTreeMap;

/// `t:urlDecodeUni`. A code point that the map of `SecUnicodeMapFile` has becomes the byte it names; without it the low
/// byte is taken, and full-width forms become ASCII.
#[derive(Default)]
pub struct UrlDecodeUni {
    map: BTreeMap<u32, u8>,
}

impl UrlDecodeUni {
    /// Without a map.
    pub const PLAIN: UrlDecodeUni = UrlDecodeUni { map: BTreeMap::new() };

    /// The byte of four digits.
    fn code(&self, digits: &[u8]) -> u8 {
        let code = digits.iter().fold(0, |code, letter| code * 16 + u32::from(byte::digit(*letter)));
        self.map.get(&code).copied().unwrap_or_else(|| byte::narrow(digits))
    }
}

impl Transformation for UrlDecodeUni {
    fn name(&self) -> &'static str {
        "urldecodeuni"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        byte::url_decoded(input, out, |rest| {
            let wide = matches!(rest.first(), Some(b'u' | b'U')) && byte::hex_at(rest, 1, 4);
            wide.then(|| (self.code(&rest[1..5]), 6))
        })
    }

    fn configured(&self, settings: &Settings) -> Option<Box<dyn Transformation>> {
        let map = &settings.unicode_map;
        (!map.is_empty()).then(|| Box::new(UrlDecodeUni { map: map.clone() }) as Box<dyn Transformation>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_wins_over_the_low_byte() {
        let settings = Settings { unicode_map: BTreeMap::from([(0x2215, b'/')]), ..Settings::default() };
        let mut out = Vec::new();
        assert!(UrlDecodeUni::PLAIN.configured(&settings).unwrap().apply(b"%u2215%u0041%uff0f", &mut out));
        assert_eq!(out, b"/A/");
        assert!(UrlDecodeUni::PLAIN.configured(&Settings::default()).is_none());
    }
}
