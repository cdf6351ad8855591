//! Learning from requests that were answered well.

mod derive;
mod evidence;
mod shape;
mod tree;

use crate::fault::STORE;
use crate::model::Profile;
use crate::request::{Request, known_name, media_type, segments};
use base::{Fault, Micros, Result};
use evidence::Evidence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tree::Node;

pub use tree::Left;

/// Parameters of one request that are looked at.
const PARAMETERS: usize = 512;
/// Longest path and method that is learned from, bytes.
const PATH: usize = 2048;
const METHOD: usize = 24;

/// How much must be seen before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Requests.
    pub requests: u32,
    /// Distinct sources, at most 4.
    pub sources: u8,
}

impl Default for Need {
    fn default() -> Need {
        Need { requests: 20, sources: 3 }
    }
}

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// How much must be seen.
    pub need: Need,
    /// Places in the tree of paths.
    pub nodes: usize,
    /// Parts of one path.
    pub depth: usize,
    /// Parameters of one method of one path.
    pub parameters: usize,
    /// Parameters of the whole site; one costs about 1 kB.
    pub all_parameters: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { need: Need::default(), nodes: 8192, depth: 16, parameters: 128, all_parameters: 16_384 }
    }
}

/// What was seen of a site.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Learner {
    bounds: Bounds,
    root: Node,
    left: Left,
    /// Requests whose path found no room, or has too many parts.
    #[serde(default)]
    left_out: Evidence,
    /// Paths left out from which on room is made again.
    #[serde(default)]
    again_at: u64,
}

impl Learner {
    /// With bounds of its own.
    pub fn new(bounds: Bounds) -> Learner {
        Learner { bounds, ..Learner::default() }
    }

    /// One request and the status it was answered with; `now` in microseconds. Only what was answered with success or a
    /// redirect tells how the site is; leave out what looks like an attack.
    pub fn learn(&mut self, request: &Request, status: u16, now: Micros) {
        let good = (200..400).contains(&status) && request.path.len() <= PATH && request.method.len() <= METHOD;
        let parts: Vec<_> = segments(request.path).collect();
        if !good {
            return;
        }
        if parts.len() > self.bounds.depth {
            self.left.paths_left_out += 1;
            self.left_out.see(request.source);
            return;
        }
        if self.left.nodes + parts.len() > self.bounds.nodes {
            self.make_room();
        }
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        let node = self.root.walk(&parts, (request.source, now), &self.bounds, &mut self.left);
        let method = String::from_utf8_lossy(request.method).to_ascii_uppercase();
        let Some(node) = node else {
            self.left_out.see(request.source);
            return;
        };
        let seen = tree::operation(node, &method, &self.bounds.need, &mut self.left);
        let mut parameters: BTreeMap<_, Vec<&[u8]>> = BTreeMap::new();
        for (place, name, value) in request.parameters.iter().take(PARAMETERS) {
            match known_name(*place, name) {
                Some(name) => parameters.entry((*place, name)).or_default().push(value),
                None => self.left.parameters_left_out += 1,
            }
        }
        let media_type = (!request.content_type.is_empty()).then(|| media_type(request.content_type));
        seen.see(&parameters, media_type, request.source, &self.bounds, &mut self.left);
    }

    /// Lets go of paths that were last seen before a time and never often enough: what scanners leave behind.
    pub fn forget(&mut self, before: Micros) {
        self.root.forget(before, &self.bounds.need);
        self.recount();
    }

    /// Makes room for paths, so that who asks for inventions does not keep those of the site out: all that one source alone
    /// has shown goes when it is an eighth of what fits, else the older half of what is not proven. Looks at the whole tree,
    /// so once for as many paths as a sixteenth of what fits.
    fn make_room(&mut self) {
        let Bounds { need, nodes, .. } = self.bounds;
        if self.left.paths_left_out < self.again_at {
            return;
        }
        let mut by_source: BTreeMap<u32, usize> = BTreeMap::new();
        let (mut times, mut unproven) = (Vec::new(), 0);
        self.root.unproven(&need, &mut |node| {
            let size = node.size();
            unproven += size;
            times.push(node.last);
            if let Some(source) = node.seen.only_source() {
                *by_source.entry(source).or_default() += size;
            }
        });
        let most = by_source.into_iter().max_by_key(|(_, size)| *size);
        if let Some((source, _)) = most.filter(|(_, size)| *size >= nodes / 8) {
            self.root.prune(&need, &|node| node.seen.only_source() == Some(source));
        } else if unproven >= nodes / 8 {
            let middle = times.len() / 2;
            let (_, middle, _) = times.select_nth_unstable(middle);
            self.root.prune(&need, &|node| node.last <= *middle);
        }
        self.recount();
        self.again_at = self.left.paths_left_out + (nodes / 16) as u64;
    }

    fn recount(&mut self) {
        let Left { paths_left_out, parameters_left_out, .. } = self.left;
        self.left = Left { paths_left_out, parameters_left_out, ..Left::default() };
        self.root.count(&mut self.left);
        // The root is always there.
        self.left.nodes -= 1;
    }

    /// What is held, and what found no room.
    pub fn left(&self) -> Left {
        self.left
    }

    /// What the site is held to, as far as there is evidence.
    pub fn profile(&self) -> Profile {
        let need = &self.bounds.need;
        derive::profile(&self.root, need).with_unknown_paths(self.left_out.enough(need))
    }

    /// As bytes, to be kept over a restart.
    pub fn store(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From bytes of [`Learner::store`].
    ///
    /// # Errors
    /// When they are not.
    pub fn restore(bytes: &[u8]) -> Result<Learner> {
        serde_json::from_slice(bytes).map_err(|cause| Fault::new(&STORE).because(cause))
    }
}
