//! Programs of BPF that are in the kernel, whoever loaded them (`BPF_PROG_GET_NEXT_ID`, bpf(2)).

use crate::fault::PROGRAMS;
use base::{Fault, Result};
use libbpf_rs::query::ProgInfoIter;

/// Most programs listed; more is a leak of someone's.
const MOST: usize = 10_000;

/// A program in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its number since the boot.
    pub id: u32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Its type in libbpf's words: `Kprobe`, `Tracing`, `Xdp`.
    pub kind: String,
    /// Hash of its instructions, hexadecimal.
    pub tag: String,
}

/// Every program.
///
/// # Errors
/// [`PROGRAMS`] when the kernel lists none: it takes `CAP_SYS_ADMIN` to ask.
pub fn programs() -> Result<Vec<Program>> {
    let tag = |bytes: [u8; 8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let program = |info: libbpf_rs::query::ProgramInfo| Program {
        id: info.id,
        name: info.name.to_string_lossy().into_owned(),
        kind: format!("{:?}", info.ty),
        tag: tag(info.tag.0),
    };
    let all: Vec<Program> = ProgInfoIter::default().take(MOST).map(program).collect();
    // Without the right to ask, and with nothing loaded, the kernel's answer is the same.
    if all.is_empty() { Err(Fault::new(&PROGRAMS).object("bpf(2)")) } else { Ok(all) }
}
