//! Keys of SSH: who may log in with which, and the host's own. Fingerprints as ssh-keygen(1) writes them; never a private
//! key.

use super::{Kind, Sight, lines};
use crate::asset::asset;
use crate::kind::user;
use crate::root::Root;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::digest::{SHA256, digest};

/// Keys.
pub const KIND: Kind = Kind { word: "key", look };

/// A public key of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public<'a> {
    /// `ssh-ed25519` and the like.
    pub algorithm: &'a str,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// What stands behind it.
    pub comment: &'a str,
    /// What stands before it: `command="…",from="…"`.
    pub options: &'a str,
}

fn look(root: &Root, sight: &mut Sight) {
    let passwd = root.text("/etc/passwd").unwrap_or_default();
    for account in user::parse(&passwd).filter(|account| account.home.starts_with('/')) {
        let home = account.home.trim_end_matches('/');
        for file in ["authorized_keys", "authorized_keys2"] {
            authorized(root, sight, account.name, &format!("{home}/.ssh/{file}"));
        }
    }
    for folder in ["/etc/ssh/authorized_keys", "/etc/ssh/authorized_keys.d"] {
        for name in root.list(folder) {
            authorized(root, sight, &name, &format!("{folder}/{name}"));
        }
    }
    for path in root.glob("/etc/ssh/ssh_host_*.pub") {
        for key in root.text(&path).iter().flat_map(|text| lines(text)).filter_map(parse) {
            let built = asset("key", &format!("host:{}", key.fingerprint), key.algorithm).with("use", "host");
            sight.push(built.with("fingerprint", &key.fingerprint).with("file", &path));
        }
    }
}

fn authorized(root: &Root, sight: &mut Sight, account: &str, path: &str) {
    for key in root.text(path).iter().flat_map(|text| lines(text)).filter_map(parse) {
        let name = if key.comment.is_empty() { key.algorithm } else { key.comment };
        let built = asset("key", &format!("{account}:{}", key.fingerprint), name).with("use", "authorized");
        let built = built.with("user", account).with("algorithm", key.algorithm).with("file", path);
        sight.push(built.with("fingerprint", &key.fingerprint).with("options", key.options));
    }
}

/// The public key on a line of authorized_keys or of a `.pub` file (sshd(8)).
pub fn parse(line: &str) -> Option<Public<'_>> {
    let words = words(line);
    let at = words.iter().position(|(_, word)| algorithm(word))?;
    let blob = STANDARD.decode(words.get(at + 1)?.1).ok()?;
    // The key says its algorithm itself, behind its length (RFC 4253 §6.6).
    let length = u32::from_be_bytes(blob.get(..4)?.try_into().ok()?) as usize;
    if blob.get(4..4usize.checked_add(length)?)? != words[at].1.as_bytes() {
        return None;
    }
    let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(digest(&SHA256, &blob)));
    let comment = words.get(at + 2).map_or("", |(start, _)| line[*start..].trim());
    Some(Public { algorithm: words[at].1, fingerprint, comment, options: line[..words[at].0].trim() })
}

fn algorithm(word: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|start| word.starts_with(start))
}

/// Words and where they begin; a quoted part belongs to its word.
fn words(line: &str) -> Vec<(usize, &str)> {
    let (mut words, mut start, mut quoted, mut before) = (Vec::new(), None, false, ' ');
    for (at, letter) in line.char_indices() {
        if letter == '"' && before != '\\' {
            quoted = !quoted;
        }
        before = letter;
        match (letter.is_whitespace() && !quoted, start) {
            (true, Some(begun)) => {
                words.push((begun, &line[begun..at]));
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    words.extend(start.map(|begun| (begun, &line[begun..])));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn a_key_has_its_fingerprint_and_what_surrounds_it() {
        let line = format!("command=\"ssh-keygen x\",from=\"10.0.0.1\" ssh-ed25519 {KEY} eve at home");
        let key = parse(&line).unwrap();
        assert_eq!((key.algorithm, key.comment), ("ssh-ed25519", "eve at home"));
        assert_eq!(key.options, "command=\"ssh-keygen x\",from=\"10.0.0.1\"");
        assert_eq!(key.fingerprint.len(), 50);
        assert_eq!(parse(&format!("ssh-rsa {KEY}")), None, "the key is of another algorithm");
    }

    proptest! {
        #[test]
        fn any_line_reads(line in "(\"?\\PC{0,9}|ssh-ed25519 |[A-Za-z0-9+/=]{0,20}){0,6}") {
            parse(&line);
        }
    }
}
