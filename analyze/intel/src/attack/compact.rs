//! ATT&CK from a compact table: techniques, revocations, groups, software and campaigns as one JSON object.
//!
//! The table joins groups to techniques only; relations of groups to software need the bundle.

use super::graph::{Builder, Graph, Node, NodeKind, Technique};
use crate::format::fault;
use base::{Fault, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Table {
    techniques: Vec<Technique>,
    #[serde(default)]
    /// What took its place; `null` when nothing did.
    revoked: BTreeMap<String, Option<String>>,
    #[serde(default)]
    groups: Vec<Row>,
    #[serde(default)]
    software: Vec<Row>,
    #[serde(default)]
    campaigns: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    techniques: Vec<String>,
    #[serde(default)]
    software: Vec<String>,
    #[serde(default)]
    attributed_to: Vec<String>,
    first_seen: Option<String>,
    last_seen: Option<String>,
}

impl Graph {
    /// Loads ATT&CK from the compact table.
    ///
    /// # Errors
    /// `intel.attack-data` when it is none.
    pub fn from_compact(bytes: &[u8]) -> Result<Graph> {
        let table: Table = serde_json::from_slice(bytes)
            .map_err(|error| Fault::new(&fault::ATTACK).object("compact table").because(error))?;
        let mut builder = Builder::default();
        for technique in &table.techniques {
            builder.techniques.insert(technique.id.clone(), technique.id.clone());
        }
        for (old, new) in table.revoked.iter().filter_map(|(old, new)| Some((old, new.as_ref()?))) {
            builder.techniques.insert(old.clone(), old.clone());
            builder.relations.push((old.clone(), "revoked-by".to_string(), new.clone()));
        }
        builder.graph.techniques = table.techniques;
        let kinds = [
            (NodeKind::Actor, table.groups),
            (NodeKind::Malware, table.software),
            (NodeKind::Campaign, table.campaigns),
        ];
        for (kind, row) in kinds.into_iter().flat_map(|(kind, rows)| rows.into_iter().map(move |row| (kind, row))) {
            add(&mut builder, kind, row);
        }
        Ok(builder.finish())
    }
}

fn add(builder: &mut Builder, kind: NodeKind, row: Row) {
    let kind = if row.kind == "tool" { NodeKind::Tool } else { kind };
    let mut relate = |word: &str, targets: Vec<String>| {
        builder.relations.extend(targets.into_iter().map(|target| (row.id.clone(), word.to_string(), target)));
    };
    relate("uses", row.techniques);
    relate("uses", row.software);
    relate("attributed-to", row.attributed_to);
    let mut aliases = row.aliases;
    aliases.retain(|alias| *alias != row.name);
    let node = Node {
        id: row.id.clone(),
        uuid: String::new(),
        name: row.name,
        kind,
        aliases,
        techniques: Vec::new(),
        seen: row.first_seen.zip(row.last_seen),
    };
    builder.node(&row.id, node);
}
