//! The values of a STIX pattern that can be looked up.
//!
//! A pattern of alternatives gives each of them. Where several conditions must hold together, a value alone is less than
//! the pattern says: it is given as *partial* unless the others only name the same file again (its other hashes, its
//! name), and of a conjunction only the most specific values are given.

use super::pattern::{Comparison, Join, Literal, Observation, Operator, Path, Qualifier, Test};
use crate::Kind;

/// Most values taken of one pattern.
pub const ATOMS: usize = 10_000;

/// A value of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atom {
    /// Its kind.
    pub kind: Kind,
    /// Its text as written.
    pub text: String,
    /// Whether the pattern wants more than this value.
    pub partial: bool,
}

/// The values, at most [`ATOMS`], each once.
pub fn atoms(pattern: &Observation) -> Vec<Atom> {
    let mut found = Vec::new();
    observation(pattern, false, &mut found);
    let mut seen = std::collections::HashSet::new();
    found.retain(|atom| seen.insert((atom.kind, atom.text.clone())));
    found.truncate(ATOMS);
    found
}

fn observation(observation_: &Observation, partial: bool, found: &mut Vec<Atom>) {
    match observation_ {
        Observation::One(inner) => {
            let mut atoms = comparison(inner);
            atoms.iter_mut().for_each(|atom| atom.partial |= partial);
            found.append(&mut atoms);
        }
        Observation::Many(join, all) => {
            let together = partial || *join != Join::Or;
            all.iter().for_each(|one| observation(one, together, found));
        }
        Observation::Qualified(inner, qualifier) => {
            let more = matches!(qualifier, Qualifier::Repeats(times) if *times > 1);
            observation(inner, partial || more, found);
        }
    }
}

fn comparison(comparison_: &Comparison) -> Vec<Atom> {
    match comparison_ {
        Comparison::Test(test) => of_test(test),
        Comparison::Exists(_) => Vec::new(),
        Comparison::Many(Join::Or, all) => all.iter().flat_map(comparison).collect(),
        Comparison::Many(_, all) => conjunction(all),
    }
}

/// Of values that must hold together, the most specific ones.
fn conjunction(all: &[Comparison]) -> Vec<Atom> {
    if let Some(path) = joined_path(all) {
        return vec![Atom { kind: Kind::Path, text: path, partial: all.len() > 2 }];
    }
    let parts: Vec<Vec<Atom>> = all.iter().map(comparison).collect();
    let best = parts.iter().flatten().map(|atom| specific(atom.kind)).max().unwrap_or(0);
    // A file's other hashes and its name add nothing to one of its hashes; a port or a protocol adds something.
    let whole = best == HASH && all.iter().all(is_of_file);
    let mut kept: Vec<Atom> = parts.into_iter().flatten().filter(|atom| specific(atom.kind) == best).collect();
    kept.iter_mut().for_each(|atom| atom.partial |= !whole);
    kept
}

const HASH: u8 = 4;

fn specific(kind: Kind) -> u8 {
    match kind {
        Kind::Md5 | Kind::Sha1 | Kind::Sha256 => HASH,
        Kind::Url => 3,
        Kind::Path => 1,
        _ => 2,
    }
}

fn is_of_file(comparison: &Comparison) -> bool {
    match comparison {
        Comparison::Test(test) => test.path.object == "file" && !test.negated && test.operator != Operator::NotEqual,
        Comparison::Exists(path) => path.object == "file",
        Comparison::Many(_, all) => all.iter().all(is_of_file),
    }
}

/// `file:name` and the path of its directory make a whole path.
fn joined_path(all: &[Comparison]) -> Option<String> {
    let text = |wanted: &[&str]| {
        all.iter().find_map(|one| match one {
            Comparison::Test(test) if is_equality(test) && test.path.object == "file" && test.path.steps == wanted => {
                match test.values.as_slice() {
                    [Literal::Text(text)] => Some(text.as_str()),
                    _ => None,
                }
            }
            _ => None,
        })
    };
    if all.iter().any(
        |one| matches!(one, Comparison::Test(test) if test.path.steps.first().is_some_and(|step| step == "hashes")),
    ) {
        return None;
    }
    let (name, folder) = (text(&["name"])?, text(&["parent_directory_ref", "path"])?);
    let between = if folder.contains('\\') { '\\' } else { '/' };
    Some(format!("{}{between}{name}", folder.trim_end_matches(between)))
}

fn is_equality(test: &Test) -> bool {
    !test.negated && matches!(test.operator, Operator::Equal | Operator::In)
}

fn of_test(test: &Test) -> Vec<Atom> {
    let subset = !test.negated && test.operator == Operator::IsSubset;
    if !is_equality(test) && !subset {
        return Vec::new();
    }
    let texts = test.values.iter().filter_map(|value| match value {
        Literal::Text(text) | Literal::Binary(text) => Some(text),
        _ => None,
    });
    texts
        .filter_map(|text| kind(&test.path, text).map(|kind| Atom { kind, text: text.clone(), partial: false }))
        .collect()
}

/// The kind of a property's values.
fn kind(path: &Path, text: &str) -> Option<Kind> {
    let steps: Vec<&str> = path.steps.iter().map(String::as_str).collect();
    let address = if text.contains('/') { Kind::Cidr } else { Kind::Ip };
    Some(match (path.object.as_str(), steps.as_slice()) {
        ("ipv4-addr" | "ipv6-addr", ["value"]) => address,
        ("domain-name", ["value"]) => Kind::Domain,
        ("url", ["value"]) => Kind::Url,
        ("email-addr", ["value"]) => Kind::Email,
        ("email-message", ["from_ref" | "sender_ref", "value"] | ["to_refs" | "cc_refs" | "bcc_refs", _, "value"]) => {
            Kind::Email
        }
        ("network-traffic", ["src_ref" | "dst_ref", "value"]) => by_form(text)?,
        ("file" | "artifact", ["hashes", name]) => hash(name)?,
        ("process", ["binary_ref" | "image_ref", "hashes", name]) => hash(name)?,
        ("file", ["name"]) => Kind::Path,
        ("file", ["path"]) => Kind::Path,
        ("x-ja3-fingerprint", ["value"]) => Kind::Ja3,
        ("x-ja4-fingerprint", ["value"]) => Kind::Ja4,
        _ => return None,
    })
}

fn by_form(text: &str) -> Option<Kind> {
    let (kind, _) = crate::guess(text).ok()?;
    matches!(kind, Kind::Ip | Kind::Cidr | Kind::Domain).then_some(kind)
}

/// The kind of a hash by the name of its algorithm in any spelling.
pub(super) fn hash(name: &str) -> Option<Kind> {
    match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "md5" => Some(Kind::Md5),
        "sha1" => Some(Kind::Sha1),
        "sha256" => Some(Kind::Sha256),
        _ => None,
    }
}
