//! `garrison-gateway`: in front of web services.

fn main() {}
