//! The model in memory: all nodes in one row, all leaves in another.

/// What a missing value is, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing is missing; not-a-number counts as 0.
    None,
    /// Zero and not-a-number are missing.
    Zero,
    /// Not-a-number is missing.
    Nan,
}

/// One split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub threshold: f32,
    pub feature: u16,
    /// Next node of this tree when the value is at most the threshold; a leaf as its bitwise complement.
    pub left: i16,
    /// The same when it is above.
    pub right: i16,
    pub missing: Missing,
    /// Missing values go left.
    pub missing_left: bool,
}

/// Where a tree's nodes and leaves begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree {
    pub nodes: u32,
    pub leaves: u32,
    /// Whether it has a split at all.
    pub splits: bool,
}

/// A model: read once, shared by all threads.
#[derive(Debug, Clone)]
pub struct Forest {
    pub(crate) names: Vec<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) leaves: Vec<f32>,
    pub(crate) trees: Vec<Tree>,
    /// Slope of the logistic link; `None` when the score is the sum itself.
    pub(crate) sigmoid: Option<f64>,
}

/// Below this a value is zero to LightGBM (`kZeroThreshold`).
const ZERO: f32 = 1e-35;

impl Forest {
    /// Names of the features, in the order of a row.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Sum of the leaves the row falls into. Features that the row lacks count as not-a-number, those it has beyond the
    /// model's are not looked at.
    pub fn raw(&self, row: &[f32]) -> f64 {
        self.trees.iter().map(|tree| f64::from(self.leaf(tree, row))).sum()
    }

    /// The row's score: a probability for a binary objective, the sum itself for a regression.
    pub fn score(&self, row: &[f32]) -> f64 {
        let raw = self.raw(row);
        self.sigmoid.map_or(raw, |slope| 1.0 / (1.0 + (-slope * raw).exp()))
    }

    fn leaf(&self, tree: &Tree, row: &[f32]) -> f32 {
        let nodes = self.nodes.get(tree.nodes as usize..).unwrap_or_default();
        let mut at = if tree.splits { 0 } else { !0 };
        while let Ok(index) = usize::try_from(at) {
            let Some(node) = nodes.get(index) else { break };
            let value = row.get(usize::from(node.feature)).copied().unwrap_or(f32::NAN);
            at = if node.goes_left(value) { node.left } else { node.right };
        }
        self.leaves.get(tree.leaves as usize + usize::from((!at).cast_unsigned())).copied().unwrap_or(0.0)
    }
}

impl Node {
    fn goes_left(&self, value: f32) -> bool {
        match self.missing {
            Missing::None if value.is_nan() => 0.0 <= self.threshold,
            Missing::Zero if value.is_nan() || value.abs() <= ZERO => self.missing_left,
            Missing::Nan if value.is_nan() => self.missing_left,
            _ => value <= self.threshold,
        }
    }
}
