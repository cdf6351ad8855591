//! ATT&CK from its STIX bundle, 2.0 or 2.1, as it streams by.

use super::graph::{Builder, EDGES, Graph, NODES, Node, NodeKind, Technique};
use crate::Indicator;
use crate::format::{self, Settings, Sink, fault};
use base::{Fault, Result};
use serde::Deserialize;
use std::io::BufRead;

#[derive(Deserialize)]
struct Object {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    x_mitre_aliases: Vec<String>,
    #[serde(default)]
    external_references: Vec<Reference>,
    #[serde(default)]
    kill_chain_phases: Vec<Phase>,
    #[serde(default)]
    x_mitre_platforms: Vec<String>,
    #[serde(default)]
    revoked: bool,
    #[serde(default)]
    x_mitre_deprecated: bool,
    #[serde(default)]
    relationship_type: String,
    #[serde(default)]
    source_ref: String,
    #[serde(default)]
    target_ref: String,
    first_seen: Option<String>,
    last_seen: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    source_name: String,
    #[serde(default)]
    external_id: String,
}

#[derive(Deserialize)]
struct Phase {
    #[serde(default)]
    kill_chain_name: String,
    #[serde(default)]
    phase_name: String,
}

#[derive(Default)]
struct Loader {
    builder: Builder,
}

impl Graph {
    /// Loads ATT&CK from its bundle.
    ///
    /// # Errors
    /// `intel.attack-data` when it holds no technique; what broke the import otherwise.
    pub fn from_stix(input: &mut dyn BufRead) -> Result<Graph> {
        let mut loader = Loader::default();
        let settings = Settings::default();
        let report = format::import(input, Some(&format::stix::Stix), &settings, &mut loader);
        if let Some(fault) = report.fault {
            return Err(fault);
        }
        if loader.builder.graph.techniques.is_empty() {
            let fault = Fault::new(&fault::ATTACK).expected("attack-pattern objects of ATT&CK");
            return Err(fault.found(format!("{} objects without one", report.records)));
        }
        Ok(loader.builder.finish())
    }
}

impl Sink for Loader {
    fn indicator(&mut self, _indicator: Indicator) -> Result<()> {
        Ok(())
    }

    fn object(&mut self, _id: &str, kind: &str, text: &str) -> Result<()> {
        let wanted = ["attack-pattern", "malware", "tool", "intrusion-set", "campaign", "relationship"].contains(&kind);
        if wanted && let Ok(object) = serde_json::from_str::<Object>(text) {
            self.take(object);
        }
        Ok(())
    }
}

impl Loader {
    fn take(&mut self, object: Object) {
        if object.kind == "relationship" {
            let short = object.source_ref.len().max(object.target_ref.len()) <= 128;
            if short && !object.revoked && !object.x_mitre_deprecated && self.builder.relations.len() < EDGES {
                self.builder.relations.push((object.source_ref, object.relationship_type, object.target_ref));
            }
            return;
        }
        let known =
            |reference: &&Reference| reference.source_name == "mitre-attack" && !reference.external_id.is_empty();
        let Some(id) = object.external_references.iter().find(known).map(|reference| reference.external_id.clone())
        else {
            return;
        };
        let live = !object.revoked && !object.x_mitre_deprecated;
        if object.kind == "attack-pattern" {
            self.builder.techniques.insert(object.id.clone(), id.clone());
            if live && self.builder.graph.techniques.len() < NODES {
                self.builder.graph.techniques.push(technique(id, object));
            }
        } else if live {
            let key = object.id.clone();
            self.builder.node(&key, node(id, object));
        }
    }
}

fn technique(id: String, object: Object) -> Technique {
    let phases = object.kill_chain_phases.into_iter().filter(|phase| phase.kill_chain_name == "mitre-attack");
    let tactics = phases.map(|phase| phase.phase_name).collect();
    Technique { id, name: object.name, tactics, platforms: object.x_mitre_platforms }
}

fn node(id: String, object: Object) -> Node {
    let kind = match object.kind.as_str() {
        "malware" => NodeKind::Malware,
        "tool" => NodeKind::Tool,
        "campaign" => NodeKind::Campaign,
        _ => NodeKind::Actor,
    };
    let mut aliases: Vec<String> = object.aliases.into_iter().chain(object.x_mitre_aliases).collect();
    aliases.retain(|alias| *alias != object.name);
    aliases.dedup();
    let uuid = object.id.split_once("--").map(|(_, uuid)| uuid.to_string()).unwrap_or_default();
    let seen = object.first_seen.zip(object.last_seen);
    Node { id, uuid, name: object.name, kind, aliases, techniques: Vec::new(), seen }
}
