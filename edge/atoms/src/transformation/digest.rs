//! `md5`, `sha1`: the digest, as bytes.

use super::Transformation;
use md5::{Digest as _, Md5 as Hash};

/// `t:md5`: 16 bytes.
pub struct Md5;

impl Transformation for Md5 {
    fn name(&self) -> &'static str {
        "md5"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(Hash::digest(input).as_slice());
        true
    }
}

/// `t:sha1`: 20 bytes.
pub struct Sha1;

impl Transformation for Sha1 {
    fn name(&self) -> &'static str {
        "sha1"
    }

    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool {
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, input);
        out.extend_from_slice(digest.as_ref());
        true
    }
}
