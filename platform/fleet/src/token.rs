//! The enrolment token: what an operator carries from the server to a host.

use crate::fault;
use base::{Fault, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::io::Read;
use std::path::Path;

/// Longest token text, bytes.
const TEXT_BYTES: u64 = 4096;

/// A token, opened. Its text form is one word of base64url. It holds a secret: it is read from a file or standard
/// input, never from the command line, where every user of the host could see it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Token {
    /// Where the server listens: `https://host:port`.
    pub url: String,
    /// SHA-256 of the authority's certificate (DER), 64 hexadecimal digits.
    pub authority: String,
    /// The secret, 64 hexadecimal digits.
    pub(crate) secret: String,
    /// When it ends, seconds since the Unix epoch.
    pub expires_s: u64,
    /// How many hosts may use it.
    pub uses: u32,
    /// Group that its hosts join.
    pub group: String,
}

impl Token {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Token> {
        let wrong = || Fault::new(&fault::BAD_TOKEN).object("token");
        if text.len() as u64 > TEXT_BYTES {
            return Err(wrong().expected(format!("at most {TEXT_BYTES} bytes")).found(text.len()));
        }
        let json = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|cause| wrong().because(cause))?;
        let token: Token = serde_json::from_slice(&json).map_err(|cause| wrong().because(cause))?;
        token.authority_hash()?;
        token.secret_bytes()?;
        Ok(token)
    }

    /// Reads a token from a file, or from standard input for `-`.
    pub fn read(source: &Path) -> Result<Token> {
        let wrong = |cause: std::io::Error| Fault::new(&fault::BAD_TOKEN).object(source.display()).because(cause);
        let mut text = String::new();
        if source == Path::new("-") {
            std::io::stdin().take(TEXT_BYTES + 1).read_to_string(&mut text).map_err(wrong)?;
        } else {
            std::fs::File::open(source)
                .map_err(wrong)?
                .take(TEXT_BYTES + 1)
                .read_to_string(&mut text)
                .map_err(wrong)?;
        }
        Token::parse(&text)
    }

    /// The text form.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::json!(self).to_string())
    }

    pub(crate) fn authority_hash(&self) -> Result<[u8; 32]> {
        digits(&self.authority)
    }

    pub(crate) fn secret_bytes(&self) -> Result<[u8; 32]> {
        digits(&self.secret)
    }
}

fn digits(text: &str) -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let wrong = |_| Fault::new(&fault::BAD_TOKEN).object("token").expected("64 hexadecimal digits");
    hex::decode_to_slice(text, &mut bytes).map_err(wrong)?;
    Ok(bytes)
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "token for {} group {} until {}", self.url, self.group, self.expires_s)
    }
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_and_nonsense_is_a_fault() {
        let hash = hex::encode([7; 32]);
        let (url, group) = ("https://server:8443".to_string(), "default".to_string());
        let token = Token { url, authority: hash.clone(), secret: hash, expires_s: 1, uses: 1, group };
        assert_eq!(Token::parse(&token.text()).unwrap(), token);
        assert!(!format!("{token:?}").contains(&token.secret));
        for text in ["", "e30", "%%%", &"a".repeat(5000), &token.text()[..40]] {
            assert!(Token::parse(text).unwrap_err().is(&fault::BAD_TOKEN));
        }
    }
}
