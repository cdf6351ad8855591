//! An announce-only BGP speaker: blackholes (RTBH) and FlowSpec rules told to routers upstream, and taken back.
//!
//! What it is not: a router. It learns no route and forwards nothing.
