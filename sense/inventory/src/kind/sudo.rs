//! Who may become whom: lines of sudoers(5) and of doas.conf(5).

use super::{Kind, Sight};
use crate::asset::{asset, fingerprint};
use crate::root::Root;

/// Rules of sudo and doas.
pub const KIND: Kind = Kind { word: "sudo", look };

fn look(root: &Root, sight: &mut Sight) {
    let mut files = vec!["/etc/sudoers".to_owned(), "/etc/doas.conf".to_owned()];
    // sudo itself leaves out names with a dot or a tilde at the end.
    let parts = root.list("/etc/sudoers.d");
    let parts = parts.iter().filter(|name| !name.contains('.') && !name.ends_with('~'));
    files.extend(parts.map(|name| format!("/etc/sudoers.d/{name}")));
    for file in files {
        for rule in root.text(&file).iter().flat_map(|text| parse(text)) {
            let key = format!("{file}:{}", fingerprint(rule.as_bytes()));
            let who = rule.split([' ', '\t', '=']).next().unwrap_or_default();
            let free = rule.contains("NOPASSWD") || rule.contains("!authenticate") || rule.contains("nopass");
            let built = asset("sudo", &key, &rule).with("who", who).with("file", &file);
            sight.push(built.flag("nopasswd", free).flag("all", rule.ends_with("ALL")));
        }
    }
}

/// Rules, one a line: continued lines joined, spaces made one; comments, includes, aliases and most defaults left out.
pub fn parse(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let rules = joined.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let kept = rules.filter(|line| {
        let alias = ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "@include"];
        let defaults = line.starts_with("Defaults") && !line.contains("!authenticate");
        // `#1000` at the beginning is an account by its number.
        let comment = line.starts_with('#') && !line[1..].starts_with(|letter: char| letter.is_ascii_digit());
        !line.is_empty() && !comment && !defaults && !alias.iter().any(|word| line.starts_with(word))
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_stay_and_the_rest_goes() {
        let text = "Defaults env_reset\n# x\n#includedir /etc/sudoers.d\n%sudo\tALL=(ALL:ALL) \\\n  ALL\n#1000 ALL=NOPASSWD: ALL\n\
                    Defaults:eve !authenticate\nUser_Alias A = b\n";
        let rules = parse(text);
        assert_eq!(rules, ["%sudo ALL=(ALL:ALL) ALL", "#1000 ALL=NOPASSWD: ALL", "Defaults:eve !authenticate"]);
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "(#?\\PC{0,9}\\\\?\n){0,20}") {
            prop_assert!(parse(&text).iter().all(|rule| !rule.is_empty()));
        }
    }
}
