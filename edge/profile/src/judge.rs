//! A request held against a profile.

use crate::model::{Operation, Parameter, Path, Profile, Schema, Segment};
use crate::request::{Place, Request, known_name, media_type, segments};
use crate::value::{Characters, Kind};
use crate::violation::{Violation, ViolationKind};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Violations of one request that are told.
const TOLD: usize = 32;
/// Ways through the paths that are followed at once: a document with more parts that may be anything at one place is
/// followed in its order up to here.
const WAYS: usize = 64;
/// Parts of a path that are looked at; one with more has no path.
const SEGMENTS: usize = 64;

/// Paths by their parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    fixed: HashMap<String, usize>,
    /// Before, after, and where it leads; long affixes first.
    open: Vec<(String, String, usize)>,
    /// The path that ends here.
    path: Option<usize>,
}

impl Index {
    pub fn new(paths: &[Path]) -> Index {
        let mut nodes = vec![Node::default()];
        for (number, path) in paths.iter().enumerate() {
            let mut at = 0;
            for segment in &path.segments {
                let fresh = nodes.len();
                let next = match segment {
                    Segment::Fixed(text) => *nodes[at].fixed.entry(text.clone()).or_insert(fresh),
                    Segment::Parameter { before, after, .. } => {
                        let open = &mut nodes[at].open;
                        match open.iter().find(|(b, a, _)| b == before && a == after) {
                            Some((_, _, next)) => *next,
                            None => {
                                open.push((before.clone(), after.clone(), fresh));
                                open.sort_by_key(|(before, after, _)| std::cmp::Reverse(before.len() + after.len()));
                                fresh
                            }
                        }
                    }
                };
                if next == fresh {
                    nodes.push(Node::default());
                }
                at = next;
            }
            nodes[at].path.get_or_insert(number);
        }
        Index { nodes }
    }

    /// The path that fits best: fixed parts before open ones, from the left.
    fn find(&self, parts: &[impl AsRef<str>]) -> Option<usize> {
        let mut ways = vec![0];
        for part in parts {
            let part = part.as_ref();
            let mut next = Vec::new();
            for node in ways.iter().filter_map(|at| self.nodes.get(*at)) {
                next.extend(node.fixed.get(part));
                let fits = |(before, after, _): &&(String, String, usize)| {
                    part.len() > before.len() + after.len() && part.starts_with(before) && part.ends_with(after)
                };
                next.extend(node.open.iter().filter(fits).map(|(_, _, at)| *at));
            }
            next.truncate(WAYS);
            ways = next;
        }
        ways.iter().find_map(|at| self.nodes.get(*at)?.path)
    }
}

impl Profile {
    /// What of the request is not as the profile says; empty when all is. The answer is bounded.
    pub fn judge(&self, request: &Request) -> Vec<Violation> {
        let mut found = Vec::new();
        let parts = parts(request.path);
        let Some(path) = self.find(&parts) else {
            return if self.takes_unknown_paths() { found } else { vec![of(ViolationKind::Path)] };
        };
        for (segment, part) in path.segments.iter().zip(&parts) {
            if let Segment::Parameter { name, before, after, schema } = segment {
                let value = part.get(before.len()..part.len() - after.len()).unwrap_or_default();
                check(schema, (Place::Path, name), value.as_bytes(), &mut found);
            }
        }
        let method = String::from_utf8_lossy(request.method).to_ascii_uppercase();
        match path.operations.get(&method) {
            Some(operation) => operation.judge(request, &mut found),
            None => {
                let expected = path.operations.keys().cloned().collect::<Vec<_>>().join(" ");
                found.push(Violation { expected, ..of(ViolationKind::Method) });
            }
        }
        found.truncate(TOLD);
        found
    }

    /// The template of the path that a request is of, if there is one.
    pub fn template_of(&self, path: &[u8]) -> Option<String> {
        Some(self.find(&parts(path))?.template())
    }

    fn find(&self, parts: &[Cow<'_, str>]) -> Option<&Path> {
        let at = self.index().find(parts).filter(|_| parts.len() <= SEGMENTS)?;
        self.paths().get(at)
    }
}

/// The parts that are looked at, and one more where there are more.
fn parts(path: &[u8]) -> Vec<Cow<'_, str>> {
    segments(path).take(SEGMENTS + 1).collect()
}

impl Operation {
    fn judge(&self, request: &Request, found: &mut Vec<Violation>) {
        if !request.content_type.is_empty() && self.media_types_closed {
            let media_type = media_type(request.content_type);
            if !self.media_types.contains(&media_type) {
                let expected = self.media_types.iter().cloned().collect::<Vec<_>>().join(" ");
                found.push(Violation { expected, ..of(ViolationKind::MediaType) });
            }
        }
        let mut seen: BTreeMap<&(Place, String), u32> = BTreeMap::new();
        for (place, name, value) in request.parameters {
            if found.len() >= TOLD {
                return;
            }
            // A name too long to be kept is no known one.
            let key = known_name(*place, name).map(|name| (*place, name));
            match key.as_ref().and_then(|key| self.parameters.get_key_value(key)) {
                Some((key, parameter)) => {
                    check(&parameter.schema, (key.0, &key.1), value, found);
                    *seen.entry(key).or_default() += 1;
                }
                None if self.closed.contains(place) => {
                    let name = key.map_or_else(|| "…".to_string(), |(_, name)| name);
                    found.push(Violation { place: Some(*place), name, ..of(ViolationKind::Unknown) });
                }
                None => {}
            }
        }
        for (key, Parameter { required, schema }) in &self.parameters {
            let count = seen.get(key).copied().unwrap_or(0);
            let kind = match count {
                0 if *required => ViolationKind::Missing,
                // Below an array there may be many anyway.
                2.. if !schema.repeated && !key.1.contains("[]") => ViolationKind::Repeated,
                _ => continue,
            };
            found.push(Violation { place: Some(key.0), name: key.1.clone(), ..of(kind) });
        }
    }
}

fn of(kind: ViolationKind) -> Violation {
    Violation { kind, place: None, name: String::new(), expected: String::new(), found: String::new() }
}

/// Holds one value against its schema.
fn check(schema: &Schema, at: (Place, &str), value: &[u8], found: &mut Vec<Violation>) {
    if value.is_empty() && schema.empty {
        return;
    }
    let mut tell = |kind, expected: String, shape: String| {
        found.push(Violation { kind, place: Some(at.0), name: at.1.to_string(), expected, found: shape });
    };
    if !schema.kind.holds(value) {
        let (name, format) = schema.kind.names();
        let characters = Characters::of(value).words();
        tell(ViolationKind::Type, format.unwrap_or(name).to_string(), format!("{} bytes of {characters}", value.len()));
        return;
    }
    if !schema.values.is_empty() && !schema.values.iter().any(|known| known.as_bytes() == value) {
        tell(ViolationKind::Value, format!("one of {} values", schema.values.len()), format!("{} bytes", value.len()));
        return;
    }
    if value.len() < schema.min_length as usize {
        tell(ViolationKind::Short, format!("{} bytes", schema.min_length), format!("{} bytes", value.len()));
    }
    if let Some(most) = schema.max_length.filter(|most| value.len() > *most as usize) {
        tell(ViolationKind::Long, format!("{most} bytes"), format!("{} bytes", value.len()));
    }
    if matches!(schema.kind, Kind::Integer | Kind::Number) {
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
        let low = schema.minimum.filter(|least| number < *least).map(|least| format!("at least {least}"));
        let high = schema.maximum.filter(|most| number > *most).map(|most| format!("at most {most}"));
        if let Some(expected) = low.or(high) {
            tell(ViolationKind::Range, expected, String::new());
        }
    }
    if let Some(allowed) = schema.characters {
        let beyond = Characters::of(value).beyond(allowed);
        if beyond.0 != 0 {
            tell(ViolationKind::Characters, allowed.words(), beyond.words());
        }
    }
}
