//! The actions against the real kernel: only the test's own processes, files, mounts and network namespaces.

#![allow(clippy::unwrap_used, reason = "tests")]

mod files;
mod gate;
mod network;
mod never;
mod own;
mod processes;
mod scene;
