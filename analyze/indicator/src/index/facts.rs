//! What the index keeps of an indicator: enough to judge a hit without the store.

use crate::{Indicator, Kind, Tlp, decay, limits};

/// The sum of all claims that are valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Sort of value.
    pub kind: Kind,
    /// The strictest marking of a claim.
    pub tlp: Tlp,
    /// Base score of the surest claim, 0–100 ([`decay::base_score`]).
    pub score: u8,
    /// Last time that a source published it or our own detections met it, µs, 0 unknown. The decay begins here: a
    /// repeat by another source counts as a sighting.
    pub last_us: i64,
    /// When the last claim ends, µs, 0 never.
    pub valid_until_us: i64,
    /// Who says so.
    pub sources: Vec<String>,
    /// Tags of all claims.
    pub tags: Vec<String>,
    /// Actors and campaigns.
    pub actors: Vec<String>,
    /// Malware and tools.
    pub malware: Vec<String>,
}

impl Facts {
    /// The sum of an indicator's claims that are valid now; `None` when there is none.
    pub fn of(indicator: &Indicator, now_us: i64) -> Option<Facts> {
        let valid =
            || indicator.claims.iter().filter(|claim| claim.valid_until_us == 0 || claim.valid_until_us > now_us);
        let ends =
            valid().map(|claim| if claim.valid_until_us == 0 { i64::MAX } else { claim.valid_until_us }).max()?;
        let seen = valid().map(|claim| claim.last_us.max(claim.first_us)).max().unwrap_or(0);
        Some(Facts {
            kind: indicator.kind,
            tlp: valid().map(|claim| claim.tlp).max().unwrap_or_default(),
            score: valid().map(decay::base_score).max().unwrap_or(0),
            last_us: seen.max(indicator.sightings.last_us),
            valid_until_us: if ends == i64::MAX { 0 } else { ends },
            sources: union(valid().map(|claim| std::slice::from_ref(&claim.source))),
            tags: union(valid().map(|claim| claim.tags.as_slice())),
            actors: union(valid().map(|claim| claim.actors.as_slice())),
            malware: union(valid().map(|claim| claim.malware.as_slice())),
        })
    }
}

/// All names, each once, in the order of the claims, as many as a row of the index shows.
fn union<'n>(lists: impl Iterator<Item = &'n [String]>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in lists.flatten() {
        if all.len() == limits::INDEX_NAMES {
            break;
        }
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// A hit in the index; texts are borrowed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'i> {
    /// Sort of the indicator that was hit: a range for an address, a parent for a domain.
    pub kind: Kind,
    /// The strictest marking of a claim.
    pub tlp: Tlp,
    /// Base score, 0–100.
    pub score: u8,
    /// Where the decay begins, µs in steps of ten minutes, 0 unknown.
    pub last_us: i64,
    /// When the last claim ends, µs in steps of ten minutes (rounded up), 0 never.
    pub valid_until_us: i64,
    /// Who says so.
    pub sources: Vec<&'i str>,
    /// Tags.
    pub tags: Vec<&'i str>,
    /// Actors and campaigns.
    pub actors: Vec<&'i str>,
    /// Malware and tools.
    pub malware: Vec<&'i str>,
}

/// Ten minutes: the grain of times in the index, µs.
const GRAIN_US: i64 = 600 * 1_000_000;
/// 2020-01-01T00:00:00Z, µs: what was published before has decayed.
const BEGIN_US: i64 = 1_577_836_800 * 1_000_000;
/// Greatest number of three bytes: the year 2338.
const MOST: i64 = 0xff_ffff;

/// A row of the index without its key: profile, begin of the decay, end; three bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub profile: u32,
    pub last: u32,
    pub until: u32,
}

impl Row {
    /// Bytes of a row.
    pub const BYTES: usize = 9;

    pub fn new(profile: u32, last_us: i64, valid_until_us: i64) -> Row {
        Row { profile, last: grains(last_us, false), until: grains(valid_until_us, true) }
    }

    pub fn write(self) -> [u8; Row::BYTES] {
        let [p, l, u] = [self.profile, self.last, self.until].map(u32::to_le_bytes);
        [p[0], p[1], p[2], l[0], l[1], l[2], u[0], u[1], u[2]]
    }

    pub fn read(b: [u8; Row::BYTES]) -> Row {
        let three = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], 0]);
        Row { profile: three(0), last: three(3), until: three(6) }
    }

    pub fn last_us(self) -> i64 {
        micros(self.last)
    }

    pub fn valid_until_us(self) -> i64 {
        micros(self.until)
    }

    /// Whether it has ended.
    pub fn ended(self, now_us: i64) -> bool {
        self.until != 0 && self.valid_until_us() <= now_us
    }
}

fn grains(time_us: i64, up: bool) -> u32 {
    if time_us == 0 {
        return 0;
    }
    let since = time_us.saturating_sub(BEGIN_US);
    let whole = if up { since.saturating_add(GRAIN_US - 1) } else { since } / GRAIN_US;
    whole.clamp(1, MOST) as u32
}

fn micros(grains: u32) -> i64 {
    if grains == 0 { 0 } else { BEGIN_US + i64::from(grains) * GRAIN_US }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Claim;

    #[test]
    fn facts_are_the_sum_of_what_is_valid() {
        let claim = |source: &str, confidence, last_us, valid_until_us| Claim {
            source: source.into(),
            confidence,
            last_us,
            valid_until_us,
            tags: vec!["c2".into(), source.into()],
            ..Claim::default()
        };
        let mut indicator = Indicator::guess("evil.example").unwrap();
        assert_eq!(Facts::of(&indicator, 0), None);
        indicator.take(claim("a", 90, 10, 100));
        indicator.take(Claim { tlp: Tlp::Amber, ..claim("b", 40, 50, 200) });
        let facts = Facts::of(&indicator, 60).unwrap();
        assert_eq!((facts.score, facts.last_us, facts.valid_until_us, facts.tlp), (90, 50, 200, Tlp::Amber));
        assert_eq!(
            (facts.sources, facts.tags),
            (vec!["a".to_string(), "b".into()], vec!["c2".to_string(), "a".into(), "b".into()])
        );
        let facts = Facts::of(&indicator, 100).unwrap();
        assert_eq!((facts.score, facts.sources), (40, vec!["b".to_string()]));
        assert_eq!(Facts::of(&indicator, 200), None);
        indicator.take(claim("c", 1, 0, 0));
        indicator.sighted(77);
        assert_eq!(Facts::of(&indicator, 10).map(|facts| (facts.valid_until_us, facts.last_us)), Some((0, 77)));
    }

    #[test]
    fn times_keep_ten_minutes_and_never_end_early() {
        let now = BEGIN_US + 5 * GRAIN_US + 7;
        let row = Row::new(0x01_0203, now, now);
        assert_eq!((row.last_us(), row.valid_until_us()), (BEGIN_US + 5 * GRAIN_US, BEGIN_US + 6 * GRAIN_US));
        assert_eq!(Row::read(row.write()), row);
        assert!(!row.ended(now) && row.ended(now + GRAIN_US) && !Row::new(0, 0, 0).ended(i64::MAX));
        assert_eq!(Row::new(0, i64::MIN, i64::MAX), Row { profile: 0, last: 1, until: 0xff_ffff });
    }
}
