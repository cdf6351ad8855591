//! ATT&CK and galaxies as a graph: techniques, software, actors, campaigns.
