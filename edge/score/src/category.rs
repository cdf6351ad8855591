//! What a rule is against, told by its tags, or by its number where it has none of the known tags: so that hits mean the
//! same under any release of CRS.

use waf::Hit;

/// Categories of attacks on a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Sql,
    Script,
    Command,
    File,
    Remote,
    Php,
    Java,
    Generic,
    Session,
}

/// How many there are.
pub(crate) const CATEGORIES: usize = 9;

/// Tags of CRS 3 and 4.
const TAGS: &[(&str, Category)] = &[
    ("attack-sqli", Category::Sql),
    ("attack-xss", Category::Script),
    ("attack-rce", Category::Command),
    ("attack-lfi", Category::File),
    ("attack-rfi", Category::Remote),
    ("attack-injection-php", Category::Php),
    ("attack-injection-java", Category::Java),
    ("attack-injection-nodejs", Category::Generic),
    ("attack-injection-generic", Category::Generic),
    ("attack-ssti", Category::Generic),
    ("attack-ssrf", Category::Remote),
    ("attack-ldap", Category::Generic),
    ("attack-fixation", Category::Session),
];

/// Files of CRS by the thousands of their rules' numbers.
const FILES: &[(u64, Category)] = &[
    (930, Category::File),
    (931, Category::Remote),
    (932, Category::Command),
    (933, Category::Php),
    (934, Category::Generic),
    (941, Category::Script),
    (942, Category::Sql),
    (943, Category::Session),
    (944, Category::Java),
];

/// The category of a hit; `None` for rules on the protocol and the like, and for those of a paranoia level above 1, which
/// run at some sites only and would mean another thing at each.
pub(crate) fn category(hit: &Hit) -> Option<Category> {
    let level = hit.tags.iter().find_map(|tag| tag.strip_prefix("paranoia-level/"));
    if level.is_some_and(|level| level != "1") {
        return None;
    }
    let known = |tag: &String| TAGS.iter().find(|(name, _)| name == tag).map(|(_, category)| *category);
    let by_file = || FILES.iter().find(|(file, _)| *file == hit.id / 1000).map(|(_, category)| *category);
    hit.tags.iter().find_map(known).or_else(by_file)
}

/// Hits on one value by category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts(pub [u32; CATEGORIES]);

impl Counts {
    pub fn add(&mut self, category: Category) {
        self.0[category as usize] += 1;
    }

    pub fn any(&self) -> bool {
        self.0.iter().any(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_before_numbers_and_higher_levels_are_left_aside() {
        let hit =
            |id: u64, tags: &[&str]| Hit { id, tags: tags.iter().map(ToString::to_string).collect(), ..Hit::default() };
        assert_eq!(category(&hit(942_100, &["attack-sqli", "paranoia-level/1"])), Some(Category::Sql));
        assert_eq!(category(&hit(942_110, &["attack-sqli", "paranoia-level/2"])), None);
        assert_eq!(category(&hit(10_001, &["attack-xss"])), Some(Category::Script));
        assert_eq!(category(&hit(932_999, &[])), Some(Category::Command));
        assert_eq!(category(&hit(920_350, &["attack-protocol"])), None);
    }
}
