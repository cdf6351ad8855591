//! Trees as LightGBM grows them, evaluated: a text model becomes flat nodes, a row of features becomes a score.
//!
//! - [`Forest::read`]: the text that LightGBM's `save_model` writes; what a model does not need to be evaluated (gains,
//!   counts, parameters) may be left out.
//! - [`Forest::raw`]: the sum of the leaves that a row falls into; [`Forest::score`]: that as a probability for a model
//!   with a binary objective.
//!
//! What it is not: it trains nothing (`make train-waf` and its like do) and knows no feature's meaning. Of LightGBM's
//! forms it takes numerical splits with every way of treating missing values, one class, and the objectives `binary`,
//! `cross_entropy` and regressions without a link; categorical splits, linear trees and several classes are refused.
//!
//! Invariants
//! - A hostile model gives a fault when it is read; evaluating a read model never panics and takes at most as many steps
//!   a tree as the tree has nodes: a child always stands behind its parent.
//! - Scores equal those of Python's lightgbm within 1e-5 for rows of 32-bit floats: a threshold is rounded down to the
//!   next 32-bit float, which no 32-bit feature can tell from the original.
//!
//! ```
//! let text = "tree\nmax_feature_idx=1\nobjective=binary sigmoid:1\nfeature_names=a b\n\nTree=0\nnum_leaves=2\n\
//!             split_feature=1\nthreshold=0.5\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-1 1\n\nend of trees\n";
//! let forest = forest::Forest::read(text).unwrap();
//! assert_eq!(forest.raw(&[0.0, 0.7]), 1.0);
//! ```

mod evaluate;
pub mod fault;
mod read;

pub use evaluate::Forest;
