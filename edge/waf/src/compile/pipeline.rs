//! Pipelines of transformations as a tree: what two rules do alike to a value is done once.

use super::scan::packed;
use crate::fault;
use crate::transformation::{self, Transformation};
use base::{Fault, Result};
use seclang::{Place, Settings};

/// A node: a transformation after those of its parent. Node 0 does nothing.
pub(crate) struct Node {
    /// What is done before.
    parent: u32,
    /// What is done here.
    kind: &'static dyn Transformation,
    /// The same as the settings have it, if they say something about it.
    configured: Option<Box<dyn Transformation>>,
    /// Bytes without one of which it leaves a value as it is.
    pub triggers: [u64; 4],
    /// Of the whole pipeline to here.
    pub all_triggers: [u64; 4],
    /// Whether it changes nothing but the case of letters.
    pub folds: bool,
}

impl Node {
    /// What is done here.
    pub fn transformation(&self) -> &dyn Transformation {
        self.configured.as_deref().unwrap_or(self.kind)
    }

    /// Whether libmodsecurity counts what was done to a value as a change, when `multiMatch` asks: `cmdLine` tells only
    /// of another length, `cssDecode` only of escapes that it decoded, `utf8toUnicode` only of characters, not of broken
    /// bytes that it left out.
    pub fn changes(&self, before: &[u8], after: &[u8]) -> bool {
        match self.name() {
            "cmdline" => before.len() != after.len(),
            "cssdecode" => memchr::memchr_iter(b'\\', before)
                .any(|at| before.get(at + 1).is_none_or(|next| next.is_ascii_hexdigit())),
            "utf8tounicode" => {
                let characters = |text| memchr::memmem::find_iter(text, b"%u").count();
                characters(before) != characters(after)
            }
            _ => true,
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }
}

/// The tree.
#[derive(Default)]
pub(crate) struct Pipelines {
    nodes: Vec<Node>,
    chains: Vec<Vec<u32>>,
}

impl Pipelines {
    pub fn new() -> Pipelines {
        Pipelines { nodes: Vec::new(), chains: vec![Vec::new()] }
    }

    /// The node at the end of a pipeline.
    pub fn add(&mut self, names: &[&'static str], settings: &Settings, place: &Place) -> Result<u32> {
        let mut at = 0;
        for name in names.iter().filter(|name| **name != "none") {
            let known = transformation::ALL.iter().find(|known| known.name() == *name).ok_or_else(|| {
                Fault::new(&fault::UNKNOWN).object(format_args!("{}:{}", place.file, place.line)).found(name)
            })?;
            at = self.child(at, *known, settings);
        }
        Ok(at)
    }

    fn child(&mut self, parent: u32, kind: &'static dyn Transformation, settings: &Settings) -> u32 {
        let same = |node: &Node| node.parent == parent && node.name() == kind.name();
        if let Some(found) = self.nodes.iter().position(same) {
            return found as u32 + 1;
        }
        let triggers = transformation::triggers(kind.name()).map_or([u64::MAX; 4], |set| packed(&set));
        let mut all_triggers = triggers;
        if parent != 0 {
            let before = self.node(parent).all_triggers;
            all_triggers.iter_mut().zip(before).for_each(|(all, before)| *all |= before);
        }
        let folds = matches!(kind.name(), "lowercase" | "uppercase");
        self.nodes.push(Node { parent, kind, configured: kind.configured(settings), triggers, all_triggers, folds });
        let node = self.nodes.len() as u32;
        let mut chain = self.chains[parent as usize].clone();
        chain.push(node);
        self.chains.push(chain);
        node
    }

    /// A node other than 0.
    pub fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize - 1]
    }

    /// All nodes from the first to this one; empty for node 0.
    pub fn chain(&self, node: u32) -> &[u32] {
        &self.chains[node as usize]
    }

    /// Nodes, node 0 included.
    pub fn len(&self) -> usize {
        self.chains.len()
    }
}
