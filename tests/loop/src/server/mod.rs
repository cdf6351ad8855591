//! The server's wiring, the very files of `app/garrison` (a program, which cannot be imported).

#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/book.rs"]
pub mod book;
#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/control.rs"]
pub mod control;
#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/fault.rs"]
pub mod fault;
#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/hub.rs"]
pub mod hub;
#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/ingest.rs"]
pub mod ingest;
#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/memory.rs"]
pub mod memory;
#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/pipeline.rs"]
pub mod pipeline;
#[rustfmt::skip]
#[path = "../../../../app/garrison/src/server/witness.rs"]
pub mod witness;
