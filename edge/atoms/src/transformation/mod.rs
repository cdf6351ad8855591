//! Transformations: what is done to a value before a rule looks at it. A file for each family.
//!
//! All do byte for byte what libmodsecurity 3.0.15 does, its oddities included (named where they are): rules are written
//! and tested against it.

mod base64;
mod byte;
mod case;
mod cmd_line;
mod comments;
mod css_decode;
mod digest;
mod escape_seq_decode;
mod hex;
mod html_entity_decode;
mod js_decode;
mod length;
mod none;
mod normalise_path;
mod nulls;
mod parity;
mod triggers;
mod trim;
mod url_decode;
mod url_decode_uni;
mod url_encode;
mod utf8_to_unicode;
mod whitespace;

pub use triggers::triggers;

use seclang::Settings;

/// One transformation.
pub trait Transformation: Send + Sync {
    /// Canonical name, lower case, without `t:`.
    fn name(&self) -> &'static str;

    /// Writes the transformed value into `out`, which is empty, and returns true; or returns false, when the value
    /// would stay as it is (`out` may then hold anything). Bytes in, bytes out; never longer than the input by more
    /// than a fixed factor.
    fn apply(&self, input: &[u8], out: &mut Vec<u8>) -> bool;

    /// The same with what the settings say (`SecUnicodeMapFile`); `None` when they say nothing about it.
    fn configured(&self, _settings: &Settings) -> Option<Box<dyn Transformation>> {
        None
    }
}

/// Every transformation.
pub const ALL: &[&dyn Transformation] = &[
    &base64::Base64Decode,
    &base64::Base64DecodeExt,
    &base64::Base64Encode,
    &cmd_line::CmdLine,
    &whitespace::CompressWhitespace,
    &css_decode::CssDecode,
    &escape_seq_decode::EscapeSeqDecode,
    &hex::HexDecode,
    &hex::HexEncode,
    &html_entity_decode::HtmlEntityDecode,
    &js_decode::JsDecode,
    &length::Length,
    &case::Lowercase,
    &digest::Md5,
    &none::None,
    &normalise_path::NormalisePath::UNIX,
    &normalise_path::NormalisePath::WINDOWS,
    &parity::Parity::EVEN,
    &parity::Parity::ODD,
    &parity::Parity::ZERO,
    &comments::RemoveComments,
    &comments::RemoveCommentsChar,
    &nulls::RemoveNulls,
    &whitespace::RemoveWhitespace,
    &comments::ReplaceComments,
    &nulls::ReplaceNulls,
    &digest::Sha1,
    &hex::SqlHexDecode,
    &trim::Trim::BOTH,
    &trim::Trim::LEFT,
    &trim::Trim::RIGHT,
    &case::Uppercase,
    &url_decode::UrlDecode,
    &url_decode_uni::UrlDecodeUni::PLAIN,
    &url_encode::UrlEncode,
    &utf8_to_unicode::Utf8ToUnicode,
];

/// Other spellings: (alias, name).
pub const ALIASES: &[(&str, &str)] = &[
    ("normalizepath", "normalisepath"),
    ("normalizepathwin", "normalisepathwin"),
    ("cmd_line", "cmdline"),
    ("compress_whitespace", "compresswhitespace"),
];
