//! Takes what looks like a secret out of environments and command lines before they become evidence that many read.

/// Parts of names whose values are secret.
const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "accesskey",
    "private_key",
    "privatekey",
    "auth",
    "cookie",
    "session_key",
    "dsn",
];
/// Beginnings of values that are secret wherever they stand: cloud keys, forge tokens, signed tokens.
const SECRET_VALUES: &[&str] = &[
    "AKIA",
    "ASIA",
    "LTAI",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk-",
    "sk_live_",
    "eyJ",
    "npm_",
    "-----BEGIN",
];
/// Shortest value that is taken for a secret by its beginning.
const SHORTEST: usize = 16;
/// What stands in its place.
const MARK: &str = "[redacted]";

/// The text without what looks like a secret. Works word by word: `NAME=value`, `--name=value`, `--name value`,
/// and `scheme://user:password@host`.
pub(crate) fn redact(text: &str) -> String {
    let mut hide_next = false;
    let words = text.split(' ').map(|word| {
        let hide = std::mem::take(&mut hide_next);
        if hide && !word.is_empty() && !word.starts_with('-') {
            return MARK.to_string();
        }
        match word.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret_name(name) => {
                // The value may go on after a space; a shell would have quoted it, /proc has not.
                format!("{name}={MARK}")
            }
            Some((name, value)) => format!("{name}={}", redact_value(value)),
            None => {
                hide_next = word.starts_with('-') && is_secret_name(word);
                redact_value(word)
            }
        }
    });
    let redacted = words.collect::<Vec<_>>().join(" ");
    // An environment entry whose name is secret is secret to its end.
    match text.split_once('=') {
        Some((name, value)) if !value.is_empty() && !name.contains([' ', '/']) && is_secret_name(name) => {
            format!("{name}={MARK}")
        }
        _ => redacted,
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
        // These name places and agents, not secrets.
        && !["ssh_auth_sock", "xauthority", "pwd", "oldpwd"].contains(&name.as_str())
}

fn redact_value(value: &str) -> String {
    if value.len() >= SHORTEST && SECRET_VALUES.iter().any(|start| value.starts_with(start)) {
        return MARK.to_string();
    }
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_string() };
    let authority = rest.split('/').next().unwrap_or(rest);
    let Some((user, host)) = authority.rsplit_once('@') else { return value.to_string() };
    match user.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MARK}@{host}{}", &rest[authority.len()..]),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let cases = [
            ("DB_PASSWORD=hunter2 and more", "DB_PASSWORD=[redacted]"),
            ("mysql --password=x -u root", "mysql --password=[redacted] -u root"),
            ("curl --token abc https://h/p", "curl --token [redacted] https://h/p"),
            ("URL=postgres://me:pw@db/x", "URL=postgres://me:[redacted]@db/x"),
            ("K=AKIAIOSFODNN7EXAMPLE", "K=[redacted]"),
            ("PWD=/tmp", "PWD=/tmp"),
            ("SSH_AUTH_SOCK=/run/a", "SSH_AUTH_SOCK=/run/a"),
            ("PATH=/bin:/usr/bin", "PATH=/bin:/usr/bin"),
        ];
        for (text, wanted) in cases {
            assert_eq!(redact(text), wanted);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,120}") {
            let _ = redact(&text);
        }
    }
}
