//! garrison-agent
fn main() {}
