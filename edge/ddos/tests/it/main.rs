//! Synthetic seconds played through the watches: when do they alarm, what do they call it, what do they do.

mod carpet;
mod model;
mod replay;
mod report;
mod scene;
mod timing;
