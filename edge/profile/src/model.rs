//! What a site is held to.

use crate::judge::Index;
use crate::request::{Place, encoded};
use crate::value::{Characters, Kind};
use std::collections::{BTreeMap, BTreeSet};

/// Paths of a site with what each takes. Made by a learner or read from OpenAPI.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    paths: Vec<Path>,
    index: Index,
    open: bool,
}

impl Profile {
    /// Of these paths; of two that look alike the first counts.
    pub fn new(paths: Vec<Path>) -> Profile {
        let index = Index::new(&paths);
        Profile { paths, index, open: false }
    }

    /// The same, but a path that it does not have is no violation: more were seen than could be kept.
    pub fn with_unknown_paths(self, open: bool) -> Profile {
        Profile { open, ..self }
    }

    /// Whether a path that it does not have is no violation.
    pub fn takes_unknown_paths(&self) -> bool {
        self.open
    }

    /// Its paths.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}

/// A path with parameters in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Its parts between slashes.
    pub segments: Vec<Segment>,
    /// What may be done with it, by method in upper case.
    pub operations: BTreeMap<String, Operation>,
}

impl Path {
    /// `/users/{id}`.
    pub fn template(&self) -> String {
        let part = |segment: &Segment| match segment {
            Segment::Fixed(text) => format!("/{}", encoded(text)),
            Segment::Parameter { name, before, after, .. } => {
                format!("/{}{{{name}}}{}", encoded(before), encoded(after))
            }
        };
        self.segments.iter().map(part).collect()
    }
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// As it stands.
    Fixed(String),
    /// A value.
    Parameter {
        /// Its name.
        name: String,
        /// What stands before it in the same part.
        before: String,
        /// What stands behind it in the same part.
        after: String,
        /// What it looks like.
        schema: Schema,
    },
}

/// One method of a path.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Operation {
    /// What it takes, by place and name.
    pub parameters: BTreeMap<(Place, String), Parameter>,
    /// Places where nothing else may stand.
    pub closed: BTreeSet<Place>,
    /// Media types of its body, lower case; none when it takes no body.
    pub media_types: BTreeSet<String>,
    /// Whether a body of an unknown media type, or any where none is known, is a violation.
    pub media_types_closed: bool,
    /// Requests it was learned from; none when it was read.
    pub learned: Option<u32>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameter {
    /// Whether it must be there.
    pub required: bool,
    /// What its values look like.
    pub schema: Schema,
}

/// What a value looks like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schema {
    /// Its kind.
    pub kind: Kind,
    /// Whether it may be nothing at all, whatever its kind.
    pub empty: bool,
    /// Whether there may be more than one.
    pub repeated: bool,
    /// Shortest, bytes.
    pub min_length: u32,
    /// Longest, bytes.
    pub max_length: Option<u32>,
    /// Smallest number.
    pub minimum: Option<f64>,
    /// Greatest number.
    pub maximum: Option<f64>,
    /// Which characters may be in it.
    pub characters: Option<Characters>,
    /// The only values it may have; empty when it may have any.
    pub values: BTreeSet<String>,
}
