//! garrison
fn main() {}
