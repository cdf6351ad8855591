//! What the kernel says of itself: modules that were forced in, that are unsigned or from outside its tree
//! (Documentation/admin-guide/tainted-kernels.rst).

use super::{Check, Finding, read};
use base::Result;

/// See the module.
pub const CHECK: Check = Check { name: "kernel-taint", look };

const BITS: &[(u32, &str, u32)] = &[
    (1, "module loaded by force", 60),
    (3, "module removed by force", 60),
    (12, "module from outside the kernel's tree", 30),
    (13, "unsigned module", 40),
    (15, "kernel patched while it runs", 40),
];

fn look() -> Result<Vec<Finding>> {
    let bits = read("/proc/sys/kernel/tainted")?.trim().parse().unwrap_or(0);
    Ok(of(bits))
}

fn of(bits: u64) -> Vec<Finding> {
    let set = BITS.iter().filter(|(bit, ..)| bits & (1 << bit) != 0);
    let finding = |(bit, why, score): &(u32, &str, u32)| Finding {
        key: bit.to_string(),
        name: "kernel-tainted",
        score: *score,
        details: vec![("bit", bit.to_string()), ("why", why.to_string())],
        ..Finding::default()
    };
    set.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_about_modules_are_named_and_others_are_not() {
        // 9 is a warning of the kernel, 0 a proprietary licence.
        let found: Vec<_> = of(1 | 1 << 9 | 1 << 13 | 1 << 12).into_iter().map(|one| (one.key, one.score)).collect();
        assert_eq!(found, [("12".to_string(), 30), ("13".to_string(), 40)]);
    }
}
