//! ATT&CK ids in tags.

use record::{TACTICS, Technique};

/// Ids that have the right form, are often written, and do not exist.
const FALSE_IDS: &[&str] = &["T1005.003", "T1074.012"];

/// The word behind `attack.`, tactics with hyphens.
fn words(tags: &[String]) -> impl Iterator<Item = String> {
    tags.iter().filter_map(|tag| tag.to_ascii_lowercase().strip_prefix("attack.").map(|word| word.replace('_', "-")))
}

fn is_technique(word: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(number) = word.strip_prefix('t') else { return false };
    match number.split_once('.') {
        None => digits(number, 4),
        Some((number, sub)) => digits(number, 4) && digits(sub, 3),
    }
}

/// The techniques among tags, each with all tactics among them: a tag does not say which belongs to which.
pub fn techniques(tags: &[String]) -> Vec<Technique> {
    let tactics: Vec<String> = words(tags).filter(|word| TACTICS.contains(&word.as_str())).collect();
    let mut found: Vec<Technique> = Vec::new();
    for word in words(tags).filter(|word| is_technique(word)) {
        let id = word.to_ascii_uppercase();
        if found.iter().all(|technique| technique.id != id) {
            found.push(Technique { id, tactics: tactics.clone() });
        }
    }
    found
}

/// Tags under `attack.` that are no technique, tactic, group (g), software (s), campaign (c), mitigation (m) or data
/// source (ds), and ids known not to exist.
pub fn wrong(tags: &[String]) -> Vec<String> {
    let numbered = |word: &str| {
        ["g", "s", "c", "m", "ds"].iter().any(|letter| {
            word.strip_prefix(letter)
                .is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    words(tags)
        .filter(|word| {
            let known = is_technique(word) && !FALSE_IDS.contains(&word.to_ascii_uppercase().as_str());
            !known && !TACTICS.contains(&word.as_str()) && !numbered(word)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_give_techniques_and_tactics() {
        let tags: Vec<String> =
            ["attack.T1059.004", "attack.privilege_escalation", "attack.g0007", "car.2016-03-001", "attack.t1059.004"]
                .map(String::from)
                .into();
        let found = techniques(&tags);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].id.as_str(), &found[0].tactics[..]),
            ("T1059.004", &["privilege-escalation".to_owned()][..])
        );
        assert!(wrong(&tags).is_empty());
        for tag in ["attack.t105", "attack.t1005.003", "attack.evasion", "attack.t1059.4", "attack.T1074.012"] {
            assert_eq!(wrong(&[tag.to_owned()]).len(), 1, "{tag}");
        }
    }
}
