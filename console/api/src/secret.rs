//! Secrets that machines carry: session cookies, CSRF values, token secrets. 256 bits each, stored only as SHA-256:
//! unlike a password nobody can guess them, so a slow hash would buy nothing.

use base::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

/// A new secret, 43 characters of the URL-safe base64 alphabet.
pub(crate) fn make(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A second secret that follows from the first but does not give it away, nor what is stored of it.
pub(crate) fn derived(secret: &str, purpose: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{purpose}\n{secret}").as_bytes()))
}

/// What is stored of a secret, 64 hexadecimal digits.
pub(crate) fn stored(secret: &str) -> String {
    hex::encode(digest(&SHA256, secret.as_bytes()))
}

/// Whether two texts are equal, in a time that does not tell where they differ.
pub(crate) fn equal(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
