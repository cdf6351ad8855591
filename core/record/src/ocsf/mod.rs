//! Records as OCSF 1.8.0 JSON, the form at every outside edge.
