//! The TSIG key that changes are signed with (RFC 8945), read from a file as BIND's and Knot's own tools write it.
//!
//! The secret never shows: not in a fault, not in `Debug`, not in a record.

use crate::{fault, name};
use base::{Fault, Result};
use base64::Engine;
use hickory_proto::rr::TSigner;
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Largest key file, bytes.
const FILE_BYTES: u64 = 16 * 1024;
/// Shortest secret, bytes; below it the secret can be guessed.
const SECRET_BYTES: usize = 16;
/// How far the clocks may be apart, seconds (RFC 8945 10 recommends 300).
pub const FUDGE_S: u16 = 300;

/// A key of TSIG.
#[derive(Clone)]
pub struct Key {
    signer: TSigner,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {})", self.name(), self.signer.algorithm())
    }
}

impl Key {
    /// Reads a key file: BIND's `key "name" { algorithm …; secret "…"; };` (tsig-keygen), Knot's YAML (keymgr -t), or
    /// one line `algorithm:name:secret` (kdig -y).
    ///
    /// # Errors
    /// `divert.key-file`, naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Key> {
        let wrong = || Fault::new(&fault::KEY_FILE).object(path.display());
        let about = std::fs::metadata(path).map_err(|cause| wrong().found(cause))?;
        if !about.is_file() || about.len() > FILE_BYTES {
            return Err(wrong().expected(format!("a file of at most {FILE_BYTES} bytes")));
        }
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            return Err(wrong().expected("nothing for others").found(format!("mode {mode:04o}")));
        }
        // The cause may quote the file, so it is not kept.
        let text = std::fs::read_to_string(path).map_err(|_| wrong().found("a file that is not text"))?;
        Key::parse(&text).map_err(|what| wrong().expected(what))
    }

    /// The key of a text in one of the three forms, or what was expected in words that quote nothing of it.
    fn parse(text: &str) -> std::result::Result<Key, &'static str> {
        let plain = text.lines().map(without_comment).collect::<Vec<_>>().join("\n");
        let separates = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"' | ':' | '\'');
        let words: Vec<&str> = plain.split(separates).filter(|word| !word.is_empty() && *word != "-").collect();
        let (name, algorithm, secret) = match words.as_slice() {
            ["key", "id", name, rest @ ..] | ["key", name, rest @ ..] => {
                let (algorithm, secret) = pairs(rest)?;
                (*name, algorithm, secret)
            }
            [algorithm, name, secret] => (*name, *algorithm, *secret),
            _ => return Err("one key with name, algorithm and secret"),
        };
        let name = name::parse(name).map_err(|_| "the name of the key as a name of DNS")?;
        let algorithm = match algorithm.trim_end_matches('.').to_ascii_lowercase().as_str() {
            "hmac-sha256" => TsigAlgorithm::HmacSha256,
            "hmac-sha384" => TsigAlgorithm::HmacSha384,
            "hmac-sha512" => TsigAlgorithm::HmacSha512,
            _ => return Err("algorithm hmac-sha256, hmac-sha384 or hmac-sha512"),
        };
        let secret = base64::engine::general_purpose::STANDARD.decode(secret).map_err(|_| "the secret in base64")?;
        if secret.len() < SECRET_BYTES {
            return Err("a secret of at least 16 bytes");
        }
        let signer = TSigner::new(secret, algorithm, name, FUDGE_S).map_err(|_| "an algorithm that is supported")?;
        Ok(Key { signer })
    }

    /// Its name, in lower case with its dot at the end: may be shown.
    pub fn name(&self) -> String {
        self.signer.signer_name().to_ascii()
    }

    /// HMAC of these bytes.
    pub(crate) fn mac(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.signer.sign(bytes).map_err(|cause| Fault::new(&fault::KEY_FILE).object(self.name()).because(cause))
    }

    /// Whether this is the HMAC of these bytes, in constant time.
    pub(crate) fn proves(&self, bytes: &[u8], mac: &[u8]) -> bool {
        self.signer.verify(bytes, mac).is_ok()
    }

    /// What signs.
    pub(crate) fn signer(&self) -> &TSigner {
        &self.signer
    }
}

/// Algorithm and secret, in either order and nothing else.
fn pairs<'t>(words: &[&'t str]) -> std::result::Result<(&'t str, &'t str), &'static str> {
    match words {
        ["algorithm", algorithm, "secret", secret] | ["secret", secret, "algorithm", algorithm] => {
            Ok((algorithm, secret))
        }
        _ => Err("one key with algorithm and secret"),
    }
}

/// A line up to `#` or `//` at its beginning or after a space: both letters may stand in base64.
fn without_comment(line: &str) -> &str {
    let marks = line.char_indices().filter(|(at, _)| {
        let rest = &line[*at..];
        let before = line[..*at].chars().next_back();
        (rest.starts_with('#') || rest.starts_with("//")) && before.is_none_or(char::is_whitespace)
    });
    marks.map(|(at, _)| at).next().map_or(line, |at| &line[..at])
}

#[cfg(test)]
impl Key {
    /// A key for tests.
    pub(crate) fn example(seed: u8) -> Key {
        let secret = base64::engine::general_purpose::STANDARD.encode([seed; 32]);
        Key::parse(&format!("hmac-sha256:switch:{secret}")).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    #[test]
    fn every_form_that_the_tools_write_is_read() {
        let forms = [
            format!("key \"switch.example\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{SECRET}\";\n}};\n"),
            format!("key switch.example {{ secret {SECRET}; algorithm HMAC-SHA256; }};"),
            format!(
                "# hmac-sha256:switch.example:{SECRET}\nkey:\n  - id: switch.example\n    algorithm: hmac-sha256\n    secret: {SECRET}\n"
            ),
            format!("hmac-sha256:Switch.Example.:{SECRET}\n"),
            format!("// of the primary\nhmac-sha256:switch.example:{SECRET} # moved here in spring\n"),
        ];
        for form in forms {
            let key = Key::parse(&form).unwrap();
            assert_eq!(key.name(), "switch.example.", "{form}");
            assert_eq!(key.signer.key(), b"0123456789abcdef0123456789abcdef");
        }
    }

    #[test]
    fn what_is_no_good_key_is_said_without_the_secret() {
        for bad in [
            "",
            "key",
            "hmac-sha256:a:c2hvcnQ=",
            &format!("hmac-md5:a:{SECRET}"),
            &format!("hmac-sha256:a..b:{SECRET}"),
            &format!("hmac-sha256:a:{SECRET}:{SECRET}"),
            &format!("key a {{ algorithm hmac-sha256; secret {SECRET}; }}; key b {{ }};"),
            "hmac-sha256:a:not*base64",
        ] {
            let said = Key::parse(bad).unwrap_err();
            assert!(!said.contains(SECRET), "{bad}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_nothing_shows_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("switch.key");
        std::fs::write(&path, format!("hmac-sha512:switch:{SECRET}")).unwrap();
        for (mode, fine) in [(0o600, true), (0o640, true), (0o644, false), (0o601, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = Key::read(&path);
            assert_eq!(read.is_ok(), fine, "{mode:o}");
            let shown = format!("{read:?}");
            assert!(!shown.contains(SECRET) && !shown.contains("0123456789"), "{shown}");
        }
        assert!(Key::read(&folder.path().join("none")).unwrap_err().is(&fault::KEY_FILE));
        assert!(Key::read(folder.path()).unwrap_err().is(&fault::KEY_FILE));
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_a_fault(text in "(key|id|hmac-sha256|algorithm|secret|[{}:;\"# /=A-Za-z0-9\n-]{0,40}){0,12}") {
            let _ = Key::parse(&text);
        }
    }
}
