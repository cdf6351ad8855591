//! ATT&CK and galaxies as a graph: techniques, software, actors, campaigns, and who uses what.
//!
//! [`Graph`] is loaded from the STIX bundle of ATT&CK ([`Graph::from_stix`]), from its compact table
//! ([`Graph::from_compact`]) or from what [`Graph`] itself serialises to; MISP galaxies are merged into it
//! ([`Graph::merge_galaxy`]). [`Graph::attribute`] says who may be behind an alert, how sure that is, and why.

mod attribute;
mod compact;
mod galaxy;
mod graph;
mod stix;

pub use attribute::{Attribution, Evidence, Ranked, Reason};
pub use galaxy::Merged;
pub use graph::{Edge, Graph, Node, NodeKind, Relation, Technique};
