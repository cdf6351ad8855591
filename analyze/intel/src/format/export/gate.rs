//! What leaves: marking, kinds, confidence and expiry of each value, and its claims made one.

use super::Profile;
use crate::{Indicator, Kind, Tlp};

/// What an export did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Values written.
    pub written: u64,
    /// Values of which every claim is above the ceiling.
    pub above: u64,
    /// Values of other kinds.
    pub other: u64,
    /// Values below the confidence.
    pub unsure: u64,
    /// Values that have expired.
    pub expired: u64,
    /// Values that the format cannot hold.
    pub unfit: u64,
}

/// A value with all that may be said of it to the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its kind.
    pub kind: Kind,
    /// The value.
    pub value: String,
    /// How sure the surest source is.
    pub confidence: u8,
    /// The strictest marking of what is said.
    pub tlp: Tlp,
    /// First seen, µs since 1970; never 0.
    pub first_us: i64,
    /// Last said, µs since 1970; not before `first_us`.
    pub last_us: i64,
    /// Not valid from then on, µs since 1970, 0 never ends.
    pub valid_until_us: i64,
    /// Tags.
    pub tags: Vec<String>,
    /// Actors and campaigns.
    pub actors: Vec<String>,
    /// Malware and tools.
    pub malware: Vec<String>,
    /// Ids of the sources.
    pub sources: Vec<String>,
    /// For people.
    pub description: String,
}

/// Lets values pass and counts.
pub struct Gate<'g> {
    pub(super) profile: &'g Profile,
    items: &'g mut dyn Iterator<Item = Indicator>,
    count: Count,
}

impl<'g> Gate<'g> {
    pub(super) fn new(profile: &'g Profile, items: &'g mut dyn Iterator<Item = Indicator>) -> Gate<'g> {
        Gate { profile, items, count: Count::default() }
    }

    pub(super) fn count(self) -> Count {
        self.count
    }

    /// The next value that may leave.
    pub(super) fn next(&mut self) -> Option<Said> {
        Iterator::find_map(&mut self.items, |item| self.count.pass(item, self.profile))
    }

    /// The format cannot hold a value that had passed.
    pub(super) fn unfit(&mut self) {
        self.count.written -= 1;
        self.count.unfit += 1;
    }
}

impl Count {
    fn pass(&mut self, mut indicator: Indicator, profile: &Profile) -> Option<Said> {
        let Profile { ceiling, kinds, min_confidence, now_us, .. } = profile;
        if !kinds.is_empty() && !kinds.contains(&indicator.kind) {
            self.other += 1;
            return None;
        }
        indicator.claims.retain(|claim| claim.tlp <= *ceiling);
        if indicator.claims.is_empty() {
            self.above += 1;
            return None;
        }
        indicator.claims.retain(|claim| claim.valid_until_us == 0 || claim.valid_until_us > *now_us);
        if indicator.claims.is_empty() {
            self.expired += 1;
            return None;
        }
        let said = said(indicator, profile);
        if said.confidence < *min_confidence {
            self.unsure += 1;
            return None;
        }
        self.written += 1;
        Some(said)
    }
}

/// What may be said of one value, `None` when the profile lets nothing of it out.
pub fn pass(indicator: Indicator, profile: &Profile) -> Option<Said> {
    Count::default().pass(indicator, profile)
}

/// The claims of a value made one.
fn said(indicator: Indicator, profile: &Profile) -> Said {
    let claims = &indicator.claims;
    let known = |us: i64| (us > 0).then_some(us);
    let firsts = claims.iter().filter_map(|claim| known(claim.first_us).or(known(claim.last_us)));
    // A value that nobody dates is as old as nothing: a fixed day, so that two exports say the same.
    let first_us = firsts.min().unwrap_or(super::stix::UNDATED_US);
    let last_us = claims.iter().map(|claim| claim.last_us).max().unwrap_or(0).max(first_us);
    let endless = claims.iter().any(|claim| claim.valid_until_us == 0);
    let until = claims.iter().map(|claim| claim.valid_until_us).max().unwrap_or(0);
    let union = |shown: bool, of: &dyn Fn(&crate::Claim) -> Vec<String>| {
        let mut all: Vec<String> = if shown { claims.iter().flat_map(of).collect() } else { Vec::new() };
        all.sort_unstable();
        all.dedup();
        all
    };
    let best = claims.iter().max_by_key(|claim| (claim.confidence, !claim.description.is_empty()));
    let fields = profile.fields;
    Said {
        confidence: claims.iter().map(|claim| claim.confidence).max().unwrap_or(0),
        tlp: claims.iter().map(|claim| claim.tlp).max().unwrap_or(Tlp::Red),
        first_us,
        last_us,
        valid_until_us: if endless { 0 } else { until },
        tags: union(fields.tags, &|claim| claim.tags.clone()),
        actors: union(fields.names, &|claim| claim.actors.clone()),
        malware: union(fields.names, &|claim| claim.malware.clone()),
        sources: union(fields.sources, &|claim| vec![claim.source.clone()]),
        description: best.filter(|_| fields.description).map(|claim| claim.description.clone()).unwrap_or_default(),
        kind: indicator.kind,
        value: indicator.value,
    }
}
