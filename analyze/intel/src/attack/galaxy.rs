//! MISP galaxies merged into the graph: threat actors, ransomware, botnets and the like.
//!
//! A value joins the node with the same UUID, or the one node of its sort that has its name; an alias alone joins
//! nothing (aliases are shared by actors that are not the same). What matches nothing becomes a node.

use super::graph::{EDGES, Edge, Graph, NODES, Node, NodeKind, Relation, folded, relation_of};
use crate::format::{fault, uuid::is_uuid};
use base::{Fault, Result};
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Deserialize)]
struct Cluster {
    #[serde(rename = "type")]
    kind: String,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    value: String,
    #[serde(default)]
    uuid: String,
    #[serde(default)]
    meta: Meta,
    #[serde(default)]
    related: Vec<Related>,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    synonyms: Vec<String>,
}

#[derive(Deserialize)]
struct Related {
    #[serde(default, rename = "dest-uuid")]
    to: String,
    #[serde(default, rename = "type")]
    kind: String,
}

/// What a merge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Merged {
    /// Values that joined a node.
    pub joined: usize,
    /// Values that became nodes.
    pub added: usize,
    /// Relations added.
    pub relations: usize,
}

impl Graph {
    /// Merges a galaxy cluster. Merge actors before what they use: relations to values that are not there are passed
    /// over.
    ///
    /// # Errors
    /// `intel.attack-data` when it is no cluster.
    pub fn merge_galaxy(&mut self, bytes: &[u8]) -> Result<Merged> {
        let cluster: Cluster = serde_json::from_slice(bytes)
            .map_err(|error| Fault::new(&fault::ATTACK).object("galaxy cluster").because(error))?;
        let actors = matches!(cluster.kind.as_str(), "threat-actor" | "intrusion-set" | "microsoft-activity-group");
        let kind = if actors { NodeKind::Actor } else { NodeKind::Malware };
        let mut merged = Merged::default();
        let mut places = HashMap::new();
        for value in &cluster.values {
            let place = match self.joins(value, actors) {
                Some(place) => {
                    merged.joined += 1;
                    self.widen(place, value);
                    place
                }
                None if self.nodes.len() < NODES && is_uuid(&value.uuid) => {
                    merged.added += 1;
                    self.nodes.push(node(value, kind));
                    self.nodes.len() as u32 - 1
                }
                None => continue,
            };
            places.insert(value.uuid.clone(), place);
        }
        for (uuid, place) in &self.index.uuids {
            places.entry(uuid.clone()).or_insert(*place);
        }
        let before = self.edges.len();
        for value in &cluster.values {
            self.relate(value, &places);
        }
        let graph = std::mem::take(self).indexed();
        merged.relations = graph.edges.len().saturating_sub(before);
        *self = graph;
        Ok(merged)
    }

    /// The node that a value joins.
    fn joins(&self, value: &Value, actors: bool) -> Option<u32> {
        if let Some(place) = self.index.uuids.get(&value.uuid) {
            return Some(*place);
        }
        let fits = |place: &&u32| {
            self.nodes.get(**place as usize).is_some_and(|node| {
                (if actors { node.kind == NodeKind::Actor } else { node.kind.is_software() })
                    && folded(&node.name) == folded(&value.value)
            })
        };
        // `Hermes Ransomware` of a galaxy is `Hermes` elsewhere.
        let bare = value.value.trim_end_matches(" Ransomware");
        let mut found = self.named_places(&value.value).iter().filter(fits);
        let first = found.next().or_else(|| {
            self.named_places(bare).iter().find(|place| {
                self.nodes
                    .get(**place as usize)
                    .is_some_and(|node| !actors && node.kind.is_software() && folded(&node.name) == folded(bare))
            })
        });
        first.copied()
    }

    fn widen(&mut self, place: u32, value: &Value) {
        let Some(node) = self.nodes.get_mut(place as usize) else { return };
        let mut known: Vec<String> = node.names().map(folded).collect();
        for name in std::iter::once(&value.value).chain(&value.meta.synonyms) {
            if !known.contains(&folded(name)) {
                known.push(folded(name));
                node.aliases.push(name.clone());
            }
        }
    }

    fn relate(&mut self, value: &Value, places: &HashMap<String, u32>) {
        let Some(from) = places.get(&value.uuid).copied() else { return };
        for related in &value.related {
            let Some(to) = places.get(&related.to).copied() else { continue };
            let (from, to, relation) = match related.kind.as_str() {
                "used-by" => (to, from, Some(Relation::Uses)),
                word => (from, to, relation_of(word)),
            };
            if let Some(relation) = relation
                && self.edges.len() < EDGES
                && self.sensible(from, to, relation)
            {
                self.edges.push(Edge { from, to, relation });
            }
        }
    }

    /// Galaxies call many things similar: only those of one sort are.
    fn sensible(&self, from: u32, to: u32, relation: Relation) -> bool {
        let kind = |place: u32| self.nodes.get(place as usize).map(|node| node.kind);
        let (Some(from), Some(to)) = (kind(from), kind(to)) else { return false };
        match relation {
            Relation::Uses => !from.is_software() && to.is_software(),
            Relation::AttributedTo => !from.is_software() && to == NodeKind::Actor,
            Relation::Similar => from.is_software() == to.is_software(),
        }
    }
}

fn node(value: &Value, kind: NodeKind) -> Node {
    Node {
        id: format!("galaxy:{}", value.uuid),
        uuid: value.uuid.clone(),
        name: value.value.clone(),
        kind,
        aliases: value.meta.synonyms.iter().filter(|name| **name != value.value).cloned().collect(),
        techniques: Vec::new(),
        seen: None,
    }
}
