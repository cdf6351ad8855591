//! Passwords: argon2id in the PHC string form (RFC 9106; password-hashing-competition string format).

use crate::fault;
use argon2::{Algorithm, Argon2, Params, Version};
use base::{Fault, Random, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;

/// Memory, KiB: with [`PASSES`] the smallest of the equal settings that OWASP's password storage page lists.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes.
const PASSES: u32 = 2;
/// Length of the hash, bytes.
const HASH_BYTES: usize = 32;
/// Shortest password, characters.
const SHORTEST: usize = 12;
/// Longest password, characters: more would only cost time.
const LONGEST: usize = 256;
/// Letters and digits of made passwords, without those that look alike.
const ALPHABET: &[u8; 56] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Hashes a password with a fresh salt. Takes some 30 ms of a core: call it off the async threads.
pub fn hash(password: &str, random: &dyn Random) -> Result<String> {
    hash_with_salt(password, &random.bytes16())
}

fn hash_with_salt(password: &str, salt: &[u8]) -> Result<String> {
    let digest = digest(password, salt, MEMORY_KIB, PASSES)?;
    let (salt, digest) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(digest));
    Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${digest}"))
}

fn digest(password: &str, salt: &[u8], memory: u32, passes: u32) -> Result<[u8; HASH_BYTES]> {
    let bug = |cause: argon2::Error| Fault::new(&fault::BUG).object("password hash").because(cause);
    let params = Params::new(memory, passes, 1, Some(HASH_BYTES)).map_err(bug)?;
    let mut digest = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut digest)
        .map_err(bug)?;
    Ok(digest)
}

/// Whether the password is the one behind the hash. An empty hash (no such account) takes the same time and is false.
pub fn verify(password: &str, hash: &str) -> Result<bool> {
    if password.chars().count() > LONGEST {
        return Ok(false);
    }
    let Some((memory, passes, salt, wanted)) = parts(hash) else {
        digest(password, &[0; 16], MEMORY_KIB, PASSES)?;
        return Ok(false);
    };
    let found = digest(password, &salt, memory, passes)?;
    Ok(bool::from(found.as_slice().ct_eq(&wanted)))
}

/// Memory, passes, salt and digest of a PHC string that [`hash`] made.
fn parts(hash: &str) -> Option<(u32, u32, Vec<u8>, Vec<u8>)> {
    let mut fields = hash.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut costs = fields.next()?.split(',').map(|cost| cost.get(2..).and_then(|number| number.parse::<u32>().ok()));
    let (memory, passes) = (costs.next()??, costs.next()??);
    let salt = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
    let digest = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
    Some((memory, passes, salt, digest))
}

/// A fault when the password is too weak for this account.
pub fn check(password: &str, account: &str) -> Result<()> {
    let length = password.chars().count();
    let weak = |found: String| Err(Fault::new(&fault::WEAK_PASSWORD).object(account).found(found));
    match () {
        () if !(SHORTEST..=LONGEST).contains(&length) => weak(format!("{length} characters")),
        () if password.eq_ignore_ascii_case(account) => weak("the account's name".into()),
        () if password.chars().all(|letter| password.starts_with(letter)) => weak("one repeated character".into()),
        () => Ok(()),
    }
}

/// A password for the first login: 20 characters, 116 bits.
pub fn make(random: &dyn Random) -> String {
    let place = || ALPHABET[random.below(ALPHABET.len() as u64) as usize] as char;
    (0..20).map(|_| place()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;

    #[test]
    fn only_the_right_password_opens() {
        let hash = hash("correct horse battery", &SeededRandom::new(1)).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse battery", &hash).unwrap());
        assert!(!verify("correct horse batterx", &hash).unwrap());
        assert!(!verify("anything", "").unwrap());
        for broken in ["$argon2id$v=19$", "$argon2id$v=19$m=,t=,p=$$", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$"] {
            assert!(!verify("anything", broken).unwrap_or(false), "{broken}");
        }
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["short", "aaaaaaaaaaaaaaaa", "administrator"] {
            assert!(check(weak, "administrator").is_err(), "{weak}");
        }
        let made = make(&SeededRandom::new(2));
        assert_eq!(made.len(), 20);
        check(&made, "admin").unwrap();
    }
}
