//! Watches what must not change: files against a baseline, and the host's views of itself against each other.
