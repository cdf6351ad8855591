//! Accounts (passwd(5)), and whether they have a password (shadow(5)); never the password's hash.

use super::{Kind, Sight, lines};
use crate::asset::asset;
use crate::root::Root;

/// Accounts.
pub const KIND: Kind = Kind { word: "user", look };

/// A line of passwd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account<'a> {
    /// Login name.
    pub name: &'a str,
    /// Number.
    pub uid: u32,
    /// Number of the first group.
    pub gid: u32,
    /// Home.
    pub home: &'a str,
    /// Shell.
    pub shell: &'a str,
}

fn look(root: &Root, sight: &mut Sight) {
    let (passwd, shadow) = (root.text("/etc/passwd").unwrap_or_default(), root.text("/etc/shadow").unwrap_or_default());
    for account in parse(&passwd) {
        let built = asset("user", account.name, account.name).with("uid", account.uid.to_string());
        let built = built.with("gid", account.gid.to_string()).with("home", account.home).with("shell", account.shell);
        sight.push(built.with("password", password(&shadow, account.name)));
    }
}

/// Accounts of a passwd file; other lines (NIS) are passed over.
pub fn parse(text: &str) -> impl Iterator<Item = Account<'_>> {
    lines(text).filter_map(|line| {
        let parts: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, _, home, shell] = parts[..] else { return None };
        let good = !name.is_empty() && !name.starts_with(['+', '-']);
        Some(Account { name, uid: uid.parse().ok()?, gid: gid.parse().ok()?, home, shell }).filter(|_| good)
    })
}

/// `set`, `locked`, `empty`; empty text when shadow does not name the account.
pub fn password(shadow: &str, name: &str) -> &'static str {
    let field = lines(shadow).find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.split(':').next());
    match field {
        None => "",
        Some("") => "empty",
        Some(hash) if hash.starts_with(['!', '*']) => "locked",
        Some(_) => "set",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn passwords_are_a_word_only() {
        let shadow = "root:$6$abc:1::::::\ndaemon:*:1::::::\nguest::1::::::\nroo:!x:\n";
        let words = ["root", "daemon", "guest", "roo", "nobody"].map(|name| password(shadow, name));
        assert_eq!(words, ["set", "locked", "empty", "locked", ""]);
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "(\\PC{0,6}:?|\n|[0-9]{1,11}:){0,40}") {
            prop_assert!(parse(&text).all(|account| !account.name.is_empty()));
        }
    }
}
