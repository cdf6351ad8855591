//! Paths as a tree, parts that vary put together.

use super::{Bounds, Need, evidence::Evidence, shape::Shape};
use crate::request::Place;
use crate::value::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Parts at one place of the tree beyond which those with little evidence are taken for one that varies.
const VARIED: usize = 32;
/// Parts at one place of the tree beyond which a further one is taken for one that varies.
const CROWDED: usize = 256;
/// Methods of one path.
const METHODS: usize = 12;
/// Media types of one method.
const MEDIA_TYPES: usize = 8;
/// Longest media type that is kept, bytes: names of RFC 6838 have at most 127, and nobody uses them.
const MEDIA_TYPE: usize = 127;

/// A place in the tree of paths.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Node {
    /// Parts that stand as they are.
    pub fixed: BTreeMap<String, Node>,
    /// The part that varies, and what is below it.
    pub varied: Option<Box<Varied>>,
    /// What was done with the path that ends here, by method.
    pub operations: BTreeMap<String, Seen>,
    /// Requests through here.
    pub seen: Evidence,
    /// When the last one came, microseconds.
    pub last: i64,
}

/// A part that varies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Varied {
    pub shape: Shape,
    pub node: Node,
}

/// One method of one path.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    pub requests: Evidence,
    #[serde(with = "pairs")]
    pub parameters: BTreeMap<(Place, String), Known>,
    pub media_types: BTreeMap<String, Evidence>,
    /// Places where a parameter found no room: they cannot be closed.
    pub crowded: Vec<Place>,
}

/// One parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Known {
    pub shape: Shape,
    /// Requests without it.
    pub absent: Evidence,
}

/// What is held and what found no room, over the whole tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Places in the tree of paths.
    pub nodes: usize,
    /// Parameters of all methods.
    pub parameters: usize,
    /// Paths that found no room.
    pub paths_left_out: u64,
    /// Parameters that found no room.
    pub parameters_left_out: u64,
}

impl Node {
    /// The node of a path, made if there is room.
    pub fn walk(&mut self, parts: &[&str], at: (u64, i64), bounds: &Bounds, left: &mut Left) -> Option<&mut Node> {
        self.seen.see(at.0);
        self.last = self.last.max(at.1);
        let Some((part, rest)) = parts.split_first() else { return Some(self) };
        let known = self.fixed.contains_key(*part);
        if !known && (is_id(part) || self.fixed.len() >= CROWDED) {
            let fresh = self.varied.is_none();
            if fresh && !left.room(bounds) {
                return None;
            }
            let varied =
                self.varied.get_or_insert_with(|| Box::new(Varied { shape: Shape::default(), node: Node::default() }));
            varied.shape.see(part.as_bytes(), at.0);
            return varied.node.walk(rest, at, bounds, left);
        }
        if !known {
            if !left.room(bounds) {
                return None;
            }
            self.fixed.insert((*part).to_string(), Node::default());
            if self.fixed.len() > VARIED {
                self.gather(&bounds.need, left);
                return self.below(part, rest, at, bounds, left);
            }
        }
        self.fixed.get_mut(*part)?.walk(rest, at, bounds, left)
    }

    /// The node of a part that is already there, after parts were put together.
    fn below(
        &mut self,
        part: &str,
        rest: &[&str],
        at: (u64, i64),
        bounds: &Bounds,
        left: &mut Left,
    ) -> Option<&mut Node> {
        match self.fixed.contains_key(part) {
            true => self.fixed.get_mut(part)?.walk(rest, at, bounds, left),
            false => self.varied.as_mut()?.node.walk(rest, at, bounds, left),
        }
    }

    /// Puts parts with little evidence together, if most have little.
    fn gather(&mut self, need: &Need, left: &mut Left) {
        let weak = |node: &Node| !node.seen.enough(need);
        let few = self.fixed.values().filter(|node| weak(node)).count();
        if few * 4 < self.fixed.len() * 3 {
            return;
        }
        let parts = std::mem::take(&mut self.fixed);
        let (gathered, kept): (BTreeMap<_, _>, _) = parts.into_iter().partition(|(_, node)| weak(node));
        self.fixed = kept;
        let before = self.size();
        let sizes: usize = gathered.values().map(Node::size).sum();
        let varied =
            self.varied.get_or_insert_with(|| Box::new(Varied { shape: Shape::default(), node: Node::default() }));
        for (part, node) in gathered {
            varied.shape.merge(&Shape::of(part.as_bytes(), &node.seen));
            varied.node.merge(node);
        }
        left.nodes = (left.nodes + self.size()).saturating_sub(before + sizes);
    }

    /// Nodes below and at this one.
    pub fn size(&self) -> usize {
        let varied = self.varied.as_ref().map_or(0, |varied| varied.node.size());
        1 + varied + self.fixed.values().map(Node::size).sum::<usize>()
    }

    fn merge(&mut self, other: Node) {
        self.seen.merge(&other.seen);
        self.last = self.last.max(other.last);
        for (part, node) in other.fixed {
            self.fixed.entry(part).or_default().merge(node);
        }
        if let Some(varied) = other.varied {
            match &mut self.varied {
                Some(mine) => {
                    mine.shape.merge(&varied.shape);
                    mine.node.merge(varied.node);
                }
                None => self.varied = Some(varied),
            }
        }
        for (method, seen) in other.operations {
            self.operations.entry(method).or_default().merge(seen);
        }
    }

    /// Lets go of what little was seen before a time.
    pub fn forget(&mut self, before: i64, need: &Need) {
        let keep = |node: &Node| node.last >= before || node.seen.enough(need);
        self.fixed.retain(|_, node| keep(node));
        if self.varied.as_ref().is_some_and(|varied| !keep(&varied.node)) {
            self.varied = None;
        }
        self.fixed.values_mut().for_each(|node| node.forget(before, need));
        if let Some(varied) = &mut self.varied {
            varied.node.forget(before, need);
        }
    }

    /// Visits each node below this one that nothing is proven of, the highest of each branch only.
    pub fn unproven(&self, need: &Need, visit: &mut impl FnMut(&Node)) {
        let below = self.fixed.values().chain(self.varied.as_ref().map(|varied| &varied.node));
        for node in below {
            match node.seen.shared(need) {
                true => node.unproven(need, visit),
                false => visit(node),
            }
        }
    }

    /// Lets go of the nodes below this one that nothing is proven of and that are `idle`.
    pub fn prune(&mut self, need: &Need, idle: &impl Fn(&Node) -> bool) {
        let keep = |node: &Node| node.seen.shared(need) || !idle(node);
        self.fixed.retain(|_, node| keep(node));
        if self.varied.as_ref().is_some_and(|varied| !keep(&varied.node)) {
            self.varied = None;
        }
        self.fixed.values_mut().for_each(|node| node.prune(need, idle));
        if let Some(varied) = &mut self.varied {
            varied.node.prune(need, idle);
        }
    }

    /// Counts nodes and parameters anew.
    pub fn count(&self, left: &mut Left) {
        left.nodes += 1;
        left.parameters += self.operations.values().map(|seen| seen.parameters.len()).sum::<usize>();
        self.fixed.values().for_each(|node| node.count(left));
        if let Some(varied) = &self.varied {
            varied.node.count(left);
        }
    }
}

impl Left {
    fn room(&mut self, bounds: &Bounds) -> bool {
        let room = self.nodes < bounds.nodes;
        if room {
            self.nodes += 1;
        } else {
            self.paths_left_out += 1;
        }
        room
    }
}

impl Seen {
    /// One request: parameters with their values, the media type of the body.
    pub fn see(
        &mut self,
        parameters: &BTreeMap<(Place, String), Vec<&[u8]>>,
        media_type: Option<String>,
        source: u64,
        bounds: &Bounds,
        left: &mut Left,
    ) {
        let before = self.requests;
        self.requests.see(source);
        for (key, values) in parameters {
            if !self.parameters.contains_key(key) {
                if self.parameters.len() >= bounds.parameters || left.parameters >= bounds.all_parameters {
                    left.parameters_left_out += 1;
                    if !self.crowded.contains(&key.0) {
                        self.crowded.push(key.0);
                    }
                    continue;
                }
                left.parameters += 1;
                self.parameters.insert(key.clone(), Known { shape: Shape::default(), absent: before });
            }
            if let Some(known) = self.parameters.get_mut(key) {
                values.iter().for_each(|value| known.shape.see(value, source));
                if values.len() > 1 {
                    known.shape.see_repeated(source);
                }
            }
        }
        let absent = self.parameters.iter_mut().filter(|(key, _)| !parameters.contains_key(key));
        absent.for_each(|(_, known)| known.absent.see(source));
        if let Some(media_type) = media_type.filter(|media_type| media_type.len() <= MEDIA_TYPE) {
            make_room(&mut self.media_types, &media_type, MEDIA_TYPES, |evidence| *evidence, &bounds.need);
            self.media_types.entry(media_type).or_default().see(source);
        }
    }

    fn merge(&mut self, other: Seen) {
        for (key, known) in &mut self.parameters {
            if !other.parameters.contains_key(key) {
                known.absent.merge(&other.requests);
            }
        }
        for (key, known) in other.parameters {
            match self.parameters.get_mut(&key) {
                Some(mine) => {
                    mine.shape.merge(&known.shape);
                    mine.absent.merge(&known.absent);
                }
                None => {
                    let mut absent = known.absent;
                    absent.merge(&self.requests);
                    self.parameters.insert(key, Known { absent, ..known });
                }
            }
        }
        for (media_type, evidence) in other.media_types {
            self.media_types.entry(media_type).or_default().merge(&evidence);
        }
        self.crowded
            .extend(other.crowded.into_iter().filter(|place| !self.crowded.contains(place)).collect::<Vec<_>>());
        self.requests.merge(&other.requests);
    }
}

/// The operation of a method.
pub(super) fn operation<'n>(node: &'n mut Node, method: &str, need: &Need, left: &mut Left) -> &'n mut Seen {
    if let Some(gone) = make_room(&mut node.operations, method, METHODS, |seen| seen.requests, need) {
        left.parameters = left.parameters.saturating_sub(gone.parameters.len());
    }
    node.operations.entry(method.to_string()).or_default()
}

/// Takes the entry with the least evidence out of a full map, so that who fills it with inventions keeps nothing real
/// out. When all are proven, the new one will be the least next time.
fn make_room<V>(
    map: &mut BTreeMap<String, V>,
    key: &str,
    most: usize,
    of: impl Fn(&V) -> Evidence,
    need: &Need,
) -> Option<V> {
    if map.len() < most || map.contains_key(key) {
        return None;
    }
    let least = map.iter().min_by_key(|(_, value)| (of(value).shared(need), of(value).count))?.0.clone();
    map.remove(&least)
}

/// Whether a part of a path looks like the id of something.
pub(super) fn is_id(part: &str) -> bool {
    let bytes = part.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hexadecimal = bytes.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let narrow = [Kind::Integer, Kind::Uuid, Kind::Date, Kind::Email].iter().any(|kind| kind.holds(bytes));
    let token = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    narrow
        || (hexadecimal && bytes.len() >= 12 && digits > 0)
        || (token && bytes.len() >= 20 && digits >= 3)
        || (digits * 2 > bytes.len() && bytes.len() >= 5)
}

/// Maps with keys of two parts, as lists: JSON has keys of text alone.
mod pairs {
    use super::{Known, Place};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer>(map: &BTreeMap<(Place, String), Known>, out: S) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(out)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(input: D) -> Result<BTreeMap<(Place, String), Known>, D::Error> {
        Ok(Vec::<((Place, String), Known)>::deserialize(input)?.into_iter().collect())
    }
}
