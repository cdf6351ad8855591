//! The packet filter: one XDP program, its maps, counters and samples, and the lease that ends it.
//!
//! What it is not: a judgement. What is to be dropped comes from outside (`ddos`, an operator) and ends by itself.
