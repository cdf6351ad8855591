//! Versions, compared as those compare them who give them.

pub mod apk;
pub mod deb;
pub mod pep440;
pub mod rpm;
pub mod semver;

use std::cmp::Ordering;

/// How versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// deb-version(7).
    Deb,
    /// `rpmvercmp`.
    Rpm,
    /// Alpine's.
    Apk,
    /// PEP 440.
    Pep440,
    /// Semantic Versioning 2.0.0.
    Semver,
}

impl Scheme {
    /// Which of the two is later. Text that is no version compares as well as it can, and always the same.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Scheme::Deb => deb::compare(a, b),
            Scheme::Rpm => rpm::compare(a, b),
            Scheme::Apk => apk::compare(a, b),
            Scheme::Pep440 => pep440::compare(a, b),
            Scheme::Semver => semver::compare(a, b),
        }
    }
}

/// Numbers of any length, written in digits.
pub(crate) fn numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The run of letters at the beginning that fit, and what is left.
pub(crate) fn run(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !fits(letter)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scheme() -> impl Strategy<Value = Scheme> {
        proptest::sample::select(vec![Scheme::Deb, Scheme::Rpm, Scheme::Apk, Scheme::Pep440, Scheme::Semver])
    }

    fn version() -> impl Strategy<Value = String> {
        let part = "(0|1|2|10|00|a|b|rc|alpha|beta|dev|post|p|r|~|\\^|\\+|-|\\.|_|:|!|é){0,7}";
        prop_oneof![part, "[0-9]{1,2}(\\.[0-9]{1,2}){0,3}", "\\PC{0,6}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn every_scheme_is_a_total_order(scheme in scheme(), a in version(), b in version(), c in version()) {
            prop_assert_eq!(scheme.compare(&a, &a), Ordering::Equal);
            prop_assert_eq!(scheme.compare(&a, &b), scheme.compare(&b, &a).reverse());
            let mut all = [&a, &b, &c];
            all.sort_by(|x, y| scheme.compare(x, y));
            prop_assert!(scheme.compare(all[0], all[1]).is_le() && scheme.compare(all[1], all[2]).is_le());
            prop_assert!(scheme.compare(all[0], all[2]).is_le(), "{:?} {} {} {}", scheme, a, b, c);
        }
    }
}
