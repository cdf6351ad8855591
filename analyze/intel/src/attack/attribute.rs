//! Who may be behind an alert.
//!
//! Two kinds of evidence, and one is worth far more than the other:
//!
//! - **Names.** Indicators that were hit name malware and actors. Being named is worth the claim's confidence × 0.9. From
//!   there the graph is walked at most three steps; each step multiplies: a campaign belongs to its actor 0.9; a similar
//!   name or variant 0.7; software that `k` actors (or campaigns) use points to each of them 0.8 / k, so that what
//!   everybody uses points at nobody. A name that stands for `n` nodes is worth 1/n for each. Independent evidence adds
//!   up as 1 − ∏(1 − p); of several ways from one name to a node only the best counts.
//! - **Techniques.** The overlap of what was seen with what a node is known to use: the cosine of the two sets, each
//!   technique weighted by ln((N+1)/(users+1)), so that what everybody does says nothing. A sub-technique counts half
//!   for its parent. At least two techniques must match, and however well they do the result is at most 30: techniques
//!   alone never name anyone.
//!
//! Confidence = names + (1 − names) × techniques, 0–100.

use super::graph::{Graph, Node, NodeKind, Relation};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most results of each sort.
const RESULTS: usize = 20;
/// Steps from a name.
const STEPS: usize = 3;
/// Most nodes reached from one name: a hostile galaxy could join everything with everything.
const REACHED: usize = 2000;
/// Most names and techniques of an alert that are looked at.
const EVIDENCE: usize = 256;
/// What techniques alone are worth at most.
const TECHNIQUES_MOST: f64 = 0.30;
/// Less than this is not told.
const LEAST: f64 = 0.01;

/// What is known of an alert or incident.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Ids of techniques seen, `T1059.004`.
    pub techniques: Vec<String>,
    /// Names of malware and tools, with the confidence of the claim that names them, 0–100.
    pub malware: Vec<(String, u8)>,
    /// Names of actors and campaigns, likewise.
    pub actors: Vec<(String, u8)>,
}

/// One step of the way from the evidence to a result.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Reason {
    /// What was seen: a name, or `techniques`.
    pub from: String,
    /// Nodes on the way by name, the result last.
    pub path: Vec<String>,
    /// Techniques that match, for `techniques`.
    pub techniques: Vec<String>,
    /// What it is worth, 0–100.
    pub worth: u8,
}

/// A result.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Ranked {
    /// Id of the node.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// How sure, 0–100.
    pub confidence: u8,
    /// Why, the strongest first.
    pub reasons: Vec<Reason>,
}

/// Who and what may be behind it, the surest first.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Attribution {
    /// Malware and tools.
    pub software: Vec<Ranked>,
    /// Actors and campaigns.
    pub actors: Vec<Ranked>,
}

#[derive(Default)]
struct Score {
    /// One minus the product of one minus each.
    names: f64,
    techniques: f64,
    reasons: Vec<(f64, Reason)>,
}

impl Graph {
    /// Who may be behind what was seen.
    pub fn attribute(&self, evidence: &Evidence) -> Attribution {
        let mut scores: HashMap<u32, Score> = HashMap::new();
        let names = evidence.malware.iter().map(|name| (name, true));
        for ((name, confidence), software) in
            names.chain(evidence.actors.iter().map(|name| (name, false))).take(EVIDENCE)
        {
            self.by_name(name, *confidence, software, &mut scores);
        }
        self.by_techniques(&evidence.techniques, &mut scores);
        let mut all: Vec<(f64, &Node, Vec<Reason>)> = scores
            .into_iter()
            .filter_map(|(place, score)| {
                let total = score.names + (1.0 - score.names) * score.techniques;
                let mut reasons = score.reasons;
                reasons.sort_by(|left, right| right.0.total_cmp(&left.0));
                let reasons = reasons.into_iter().map(|(_, reason)| reason).collect();
                Some((total, self.nodes.get(place as usize)?, reasons)).filter(|_| total >= LEAST)
            })
            .collect();
        all.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.id.cmp(&right.1.id)));
        let mut attribution = Attribution::default();
        for (total, node, reasons) in all {
            let list = if node.kind.is_software() { &mut attribution.software } else { &mut attribution.actors };
            if list.len() < RESULTS {
                let (id, name) = (node.id.clone(), node.name.clone());
                list.push(Ranked { id, name, kind: node.kind, confidence: percent(total), reasons });
            }
        }
        attribution
    }

    /// What a name points at.
    fn by_name(&self, name: &str, confidence: u8, software: bool, scores: &mut HashMap<u32, Score>) {
        let fits =
            |place: &&u32| self.nodes.get(**place as usize).is_some_and(|node| node.kind.is_software() == software);
        let seeds: Vec<u32> = self.named_places(name).iter().filter(fits).copied().collect();
        let worth = f64::from(confidence.min(100)) / 100.0 * 0.9 / seeds.len().max(1) as f64;
        for (place, (worth, path)) in self.reach(&seeds, worth) {
            let score = scores.entry(place).or_default();
            score.names = 1.0 - (1.0 - score.names) * (1.0 - worth);
            let path = path.iter().filter_map(|place| self.nodes.get(*place as usize)).map(|node| node.name.clone());
            let reason =
                Reason { from: name.to_string(), path: path.collect(), techniques: Vec::new(), worth: percent(worth) };
            score.reasons.push((worth, reason));
        }
    }

    /// The nodes within [`STEPS`] of the seeds, each with the best way to it. No node is left twice at the same
    /// distance, so circles end.
    fn reach(&self, seeds: &[u32], worth: f64) -> BTreeMap<u32, (f64, Vec<u32>)> {
        let mut best: BTreeMap<u32, (f64, Vec<u32>)> = BTreeMap::new();
        let mut frontier: Vec<u32> = seeds.iter().copied().take(REACHED).collect();
        best.extend(frontier.iter().map(|seed| (*seed, (worth, vec![*seed]))));
        for _ in 0..STEPS {
            let mut next = BTreeSet::new();
            for place in frontier {
                let Some((worth, path)) = best.get(&place).cloned() else { continue };
                for (to, factor) in self.steps(place) {
                    let reached = worth * factor;
                    let better = best.get(&to).map_or(best.len() < REACHED, |(known, _)| *known < reached);
                    if reached >= LEAST && better && !path.contains(&to) {
                        let mut path = path.clone();
                        path.push(to);
                        best.insert(to, (reached, path));
                        next.insert(to);
                    }
                }
            }
            frontier = next.into_iter().collect();
        }
        best
    }

    /// Where a node points and how strongly.
    fn steps(&self, place: u32) -> Vec<(u32, f64)> {
        let edges = self.index.around.get(place as usize).into_iter().flatten();
        let edges: Vec<_> = edges.filter_map(|edge| self.edges.get(*edge as usize)).collect();
        let is_actor = |place: u32| self.nodes.get(place as usize).is_some_and(|node| node.kind == NodeKind::Actor);
        let users = |actors: bool| {
            let users = edges.iter().filter(|edge| edge.relation == Relation::Uses && edge.to == place);
            users.filter(|edge| is_actor(edge.from) == actors).count().max(1) as f64
        };
        let (actors, campaigns) = (users(true), users(false));
        edges
            .iter()
            .filter_map(|edge| match edge.relation {
                Relation::Uses if edge.to == place => {
                    Some((edge.from, 0.8 / if is_actor(edge.from) { actors } else { campaigns }))
                }
                Relation::AttributedTo if edge.from == place => Some((edge.to, 0.9)),
                Relation::Similar => Some((if edge.from == place { edge.to } else { edge.from }, 0.7)),
                _ => None,
            })
            .collect()
    }

    /// What the techniques resemble.
    fn by_techniques(&self, seen: &[String], scores: &mut HashMap<u32, Score>) {
        let seen: BTreeSet<u32> = seen.iter().take(EVIDENCE).filter_map(|id| self.technique_place(id)).collect();
        let own: f64 = seen.iter().map(|place| self.rarity(*place)).sum();
        if seen.len() < 2 || own <= 0.0 {
            return;
        }
        for (place, node) in (0_u32..).zip(&self.nodes) {
            let mut matched = Vec::new();
            let mut shared = 0.0;
            for technique in &seen {
                let worth = self.shares(node, *technique) * self.rarity(*technique);
                if worth > 0.0 {
                    matched.push(*technique);
                    shared += worth;
                }
            }
            let all: f64 = node.techniques.iter().map(|place| self.rarity(*place)).sum();
            if matched.len() < 2 || all <= 0.0 {
                continue;
            }
            let worth = TECHNIQUES_MOST * (shared / (own * all).sqrt()).min(1.0);
            let ids = matched.iter().filter_map(|place| self.techniques.get(*place as usize));
            let reason = Reason {
                from: "techniques".to_string(),
                path: vec![node.name.clone()],
                techniques: ids.map(|technique| technique.id.clone()).collect(),
                worth: percent(worth),
            };
            let score = scores.entry(place).or_default();
            score.techniques = worth;
            score.reasons.push((worth, reason));
        }
    }

    /// How much a technique says: nothing when everybody uses it.
    fn rarity(&self, place: u32) -> f64 {
        let users = self.index.users.get(place as usize).copied().unwrap_or(0);
        ((self.nodes.len() as f64 + 1.0) / (f64::from(users) + 1.0)).ln()
    }

    /// 1 when the node uses the technique, a half when it uses its parent.
    fn shares(&self, node: &Node, technique: u32) -> f64 {
        if node.techniques.binary_search(&technique).is_ok() {
            return 1.0;
        }
        let id = self.techniques.get(technique as usize).map_or("", |technique| technique.id.as_str());
        let parent = id.split_once('.').and_then(|(parent, _)| self.technique_place(parent));
        if parent.is_some_and(|parent| node.techniques.binary_search(&parent).is_ok()) { 0.5 } else { 0.0 }
    }
}

fn percent(worth: f64) -> u8 {
    (worth * 100.0).round().clamp(0.0, 100.0) as u8
}
