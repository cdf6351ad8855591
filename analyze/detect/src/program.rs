//! A rule as it runs: a graph over atoms (bits set by the shared matchers) and tests that run on demand.

use crate::view::Spot;
use pattern::{Expression, Glob, Place};
use sigma::modifier::{Order, TimePart};

/// A step of a program. Children are places in [`Program::nodes`], always below their parent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    True,
    False,
    All(Vec<u32>),
    Any(Vec<u32>),
    Not(u32),
    /// A bit, and the scan that sets it.
    Atom {
        scan: u32,
        atom: u32,
    },
    /// A test that runs on demand, by its place in [`Program::tests`].
    Test(u32),
}

/// A test that runs on demand.
#[derive(Debug)]
pub(crate) struct OnDemand {
    pub spot: Spot,
    pub how: How,
}

#[derive(Debug)]
pub(crate) enum How {
    Glob(Glob),
    Expression(Expression),
    Prefix(base::Prefix),
    Order { order: Order, number: f64, part: Option<TimePart> },
    Exists,
    Reference { other: Spot, place: Place, cased: bool },
}

impl How {
    /// What it costs, against 1 for looking at a bit.
    fn cost(&self) -> u32 {
        match self {
            How::Order { .. } | How::Exists | How::Prefix(_) => 2,
            How::Glob(_) => 10,
            How::Reference { .. } => 20,
            How::Expression(_) => 50,
        }
    }
}

/// A rule compiled for one bucket.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub nodes: Vec<Node>,
    /// Per node the rule's name of the field, by its place in the rule's list; for leaves only.
    pub labels: Vec<Option<u32>>,
    pub tests: Vec<OnDemand>,
    costs: Vec<u32>,
    pub root: u32,
}

impl Program {
    fn push(&mut self, node: Node, cost: u32) -> u32 {
        self.nodes.push(node);
        self.labels.push(None);
        self.costs.push(cost);
        self.nodes.len() as u32 - 1
    }

    /// A node that is always so.
    pub(crate) fn constant(&mut self, value: bool) -> u32 {
        self.push(if value { Node::True } else { Node::False }, 0)
    }

    /// A bit.
    pub(crate) fn atom(&mut self, scan: u32, atom: u32, label: u32) -> u32 {
        let node = self.push(Node::Atom { scan, atom }, 1);
        self.labels[node as usize] = Some(label);
        node
    }

    /// A test on demand.
    pub(crate) fn test(&mut self, spot: Spot, how: How, label: u32) -> u32 {
        let cost = how.cost();
        self.tests.push(OnDemand { spot, how });
        let node = self.push(Node::Test(self.tests.len() as u32 - 1), cost);
        self.labels[node as usize] = Some(label);
        node
    }

    /// The opposite.
    pub(crate) fn not(&mut self, child: u32) -> u32 {
        match self.nodes[child as usize] {
            Node::True => self.constant(false),
            Node::False => self.constant(true),
            _ => self.push(Node::Not(child), self.costs[child as usize]),
        }
    }

    /// All of them; cheap ones first.
    pub(crate) fn all(&mut self, children: Vec<u32>) -> u32 {
        self.join(children, true)
    }

    /// Any of them; cheap ones first.
    pub(crate) fn any(&mut self, children: Vec<u32>) -> u32 {
        self.join(children, false)
    }

    fn join(&mut self, mut children: Vec<u32>, all: bool) -> u32 {
        let (neutral, deciding) = if all { (Node::True, Node::False) } else { (Node::False, Node::True) };
        if children.iter().any(|child| self.nodes[*child as usize] == deciding) {
            return self.constant(!all);
        }
        children.retain(|child| self.nodes[*child as usize] != neutral);
        children.sort_by_key(|child| (self.costs[*child as usize], *child));
        children.dedup();
        match children[..] {
            [] => self.constant(all),
            [only] => only,
            _ => {
                let cost = children.iter().fold(0, |sum: u32, child| sum.saturating_add(self.costs[*child as usize]));
                self.push(if all { Node::All(children) } else { Node::Any(children) }, cost)
            }
        }
    }

    /// What judging one event may cost at most, a shared part counted as often as it is named.
    pub(crate) fn cost(&self) -> u32 {
        self.costs.get(self.root as usize).copied().unwrap_or(0)
    }

    /// Whether it can never hold, as far as constants tell.
    pub(crate) fn never(&self) -> bool {
        self.nodes.get(self.root as usize).is_none_or(|node| *node == Node::False)
    }

    /// The rarest set of atoms of which at least one is set whenever the program holds; `None` when there is no such
    /// set and the program must always run.
    pub(crate) fn witness(&self, rarity: &[f32]) -> Option<Vec<u32>> {
        self.witness_of(self.root, false, rarity).map(|(atoms, _)| atoms)
    }

    fn witness_of(&self, node: u32, negated: bool, rarity: &[f32]) -> Option<(Vec<u32>, f32)> {
        match (&self.nodes[node as usize], negated) {
            (Node::False, false) | (Node::True, true) => Some((Vec::new(), 0.0)),
            (Node::Atom { atom, .. }, false) => Some((vec![*atom], rarity[*atom as usize])),
            (Node::Not(child), _) => self.witness_of(*child, !negated, rarity),
            (Node::All(children), false) | (Node::Any(children), true) => children
                .iter()
                .filter_map(|child| self.witness_of(*child, negated, rarity))
                .min_by(|one, other| one.1.total_cmp(&other.1)),
            (Node::Any(children), false) | (Node::All(children), true) => {
                let mut union = (Vec::new(), 0.0);
                for child in children {
                    let (atoms, cost) = self.witness_of(*child, negated, rarity)?;
                    union.0.extend(atoms);
                    union.1 += cost;
                }
                union.0.sort_unstable();
                union.0.dedup();
                Some(union)
            }
            _ => None,
        }
    }
}
