//! Where the packet filter is tried: frames, network namespaces, and a generator that is fast enough to hurt.
//!
//! What it is not: a part of the product. Everything here happens in namespaces and folders that it makes and removes.

pub mod bench;
pub mod frame;
pub mod generate;
pub mod kinds;
pub mod program;
pub mod scene;
pub mod windows;
