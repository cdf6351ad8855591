//! What a warning list means: a policy for each list, never a deletion.

/// What follows when a value stands on a warning list. The hit is always shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Nothing is blocked by itself because of the value.
    NeverBlock,
    /// The same for the listed name itself; a name below it is shown as such and may be blocked. For zones under which
    /// anybody may have a name.
    NeverBlockItself,
    /// So many points less.
    LowerScore(u8),
    /// It is shown, nothing else.
    Tag,
}

/// Policies by the begin of a list's short name (its folder in MISP's repository); the first that fits counts. Why:
/// shared infrastructure and well-known names hurt many when blocked; known false positives say nothing; scanners and
/// sinkholes are worth knowing of and no reason to hold back.
const BY_NAME: &[(&str, Policy)] = &[
    // Not what they seem: hashes of empty or common files.
    ("empty-hashes", Policy::LowerScore(100)),
    ("common-ioc-false-positive", Policy::LowerScore(100)),
    ("ti-falsepositives", Policy::LowerScore(100)),
    ("mozilla-", Policy::LowerScore(100)),
    ("nist-nsrl", Policy::LowerScore(100)),
    ("eicar", Policy::LowerScore(50)),
    // Nobody's, everybody's, one's own.
    ("rfc", Policy::NeverBlock),
    ("multicast", Policy::NeverBlock),
    ("ipv6-linklocal", Policy::NeverBlock),
    ("tlds", Policy::NeverBlock),
    ("second-level-tlds", Policy::NeverBlock),
    // Zones under which anybody may have a name.
    ("dynamic-dns", Policy::NeverBlockItself),
    ("lots-project", Policy::NeverBlockItself),
    ("digitalside", Policy::NeverBlockItself),
    ("link-in-bio", Policy::NeverBlockItself),
    ("url-shortener", Policy::NeverBlockItself),
    ("public-ipfs-gateways", Policy::NeverBlockItself),
    ("parking-domain-ns", Policy::NeverBlockItself),
    // Worth knowing, no reason to hold back.
    ("sinkholes", Policy::Tag),
    ("umbrella-blockpage", Policy::Tag),
    ("disposable-email", Policy::Tag),
    ("microsoft-attack-simulator", Policy::Tag),
    ("parking-domain", Policy::Tag),
    ("ovh-cluster", Policy::Tag),
    // Shared by many hosts that change hands: half the addresses of public block lists stand here.
    ("vpn-", Policy::LowerScore(20)),
    ("icloud-private-relay", Policy::NeverBlock),
];

/// Ends of names: companies and projects that scan the whole Internet.
const SCANNERS: &[&str] =
    &["-scanning", "-scanner", "-connection-attempts", "-cloud-ipv4", "-cloud-ipv6", "check-host-net"];

impl Policy {
    /// The policy of a list without configuration. Lists that no row names are lists of well-known good things (clouds,
    /// networks of delivery, resolvers, popular domains, mail servers): nothing of them is blocked by itself.
    pub fn of(list: &str) -> Policy {
        let by_name = BY_NAME.iter().find(|(begin, _)| list.starts_with(begin)).map(|(_, policy)| *policy);
        let scanner = || SCANNERS.iter().any(|end| list.ends_with(end)).then_some(Policy::Tag);
        by_name.or_else(scanner).unwrap_or(Policy::NeverBlock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_the_policy_of_their_sort() {
        for (list, policy) in [
            ("amazon-aws", Policy::NeverBlock),
            ("public-dns-v4", Policy::NeverBlock),
            ("tranco10k", Policy::NeverBlock),
            ("dynamic-dns", Policy::NeverBlockItself),
            ("vpn-ipv4", Policy::LowerScore(20)),
            ("shodan-scanning", Policy::Tag),
            ("shodan-nt-scanning", Policy::Tag),
            ("sinkholes", Policy::Tag),
            ("empty-hashes", Policy::LowerScore(100)),
            ("a list of tomorrow", Policy::NeverBlock),
        ] {
            assert_eq!(Policy::of(list), policy, "{list}");
        }
        assert_eq!(serde_json::to_string(&Policy::LowerScore(20)).unwrap(), r#"{"lower-score":20}"#);
        assert_eq!(serde_json::from_str::<Policy>("\"never-block-itself\"").unwrap(), Policy::NeverBlockItself);
    }
}
