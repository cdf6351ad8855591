//! The graph itself.

use crate::format::fault;
use base::{Fault, Result};
use std::collections::{BTreeSet, HashMap};

/// Most nodes (software, actors, campaigns) and techniques; ATT&CK and its galaxies hold under 6,000.
pub(super) const NODES: usize = 100_000;
/// Most relations.
pub(super) const EDGES: usize = 1_000_000;
/// Steps followed from a revoked technique to its successor: real chains have two, a hostile one may be a circle.
const REVOCATIONS: usize = 8;

/// A technique or sub-technique.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Technique {
    /// `T1059.004`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Tactics by their short names: `execution`.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// Platforms.
    #[serde(default)]
    pub platforms: Vec<String>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// Malware.
    Malware,
    /// A tool that is not malware in itself.
    Tool,
    /// A group.
    Actor,
    /// A campaign.
    Campaign,
}

impl NodeKind {
    /// Whether it is malware or a tool.
    pub fn is_software(self) -> bool {
        matches!(self, NodeKind::Malware | NodeKind::Tool)
    }
}

/// Software, an actor or a campaign.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Node {
    /// `G0016`, `S0002`, `C0024`; `galaxy:UUID` for what ATT&CK does not have.
    pub id: String,
    /// UUID at its source, for merging; empty when unknown.
    #[serde(default)]
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Techniques that it is known to use, as places in [`Graph::techniques`], sorted.
    #[serde(default)]
    pub techniques: Vec<u32>,
    /// First and last seen as the source writes it; campaigns only.
    #[serde(default)]
    pub seen: Option<(String, String)>,
}

/// What joins two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// An actor or a campaign uses software.
    Uses,
    /// A campaign is an actor's.
    AttributedTo,
    /// Two names of about the same thing, a variant, a successor.
    Similar,
}

/// A relation of two nodes, as places in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Edge {
    /// From which node.
    pub from: u32,
    /// To which node.
    pub to: u32,
    /// What joins them.
    pub relation: Relation,
}

/// Techniques, nodes and their relations. Serialises to a compact form of its own.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Graph {
    /// Techniques that are neither revoked nor deprecated, by id.
    pub techniques: Vec<Technique>,
    /// Software, actors, campaigns.
    pub nodes: Vec<Node>,
    /// Relations, sorted, each once.
    pub edges: Vec<Edge>,
    /// Revoked techniques and what took their place, by id.
    pub revoked: Vec<(String, String)>,
    #[serde(skip)]
    pub(super) index: Index,
}

/// What is looked up, made from the rest.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// Names and aliases, folded, to nodes.
    pub names: HashMap<String, Vec<u32>>,
    pub uuids: HashMap<String, u32>,
    pub ids: HashMap<String, u32>,
    /// Of each node: relations it is in.
    pub around: Vec<Vec<u32>>,
    /// Of each technique: how many nodes use it.
    pub users: Vec<u32>,
}

impl Graph {
    /// Reads what a graph serialised to.
    ///
    /// # Errors
    /// `intel.attack-data` when it is no graph, or one of its places does not exist.
    pub fn from_json(bytes: &[u8]) -> Result<Graph> {
        let wrong = |what: String| Fault::new(&fault::ATTACK).because(what);
        let graph: Graph = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let fits = graph.techniques.len() <= NODES && graph.nodes.len() <= NODES && graph.edges.len() <= EDGES;
        let (nodes, techniques) = (graph.nodes.len() as u32, graph.techniques.len() as u32);
        let edges = graph.edges.iter().all(|edge| edge.from < nodes && edge.to < nodes);
        let places = graph.nodes.iter().flat_map(|node| &node.techniques).all(|place| *place < techniques);
        if !(fits && edges && places) {
            return Err(wrong("a place or a size is out of bounds".to_string()));
        }
        Ok(graph.indexed())
    }

    /// Sorts what is to be sorted and makes the index anew.
    pub(super) fn indexed(mut self) -> Graph {
        for node in &mut self.nodes {
            node.techniques.sort_unstable();
            node.techniques.dedup();
        }
        self.edges.retain(|edge| edge.from != edge.to);
        self.edges.sort_unstable();
        self.edges.dedup();
        self.revoked.sort_unstable();
        let mut index = Index {
            around: vec![Vec::new(); self.nodes.len()],
            users: vec![0; self.techniques.len()],
            ..Index::default()
        };
        for (place, node) in (0_u32..).zip(&self.nodes) {
            let names: BTreeSet<String> = node.names().map(folded).filter(|name| name.len() > 1).collect();
            for name in names {
                index.names.entry(name).or_default().push(place);
            }
            if !node.uuid.is_empty() {
                index.uuids.insert(node.uuid.clone(), place);
            }
            index.ids.insert(node.id.clone(), place);
            for technique in &node.techniques {
                index.users[*technique as usize] += 1;
            }
        }
        for (place, edge) in (0_u32..).zip(&self.edges) {
            index.around[edge.from as usize].push(place);
            index.around[edge.to as usize].push(place);
        }
        self.index = index;
        self
    }

    /// A technique by its id; a revoked one leads to its successor.
    pub fn technique(&self, id: &str) -> Option<&Technique> {
        self.technique_place(id).and_then(|place| self.techniques.get(place as usize))
    }

    pub(super) fn technique_place(&self, id: &str) -> Option<u32> {
        let mut id = id.trim().to_ascii_uppercase();
        for _ in 0..REVOCATIONS {
            if let Ok(place) = self.techniques.binary_search_by(|technique| technique.id.as_str().cmp(&id)) {
                return Some(place as u32);
            }
            let found = self.revoked.binary_search_by(|(old, _)| old.as_str().cmp(&id)).ok()?;
            id.clone_from(&self.revoked[found].1);
        }
        None
    }

    /// A node by its id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.index.ids.get(id).and_then(|place| self.nodes.get(*place as usize))
    }

    /// Nodes with a name or alias; case, blanks and punctuation do not count. An alias may stand for several.
    pub fn named(&self, name: &str) -> Vec<&Node> {
        self.named_places(name).iter().filter_map(|place| self.nodes.get(*place as usize)).collect()
    }

    pub(super) fn named_places(&self, name: &str) -> &[u32] {
        self.index.names.get(&folded(name)).map_or(&[], Vec::as_slice)
    }
}

impl Node {
    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// A name without case, blanks and punctuation: `Cobalt Strike`, `cobalt_strike` and `CobaltStrike` are one.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Builds a graph from relations by id.
#[derive(Default)]
pub(super) struct Builder {
    pub graph: Graph,
    /// Any id of the source to a technique's id or a node's place.
    pub techniques: HashMap<String, String>,
    pub nodes: HashMap<String, u32>,
    /// (source, relation, target) as the source names them.
    pub relations: Vec<(String, String, String)>,
}

impl Builder {
    pub(super) fn node(&mut self, key: &str, node: Node) {
        if self.graph.nodes.len() < NODES {
            self.nodes.insert(key.to_string(), self.graph.nodes.len() as u32);
            self.graph.nodes.push(node);
        }
    }

    /// Joins what was gathered.
    pub(super) fn finish(mut self) -> Graph {
        self.graph.techniques.sort_by(|left, right| left.id.cmp(&right.id));
        self.graph.techniques.dedup_by(|left, right| left.id == right.id);
        for (from, relation, to) in &self.relations {
            if relation == "revoked-by"
                && let (Some(old), Some(new)) = (self.techniques.get(from), self.techniques.get(to))
            {
                self.graph.revoked.push((old.clone(), new.clone()));
            }
        }
        self.graph.revoked.sort_unstable();
        for (from, relation, to) in &self.relations {
            let Some(from) = self.nodes.get(from).copied() else { continue };
            if let Some(technique) = self.techniques.get(to).filter(|_| relation == "uses") {
                if let Some(place) = self.graph.technique_place(technique) {
                    self.graph.nodes[from as usize].techniques.push(place);
                }
                continue;
            }
            let (Some(to), Some(relation)) = (self.nodes.get(to).copied(), relation_of(relation)) else { continue };
            if self.graph.edges.len() < EDGES {
                self.graph.edges.push(Edge { from, to, relation });
            }
        }
        self.graph.indexed()
    }
}

/// The relation of a word of STIX or of a galaxy.
pub(super) fn relation_of(word: &str) -> Option<Relation> {
    Some(match word {
        "uses" => Relation::Uses,
        "attributed-to" => Relation::AttributedTo,
        "similar" | "variant-of" | "successor-of" | "revoked-by" | "derived-from" | "parent-of" => Relation::Similar,
        _ => return None,
    })
}
