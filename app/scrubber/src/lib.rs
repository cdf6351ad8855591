//! The scrubber's controller: counters in, judgement each second, levels, signatures and diversions out, each as an order with a lease.
//!
//! What it is not: a filter, a detector or a speaker: `scrub`, `ddos`, `bgp` and `divert` are.
