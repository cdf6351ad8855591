//! The rules of `content/rules`, built in.

include!(concat!(env!("OUT_DIR"), "/rules.rs"));
