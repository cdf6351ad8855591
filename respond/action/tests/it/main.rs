//! The actions against the real kernel: only the test's own processes, files, mounts and network namespaces.

mod files;
mod gate;
mod network;
mod never;
mod processes;
mod scene;
