//! Distributed denial of service, seen in counters and samples: is this destination attacked, by what, and how is it told from its users?
//!
//! What it is not: a packet filter. It reads what `scrub` counted and sampled; time (µs) comes from outside.
