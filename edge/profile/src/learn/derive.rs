//! From what was seen to what a site is held to.

use super::Need;
use super::tree::{Node, Seen};
use crate::model::{Operation, Parameter, Path, Profile, Segment};
use crate::request::{Place, body_place};
use std::collections::{BTreeMap, BTreeSet};

/// The profile of a tree of paths.
pub(super) fn profile(root: &Node, need: &Need) -> Profile {
    let mut paths = Vec::new();
    below(root, need, &mut Vec::new(), &mut paths);
    Profile::new(paths)
}

/// Paths below a node, in the order of the tree; depth is bounded by that of the tree.
fn below(node: &Node, need: &Need, way: &mut Vec<Segment>, paths: &mut Vec<Path>) {
    let good = node.operations.iter().filter(|(_, seen)| seen.requests.enough(need));
    let operations: BTreeMap<_, _> = good.map(|(method, seen)| (method.clone(), operation(seen, need))).collect();
    if !operations.is_empty() {
        paths.push(Path { segments: way.clone(), operations });
    }
    for (part, node) in &node.fixed {
        way.push(Segment::Fixed(part.clone()));
        below(node, need, way, paths);
        way.pop();
    }
    if let Some(varied) = &node.varied {
        way.push(Segment::Parameter {
            name: name(way),
            before: String::new(),
            after: String::new(),
            schema: varied.shape.schema(need),
        });
        below(&varied.node, need, way, paths);
        way.pop();
    }
}

/// A name for the part that varies: after what stands before it, unlike the others of the path.
fn name(way: &[Segment]) -> String {
    let last = way.iter().rev().find_map(|segment| match segment {
        Segment::Fixed(text) => Some(text),
        Segment::Parameter { .. } => None,
    });
    let word: String = last.map(|text| text.chars().filter(char::is_ascii_alphanumeric).collect()).unwrap_or_default();
    let base = if word.is_empty() { "id".to_string() } else { format!("{word}_id") };
    let taken =
        way.iter().filter(|segment| matches!(segment, Segment::Parameter { name, .. } if name.starts_with(&base)));
    match taken.count() {
        0 => base,
        count => format!("{base}_{}", count + 1),
    }
}

fn operation(seen: &Seen, need: &Need) -> Operation {
    let media_types = seen.media_types.iter().filter(|(_, evidence)| evidence.shared(need));
    let media_types: BTreeSet<_> = media_types.map(|(media_type, _)| media_type.clone()).collect();
    // What one kind of body must have, another does not.
    let in_body = |place: &Place| matches!(place, Place::Form | Place::Json);
    let mut kinds: BTreeSet<_> = media_types.iter().map(|media_type| body_place(media_type)).collect();
    kinds.extend(seen.parameters.keys().map(|(place, _)| *place).filter(in_body).map(Some));
    let needed = |place: &Place| kinds.len() < 2 || !in_body(place);
    let proven = seen.parameters.iter().filter(|(_, known)| known.shape.all().enough(need));
    let parameters = proven.map(|(key, known)| {
        let parameter =
            Parameter { required: !known.absent.shared(need) && needed(&key.0), schema: known.shape.schema(need) };
        (key.clone(), parameter)
    });
    let places = [Place::Query, Place::Form, Place::Json];
    Operation {
        parameters: parameters.collect(),
        closed: places.into_iter().filter(|place| !seen.crowded.contains(place)).collect(),
        media_types,
        media_types_closed: true,
        learned: Some(seen.requests.count),
    }
}
