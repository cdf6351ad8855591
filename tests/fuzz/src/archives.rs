//! Archives, programs and scripts.

use scanner::archive::{Allowance, members};
use scanner::{elf, entropy, kind, packer, script};

/// Unpacks, members of members too.
pub(crate) fn archive(bytes: &[u8]) {
    let mut allowance = Allowance::default();
    open(bytes, 0, &mut allowance);
}

fn open(bytes: &[u8], depth: u32, allowance: &mut Allowance) {
    elf::read(bytes, bytes.len() as u64);
    packer::look(bytes, bytes.len() as u64);
    members(kind::of(bytes), bytes, depth, allowance, &mut |_, member, allowance| open(member, depth + 1, allowance));
}

/// Looks for a web shell under each name that chooses a language.
pub(crate) fn script(bytes: &[u8]) {
    assert!((0.0..=8.0).contains(&entropy::entropy(bytes)), "bits a byte");
    for name in ["a.php", "a.jsp", "a.aspx", "a.py", "a.sh", "a"] {
        script::look(name, bytes);
    }
}
