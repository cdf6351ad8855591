//! Secrets in texts: files whose content is never kept or told, and values within lines that are replaced by a mark.
//!
//! A mark is the beginning of a keyed hash of the value, so that a difference shows that a password changed and not what
//! it is. The key never leaves the host.

use ring::hmac;

/// Files that are secret by name: ends of paths.
const ENDS: &[&str] = &[
    "/shadow",
    "/shadow-",
    "/gshadow",
    "/gshadow-",
    "/opasswd",
    "/krb5.keytab",
    ".keytab",
    "/secrets.tdb",
    "/.pgpass",
    "/.netrc",
    "/.my.cnf",
    "/debian.cnf",
    "/sasldb2",
    "/chap-secrets",
    "/pap-secrets",
    "/ipsec.secrets",
    "/htpasswd",
    "/.htpasswd",
    "/passwd.client",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".kdbx",
    ".gpg",
    "/id_rsa",
    "/id_dsa",
    "/id_ecdsa",
    "/id_ed25519",
    "_key",
    "/credentials",
    "/machine-id",
];
/// Folders whose files are secret.
const WITHIN: &[&str] = &["/private/", "/.gnupg/", "/wireguard/", "/system-connections/", "/credstore", "/.aws/"];
/// What a text holds that is secret as a whole.
const HOLDS: &[&str] = &["PRIVATE KEY-----", "BEGIN PGP PRIVATE", "PuTTY-User-Key-File"];
/// Words in a name whose value is secret.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "access-key",
    "accesskey",
    "private_key",
    "privatekey",
    "credential",
    "authorization",
    "community",
    "bindpw",
    "psk",
];
/// Between a name and its value.
const SIGNS: &[char] = &['=', ':', ' ', '\t'];

/// Whether a file is secret as a whole: no copy is kept of it and no difference is told.
pub fn file(path: &str, text: &[u8]) -> bool {
    // The account database holds no secrets for decades, and who changed it is wanted most.
    if ENDS.iter().any(|end| path.ends_with(end)) || WITHIN.iter().any(|part| path.contains(part)) {
        return true;
    }
    let text = String::from_utf8_lossy(text);
    HOLDS.iter().any(|mark| text.contains(mark))
}

/// Files that not everyone may read, and whose lines are what an alert is about.
const OPEN: &[&str] =
    &["/etc/sudoers", "/etc/cron", "/var/spool/cron/", "/etc/ssh/sshd_config", "/etc/pam.d/", "/etc/systemd/"];

/// Whether a file is closed to others (`mode`), so that its content is nobody else's business.
pub fn closed(path: &str, mode: u32) -> bool {
    let told = OPEN.iter().any(|begin| path.starts_with(begin)) || path.contains("/.ssh/authorized_keys");
    mode & 0o004 == 0 && !told
}

/// Replaces what is secret in texts.
pub struct Redactor(hmac::Key);

impl Redactor {
    /// With a key of this host.
    pub fn new(key: &[u8; 32]) -> Redactor {
        Redactor(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The text with marks in the place of secret values; `None` when it is no text.
    pub fn text(&self, bytes: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
        Some(text.lines().map(|line| self.line(line) + "\n").collect())
    }

    fn line(&self, line: &str) -> String {
        let line = self.address(line);
        let lower = line.to_ascii_lowercase();
        let found = WORDS.iter().filter_map(|word| lower.find(word).map(|at| at + word.len())).min();
        let Some(value) = found.and_then(|after| value(&line, after)) else { return line };
        format!("{}{}", &line[..value], self.mark(line[value..].trim()))
    }

    /// `scheme://user:password@host`: the password.
    fn address(&self, line: &str) -> String {
        let secret = || {
            let begin = line.find("://")? + 3;
            let rest = &line[begin..];
            let end = rest.find(['/', ' ', '"', '\'']).unwrap_or(rest.len());
            let at = rest[..end].rfind('@')?;
            let colon = rest[..at].find(':')? + 1;
            Some((begin + colon, begin + at))
        };
        match secret() {
            Some((from, to)) => format!("{}{}{}", &line[..from], self.mark(&line[from..to]), &line[to..]),
            None => line.to_owned(),
        }
    }

    fn mark(&self, value: &str) -> String {
        let sum = hmac::sign(&self.0, value.as_bytes());
        format!("[redacted {}]", hex::encode(&sum.as_ref()[..4]))
    }
}

/// Where the value begins that follows a name: after the rest of the name's word and a sign.
fn value(line: &str, after: usize) -> Option<usize> {
    let rest = line.get(after..)?;
    let word = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_-\"'".contains(letter))?;
    let signs = &rest[word..];
    let value = signs.trim_start_matches(SIGNS);
    let begins = after + word + (signs.len() - value.len());
    (value.len() < signs.len() && !value.trim().is_empty()).then_some(begins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secret_files_are_known_by_name_and_by_content() {
        for path in ["/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/etc/ssl/private/x.pem", "/home/a/.ssh/id_ed25519"] {
            assert!(file(path, b""), "{path}");
        }
        assert!(file("/etc/x.pem", b"-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(!file("/etc/passwd", b"a:x:1:1") && !file("/etc/ssh/sshd_config", b"PermitRootLogin no"));
    }

    #[test]
    fn a_file_that_others_may_not_read_is_not_told_unless_it_is_what_alerts_are_about() {
        assert!(closed("/etc/app/keys.conf", 0o100_600) && !closed("/etc/app/x.conf", 0o100_644));
        assert!(!closed("/etc/sudoers", 0o100_440) && !closed("/home/a/.ssh/authorized_keys", 0o100_600));
    }

    #[test]
    fn values_are_replaced_and_other_lines_stay() {
        let redactor = Redactor::new(&[7; 32]);
        let redacted = |text: &str| redactor.text(text.as_bytes()).unwrap();
        for (line, kept) in [
            ("password=hunter2", "password="),
            ("db_password = \"hunter2\"", "db_password = "),
            ("  client_secret: hunter2", "  client_secret: "),
            ("requirepass_token hunter2 x", "requirepass_token "),
            ("url = postgres://u:hunter2@db/x", "url = postgres://u:"),
            ("Authorization: Bearer hunter2", "Authorization: "),
        ] {
            let line = redacted(line);
            assert!(line.starts_with(kept) && line.contains("[redacted ") && !line.contains("hunter2"), "{line}");
        }
        for line in ["PermitRootLogin yes\n", "# password\n", "root:x:0:0:root:/home/r:/bin/bash\n", "\n"] {
            assert_eq!(redacted(line), line);
        }
        assert_ne!(redacted("password=a"), redacted("password=b"), "that it changed is seen");
        assert_eq!(redactor.text(b"\xff\xfe"), None);
        assert_eq!(redactor.text(b"a\0b"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_no_value_passes(text in "(?s).{0,200}", value in "[a-zA-Z0-9]{8,20}") {
            let redactor = Redactor::new(&[7; 32]);
            let _ = redactor.text(text.as_bytes());
            let line = redactor.text(format!("password={value}").as_bytes()).unwrap();
            prop_assert!(!line.contains(&value));
        }
    }
}
