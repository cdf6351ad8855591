//! The rules of a web firewall from disk, and what they say of one request.
//!
//! - [`Source`], [`load`]: files and folders of rules (OWASP CRS, one's own) with the settings of a site become an engine.
//! - [`ask::Ask`]: the question as a command line has it.
//! - [`request::parse`]: a request as text, as people keep it in files.
//! - [`explain`]: which rules held of it, on which value after which transformations, and the score; [`page`] for people.
//!
//! What it is not: the language (`edge/seclang`), the engine (`edge/waf`) or the proxy (`edge/gateway`). The gateway and the
//! command line both use it, so that what is explained is what is enforced.
//!
//! Invariants
//! - A load gives an engine with every rule of every file, or every fault with file and line; never a part of the rules.
//! - Files are bounded in size; a folder is read in the order of names, not of the disk.

pub mod ask;
pub mod explain;
pub mod fault;
pub mod load;
pub mod page;
mod reader;
pub mod request;

pub use ask::Ask;
pub use explain::{Explained, explain};
pub use load::{Loaded, Source, load};
pub use reader::DiskReader;
