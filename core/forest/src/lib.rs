//! Trees as LightGBM grows them, evaluated: a text model becomes flat nodes, a row of features becomes a score.
//!
//! What it is not: it trains nothing (`make train-waf` and its like do) and knows no feature's meaning.
//!
//! Invariants
//! - A hostile model gives a fault when it is read; evaluating a read model never panics and ends after at most
//!   `depth` steps a tree.
