//! What is in a file: YARA rules, archives, packed programs, web shells. The engines behind the program
//! `garrison-scanner`; the agent never links this crate (docs/decisions/006).
//!
//! A file's bytes go to [`look::Looker`]; what comes back are findings ([`record::Scan`]). [`serve`] does that for the
//! agent over a socket, after [`confine`] gave up every right that looking does not need.
//!
//! What it is not: a judgement. A finding is an event; rules (`content/rules/scan`) judge it. It opens no file.
//!
//! Invariants
//! - Hostile bytes give findings, counts or faults, never a panic, in time linear in what is looked at.
//! - What comes out of an archive is bounded in bytes, members and depth; one that is made to explode is a finding.
//! - A bad rule is named and takes no other with it.
//! - The program looks with no right to open, connect, execute or change anything.

pub mod builtin;
pub mod engine;

pub mod archive;
pub mod elf;
pub mod entropy;
pub mod kind;
pub mod packer;
pub mod script;

pub mod finding;
pub mod look;

pub mod confine;
pub mod serve;
pub mod workload;
