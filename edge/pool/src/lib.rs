//! The pool of protected addresses: who holds which, moved between holders; five million in memory.
//!
//! What it is not: a store. The server keeps what it says in its tables.
