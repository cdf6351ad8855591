//! How much a packet costs: each stage and the whole walk, and a dropped packet beside other filters.

mod beside;
mod clock;
mod peers;
mod reasons;
mod stages;

use kit::figures::Row;
use std::io;

/// Measures everything; the rows are printed and written by the caller. `quick` takes a tenth of the packets.
///
/// # Errors
/// What the kernel or a tool says.
pub fn run(quick: bool) -> io::Result<Vec<Row>> {
    let mut rows = stages::run(quick)?;
    rows.extend(beside::run(quick)?);
    Ok(rows)
}
